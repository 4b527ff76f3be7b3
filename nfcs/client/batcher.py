"""Rows collected into batches and sent in the background, with a limit on what may be waiting."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nfcs.client.errors import ClientError, Refused

Row = Mapping[str, Any]
Send = Callable[[Sequence[Row], str], Any]


class Batcher:
    """Collects rows of one kind; sends a batch when it is full or old, and blocks `add` when too many wait.

    Use it in a `with` block, which ends when everything is stored. A batch keeps its Idempotency-Key over all
    attempts, so that it is stored once.

    Args:
        send: stores a batch under a key; raises `ClientError`, and answers what `rejected` rows it had.
        size: rows of a batch.
        age_s: how long a row waits for its batch to fill.
        waiting: batches that may wait to be sent; `add` waits while there are more.
        senders: batches sent at once.
        on_rejected: is given the row and what was wrong, for every row that was not stored; without it the first one
            is raised from `add` or `close`.
    """

    def __init__(
        self,
        send: Send,
        *,
        size: int = 5000,
        age_s: float = 1.0,
        waiting: int = 8,
        senders: int = 2,
        on_rejected: Callable[[Row, dict[str, Any]], None] | None = None,
    ) -> None:
        self._send, self._size, self._age_s, self._on_rejected = send, size, age_s, on_rejected
        self._rows: list[Row] = []
        self._begun_s = 0.0
        self._lock = threading.Lock()
        self._queue: queue.Queue[list[Row] | None] = queue.Queue(waiting)
        self._failure: Exception | None = None
        self._closed = threading.Event()
        self.stored = 0
        self._senders = [threading.Thread(target=self._run, daemon=True) for _ in range(senders)]
        self._clock = threading.Thread(target=self._watch_age, daemon=True)
        for thread in (*self._senders, self._clock):
            thread.start()

    def __enter__(self) -> Batcher:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, row: Row) -> None:
        """Take a row; waits while too many batches wait to be sent.

        Raises:
            ClientError: an earlier batch was refused, or not answered.
            ValueError: the collector is closed.
        """
        if self._closed.is_set():
            raise ValueError("the collector is closed")
        self._raise_failure()
        full = None
        with self._lock:
            if not self._rows:
                self._begun_s = time.monotonic()
            self._rows.append(row)
            if len(self._rows) >= self._size:
                full, self._rows = self._rows, []
        if full:
            self._queue.put(full)

    def flush(self) -> None:
        """Send what was taken, and wait until it is stored.

        Raises:
            ClientError: a batch was refused, or not answered.
        """
        self._hand_over()
        self._queue.join()
        self._raise_failure()

    def close(self) -> None:
        """Send what was taken, wait until it is stored, and take no more.

        Raises:
            ClientError: a batch was refused, or not answered.
        """
        if not self._closed.is_set():
            self._closed.set()
            self._hand_over()
            for _ in self._senders:
                self._queue.put(None)
            for thread in (*self._senders, self._clock):
                thread.join()
        self._raise_failure()

    def _hand_over(self) -> None:
        with self._lock:
            rows, self._rows = self._rows, []
        if rows:
            self._queue.put(rows)

    def _watch_age(self) -> None:
        while not self._closed.wait(min(self._age_s / 4, 0.25)):
            with self._lock:
                is_old = bool(self._rows) and time.monotonic() - self._begun_s >= self._age_s
            if is_old:
                self._hand_over()

    def _run(self) -> None:
        while (rows := self._queue.get()) is not None:
            try:
                self._store(rows)
            except Exception as error:  # noqa: BLE001 - it is raised where the rows come from
                self._failure = self._failure or error
            finally:
                self._queue.task_done()
        self._queue.task_done()

    def _store(self, rows: list[Row]) -> None:
        try:
            answer = self._send(rows, uuid.uuid4().hex)
        except Refused as error:
            # None of them was good.
            if self._on_rejected is None or not error.errors:
                raise
            rejected = [_locate(wrong) for wrong in error.errors]
        else:
            self.stored += answer.inserted
            rejected = answer.rejected
        if rejected and self._on_rejected is None:
            raise ClientError(f"{len(rejected)} rows were not stored; the first: {rejected[0]}")
        for wrong in rejected:
            if self._on_rejected is not None:
                self._on_rejected(rows[wrong["index"]], wrong)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure


def _locate(wrong: dict[str, Any]) -> dict[str, Any]:
    index, _, name = str(wrong["field"]).partition(".")
    return {**wrong, "index": int(index) if index.isdigit() else 0, "field": name}
