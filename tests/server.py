"""The embedded server of the suite: one a machine, one migrated template database a state of the schema."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from core.db import embedded
from core.db.prepare import APP_ROLE, OWNER_ROLE, prepare_database

ROOT = Path(__file__).resolve().parents[1]
OWNER = OWNER_ROLE
_running = embedded.from_environment()
TEST_SERVER = embedded.EmbeddedServer(
    _running.directory.with_name(f"test-{_running.directory.name}"),
    _running.version,
    # Nothing here has to outlive a crash.
    {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_wal_size": "2GB",
        "max_connections": "200",
        "timezone": "UTC",
    },
)


def admin_url(database: str = "postgres") -> str:
    """The superuser's URL on the suite's server."""
    return TEST_SERVER.url("postgres", database)


@cache
def template_name() -> str:
    """The template database of the schema as the files describe it."""
    digest = hashlib.sha256()
    for path in sorted(
        [
            *ROOT.glob("*/migrations/*.py"),
            *ROOT.glob("*/sql/[0-9]*.sql"),
            *ROOT.glob("core/db/backend/*.py"),
            *(ROOT / "core" / "db" / name for name in ("after_migrate.py", "prepare.py", "sql.py")),
            ROOT / "requirements.lock",
        ]
    ):
        digest.update(path.name.encode() + path.read_bytes())
    return f"nfcs_template_{digest.hexdigest()[:16]}"


def start() -> None:
    """Start the server and make the template, unless they are there; forget the databases of dead runs."""
    TEST_SERVER.ensure_running()
    with (
        (TEST_SERVER.directory.parent / "test.lock").open("w") as lock,
        psycopg.connect(admin_url(), autocommit=True) as admin,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        names = {row[0] for row in admin.execute("SELECT datname FROM pg_database")}
        old = _list_old_templates(admin)
        for name in sorted(names):
            run = re.match(r"(?:test_nfcs|nfcs_scratch)_(\d+)", name)
            if (run and not psutil.pid_exists(int(run[1]))) or name in old:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        if template_name() not in names:
            make_template(admin)


def _list_old_templates(admin: psycopg.Connection) -> set[str]:
    """Templates of other states of the schema, a day after they were made."""
    rows = admin.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE 'nfcs_template_%%' AND datname <> %s AND"
        " (pg_stat_file('base/' || oid || '/PG_VERSION')).modification < now() - interval '1 day'",
        [template_name()],
    )
    return {row[0] for row in rows}


def make_template(admin: psycopg.Connection) -> None:
    """Migrate a fresh database and keep it under the template's name."""
    draft = "nfcs_template_draft"
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(draft)))
    prepare_database(admin_url(), database=draft)
    admin.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(OWNER_ROLE)))
    admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(APP_ROLE), sql.Identifier(OWNER_ROLE)))
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "NFCS_TEST_DATABASE": draft}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True, cwd=ROOT, env=environment)
    admin.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(template_name()))
    )
