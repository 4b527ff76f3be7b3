"""The exported files make the same database without Django."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from core.constants import SEED_FIXTURES
from core.db.catalogue import diff, read_catalogue
from core.db.drift.migrations import find_migration_drift
from core.db.partitions import ensure_partitions, list_partitioned_tables
from core.db.prepare import SCHEMAS
from core.db.programs import run_program
from core.db.scratch import scratch_database
from core.management.base import UsageError
from core.models import SystemConfig
from tests import server
from tests.schema.conftest import ask, execute

LOADED = ("schema.sql", "indexes.sql", "constraints.sql", "privileges.sql", "initial_data.sql")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Path:
    """A directory with the artefacts, as the command writes them."""
    directory = tmp_path_factory.mktemp("export") / "sql"
    options = {"admin_url": server.admin_url(), "template": server.template_name()}
    with django_db_blocker.unblock():
        call_command("schema", "export", directory, **options, stdout=io.StringIO())
    return directory


@pytest.fixture(scope="module")
def loaded(exported: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A database that psql made from the artefacts, the first of them as superuser."""
    with django_db_blocker.unblock(), scratch_database(server.admin_url()) as name:
        execute_files(name, exported / "database.sql", role="postgres", variables={"database": name})
        execute_files(name, *(exported / file for file in LOADED))
        yield name


def execute_files(
    database: str, *files: Path, role: str = server.OWNER, variables: dict[str, str] | None = None, options: str = ""
) -> str:
    settings = {"ON_ERROR_STOP": "1", **(variables or {})}
    arguments = [f"--variable={name}={value}" for name, value in settings.items()]
    arguments += [*options.split(), *(f"--file={file}" for file in files)]
    return run_program("psql", "--quiet", "--no-psqlrc", *arguments, url=server.TEST_SERVER.url(role, database))


def assert_same_catalogue(expected: str, found: str) -> None:
    differences = diff(read_catalogue(using=expected), read_catalogue(using=found))
    assert [str(difference) for difference in differences] == []


def test_the_directory_holds_what_the_seed_lists(exported: Path) -> None:
    files = {path.name for path in exported.iterdir()}
    assert files == {
        "README.md",
        "database.sql",
        "maintenance.sql",
        "monitoring.sql",
        "verify_schema.sql",
        "migrations",
        "rollbacks",
        *LOADED,
    }
    described = (exported / "README.md").read_text()
    assert [name for name in sorted(files) if name not in described] == ["README.md"]


def test_each_file_holds_its_own(exported: Path) -> None:
    text = {name: (exported / name).read_text() for name in LOADED}
    assert "CREATE INDEX" not in text["schema.sql"] + text["constraints.sql"]
    assert "CREATE TRIGGER" not in text["schema.sql"] + text["indexes.sql"]
    assert "FOREIGN KEY" not in text["schema.sql"] + text["indexes.sql"]
    assert "GRANT" not in text["schema.sql"] + text["indexes.sql"] + text["constraints.sql"]
    assert "\\restrict" not in "".join(text.values())


def test_loading_them_gives_the_same_catalogue(scratch: str, loaded: str) -> None:
    assert_same_catalogue(scratch, loaded)
    assert find_migration_drift(using=loaded) == []


def test_initial_data_are_the_fixtures_and_nobody(loaded: str) -> None:
    fixtures = [path for name in SEED_FIXTURES for path in server.ROOT.glob(f"*/fixtures/{name}.json")]
    assert len(fixtures) == len(SEED_FIXTURES)
    objects = [thing for path in fixtures for thing in json.loads(path.read_text())]
    for model, count in Counter(thing["model"] for thing in objects).items():
        assert (model, apps.get_model(model).objects.using(loaded).count()) == (model, count)
    configured = {
        thing["fields"]["config_key"]: thing["fields"]["config_value"]
        for thing in objects
        if thing["model"] == "core.systemconfig"
    }
    assert dict(SystemConfig.objects.using(loaded).values_list("config_key", "config_value")) == configured
    assert ask(loaded, "SELECT count(*) FROM users") == [(0,)]
    assert ask(loaded, "SELECT count(*) FROM user_sessions") == [(0,)]


def test_triggers_answer_again_and_sequences_go_on(loaded: str) -> None:
    changes = ask(loaded, "SELECT count(*) FROM system_config_history")[0][0]
    last = ask(loaded, "SELECT max(id) FROM system_config")[0][0]
    made = SystemConfig.objects.using(loaded).create(
        config_key="exported.key", config_value=1, config_type="integer", environment="test"
    )
    assert made.pk == last + 1
    assert ask(loaded, "SELECT count(*) FROM system_config_history") == [(changes + 1,)]


