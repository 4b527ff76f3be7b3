"""Validation runs and system metrics."""
