"""The project: settings, URLs, the API root, the telemetry pipeline, the dashboard, start-up."""

__version__ = "0.2.0"
