DROP FUNCTION nfcs_core.create_weekly_partition(text, date);
