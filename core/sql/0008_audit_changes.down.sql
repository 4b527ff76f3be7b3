DROP FUNCTION nfcs_core.record_event_v1(text, text, text, text, jsonb);
DROP FUNCTION nfcs_core.audit_change_v2();
DROP FUNCTION nfcs_core.audit_payload_v1(jsonb, jsonb, jsonb);
DROP FUNCTION nfcs_core.shorten_audited_v1(jsonb);
DROP FUNCTION nfcs_core.audit_row_key_v1(oid, jsonb);
