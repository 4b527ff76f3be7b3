"""Drifts to plant: by name, the statement and how each finding that follows begins, in the order of the checks."""

from __future__ import annotations

from core.db.prepare import APP_ROLE

PLANTED: dict[str, tuple[str, list[str]]] = {
    "comment of a column": (
        "COMMENT ON COLUMN nfcs_core.runs.name IS NULL",
        [
            "tables: nfcs_core.runs, column name: comment should be 'What people call the run.', is None",
            "manifest: table nfcs_core.runs, column name: comment should be 'What people call the run.', is absent",
        ],
    ),
    "comment of a table": (
        "COMMENT ON TABLE nfcs_core.reality_networks IS 'Something else.'",
        [
            "tables: nfcs_core.reality_networks, comment should be 'A coupling graph,",
            "manifest: table nfcs_core.reality_networks: comment should be 'A coupling graph,",
        ],
    ),
    "default": (
        "ALTER TABLE nfcs_core.system_config ALTER environment SET DEFAULT 'staging'",
        [
            "tables: nfcs_core.system_config, column environment: default should be",
            "manifest: table nfcs_core.system_config, column environment: default should be"
            " \"'production'::character varying\", is \"'staging'::character varying\"",
        ],
    ),
    "type": (
        "ALTER TABLE nfcs_core.runs ALTER code_version TYPE varchar(99)",
        [
            "tables: nfcs_core.runs, column code_version: type should be 'character varying(100)',"
            " is 'character varying(99)'",
            "manifest: table nfcs_core.runs, column code_version: type should be",
        ],
    ),
    "nullability": (
        "ALTER TABLE nfcs_core.runs ALTER name DROP NOT NULL",
        [
            "tables: nfcs_core.runs, column name: not null should be True, is None",
            "manifest: table nfcs_core.runs, column name: not null should be True, is absent",
        ],
    ),
    "identity": (
        "ALTER TABLE nfcs_core.runs ALTER id DROP IDENTITY",
        [
            "tables: nfcs_core.runs, column id: identity should be 'by default', is None",
            "manifest: sequence nfcs_core.runs_id_seq: missing",
            "manifest: table nfcs_core.runs, column id: identity should be",
        ],
    ),
    "column too many": (
        "ALTER TABLE nfcs_core.runs ADD planted integer",
        [
            "tables: nfcs_core.runs, column planted: unknown to the model",
            "manifest: table nfcs_core.runs, column planted: unexpected",
        ],
    ),
    "column too few": (
        "ALTER TABLE nfcs_core.runs DROP COLUMN seed",
        ["tables: nfcs_core.runs, column seed: missing", "manifest: table nfcs_core.runs, column seed: missing"],
    ),
    "storage": (
        "ALTER TABLE nfcs_core.nfcs_fields ALTER frame SET STORAGE EXTENDED",
        [
            "manifest: table nfcs_core.nfcs_fields, column frame: storage should be 'external', is absent",
            "manifest: table nfcs_core.nfcs_fields_default, column frame: storage should be",
        ],
    ),
    "index too many": (
        "CREATE INDEX planted_idx ON nfcs_core.runs (name)",
        ["manifest: table nfcs_core.runs, index planted_idx: unexpected"],
    ),
    "index too few": (
        "DROP INDEX nfcs_core.runs_open_idx",
        [
            "tables: nfcs_core.runs, index runs_open_idx: missing (USING btree (started_at) WHERE (ended_at IS NULL))",
            "manifest: table nfcs_core.runs, index runs_open_idx: missing",
        ],
    ),
    "index that differs": (
        "DROP INDEX nfcs_core.runs_open_idx; CREATE INDEX runs_open_idx ON nfcs_core.runs (started_at)",
        [
            "tables: nfcs_core.runs, index runs_open_idx: definition should be",
            "manifest: table nfcs_core.runs, index runs_open_idx: definition should be",
        ],
    ),
    "disabled trigger": (
        "ALTER TABLE nfcs_core.runs DISABLE TRIGGER runs_guard",
        ["manifest: table nfcs_core.runs, trigger runs_guard: firing should be absent, is 'disabled'"],
    ),
    "dropped trigger": (
        "DROP TRIGGER runs_guard ON nfcs_core.runs",
        ["manifest: table nfcs_core.runs, trigger runs_guard: missing"],
    ),
    "disabled foreign key": (
        "SET LOCAL ROLE postgres; ALTER TABLE user_mgmt.user_sessions DISABLE TRIGGER ALL; SET LOCAL ROLE nfcs_owner",
        [
            "manifest: table user_mgmt.user_sessions, constraint user_sessions_user_id_43ce9642_fk_users_id: disabled",
            "manifest: table user_mgmt.user_sessions, trigger audit_change: firing",
            "manifest: table user_mgmt.user_sessions, trigger audit_truncate: firing",
            "manifest: table user_mgmt.user_sessions, trigger user_sessions_guard: firing",
        ],
    ),
    "dropped constraint": (
        "ALTER TABLE nfcs_core.runs DROP CONSTRAINT runs_times_ck",
        [
            "tables: nfcs_core.runs, constraint runs_times_ck: missing (CHECK",
            "manifest: table nfcs_core.runs, constraint runs_times_ck: missing",
        ],
    ),
    "dropped constraint that no model knows": (
        "ALTER TABLE nfcs_core.runs DROP CONSTRAINT runs_frequencies_ck",
        ["manifest: table nfcs_core.runs, constraint runs_frequencies_ck: missing"],
    ),
    "weaker constraint": (
        "ALTER TABLE nfcs_core.runs DROP CONSTRAINT runs_times_ck, ADD CONSTRAINT runs_times_ck CHECK (true)",
        [
            "tables: nfcs_core.runs, constraint runs_times_ck: definition should be",
            "manifest: table nfcs_core.runs, constraint runs_times_ck: definition should be",
        ],
    ),
    "constraint that old rows may break": (
        "ALTER TABLE nfcs_core.runs DROP CONSTRAINT runs_parameters_ck, ADD CONSTRAINT runs_parameters_ck"
        " CHECK (jsonb_typeof(parameters) = 'object') NOT VALID",
        ["manifest: table nfcs_core.runs, constraint runs_parameters_ck: definition should be"],
    ),
    "function's body": (
        "CREATE OR REPLACE FUNCTION nfcs_core.current_actor_v1() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE"
        " AS 'SELECT 1'",
        ["manifest: function nfcs_core.current_actor_v1(): definition differs\n"],
    ),
    "function's attributes": (
        "ALTER FUNCTION nfcs_core.current_actor_v1() SECURITY DEFINER",
        ["manifest: function nfcs_core.current_actor_v1(): definition differs\n"],
    ),
    "function's grants": (
        "REVOKE EXECUTE ON FUNCTION nfcs_core.current_actor_v1() FROM PUBLIC",
        ["manifest: function nfcs_core.current_actor_v1(), grant to PUBLIC: missing"],
    ),
    "table too many": (
        "CREATE TABLE nfcs_core.planted (id integer)",
        ["manifest: table nfcs_core.planted: unexpected"],
    ),
    "table too few": (
        "DROP TABLE nfcs_core.system_config_history",
        [
            "tables: table nfcs_core.system_config_history: missing",
            "manifest: sequence nfcs_core.system_config_history_id_seq: missing",
            "manifest: table nfcs_core.system_config_history: missing",
        ],
    ),
    "view": (
        "ALTER VIEW validation.system_metrics SET (security_invoker = false)",
        ["manifest: table validation.system_metrics: options should be 'security_invoker=true'"],
    ),
    "sequence": (
        "ALTER SEQUENCE nfcs_core.runs_id_seq INCREMENT BY 2",
        ["manifest: sequence nfcs_core.runs_id_seq: definition should be"],
    ),
    "row security": (
        "ALTER TABLE nfcs_core.runs NO FORCE ROW LEVEL SECURITY",
        ["manifest: table nfcs_core.runs: row security should be 'forced', is 'on'"],
    ),
    "policy": (
        "CREATE POLICY planted ON nfcs_core.runs USING (true)",
        ["manifest: table nfcs_core.runs, policy planted: unexpected"],
    ),
    "rule": (
        "CREATE RULE planted AS ON DELETE TO nfcs_core.runs DO INSTEAD NOTHING",
        ["manifest: table nfcs_core.runs, rule planted: unexpected"],
    ),
    "grant on a leaf": (
        f"GRANT SELECT ON nfcs_core.nfcs_fields_default TO {APP_ROLE}",
        [f"manifest: table nfcs_core.nfcs_fields_default, grant to {APP_ROLE}: unexpected"],
    ),
    "grant too many": (
        f"GRANT TRUNCATE ON nfcs_core.runs TO {APP_ROLE}",
        [
            f"manifest: table nfcs_core.runs, grant to {APP_ROLE}: privileges should be"
            " 'DELETE, INSERT, SELECT, UPDATE', is 'DELETE, INSERT, SELECT, TRUNCATE, UPDATE'"
        ],
    ),
    "grant too few": (
        f"REVOKE UPDATE ON nfcs_core.runs FROM {APP_ROLE}",
        [f"manifest: table nfcs_core.runs, grant to {APP_ROLE}: privileges should be"],
    ),
    "grant on a column": (
        "GRANT SELECT (password_hash) ON user_mgmt.users TO PUBLIC",
        ["manifest: table user_mgmt.users, column password_hash, grant to PUBLIC: unexpected"],
    ),
    "owner": (
        f"SET LOCAL ROLE postgres; ALTER FUNCTION nfcs_core.current_actor_v1() OWNER TO {APP_ROLE};"
        "SET LOCAL ROLE nfcs_owner",
        ["manifest: function nfcs_core.current_actor_v1(): owner should be 'nfcs_owner', is 'nfcs_app'"],
    ),
    "default partition": (
        "DROP TABLE nfcs_core.nfcs_fields_default",
        ["manifest: table nfcs_core.nfcs_fields_default: missing"],
    ),
    "schema": (
        "GRANT CREATE ON SCHEMA nfcs_core TO PUBLIC",
        ["manifest: schema nfcs_core, grant to PUBLIC: unexpected"],
    ),
    "table of another package": (
        "DROP TABLE public.django_session",
        ["manifest: table public.django_session: missing"],
    ),
    "changed files": (
        "UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = 'core.0001_initial'",
        ["migrations: core.0001_initial: its files changed since it was applied"],
    ),
    "migration not applied": (
        "DELETE FROM django_migrations WHERE app = 'core' AND name = '0002_substrate'",
        [
            "migrations: core.0002_substrate is not applied",
            "migrations: core.0002_substrate is in schema_migrations, Django has not applied it",
        ],
    ),
    "migration without a file": (
        "INSERT INTO django_migrations (app, name, applied) VALUES ('core', '0000_planted', now())",
        [
            "migrations: core.0000_planted was applied, its file is gone",
            "migrations: core.0000_planted is missing in schema_migrations",
        ],
    ),
}
