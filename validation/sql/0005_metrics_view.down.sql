DROP VIEW validation.metrics;
