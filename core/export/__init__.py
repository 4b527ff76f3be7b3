"""Full exports: any number of rows in constant memory, as CSV, NDJSON, Parquet or Arrow, with count and checksum."""
