"""A dump that was restored is no drift."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.db.catalogue import diff, read_catalogue
from core.db.programs import run_program
from core.db.scratch import scratch_database
from tests import server


def test_dump_and_restore_leave_the_same_catalogue(
    scratch: str, tmp_path: Path, django_db_blocker: pytest.FixtureRequest
) -> None:
    dump = tmp_path / "dump"
    run_program("pg_dump", "--format=custom", f"--file={dump}", url=server.admin_url(scratch))

    with django_db_blocker.unblock(), scratch_database(server.admin_url()) as restored:
        options = ("--clean", "--if-exists", "--exit-on-error", "--single-transaction")
        run_program("pg_restore", "--enable-row-security", *options, str(dump), url=server.admin_url(restored))
        differences = diff(read_catalogue(using=scratch), read_catalogue(using=restored))

    assert [str(difference) for difference in differences] == []
