"""Telemetry on its way in: typed rows from bytes, then one path for every producer."""
