DROP FUNCTION nfcs_core.list_changes_v1(bigint[], integer);
