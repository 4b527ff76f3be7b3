"""Archives of closed partitions: Parquet files under a checksummed manifest, and back.

Exact: an archive holds the wire image of every stored column, typed where Parquet has the type, and a hash of the rows
that does not depend on the format or the order they stand in.
"""
