CREATE TRIGGER update_timestamp BEFORE UPDATE ON user_mgmt.users
    FOR EACH ROW EXECUTE FUNCTION nfcs_core.update_timestamp_v1();

-- A password column holds a hash, or the mark of an unusable password; never a clear text.
ALTER TABLE user_mgmt.users ADD CONSTRAINT users_password_hash_ck CHECK (password_hash ~ '^(!|argon2\$|\$2[aby]\$\d\d\$)');

-- The role column leads; membership in the four role groups follows, whoever changes it.
CREATE FUNCTION user_mgmt.follow_role_v1() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM user_mgmt.users_groups m USING public.auth_group g
    WHERE m.group_id = g.id AND m.user_id = NEW.id
      AND g.name IN ('admin', 'operator', 'user', 'readonly') AND g.name <> NEW.role;
    INSERT INTO public.auth_group (name) VALUES (NEW.role) ON CONFLICT (name) DO NOTHING;
    INSERT INTO user_mgmt.users_groups (user_id, group_id)
    SELECT NEW.id, g.id FROM public.auth_group g WHERE g.name = NEW.role
    ON CONFLICT (user_id, group_id) DO NOTHING;
    RETURN NULL;
END;
$$;
COMMENT ON FUNCTION user_mgmt.follow_role_v1() IS 'Trigger: puts a user into the group of its role and out of the other role groups.';
CREATE TRIGGER users_follow_role AFTER INSERT OR UPDATE OF role ON user_mgmt.users
    FOR EACH ROW EXECUTE FUNCTION user_mgmt.follow_role_v1();
