DROP TABLE nfcs_core.nfcs_fields;
