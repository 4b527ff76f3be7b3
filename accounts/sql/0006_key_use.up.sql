-- What a counted request changes is one column of a short row; room on the page keeps its index out of it.
ALTER TABLE user_mgmt.rate_limits SET (fillfactor = 50);

ALTER TABLE user_mgmt.api_key_uses
    ADD CONSTRAINT api_key_uses_key_fk FOREIGN KEY (key_id) REFERENCES user_mgmt.api_keys (id) ON DELETE CASCADE;

ALTER TABLE user_mgmt.api_keys
    ADD CONSTRAINT api_keys_previous_ck CHECK (
        (previous_secret_hash IS NULL) = (previous_until IS NULL) AND (previous_secret_hash IS NULL) = (rotated_at IS NULL)
        AND octet_length(previous_secret_hash) = 32),
    ADD CONSTRAINT api_keys_grace_ck CHECK (previous_until BETWEEN rotated_at AND rotated_at + interval '1 day');

-- That a key was used is no change of the key.
DROP TRIGGER update_timestamp ON user_mgmt.api_keys;
CREATE TRIGGER update_timestamp BEFORE UPDATE ON user_mgmt.api_keys
    FOR EACH ROW WHEN (OLD.last_used_at IS NOT DISTINCT FROM NEW.last_used_at)
    EXECUTE FUNCTION nfcs_core.update_timestamp_v1();

-- A key is what it was made as: its owner, partner and prefix stay; its secret changes by rotation alone, which keeps
-- the one before; a revoked key stays revoked and is not rotated.
CREATE FUNCTION user_mgmt.guard_api_key_v2() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.owner_id, NEW.partner_id, NEW.prefix) IS DISTINCT FROM (OLD.owner_id, OLD.partner_id, OLD.prefix)
        OR (NEW.secret_hash, NEW.previous_secret_hash, NEW.rotated_at)
            IS DISTINCT FROM (OLD.secret_hash, OLD.previous_secret_hash, OLD.rotated_at)
        AND (NEW.secret_hash = OLD.secret_hash OR NEW.previous_secret_hash IS DISTINCT FROM OLD.secret_hash
             OR NEW.rotated_at IS NOT DISTINCT FROM OLD.rotated_at OR OLD.revoked_at IS NOT NULL)
        OR NEW.rotated_at IS NOT DISTINCT FROM OLD.rotated_at AND NEW.previous_until > OLD.previous_until
    THEN
        RAISE EXCEPTION 'owner, partner and secret of key % are fixed', OLD.prefix
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'api_keys_identity_fixed', TABLE = 'api_keys';
    END IF;
    IF OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
        RAISE EXCEPTION 'key % is revoked', OLD.prefix
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'api_keys_revoked_final', TABLE = 'api_keys';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION user_mgmt.guard_api_key_v2() IS
    'Trigger: owner, partner and prefix of a key are fixed, its secret changes by rotation, revocation is final.';
DROP TRIGGER api_keys_guard ON user_mgmt.api_keys;
CREATE TRIGGER api_keys_guard BEFORE UPDATE ON user_mgmt.api_keys
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.guard_api_key_v2();

-- The scopes of a partner's key lie in what is agreed with the partner when they are written; what is agreed later
-- bounds them at every use.
CREATE FUNCTION user_mgmt.guard_partner_key_v1() RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    agreed text[];
BEGIN
    SELECT p.allowed_scopes INTO agreed FROM user_mgmt.partner_configs p WHERE p.id = NEW.partner_id;
    IF NOT NEW.scopes::text[] <@ coalesce(agreed, '{}') THEN
        RAISE EXCEPTION 'the partner is not allowed all scopes of key %', NEW.prefix
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'api_keys_partner_scopes',
                  TABLE = 'api_keys', COLUMN = 'scopes';
    END IF;
    RETURN NEW;
