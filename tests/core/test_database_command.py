"""`manage.py database`: a server of one's own is prepared, whoever its administrator is."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.db.embedded import EmbeddedServer
from core.db.prepare import APP_ROLE, OWNER_ROLE, SCHEMAS, PrepareError, prepare_database
from core.management.base import FindingsError, UsageError
from tests import server

EVERYTHING = [
    f"role {OWNER_ROLE}",
    f"password of {OWNER_ROLE}",
    f"role {APP_ROLE}",
    f"password of {APP_ROLE}",
    "database nfcs",
    "extension vector",
    *(f"schema {schema}" for schema in SCHEMAS),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of this module's own."""
    fresh = EmbeddedServer(tmp_path_factory.mktemp("cluster") / "pg", server.TEST_SERVER.version, {"fsync": "off"})
    fresh.ensure_running()
    yield fresh
    fresh.release()


@pytest.fixture
def fresh(cluster: EmbeddedServer) -> Iterator[str]:
    """The administrator's URL of a server without our roles and database."""
    url = cluster.url("postgres", "postgres")
    with psycopg.connect(url, autocommit=True) as admin:
        yield url
        admin.execute("DROP DATABASE IF EXISTS nfcs WITH (FORCE)")
        for role in (OWNER_ROLE, APP_ROLE, "admin"):
            if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.fixture
def passwords(tmp_path: Path) -> list[str]:
    for name in ("owner", "app"):
        (tmp_path / name).write_text(f"the {name}'s\n")
    return [f"--owner-password-file={tmp_path / 'owner'}", f"--app-password-file={tmp_path / 'app'}"]


