"""Keys of encrypted columns: made, rotated under load and after a kill, removed only when nothing needs them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from core.db.encryption import Secret
from core.db.rekeying import count_sealed_rows, reseal_rows
from core.exceptions import Conflict, InvalidInput, NotFound
from core.key_ring import KeyRingFile, get_key_ring, make_key, write_key_ring
from core.management.base import FindingsError, UsageError
from core.models import AuditEntry, NamedSecret
from core.services.encryption_keys import add_encryption_key, remove_encryption_key, rotate_rows
from core.services.secrets import set_named_secret
from tests.factories.core import NamedSecretFactory

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def ring_file(settings, tmp_path: Path) -> Path:
    """A ring of this test's own."""
    settings.ENCRYPTION_KEYS, settings.DATA_DIR = "", tmp_path
    path = tmp_path / "encryption_keys"
    path.write_text(write_key_ring(make_key("first")))
    return path


def run(*arguments: str) -> dict:
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def keys_in_use() -> dict[str | None, int]:
    return {one.key_id: one.rows for one in count_sealed_rows() if one.column == "named_secrets.value"}


@pytest.mark.django_db
class TestCommand:
    def test_status_counts_rows(self) -> None:
        NamedSecretFactory.create_batch(3)
        status = run("keys", "status")
        assert status["encrypts"] == "first"
        assert status["keys"] == [{"id": "first", "rows": 3}]
        assert {"column": "named_secrets.value", "key": "first", "rows": 3} in status["columns"]

    def test_a_new_key_encrypts_from_then_on(self) -> None:
        NamedSecretFactory()
        assert run("keys", "new", "--id", "second") == {"made": "second", "keys": ["second", "first"]}
        NamedSecretFactory()
        assert keys_in_use() == {"first": 1, "second": 1}
        assert AuditEntry.objects.filter(row_key="second", table_name="*").exists()

    def test_a_key_may_be_printed_for_a_ring_elsewhere(self, ring_file: Path) -> None:
        line = run("keys", "new", "--print", "--id", "other")["line"]
        assert line.startswith("other:")
        assert "other" not in ring_file.read_text()

    def test_rotate_makes_a_key_and_seals_everything(self) -> None:
        rows = NamedSecretFactory.create_batch(3)
        would = run("keys", "rotate", "--dry-run")
        assert (would["would_seal"], keys_in_use()) == (3, {"first": 3})
        done = run("keys", "rotate")
        assert done["sealed"] == 3
        assert keys_in_use() == {done["made"]: 3}
        assert [NamedSecret.objects.get(pk=row.pk).value for row in rows] == [row.value for row in rows]

    def test_rotate_goes_on_with_the_key_that_is_there(self) -> None:
        NamedSecretFactory()
        run("keys", "new", "--id", "second")
        assert run("keys", "rotate") == {"key": "second", "made": None, "sealed": 1, "broken": []}
        assert run("keys", "rotate", "--no-new-key")["sealed"] == 0

    def test_remove_asks_whether_a_row_needs_the_key(self) -> None:
        NamedSecretFactory()
        with pytest.raises(CommandError, match="encrypts"):
            run("keys", "remove", "first")
        run("keys", "new", "--id", "second")
        with pytest.raises(CommandError, match=r"still seals rows of named_secrets\.value \(1\)"):
            run("keys", "remove", "first")
        run("keys", "rotate")
        assert run("keys", "remove", "first", "--dry-run") == {"would_remove": "first", "rows": 0}
        assert run("keys", "remove", "first") == {"removed": "first", "keys": ["second"]}
        with pytest.raises(CommandError, match="no key first"):
            run("keys", "remove", "first")

    def test_rows_of_a_lost_key_are_a_finding_and_stay(self, ring_file: Path) -> None:
        row = NamedSecretFactory()
        ring_file.unlink()
        run("keys", "new", "--id", "second")
        with pytest.raises(FindingsError, match="1 rows were sealed by keys"):
            run("keys", "status")
        NamedSecretFactory()
        with pytest.raises(FindingsError, match="1 rows do not open"):
            run("keys", "rotate")
        assert NamedSecret.objects.filter(pk=row.pk).exists()
        assert keys_in_use() == {"first": 1, "second": 1}

    def test_a_ring_of_the_environment_is_changed_there(self, settings, ring_file: Path) -> None:
        settings.ENCRYPTION_KEYS = ring_file.read_text()
        for action in (lambda: add_encryption_key(key_id="second"), lambda: remove_encryption_key(key_id="first")):
            with pytest.raises(Conflict, match="NFCS_ENCRYPTION_KEYS"):
                action()
        with pytest.raises(UsageError, match="keys new --print"):
            run("keys", "rotate")
        NamedSecretFactory()
        second = run("keys", "new", "--print", "--id", "second")["line"]
        settings.ENCRYPTION_KEYS = f"{second}\n{settings.ENCRYPTION_KEYS}"
        assert run("keys", "rotate")["sealed"] == 1

    def test_what_is_no_ring_is_a_message(self, ring_file: Path) -> None:
        ring_file.write_text("nonsense")
        with pytest.raises(CommandError, match="is not written id:base64"):
            run("keys", "status")

    @pytest.mark.parametrize("key_id", ["", "A", "x" * 33, "a:b", "a\n", "\u0661", "-a", "a b"])
    def test_bad_ids_are_refused(self, key_id: str) -> None:
        with pytest.raises(InvalidInput):
            add_encryption_key(key_id=key_id)
        with pytest.raises(NotFound):
            remove_encryption_key(key_id=key_id)

    def test_an_id_is_not_given_twice(self) -> None:
        with pytest.raises(Conflict, match="already"):
            add_encryption_key(key_id="first")