END;
$$;
COMMENT ON FUNCTION user_mgmt.guard_partner_key_v1() IS
    'Trigger: the scopes of a partner''s key lie in the allowed scopes of the partner.';
REVOKE EXECUTE ON FUNCTION user_mgmt.guard_partner_key_v1() FROM PUBLIC;
CREATE TRIGGER api_keys_partner BEFORE INSERT OR UPDATE OF scopes ON user_mgmt.api_keys
    FOR EACH ROW WHEN (NEW.partner_id IS NOT NULL) EXECUTE FUNCTION user_mgmt.guard_partner_key_v1();

-- Changes of keys are audited; secrets and the time of use stay out.
SELECT nfcs_core.audit_rows_of_v1('user_mgmt.api_keys', '{*secret_hash, *previous_secret_hash, last_used_at}');

-- Who signs in is not known yet: this sees past row security, for one key exactly.
CREATE FUNCTION user_mgmt.find_api_key_v1(of_prefix text)
RETURNS TABLE (
    id bigint, name text, secret_hash bytea, previous_secret_hash bytea, previous_until timestamptz, scopes text[],
    allowed_networks text[], rate_limit_per_min integer, burst integer, expires_at timestamptz,
    revoked_at timestamptz, last_used_at timestamptz,
    owner_id integer, username text, email text, role text, is_active boolean, is_superuser boolean,
    partner_status text, partner_scopes text[], partner_classes text[], asked_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT k.id, k.name::text, k.secret_hash, k.previous_secret_hash, k.previous_until, k.scopes::text[],
           k.allowed_networks::text[], k.rate_limit_per_min, k.burst, k.expires_at, k.revoked_at, k.last_used_at,
           u.id, u.username::text, u.email::text, u.role::text, u.is_active, u.is_superuser,
           p.status::text, p.allowed_scopes::text[], p.data_classes::text[], statement_timestamp()
    FROM user_mgmt.api_keys k
    JOIN user_mgmt.users u ON u.id = k.owner_id
    LEFT JOIN user_mgmt.partner_configs p ON p.id = k.partner_id
    WHERE k.prefix = of_prefix;
END;
$$;
COMMENT ON FUNCTION user_mgmt.find_api_key_v1(text) IS
    'The key of that prefix with its owner and what is agreed with its partner: how a program signs in.';

-- What a key was used for the first time today from an address, or refused for a reason, is true; the time of last use
-- moves once a minute, and never waits for another request that moves it.
CREATE FUNCTION user_mgmt.note_key_use_v1(of_key bigint, from_address inet, what text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
BEGIN
    IF what = 'used' THEN
        UPDATE user_mgmt.api_keys SET last_used_at = clock_timestamp()
        WHERE id = (
            SELECT k.id FROM user_mgmt.api_keys k
            WHERE k.id = of_key AND (k.last_used_at IS NULL OR k.last_used_at < clock_timestamp() - interval '1 minute')
            FOR NO KEY UPDATE SKIP LOCKED);
    ELSIF 200 <= (
        SELECT count(*) FROM user_mgmt.api_key_uses s
        WHERE s.key_id = of_key AND s.day = today AND s.outcome <> 'used')
    THEN
        RETURN false;
    END IF;
    INSERT INTO user_mgmt.api_key_uses (key_id, day, address, outcome)
    SELECT k.id, today, from_address, what FROM user_mgmt.api_keys k WHERE k.id = of_key
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END;
$$;
COMMENT ON FUNCTION user_mgmt.note_key_use_v1(bigint, inet, text) IS
    'Notes that a key was used or refused; true where the day, address and outcome are new.';

-- A bucket of `burst` requests that fills again at `per_minute`. One row a subject, whose lock lasts as long as the
-- statement: call it in a transaction of its own. The clock is read once the row is held, so requests that come at once
-- are counted one after the other. A limit that was raised counts from now on.
CREATE FUNCTION user_mgmt.take_request_v1(of_subject text, per_minute integer, burst integer)
RETURNS TABLE (allowed boolean, remaining integer, full_in_us bigint, retry_in_us bigint)
LANGUAGE plpgsql SECURITY DEFINER ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Whole microseconds: nothing is won or lost by rounding.
    step_us bigint := ceil(60000000::numeric / per_minute);
    step interval := step_us * interval '1 microsecond';
    room interval := step_us * (burst - 1) * interval '1 microsecond';
    until timestamptz;
BEGIN
    -- A count need not outlive a crash, and the next request does not wait for the disk.
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE user_mgmt.rate_limits l SET full_at = greatest(l.full_at, clock_timestamp()) + step
    WHERE l.subject = of_subject AND l.full_at <= clock_timestamp() + room
    RETURNING l.full_at INTO until;
    allowed := FOUND;
    IF NOT allowed THEN
        SELECT l.full_at INTO until FROM user_mgmt.rate_limits l WHERE l.subject = of_subject;
        IF until IS NULL THEN
            INSERT INTO user_mgmt.rate_limits AS l (subject, full_at) VALUES (of_subject, clock_timestamp() + step)
            ON CONFLICT (subject) DO UPDATE SET full_at = greatest(l.full_at, clock_timestamp()) + step
            WHERE l.full_at <= clock_timestamp() + room
            RETURNING l.full_at INTO until;
            allowed := FOUND;
            until := coalesce(until, clock_timestamp() + room + step);
        ELSIF until > clock_timestamp() + room + step THEN
            until := clock_timestamp() + room + step;
            UPDATE user_mgmt.rate_limits l SET full_at = until
            WHERE l.subject = of_subject AND l.full_at > until;
        END IF;
    END IF;
    full_in_us := greatest(extract(epoch FROM until - clock_timestamp()) * 1000000, 0)::bigint;
    remaining := greatest((step_us * burst - full_in_us) / step_us, 0);
    retry_in_us := CASE WHEN allowed THEN 0 ELSE greatest(full_in_us - step_us * (burst - 1), 1) END;
    RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION user_mgmt.take_request_v1(text, integer, integer) IS
    'Takes one request from the allowance of a subject: whether it was there, how many are left, when all and when the next is there.';

CREATE FUNCTION user_mgmt.forget_rate_limits_v1() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    forgotten bigint;
BEGIN
    DELETE FROM user_mgmt.rate_limits l WHERE l.full_at < clock_timestamp();
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    DELETE FROM user_mgmt.api_key_uses s WHERE s.day < (clock_timestamp() AT TIME ZONE 'UTC')::date - 90;
    RETURN forgotten;
END;
$$;
COMMENT ON FUNCTION user_mgmt.forget_rate_limits_v1() IS
    'Removes spent allowances that are whole again, and uses of keys 90 days back; the number of allowances.';

-- Nobody but administrators sees where another's key is used, or who asks how often.
ALTER TABLE user_mgmt.api_key_uses ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON user_mgmt.api_key_uses FOR SELECT USING (
    (SELECT user_mgmt.administers_v1())
    OR key_id IN (SELECT k.id FROM user_mgmt.api_keys k WHERE k.owner_id = (SELECT user_mgmt.actor_v1())));
ALTER TABLE user_mgmt.rate_limits ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON user_mgmt.rate_limits FOR SELECT USING ((SELECT user_mgmt.administers_v1()));

REVOKE EXECUTE ON FUNCTION
    user_mgmt.find_api_key_v1(text),
    user_mgmt.note_key_use_v1(bigint, inet, text),
    user_mgmt.take_request_v1(text, integer, integer),
    user_mgmt.forget_rate_limits_v1()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    user_mgmt.find_api_key_v1(text),
    user_mgmt.note_key_use_v1(bigint, inet, text),
    user_mgmt.take_request_v1(text, integer, integer),
    user_mgmt.forget_rate_limits_v1()
    TO nfcs_app;
