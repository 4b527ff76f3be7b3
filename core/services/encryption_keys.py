"""The keys of encrypted columns: made, rotated, taken off the ring."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from core.db.identity import SYSTEM, acting_as
from core.db.rekeying import Resealed, SealedRows, count_sealed_rows, lock_encrypted_tables, reseal_rows
from core.exceptions import Conflict, InvalidInput, NotFound
from core.key_ring import KEY_ID, KeyRing, get_key_ring, get_key_ring_file, make_key
from core.services.audit import record_event


def count_rows_by_key() -> list[SealedRows]:
    """How many rows each key seals, column by column."""
    with acting_as(SYSTEM):
        return count_sealed_rows()


def is_ring_writable() -> bool:
    """Whether the ring is a file; what stands in the environment is changed where that is set."""
    return not settings.ENCRYPTION_KEYS


def suggest_key_id(now: datetime) -> str:
    """An id for a key made now, such as `k20260101-3f2a`."""
    return f"k{now:%Y%m%d}-{secrets.token_hex(2)}"


def add_encryption_key(*, key_id: str) -> KeyRing:
    """Make a key that encrypts from now on; every process with the same file learns of it at its next secret.

    Raises:
        InvalidInput: this is no id of a key.
        Conflict: the id is taken, or the ring is no file.
        KeyRingError: the file cannot be read or written.
    """
    if not KEY_ID.fullmatch(key_id):
        raise InvalidInput.of("id", "1 to 32 of a-z, 0-9, '.', '_' and '-', the first a letter or digit.")
    _refuse_environment()
    file = get_key_ring_file()
    with file.change() as ring:
        if key_id in ring.keys:
            raise Conflict(f"There is a key {key_id} already.")
        changed = KeyRing({**make_key(key_id).keys, **ring.keys})
        file.replace(changed)
    with acting_as(SYSTEM):
        record_event(event="encryption_key.made", action="create", table_name="*", row_key=key_id)
    return changed


def rotate_rows() -> Iterator[Resealed]:
    """Seal every encrypted value with the first key of the ring, batch by batch; see `reseal_rows`.

    Raises:
        KeyRingError: the ring cannot be read.
    """
    ring = get_key_ring()
    sealed = broken = 0
    for batch in reseal_rows(ring):
        sealed += batch.sealed
        broken += len(batch.broken)
        yield batch
    if sealed or broken:
        with acting_as(SYSTEM):
            record_event(
                event="encryption_key.rotated",
                action="update",
                table_name="*",
                row_key=ring.primary,
                details={"rows": sealed, "broken": broken},
            )


def remove_encryption_key(*, key_id: str) -> KeyRing:
    """Take a key off the ring that seals nothing any more.

    Raises:
        NotFound: it is not on the ring.
        Conflict: it encrypts, or seals a row, or the ring is no file.
        KeyRingError: the file cannot be read or written.
    """
    _refuse_environment()
    file = get_key_ring_file()
    with file.change() as ring:
        if key_id not in ring.keys:
            raise NotFound(f"There is no key {key_id} on the ring.")
        if key_id == ring.primary:
            raise Conflict(f"The key {key_id} encrypts: make another one first.")
        with acting_as(SYSTEM):
            lock_encrypted_tables()
            used = [one for one in count_sealed_rows() if one.key_id == key_id]
            if used:
                raise Conflict(
                    f"The key {key_id} still seals rows of {', '.join(f'{one.column} ({one.rows})' for one in used)}."
                )
            record_event(event="encryption_key.removed", action="delete", table_name="*", row_key=key_id)
            changed = KeyRing({name: key for name, key in ring.keys.items() if name != key_id})
            file.replace(changed)
    return changed


def _refuse_environment() -> None:
    if not is_ring_writable():
        raise Conflict("The key ring stands in NFCS_ENCRYPTION_KEYS: change it there, and start every process again.")
