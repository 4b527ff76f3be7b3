"""Who serves requests is bound by row security, or nobody is served."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from django.core.checks import run_checks
from django.db import connection
from psycopg import sql

from core.db.prepare import OWNER_ROLE
from core.db.role_guard import list_role_problems
from tests import server

ROOT = Path(__file__).resolve().parents[2]
SERVE = {
    "gunicorn": ["-m", "gunicorn", "nfcs.wsgi", "--bind", "127.0.0.1:0", "--workers", "1"],
    "asgi": ["-c", "import nfcs.asgi"],
    "worker": ["manage.py", "procrastinate", "worker", "--one-shot"],
    "up": ["manage.py", "up", "--port", "0", "--no-simulation"],
}


@pytest.fixture(scope="module")
def roles() -> Iterator[dict[str, str]]:
    """Roles that may not serve, by what is wrong with each."""
    made = {
        "superuser": "SUPERUSER",
        "bypass row security": "BYPASSRLS",
        "member of nfcs_owner": f"IN ROLE {OWNER_ROLE}",
    }
    names = {words: f"guarded_{number}_{os.getpid()}" for number, words in enumerate(made)}
    with psycopg.connect(server.admin_url(), autocommit=True) as admin:
        for words, name in names.items():
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN " + made[words]).format(sql.Identifier(name)))
        yield names | {"owner of tables": OWNER_ROLE}
        for name in names.values():
            admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def serve(how: str, role: str, database: str, directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("NFCS_", "DJANGO_"))}
    url = server.TEST_SERVER.url(role, database)
    return subprocess.run(
        [sys.executable, *SERVE[how]],
        cwd=ROOT,
        env=environment | {"DATABASE_URL": url, "NFCS_DATA_DIR": str(directory), "NFCS_HTTPS": "false"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ("gunicorn", "superuser"),
        ("asgi", "bypass row security"),
        ("worker", "member of nfcs_owner"),
        ("up", "owner of tables"),
    ],
)
def test_no_process_serves_with_a_role_that_is_not_bound(
    how: str, fault: str, roles: dict[str, str], tmp_path: Path
) -> None:
    ended = serve(how, roles[fault], server.template_name(), tmp_path)
    assert ended.returncode != 0
    assert fault in ended.stdout + ended.stderr
    assert "Connect DATABASE_URL as nfcs_app" in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "fault", ["superuser", "bypass row security", "member of nfcs_owner, which is owner", "owner of tables"]
)
def test_every_power_is_named(fault: str, roles: dict[str, str]) -> None:
    role = next(name for words, name in roles.items() if fault.startswith(words))
    with psycopg.connect(server.TEST_SERVER.url(role, server.template_name())) as connected:
        problems = list_role_problems(SimpleNamespace(connection=connected, wrap_database_errors=nullcontext()))
    assert any(fault in problem for problem in problems)


def test_the_runtime_role_serves(tmp_path: Path) -> None:
    ended = serve("asgi", "nfcs_app", server.template_name(), tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_database_that_is_away_is_looked_at_when_it_answers(tmp_path: Path) -> None:
    ended = serve("asgi", "nfcs_app", "no_such_database", tmp_path)
    assert ended.returncode == 0
    assert "is looked at when the database answers" in ended.stderr


@pytest.mark.django_db
def test_a_role_that_is_taken_on_is_looked_at_as_well() -> None:
    # The suite connects as the owner of the tables and takes on the runtime role.
    assert list_role_problems(connection) == [f"The runtime role is {OWNER_ROLE}, which is owner of tables."]
    assert [message.id for message in run_checks(databases=["default"]) if message.id == "core.E001"] == ["core.E001"]
