"""The API as methods."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
from numpy.typing import ArrayLike

from nfcs.client.batcher import Batcher
from nfcs.client.samples import Samples
from nfcs.client.transport import Credentials, Transport

API = "/api/v1/"
KINDS = ("oscillators", "fields", "metrics")


@dataclass(frozen=True)
class BatchAnswer:
    """What a batch brought.

    Attributes:
        inserted: rows stored.
        runs: what they brought to each run.
        rejected: of a partial batch, every row that was not stored, with `index`, `field`, `code` and `detail`.
        is_replayed: whether an earlier attempt had stored it.
    """

    inserted: int
    runs: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    is_replayed: bool = False


class Client:
    """A server's API; may be used by several threads at once.

    Args:
        url: where the server is, such as `https://nfcs.example.org`.
        api_key, token, username, password: who the program is; one of the three ways.
        options: `patience_s`, `timeout_s`, `compress` of `Transport`.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        **options: Any,
    ) -> None:
        self.transport = Transport(url, Credentials(api_key, token, username, password), **options)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.transport.close()

    def send_rows(
        self, kind: str, rows: Iterable[Mapping[str, Any]], *, partial: bool = False, key: str | None = None
    ) -> BatchAnswer:
        """Store rows in one batch: all or none, or with `partial` those that are good.

        Args:
            kind: oscillators, fields or metrics.
            rows: as docs/api.md has them; times may be datetimes, numbers may be numpy's.
            key: Idempotency-Key; one is made where none is given.

        Raises:
            Refused: a row is wrong and nothing was stored.
            NotAnswered: patience ran out; `key` in the error tells under which key to try again.
        """
        lines = b"\n".join(json.dumps(row, default=_encode, allow_nan=False).encode() for row in rows)
        return self._post_batch(kind, lines, "application/x-ndjson", partial=partial, key=key)

    def send_samples(
        self,
        *,
        run: int,
        metric_name: str,
        component: str,
        times: ArrayLike,
        values: ArrayLike,
        metric_unit: str | None = None,
        tags: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> BatchAnswer:
        """Store samples of one series from arrays, all or none.

        Args:
            times: datetime64 in UTC, (n,).
            values: finite numbers, (n,).

        Raises:
            Refused: a sample is wrong and nothing was stored.
            NotAnswered: as in `send_rows`.
        """
        microseconds = np.asarray(times, "datetime64[us]").astype(np.int64)
        series = {
            "run": run,
            "metric_name": metric_name,
            "component": component,
            "metric_unit": metric_unit,
            "tags": dict(tags or {}),
            "times_us": microseconds.tolist(),
            "values": np.asarray(values, np.float64).tolist(),
        }
        body = json.dumps({"series": [series]}, allow_nan=False).encode()
        return self._post_batch("metrics", body, "application/json", key=key)

    def send_table(self, kind: str, table: Any, *, partial: bool = False, key: str | None = None) -> BatchAnswer:
        """Store the rows of an Arrow table (or a pandas DataFrame), whose columns are the fields; needs pyarrow.

        Raises:
            Refused: a row is wrong and nothing was stored.
            NotAnswered: as in `send_rows`.
        """
        import pyarrow as pa

        found = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, found.schema) as writer:
            writer.write_table(found, max_chunksize=50_000)
        body = sink.getvalue().to_pybytes()
        return self._post_batch(kind, body, "application/vnd.apache.arrow.stream", partial=partial, key=key)

    def collect(self, kind: str, **options: Any) -> Batcher:
        """A collector that sends rows in batches in the background; its options are those of `Batcher`."""
        return Batcher(lambda rows, key: self.send_rows(kind, rows, partial=True, key=key), **options)

    def create_run(self, name: str, *, kind: str = "live", key: str | None = None, **fields: Any) -> dict[str, Any]:
        """Open a run, and say what it is."""
        return dict(self.post("runs/", {"name": name, "kind": kind, **fields}, key=key))

    def post(self, path: str, document: Mapping[str, Any], *, key: str | None = None) -> Any:
        """The answer to a document sent to an address below /api/v1/ that takes Idempotency-Keys."""
        body = json.dumps(document, default=_encode, allow_nan=False).encode()
        headers = {"Content-Type": "application/json"}
        return self.transport.request("POST", API + path, body, headers=headers, key=key or uuid.uuid4().hex).json()

    def get(self, path: str, **query: Any) -> Any:
        """The document at an address below /api/v1/."""
        asked = {name: _encode(value) for name, value in query.items() if value is not None}
        return self.transport.request("GET", f"{API}{path}{'?' if asked else ''}{urlencode(asked)}").json()

    def read_pages(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page, newest first."""
        page = self.get(path, **{"limit": 1000} | query)
        while True:
            yield from page["results"]
            if not page["next"]:
                return
            parts = urlsplit(page["next"])
            page = self.transport.request("GET", f"{parts.path}?{parts.query}").json()

    def read_samples(
        self,
        *,
        run: int,
        since: datetime | str,
        until: datetime | str,
        metric_name: str | None = None,
        component: str | None = None,
    ) -> Samples:
        """The samples of a run in [since, until)."""
        return Samples.of(
            self.read_pages("metrics/", run=run, since=since, until=until, metric_name=metric_name, component=component)
        )

    def _post_batch(
        self, kind: str, body: bytes, media_type: str, *, partial: bool = False, key: str | None = None
    ) -> BatchAnswer:
        if kind not in KINDS:
            raise ValueError(f"kind: one of {', '.join(KINDS)} is needed, not {kind!r}")
        answer = self.transport.request(
            "POST",
            f"{API}{kind}/batch/{'?partial=true' if partial else ''}",
            body,
            headers={"Content-Type": media_type},
            key=key or uuid.uuid4().hex,
            is_batch=True,
        )
        found = answer.json()
        return BatchAnswer(
            found["inserted"],
            found["runs"],
            found.get("rejected", []),
            answer.headers.get("idempotency-replayed") == "true",
        )


def _encode(value: Any) -> Any:
    """What JSON and queries have no word for: times and numpy's numbers and arrays."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"a time with a time zone is needed, not {value!r}")
        return value.isoformat()
    if isinstance(value, np.datetime64):
        return f"{value.astype('datetime64[us]')}Z"
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
