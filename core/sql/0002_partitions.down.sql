DROP FUNCTION nfcs_core.list_partitions_v1(regclass);
DROP FUNCTION nfcs_core.create_monthly_partition(text, date);
DROP FUNCTION nfcs_core.ensure_partition_v1(regclass, text, timestamptz, timestamptz, integer);
DROP FUNCTION nfcs_core.move_default_rows_v1(regclass, name, regclass, timestamptz, timestamptz);
