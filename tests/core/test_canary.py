"""A planted secret is found nowhere outside its ciphertext: not in the server's files, a dump, logs, pages or answers.

The same search finds a text that was planted beside it in a plain column, wherever one may stand.
"""

from __future__ import annotations

import io
import json
import logging
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import create_api_key
from core.db.encryption import list_encrypted_columns
from core.models import AuditEntry, NamedSecret, Run
from tests import server
from tests.factories.accounts import AdminFactory
from tests.routes import list_routes

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Canary5Secret7d3b9a61e8"
AGENT = "Canary5Agent19e07fb3c4"
PASSWORD = "Canary5Password2f6c804b"
PLAIN = "Canary5Plain0a94e7d25c13"


def plant_named_secret(admin: Client, user: User) -> None:
    """As a person does it: in the admin."""
    answer = admin.post("/admin/core/namedsecret/add/", {"name": "hook", "value": SECRET})
    assert answer.status_code == 302


def plant_seed(admin: Client, user: User) -> None:
    apps.get_model("accounts", "SecondFactor").objects.create(user=user, seed=SECRET)


def plant_user_agent(admin: Client, user: User) -> None:
    apps.get_model("accounts", "UserSession").objects.create(
        user=user, jwt_token_hash="0" * 64, user_agent=AGENT, expires_at=timezone.now() + timedelta(days=1)
    )


PLANTERS: dict[str, Callable[[Client, User], None]] = {
    "named_secrets.value": plant_named_secret,
    "second_factors.seed": plant_seed,
    "user_sessions.user_agent": plant_user_agent,
}


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """What the application logs at the level DEBUG, statements included."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    loggers = [logging.getLogger(name) for name in (None, "django", "django.db.backends", "django.request")]
    levels = [logger.level for logger in loggers]
    loggers[0].addHandler(handler)
    connection.force_debug_cursor = True
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield out
    connection.force_debug_cursor = False
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    loggers[0].removeHandler(handler)


@pytest.fixture
def talkative() -> Iterator[Path]:
    """The log of a server that writes every statement down."""
    name = str(connection.settings_dict["NAME"])
    with psycopg.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")
        connection.close()
        yield server.TEST_SERVER.directory / "server.log"
        admin.execute(f'ALTER DATABASE "{name}" RESET log_statement')


@pytest.fixture
def planted(logs: io.StringIO, talkative: Path) -> tuple[Client, dict[str, str]]:
    """An administrator's client, and by name the secrets that are planted."""
    user = AdminFactory(username="ada")
    user.set_password(PASSWORD)
    user.save()
    admin = Client()
    assert admin.post("/admin/login/", {"username": "ada", "password": "wrong"}).status_code == 200
    assert admin.post("/admin/login/", {"username": "ada", "password": PASSWORD}).status_code == 302
    columns = {f"{model._meta.db_table}.{field.column}" for model, field in list_encrypted_columns()}
    assert columns <= PLANTERS.keys(), "an encrypted column in which no secret is planted"
    for column in columns:
        PLANTERS[column](admin, user)
    key, text = create_api_key(owner=user, name=PLAIN, scopes=["core.view_run"])
    Run.objects.create(name=PLAIN, started_at=timezone.now(), owner=user)
    return admin, {
        "encrypted": SECRET,
        "user agent": AGENT,
        "password": PASSWORD,
        "API key": text.removeprefix(f"nfcs_{key.prefix}_"),
    }


def read_cluster() -> Iterator[tuple[str, bytes]]:
    """The files of this database and of the whole server, once everything is on the disk."""
    directory = server.TEST_SERVER.directory
    with psycopg.connect(server.admin_url(), autocommit=True) as admin:
        admin.execute("CHECKPOINT")
        (oid,) = admin.execute(
            "SELECT oid FROM pg_database WHERE datname = %s", [connection.settings_dict["NAME"]]
        ).fetchone()  # type: ignore[misc]
        (segment,) = admin.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()  # type: ignore[misc]
    for folder in (f"base/{oid}", "global", "pg_stat", "pg_xact"):
        yield from ((str(path), path.read_bytes()) for path in (directory / folder).rglob("*") if path.is_file())
    yield "wal", (directory / "pg_wal" / segment).read_bytes()


def read_pages(admin: Client) -> Iterator[tuple[str, bytes]]:
    """Every list of the API and the admin, and the pages of what was planted."""
    addresses = [route.template for route in list_routes() if route.is_list and not route.has_id]
    addresses += [f"/api/v1/runs/{run.pk}/" for run in Run.objects.all()]
    addresses += [
        f"/admin/core/namedsecret/{row.pk}/{page}/"
        for row in NamedSecret.objects.all()
        for page in ("change", "history")
    ]
    addresses += [
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for model in apps.get_models()
        if model._meta.app_label in ("accounts", "core")
    ]
    for address in [*addresses, "/admin/", "/metrics"]:
        yield address, admin.get(address).content


def search(places: Iterator[tuple[str, bytes]], secrets: dict[str, str]) -> dict[str, set[str]]:
    """By name of a secret: the places that hold it, as text of one octet or two a letter, or as hexadecimal."""
    found: dict[str, set[str]] = {name: set() for name in secrets}
    for place, content in places:
        for name, text in secrets.items():
            if any(form in content for form in (text.encode(), text.encode().hex().encode(), text.encode("utf-16-le"))):
                found[name].add(place)
    return found


def test_it_is_nowhere_outside_its_ciphertext(
    planted: tuple[Client, dict[str, str]], logs: io.StringIO, talkative: Path
) -> None:
    admin, secrets = planted
    wanted = {**secrets, "plain": PLAIN}
    pages = search(read_pages(admin), wanted)
    # People tell a session by it: its list shows it, and no other page.
    assert pages.pop("user agent") <= {"/admin/accounts/usersession/", "/api/v1/auth/sessions/"}
    fixtures = io.StringIO()
    call_command("dumpdata", "core", "accounts", stdout=fixtures)
    dump = subprocess.run(
        [server.TEST_SERVER.bin_directory / "pg_dump", "-d", server.admin_url(str(connection.settings_dict["NAME"]))],
        capture_output=True,
        check=True,
    ).stdout
    sessions = json.dumps([row.get_decoded() for row in Session.objects.all()]).encode()
    assert b"_auth_user_id" in sessions
    rest = {
        "dump": dump,
        "fixtures": fixtures.getvalue().encode(),
        "application log": logs.getvalue().encode(),
        "server log": talkative.read_bytes(),
        "sessions": sessions,
        "audit": b"\n".join(bytes(entry.payload) for entry in AuditEntry.objects.all()),
    }
    found = search(read_cluster(), wanted), search(iter(rest.items()), wanted), pages

    assert [{name: places for name, places in one.items() if name != "plain" and places} for one in found] == [{}] * 3
    files, texts, seen = (one["plain"] for one in found)
    assert any("/base/" in place for place in files)
    assert "wal" in files
    assert texts == {"dump", "fixtures", "application log", "server log", "audit"}
    assert {"/api/v1/runs/", "/admin/core/run/"} <= seen
    assert NamedSecret.objects.get().value.reveal() == SECRET