def test_migrations_make_it_and_rollbacks_take_it_back(
    scratch: str, exported: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    migrations, rollbacks = (sorted((exported / name).iterdir()) for name in ("migrations", "rollbacks"))
    assert {path.name for path in rollbacks} <= {path.name for path in migrations}
    with django_db_blocker.unblock(), scratch_database(server.admin_url()) as name:
        execute_files(name, *migrations, exported / "privileges.sql", exported / "initial_data.sql")
        assert_same_catalogue(scratch, name)
        execute_files(name, *reversed(rollbacks))
        bare = read_catalogue(using=name, schemas=SCHEMAS)
        assert {kind for kind, things in bare.items() if things} == {"schemas", "extensions"}


def test_maintenance_makes_the_partitions_that_the_command_makes(loaded: str, exported: Path) -> None:
    execute_files(loaded, exported / "maintenance.sql")
    ensured = ensure_partitions(now=datetime.now(UTC), using=loaded)
    assert [partition.name for partition in ensured if partition.made] == []
    assert {partition.table for partition in ensured} == set(list_partitioned_tables())
    execute_files(loaded, exported / "maintenance.sql")


def test_monitoring_tells_what_there_is(loaded: str, exported: Path) -> None:
    execute(
        loaded,
        "WITH run AS ("
        " INSERT INTO runs (run_uuid, name, kind, parameters, code_version, coupling_norm, defect_density_ref,"
        " ha_weights, started_at)"
        " VALUES (gen_random_uuid(), 'r', 'live', '{}', '', 'per_n', 0.0036, '{0.5,0.3,0.2}', now()) RETURNING id)"
        " INSERT INTO nfcs_fields (run_id, timestamp, field_data, resolution, ndim)"
        " SELECT id, '1999-05-05+00', '{}', 8, 2 FROM run",
    )
    output = execute_files(loaded, exported / "monitoring.sql", options="--csv")
    rows = [row for row in csv.reader(io.StringIO(output)) if row]
    sections = [row[0] for row in rows if len(row) == 1 or row[0].startswith(("Sizes", "Inserts"))]
    assert len(sections) >= 6
    assert ["nfcs_fields_default", "1"] in rows
    (size,) = [row for row in rows if row[:2] == ["nfcs_core", "nfcs_fields"] and len(row) == 5]
    assert int(size[3]) > 0
    (coverage,) = [row for row in rows if row[0] == "nfcs_fields" and len(row) == 4]
    assert int(coverage[3]) == int(size[4]) - 1
    assert [row for row in rows if row[0] == "nfcs_fields_default_timestamp_idx1" and len(row) == 5]


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty directory"):
        call_command("schema", "export", tmp_path)


def test_the_manifest_command_compares_and_writes(
    scratch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "schema_manifest.json"
    monkeypatch.setattr("core.db.drift.manifest.write_manifest.__defaults__", (path,))
    monkeypatch.setattr("core.db.drift.manifest.load_manifest.__defaults__", (path,))
    options = {"admin_url": server.admin_url(), "template": server.template_name()}
    call_command("schema", "manifest", "--write", **options)
    call_command("schema", "manifest", "--json", **options)
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1]) == {"differences": []}
    path.write_text(path.read_text().replace("What people call the run.", "What nobody calls the run."))
    with pytest.raises(Exception, match="manifest is out of date"):
        call_command("schema", "manifest", **options)
    assert "nfcs_core.runs, column name: comment should be" in capsys.readouterr().out


def test_a_scratch_database_leaves_nothing_behind(scratch: str) -> None:
    with scratch_database(server.admin_url()) as name:
        assert ask(name, "SELECT current_user::text") == [(server.OWNER,)]
    assert name not in connections.settings
    assert ask(scratch, "SELECT count(*) FROM pg_database WHERE datname = %s", name) == [(0,)]


def test_the_verification_finds_nothing_in_what_was_loaded(exported: Path, loaded: str) -> None:
    assert execute_files(loaded, exported / "verify_schema.sql", options="--tuples-only").strip() == ""


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("ALTER TABLE nfcs_core.runs DROP COLUMN code_version", "missing|column|nfcs_core.runs.code_version"),
        ("ALTER TABLE nfcs_core.runs ALTER code_version TYPE text", "differs|column|nfcs_core.runs.code_version"),
        ("ALTER TABLE nfcs_core.runs DROP CONSTRAINT runs_kind_ck", "missing|constraint|nfcs_core.runs.runs_kind_ck"),
        ("DROP INDEX nfcs_core.runs_open_idx", "missing|index|nfcs_core.runs.runs_open_idx"),
        ("CREATE INDEX extra ON nfcs_core.runs (name)", "unexpected|index|nfcs_core.runs.extra"),
        ("ALTER TABLE nfcs_core.runs DISABLE TRIGGER runs_guard", "differs|trigger|nfcs_core.runs.runs_guard"),
        ("CREATE TABLE nfcs_core.extra ()", "unexpected|table|nfcs_core.extra"),
        ("DROP VIEW validation.system_metrics CASCADE", "missing|view|validation.system_metrics"),
        (
            "CREATE OR REPLACE FUNCTION nfcs_core.current_actor_v1() RETURNS integer LANGUAGE sql STABLE AS 'SELECT 1'",
            "differs|function|nfcs_core.current_actor_v1()",
        ),
        ("CREATE POLICY extra ON nfcs_core.runs", "unexpected|policy|nfcs_core.runs.extra"),
    ],
)
def test_the_verification_names_a_planted_drift(
    exported: Path, loaded: str, tmp_path: Path, statement: str, finding: str
) -> None:
    planted = tmp_path / "planted.sql"
    verification = (exported / "verify_schema.sql").read_text()
    planted.write_text(f"BEGIN;\n{statement};\n{verification}\nROLLBACK;\n")
    lines = execute_files(loaded, planted, options="--tuples-only --no-align").splitlines()
    assert any(line.startswith(finding) for line in lines), lines
