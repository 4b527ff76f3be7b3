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
from tests.schema.planted import PLANTED


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