def prepare(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    call_command("database", "prepare", "--json", *arguments)
    made: list[str] = json.loads(capsys.readouterr().out)["made"]
    return made


def test_everything_is_made_once(fresh: str, passwords: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(capsys, "--admin-url", fresh, *passwords) == EVERYTHING
    assert prepare(capsys, "--admin-url", fresh) == []
    with psycopg.connect(fresh, dbname="nfcs", autocommit=True) as admin:
        owners = admin.execute(
            "SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = ANY (%s)", [list(SCHEMAS)]
        ).fetchall()
        assert dict(owners) == dict.fromkeys(SCHEMAS, OWNER_ROLE)
        stored = admin.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [APP_ROLE]).fetchone()
        assert stored is not None
        assert stored[0].startswith("SCRAM-SHA-256$")


def wait_for_refusal(url: str, password: str) -> str:
    """Why the server refuses a password; new rules take a moment."""
    for _ in range(100):
        try:
            psycopg.connect(url, password=password).close()
        except psycopg.OperationalError as error:
            return str(error)
        time.sleep(0.05)
    return "not refused"


def test_the_passwords_are_those_in_the_files(cluster: EmbeddedServer, fresh: str, passwords: list[str]) -> None:
    call_command("database", "prepare", "--admin-url", fresh, *passwords, stdout=io.StringIO(), stderr=io.StringIO())
    rules = cluster.directory / "pg_hba.conf"
    before = rules.read_text()
    with psycopg.connect(fresh, autocommit=True) as admin:
        try:
            rules.write_text(f"local all {OWNER_ROLE},{APP_ROLE} scram-sha-256\n{before}")
            admin.execute("SELECT pg_reload_conf()")
            for role, password in ((OWNER_ROLE, "the owner's"), (APP_ROLE, "the app's")):
                assert "password authentication failed" in wait_for_refusal(cluster.url(role, "nfcs"), "another")
                psycopg.connect(cluster.url(role, "nfcs"), password=password).close()
        finally:
            rules.write_text(before)
            admin.execute("SELECT pg_reload_conf()")


def test_the_runtime_role_finds_the_schemas_and_makes_nothing_in_them(cluster: EmbeddedServer, fresh: str) -> None:
    prepare_database(fresh, database="nfcs")
    with psycopg.connect(cluster.url(APP_ROLE, "nfcs"), autocommit=True) as app:
        row = app.execute("SHOW search_path").fetchone()
        assert row == (f"public, {', '.join(SCHEMAS)}",)
        for schema in ("public", *SCHEMAS):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(f"CREATE TABLE {schema}.mine (id integer)")


def test_a_dry_run_makes_nothing(fresh: str, passwords: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert prepare(capsys, "--admin-url", fresh, "--dry-run", *passwords) == EVERYTHING
    assert prepare(capsys, "--admin-url", fresh, *passwords) == EVERYTHING
    with psycopg.connect(fresh, dbname="nfcs", autocommit=True) as admin:
        admin.execute("DROP SCHEMA cognitive")
    assert prepare(capsys, "--admin-url", fresh, "--dry-run") == ["schema cognitive"]
    assert prepare(capsys, "--admin-url", fresh) == ["schema cognitive"]


def test_an_administrator_who_is_no_superuser(cluster: EmbeddedServer, fresh: str) -> None:
    with psycopg.connect(fresh, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE admin LOGIN CREATEROLE CREATEDB")
    url = cluster.url("admin", "postgres")
    with pytest.raises(PrepareError, match="CREATE EXTENSION vector SCHEMA public in database nfcs"):
        prepare_database(url, database="nfcs")
    with psycopg.connect(fresh, dbname="nfcs") as superuser:
        superuser.execute("CREATE EXTENSION vector SCHEMA public")
    assert prepare_database(url, database="nfcs") == [f"schema {schema}" for schema in SCHEMAS]


def test_a_role_that_could_bypass_row_security_is_refused(fresh: str) -> None:
    with psycopg.connect(fresh, autocommit=True) as superuser:
        superuser.execute(f"CREATE ROLE {APP_ROLE} LOGIN BYPASSRLS")
    with pytest.raises(CommandError, match=f"Role {APP_ROLE} is there and is a superuser or bypasses row security"):
        call_command("database", "prepare", "--admin-url", fresh)


@pytest.mark.skipif(server.TEST_SERVER.version < 18, reason="extension_control_path came with PostgreSQL 18")
def test_a_server_without_pgvector_is_told_so(fresh: str) -> None:
    with pytest.raises(CommandError, match="has no extension vector: install pgvector"):
        call_command("database", "prepare", "--admin-url", f"{fresh}&options=-c%20extension_control_path%3D%2Fnowhere")


def test_secrets_come_from_the_environment_as_well(
    fresh: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "url").write_text(fresh)
    monkeypatch.setenv("NFCS_ADMIN_DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("NFCS_OWNER_PASSWORD", "the owner's")
    (tmp_path / "app").write_text("the app's")
    monkeypatch.setenv("NFCS_APP_PASSWORD_FILE", str(tmp_path / "app"))
    assert prepare(capsys, "--dry-run") == EVERYTHING


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ([], UsageError, "give --admin-url"),
        (["--admin-url=postgresql://postgres@localhost:1/postgres"], CommandError, "port 1 failed"),
        (["--admin-url=nonsense"], CommandError, "the server refused"),
        (["--admin-url=x", "--app-password-file=/nowhere"], CommandError, "cannot read /nowhere: No such file"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    arguments: list[str], error: type[CommandError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NFCS_ADMIN_DATABASE_URL", raising=False)
    with pytest.raises(error, match=words):
        call_command("database", "prepare", *arguments)


def test_the_urls_to_set_are_told(fresh: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("database", "prepare", "--admin-url", fresh)
    told = capsys.readouterr().err
    assert f"DATABASE_URL=postgresql://{APP_ROLE}@/nfcs?host=/" in told
    assert f"NFCS_OWNER_DATABASE_URL=postgresql://{OWNER_ROLE}@/nfcs?host=/" in told


@pytest.mark.django_db
def test_status_tells_versions_roles_extensions_and_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("database", "status", "--json")
    status = json.loads(capsys.readouterr().out)
    assert status["server_version_num"] // 10_000 == server.TEST_SERVER.version
    assert status["role"] == APP_ROLE
    assert status["bytes"] > 0
    assert {role["name"]: role["exists"] for role in status["roles"]} == {OWNER_ROLE: True, APP_ROLE: True}
    assert status["extensions"].keys() >= {"plpgsql", "vector"}
    tables = {schema["name"]: schema["tables"] for schema in status["schemas"]}
    assert list(tables) == list(SCHEMAS)
    assert tables["nfcs_core"] >= 8
    assert status["findings"] == []
    call_command("database", "status")
    assert f"PostgreSQL {server.TEST_SERVER.version}" in capsys.readouterr().out


@pytest.mark.django_db
def test_status_exits_with_3_when_something_is_amiss(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.db.status.OWNER_ROLE", "postgres")
    monkeypatch.setattr("core.db.status.APP_ROLE", "nobody")
    with pytest.raises(FindingsError) as error:
        call_command("database", "status", "--json")
    findings = ["role nobody is missing", "role postgres is not bound by row security"]
    assert str(error.value) == "\n".join(findings)
    assert json.loads(capsys.readouterr().out)["findings"] == findings
