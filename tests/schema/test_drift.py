"""Every drift that is planted is found and named, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader

from core.db import drift
from core.db.after_migrate import checksum_migration
from core.db.catalogue import read_catalogue
from core.db.drift.findings import Finding
from core.db.drift.manifest import find_manifest_drift, reduce_catalogue, write_manifest
from core.db.drift.migrations import find_migration_drift, find_uncovered_models
from core.db.drift.models import find_table_drift, read_model_relations
from core.db.prepare import APP_ROLE
from core.db.sql import RunSQLFile
from core.exceptions import NotFound
from core.management.base import FindingsError
from core.models import Run
from tests.schema.conftest import ask, ensure, execute


@pytest.fixture(scope="module")
def manifest(scratch: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of the migrations as they are; whether the committed one is, `test_parity` asks."""
    path = tmp_path_factory.mktemp("manifest") / "manifest.json"
    write_manifest(reduce_catalogue(read_catalogue(using=scratch)), path)
    return path


@pytest.fixture(scope="module")
def find(scratch: str, manifest: Path) -> Callable[[], list[str]]:
    """What drift there is, as text; the tables of the models are made only once."""
    expected = read_model_relations(using=scratch)

    def find_drift() -> list[str]:
        findings: list[Finding] = [
            *find_migration_drift(using=scratch),
            *find_table_drift(using=scratch, expected=expected),
            *find_manifest_drift(using=scratch, path=manifest),
        ]
        return [str(finding) for finding in findings]

    return find_drift


def test_a_fresh_database_has_none(find: Callable[[], list[str]]) -> None:
    assert find() == []


PLANTED = {
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
        ["manifest: table user_mgmt.user_sessions, constraint user_sessions_user_id_43ce9642_fk_users_id: disabled"],
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
        "ALTER TABLE nfcs_core.runs ENABLE ROW LEVEL SECURITY",
        ["manifest: table nfcs_core.runs: row security should be absent, is 'on'"],
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


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_found_and_named(rolled_back: str, find: Callable[[], list[str]], planted: str) -> None:
    statement, expected = PLANTED[planted]
    execute(rolled_back, statement)
    found = find()
    assert len(found) == len(expected), found
    for text, beginning in zip(found, expected, strict=True):
        assert text.startswith(beginning)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.somebody_elses (id integer)",
        "ALTER TABLE public.django_session ADD planted integer",
        "UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = 'auth.0001_initial'",
        "SELECT create_monthly_partition('nfcs_fields', '2031-05-05')",
    ],
)
def test_what_is_none_of_the_projects_business_is_left_alone(
    rolled_back: str, find: Callable[[], list[str]], statement: str
) -> None:
    execute(rolled_back, statement)
    assert find() == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (f"GRANT SELECT ON planted TO {APP_ROLE}", f"grant to {APP_ROLE}: unexpected"),
        ("ALTER TABLE planted ALTER created_at DROP DEFAULT", "column created_at: default should be"),
        ("CREATE INDEX planted_idx ON planted (resolution)", "index planted_idx: unexpected"),
        ("ALTER TABLE planted DISABLE TRIGGER nfcs_fields_append_only", "trigger nfcs_fields_append_only: firing"),
        ("ALTER TABLE planted ADD CHECK (resolution > 5)", "constraint planted_resolution_check: unexpected"),
    ],
)
def test_a_partition_that_is_not_like_its_table(
    rolled_back: str, find: Callable[[], list[str]], statement: str, expected: str
) -> None:
    ensure(rolled_back, "planted", "2031-01-01T00:00:00Z", "2031-02-01T00:00:00Z", "nfcs_fields")
    execute(rolled_back, statement)
    (found,) = find()
    assert found.startswith(f"manifest: partition table nfcs_core.planted, {expected}")


def test_a_model_that_no_migration_covers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_uncovered_models() == []
    monkeypatch.setattr(Run._meta.get_field("name"), "max_length", 201)
    assert [str(finding) for finding in find_uncovered_models()] == [
        "models: core: no migration for: Alter field name on run"
    ]


def test_a_checksum_covers_the_sql_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loader = MigrationLoader(None)
    before = checksum_migration(loader, "core", "0001_initial")
    original = RunSQLFile.path

    def edited(operation: RunSQLFile, direction: str) -> Path:
        text = original(operation, direction).read_text()
        copy = tmp_path / f"{operation.slug}.{direction}.sql"
        copy.write_text(text + ("\n" if (operation.slug, direction) == ("0002_partitions", "down") else ""))
        return copy

    monkeypatch.setattr(RunSQLFile, "path", edited)
    assert checksum_migration(loader, "core", "0001_initial") != before


def test_it_works_as_the_runtime_role(rolled_back: str, manifest: Path) -> None:
    execute(rolled_back, "ALTER TABLE nfcs_core.runs DROP CONSTRAINT runs_times_ck")
    execute(rolled_back, f"SET LOCAL ROLE {APP_ROLE}")
    assert find_migration_drift(using=rolled_back) == []
    assert len(find_table_drift(using=rolled_back)) == 1
    assert len(find_manifest_drift(using=rolled_back, path=manifest)) == 1


def test_models_are_made_as_the_owner_where_the_runtime_role_may_make_no_tables(
    scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings, "owner", connections.settings[scratch])
    execute(scratch, f"REVOKE TEMPORARY ON DATABASE {scratch} FROM PUBLIC")
    mirrored = connections["owner"]
    del connections["owner"]
    try:
        with transaction.atomic(using=scratch):
            execute(scratch, f"SET LOCAL ROLE {APP_ROLE}")
            assert find_table_drift(using=scratch) == []
    finally:
        connections["owner"].close()
        connections["owner"] = mirrored
        execute(scratch, f"GRANT TEMPORARY ON DATABASE {scratch} TO PUBLIC")


def test_verifying_leaves_nothing_behind(scratch: str) -> None:
    before = read_catalogue(using=scratch)
    find_table_drift(using=scratch)
    assert read_catalogue(using=scratch) == before
    assert ask(scratch, "SELECT count(*) FROM pg_class WHERE relpersistence = 't'") == [(0,)]


def test_a_missing_manifest_is_named(scratch: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="schema manifest --write"):
        find_manifest_drift(using=scratch, path=tmp_path / "none.json")


@pytest.fixture
def _committed(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command with this module's manifest in place of the committed one."""
    monkeypatch.setattr(drift.manifest.load_manifest, "__defaults__", (manifest,))
    monkeypatch.setattr(drift.manifest.find_manifest_drift, "__kwdefaults__", {"using": "default", "path": manifest})


@pytest.mark.usefixtures("_committed")
def test_the_command_says_so_when_all_agree(rolled_back: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("schema", "verify", database=rolled_back)
    assert capsys.readouterr().out == "models, migrations and database agree\n"


@pytest.mark.usefixtures("_committed")
def test_the_command_lists_findings_and_exits_with_3(rolled_back: str, capsys: pytest.CaptureFixture[str]) -> None:
    execute(rolled_back, "CREATE INDEX planted_idx ON nfcs_core.runs (name)")
    with pytest.raises(FindingsError) as error:
        call_command("schema", "verify", "--json", database=rolled_back)
    assert error.value.returncode == 3
    assert json.loads(capsys.readouterr().out) == {
        "findings": [{"check": "manifest", "text": "table nfcs_core.runs, index planted_idx: unexpected"}]
    }
