"""Policies, violations and the monitor."""
