DROP TABLE validation.metric_samples;
DROP TABLE validation.metric_series;
