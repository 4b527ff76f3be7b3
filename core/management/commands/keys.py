"""`manage.py keys`: the keys of encrypted columns."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.db.rekeying import SealedRows
from core.key_ring import KeyRingError, get_key_ring, make_key, write_key_ring
from core.management.base import FindingsError, NfcsCommand, UsageError, show_progress
from core.services.encryption_keys import (
    add_encryption_key,
    count_rows_by_key,
    is_ring_writable,
    remove_encryption_key,
    rotate_rows,
    suggest_key_id,
)


class Command(NfcsCommand):
    """Look at, make, rotate and remove the keys of encrypted columns."""

    help = "Keys of encrypted columns. (Keys with which programs sign in are API keys.)"

    def add_arguments(self, parser: CommandParser) -> None:
        """Four verbs."""
        verbs = self.add_verbs(parser)
        self.add_verb(verbs, self.status)
        new = self.add_verb(verbs, self.new, changes_data=True)
        new.add_argument("--id", dest="key_id", help="id of the key (default: made of the date)")
        new.add_argument(
            "--print",
            action="store_true",
            dest="prints",
            help="write the line id:base64 to standard output, for a ring kept elsewhere; the ring stays as it is",
        )
        rotate = self.add_verb(verbs, self.rotate, changes_data=True)
        rotate.add_argument("--no-new-key", action="store_true", help="seal with the first key that is on the ring")
        remove = self.add_verb(verbs, self.remove, changes_data=True)
        remove.add_argument("key_id", metavar="ID", help="the key")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb; a ring that cannot be read is a message."""
        try:
            super().handle(*args, **options)
        except KeyRingError as error:
            raise CommandError(str(error)) from error

    def status(self, **_: Any) -> None:
        """Count the rows that each key seals; exit code 3 where a key of theirs is not on the ring."""
        ring = get_key_ring()
        counted = count_rows_by_key()
        lost = [one for one in counted if one.key_id not in ring.keys]
        self.answer(
            {
                "encrypts": ring.primary,
                "keys": [{"id": key_id, "rows": _sum(counted, key_id)} for key_id in ring.keys],
                "columns": [{"column": one.column, "key": one.key_id, "rows": one.rows} for one in counted],
                "lost_rows": sum(one.rows for one in lost),
            },
            [
                *(
                    f"{key_id:<20} {_sum(counted, key_id):>8} rows{'   encrypts' if key_id == ring.primary else ''}"
                    for key_id in ring.keys
                ),
                *(f"  {one.column:<30} {one.key_id or 'not sealed':<20} {one.rows:>8} rows" for one in counted),
            ],
        )
        if lost:
            raise FindingsError(f"{sum(one.rows for one in lost)} rows were sealed by keys that are not on the ring")

    def new(self, *, key_id: str | None, prints: bool, dry_run: bool, **_: Any) -> None:
        """Make a key that encrypts from now on; what is sealed stays as it is until `rotate`."""
        key_id = key_id or suggest_key_id(timezone.now())
        if prints:
            line = write_key_ring(make_key(key_id)).strip()
            self.answer({"id": key_id, "line": line}, [line])
            return
        if dry_run:
            self.answer({"would_make": key_id}, [f"would make the key {key_id}"])
            return
        ring = add_encryption_key(key_id=key_id)
        self.answer({"made": key_id, "keys": list(ring.keys)}, [f"the key {key_id} encrypts from now on"])

    def rotate(self, *, no_new_key: bool, dry_run: bool, **_: Any) -> None:
        """Seal every value with a new key; go on where a rotation was cut off. May be cut off, and run beside writers.

        No key is made where rows are left that the first key does not seal: a rotation was cut off, or somebody made a
        key for this one.
        """
        ring = get_key_ring()
        counted = count_rows_by_key()
        left = sum(one.rows for one in counted if one.key_id != ring.primary)
        key_id = None if no_new_key or left else suggest_key_id(timezone.now())
        if key_id and not is_ring_writable():
            raise UsageError(
                "the key ring stands in NFCS_ENCRYPTION_KEYS: put a new key (keys new --print) first in it, start every"
                " process again, then rotate"
            )
        rows = left if key_id is None else sum(one.rows for one in counted)
        if dry_run:
            self.answer(
                {"would_make": key_id, "would_seal": rows},
                [*([f"would make the key {key_id[:9]}-...."] if key_id else []), f"would seal {rows} rows"],
            )
            return
        primary = add_encryption_key(key_id=key_id).primary if key_id else ring.primary
        sealed, broken = self._seal(rows)
        self.answer(
            {"key": primary, "made": key_id, "sealed": sealed, "broken": broken},
            [f"sealed {sealed} rows with the key {primary}", *broken],
        )
        if broken:
            raise FindingsError(f"{len(broken)} rows do not open and stay as they are")

    def remove(self, *, key_id: str, dry_run: bool, **_: Any) -> None:
        """Take a key off the ring that seals nothing any more; backups made before still need it."""
        if dry_run:
            used = _sum(count_rows_by_key(), key_id)
            self.answer(
                {"would_remove": None if used else key_id, "rows": used},
                [f"{key_id} still seals {used} rows" if used else f"would remove the key {key_id}"],
            )
            return
        ring = remove_encryption_key(key_id=key_id)
        self.answer({"removed": key_id, "keys": list(ring.keys)}, [f"removed the key {key_id}"])

    def _seal(self, rows: int) -> tuple[int, list[str]]:
        broken: list[str] = []
        sealed = 0

        def count() -> Any:
            for batch in rotate_rows():
                broken.extend(batch.broken)
                yield from range(batch.sealed)

        for _ in show_progress(count(), total=rows, label="rows", stream=sys.stderr):
            sealed += 1
        return sealed, broken


def _sum(counted: list[SealedRows], key_id: str) -> int:
    return sum(one.rows for one in counted if one.key_id == key_id)
