"""Why something is done: the note that triggers keep beside who and when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def noting(text: str) -> Iterator[None]:
    """Within an open transaction, let triggers record `text` with every change of a policy and step of a review."""
    _set_note(text)
    yield
    # After an error the rollback takes the note back.
    _set_note("")


def _set_note(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('nfcs.change_note', %s, true)", [text])
