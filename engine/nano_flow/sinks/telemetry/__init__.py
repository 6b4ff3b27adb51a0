"""Events as spans (OpenTelemetry) and as metrics (Prometheus)."""
