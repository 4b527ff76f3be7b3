"""Ground floor: database tools, shared API and admin bases, and the substrate tables.

Tables: runs, nfcs_fields, system_config and its history, schema_migrations, reality_networks, reality_nodes,
reality_edges.
"""
