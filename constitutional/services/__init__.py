"""Every write to the constitutional tables, one subject a file."""
