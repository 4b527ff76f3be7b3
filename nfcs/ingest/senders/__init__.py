"""What other people's senders speak: InfluxDB's line protocol, OpenTelemetry's metrics."""
