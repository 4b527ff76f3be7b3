"""Every write to the core tables, one subject a file."""
