CREATE TRIGGER update_timestamp BEFORE UPDATE ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();
CREATE TRIGGER update_timestamp BEFORE UPDATE ON user_mgmt.partner_configs
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();

ALTER TABLE user_mgmt.api_keys
    ADD CONSTRAINT api_keys_prefix_ck CHECK (prefix ~ '^[a-z0-9]{8}$'),
    ADD CONSTRAINT api_keys_secret_hash_ck CHECK (octet_length(secret_hash) = 32),
    ADD CONSTRAINT api_keys_scopes_ck CHECK (array_position(scopes, NULL) IS NULL),
    -- Text that is no network fails in the cast.
    ADD CONSTRAINT api_keys_networks_ck CHECK (allowed_networks::cidr[] IS NOT NULL),
    ADD CONSTRAINT api_keys_expires_ck CHECK (expires_at > created_at);

-- The name of a secret looks like a name; what looks like a secret is refused.
ALTER TABLE user_mgmt.partner_configs
    ADD CONSTRAINT partner_configs_refs_ck CHECK (
        secret_ref ~ '^([a-z][a-z0-9_.-]{0,99})?$' AND webhook_key_ref ~ '^([a-z][a-z0-9_.-]{0,99})?$');

-- Every scope is a permission that exists.
CREATE FUNCTION user_mgmt.guard_scopes_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    wanted text[];
    unknown text;
BEGIN
    EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) USING NEW INTO wanted;
    SELECT scope INTO unknown
    FROM unnest(wanted) AS scope
    WHERE NOT EXISTS (
        SELECT FROM public.auth_permission p
        JOIN public.django_content_type t ON t.id = p.content_type_id
        WHERE t.app_label || '.' || p.codename = scope)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no permission %', unknown
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_scopes_known',
                  TABLE = TG_TABLE_NAME, COLUMN = TG_ARGV[0];
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION user_mgmt.guard_scopes_v1() IS
    'Trigger: every element of the column named by its argument is a permission, app_label.codename.';
CREATE TRIGGER api_keys_scopes BEFORE INSERT OR UPDATE OF scopes ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.guard_scopes_v1('scopes');
CREATE TRIGGER partner_configs_scopes BEFORE INSERT OR UPDATE OF allowed_scopes ON user_mgmt.partner_configs
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.guard_scopes_v1('allowed_scopes');

-- A key is what it was made as: its secret and owner stay, and a revoked key stays revoked.
CREATE FUNCTION user_mgmt.guard_api_key_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.owner_id, NEW.prefix, NEW.secret_hash) IS DISTINCT FROM (OLD.owner_id, OLD.prefix, OLD.secret_hash) THEN
        RAISE EXCEPTION 'owner and secret of key % are fixed', OLD.prefix
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'api_keys_identity_fixed', TABLE = 'api_keys';
    END IF;
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
        RAISE EXCEPTION 'key % is revoked', OLD.prefix
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'api_keys_revoked_final', TABLE = 'api_keys';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION user_mgmt.guard_api_key_v1() IS 'Trigger: identity of a key is fixed, revocation is final.';
CREATE TRIGGER api_keys_guard BEFORE UPDATE ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.guard_api_key_v1();

-- draft -> active -> suspended -> active; anything -> closed; closed is terminal.
CREATE FUNCTION user_mgmt.guard_partner_status_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND NOT (
        NEW.status = 'closed' AND OLD.status <> 'closed'
        OR (OLD.status, NEW.status) IN (('draft', 'active'), ('active', 'suspended'), ('suspended', 'active'))
    ) THEN
        RAISE EXCEPTION 'partner % does not go from % to %', OLD.partner, OLD.status, NEW.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'partner_configs_status_order',
                  TABLE = 'partner_configs';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION user_mgmt.guard_partner_status_v1() IS
    'Trigger: draft to active, active and suspended to each other, anything to closed.';
CREATE TRIGGER partner_configs_status BEFORE UPDATE OF status ON user_mgmt.partner_configs
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.guard_partner_status_v1();