@pytest.mark.django_db(transaction=True)
class TestUnderLoad:
    ROWS = 40

    def write_while(self, action) -> dict[str, str]:  # type: ignore[no-untyped-def]
        """Change secrets in four threads until the action is done; what was written last, by name."""
        stop = threading.Event()
        written: dict[str, str] = {}
        failures: list[Exception] = []

        def write(number: int) -> None:
            try:
                turn = 0
                while not stop.is_set():
                    turn += 1
                    for index in range(number, self.ROWS, 4):
                        value = f"value {turn} of {index}"
                        set_named_secret(name=f"n{index}", value=Secret(value))
                        written[f"n{index}"] = value
            except Exception as failure:  # noqa: BLE001 - a thread's failure has to reach the test
                failures.append(failure)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for index in range(self.ROWS):
            set_named_secret(name=f"n{index}", value=Secret("first"))
        for thread in threads:
            thread.start()
        try:
            action()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert not failures
        return written

    def test_no_writers_value_is_lost(self) -> None:
        def rotate() -> None:
            for number in range(5):
                add_encryption_key(key_id=f"key-{number}")
                for batch in rotate_rows():
                    assert not batch.broken

        written = self.write_while(rotate)
        assert {row.name: row.value.reveal() for row in NamedSecret.objects.all() if row.name in written} == written
        assert keys_in_use() == {"key-4": self.ROWS}
        assert remove_encryption_key(key_id="first").primary == "key-4"

    def test_a_value_changed_since_it_was_read_is_left_to_its_writer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Somebody writes between the reading and the replacing of a row."""
        from core.db import rekeying

        set_named_secret(name="n", value=Secret("before"))
        reseal = rekeying._reseal_row

        def interrupt(*arguments):  # type: ignore[no-untyped-def]
            thread = threading.Thread(target=self.write_after)
            thread.start()
            thread.join()
            return reseal(*arguments)

        add_encryption_key(key_id="second")
        monkeypatch.setattr(rekeying, "_reseal_row", interrupt)
        batches = list(reseal_rows(get_key_ring()))
        assert sum(batch.sealed for batch in batches) == 0
        assert NamedSecret.objects.get().value.reveal() == "after"
        assert keys_in_use() == {"second": 1}

    @staticmethod
    def write_after() -> None:
        set_named_secret(name="n", value=Secret("after"))
        connections.close_all()

    def test_a_rotation_that_was_killed_goes_on(self, ring_file: Path) -> None:
        NamedSecret.objects.bulk_create([NamedSecret(name=f"n{number}", value=f"v{number}") for number in range(1000)])
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "NFCS_TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "NFCS_ENCRYPTION_KEYS": "",
            "NFCS_ENCRYPTION_KEYS_FILE": str(ring_file),
        }
        process = subprocess.Popen([sys.executable, "manage.py", "keys", "rotate"], cwd=ROOT, env=environment)
        while process.poll() is None and keys_in_use() == {"first": 1000}:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        used = keys_in_use()
        (made,) = used.keys() - {"first"}
        assert 0 < used[made] < 1000, "it was killed in the middle"
        done = run("keys", "rotate")
        assert (done["key"], done["made"], done["sealed"]) == (made, None, 1000 - used[made])
        assert keys_in_use() == {made: 1000}
        assert {row.value.reveal() for row in NamedSecret.objects.all()} == {f"v{number}" for number in range(1000)}


def test_every_reader_of_the_file_learns_of_a_rotation(ring_file: Path) -> None:
    other = KeyRingFile(ring_file, makes=False)
    assert other.read().primary == "first"
    with other.change() as ring:
        other.replace(type(ring)({"second": b"s" * 32, **ring.keys}))
    assert get_key_ring().primary == "second"
