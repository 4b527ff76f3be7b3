"""Signed checkpoints over the heads of all lanes, and the sealing of partitions before they are dropped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from core.audit_verifier import CHECKPOINT, Checkpoint, Entry, hash_entry, read_checkpoint
from core.constants import PARTITIONED_TABLES
from core.db.partitions import list_partitioned_tables, list_partitions
from core.exceptions import Conflict, InvalidInput, NotFound
from core.models import AuditCheckpoint
from core.signing_key import get_public_key, get_signing_key

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('nfcs audit checkpoint', 0))"
_HEADS = "SELECT lane, sequence, encode(head, 'hex') FROM nfcs_core.audit_lanes WHERE sequence > 0 ORDER BY lane"


def make_checkpoint(
    *, now: datetime, reason: str, retained: Sequence[dict[str, Any]] = (), using: str = "default"
) -> Checkpoint:
    """Sign what the newest link of every lane is now; where nothing changed since the last checkpoint, that one.

    With `NFCS_AUDIT_CHECKPOINT_DIR` a copy is written there once the transaction is committed.

    Args:
        reason: one of `AuditCheckpoint.REASONS`.
        retained: partitions that are sealed with it.

    Raises:
        InvalidInput: there is no such reason.
        SigningKeyError: there is no key to sign with.
    """
    if reason not in AuditCheckpoint.REASONS:
        raise InvalidInput.of("reason", f"One of {', '.join(AuditCheckpoint.REASONS)} is needed.")
    with transaction.atomic(using=using):
        return _sign_heads(now, reason, retained, using)


def _sign_heads(now: datetime, reason: str, retained: Sequence[dict[str, Any]], using: str) -> Checkpoint:
    with connections[using].cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute(_HEADS)
        lanes = [list(row) for row in cursor.fetchall()]
    row = AuditCheckpoint.objects.using(using).order_by("-number").first()
    last = None if row is None else read_row(row)
    content = {
        "format": CHECKPOINT,
        "number": 1 if last is None else last.number + 1,
        "made_at": now.astimezone(UTC).isoformat(timespec="microseconds"),
        "reason": reason,
        "previous": None if last is None else last.sha256,
        "entries": sum(sequence for _, sequence, _ in lanes),
        "lanes": lanes,
        "partitions": list_closed_partitions(using=using),
        "retained": list(retained),
    }
    if last and not retained and all(content[name] == last.content[name] for name in ("lanes", "partitions")):
        return last
    document = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    checkpoint = read_checkpoint(document, get_signing_key().sign(document), get_public_key())
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT nfcs_core.add_audit_checkpoint_v1(%s, %s, %s)",
            [document, checkpoint.signature, checkpoint.public_key],
        )
    if settings.AUDIT_CHECKPOINT_DIR:
        transaction.on_commit(lambda: write_checkpoint(Path(settings.AUDIT_CHECKPOINT_DIR), checkpoint), using=using)
    return checkpoint


def read_row(row: AuditCheckpoint) -> Checkpoint:
    """A stored checkpoint as the verifier has it."""
    return read_checkpoint(bytes(row.document), bytes(row.signature), bytes(row.public_key))


def render_checkpoint(checkpoint: Checkpoint) -> str:
    """A checkpoint as one line of JSON, the form in which it is kept elsewhere."""
    return json.dumps(
        {
            "document": checkpoint.document.decode(),
            "signature": checkpoint.signature.hex(),
            "public_key": checkpoint.public_key.hex(),
        },
        ensure_ascii=False,
    )


def write_checkpoint(directory: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint into a directory; a file of its number that is there stays as it is."""
    path = directory / f"checkpoint-{checkpoint.number:08d}.json"
    directory.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(render_checkpoint(checkpoint) + "\n")
    return path


def list_closed_partitions(*, using: str = "default") -> dict[str, list[str]]:
    """By time-partitioned table, its partitions without DEFAULT."""
    return {
        table: [partition.name for partition in list_partitions(table, using=using) if not partition.is_default]
        for table in list_partitioned_tables()
    }


def seal_partition(*, table: str, partition: str, now: datetime, using: str = "default") -> Checkpoint:
    """Record in a signed checkpoint that a partition will be dropped: from then on its absence is no alarm.

    Call it in the transaction that detaches or drops the partition, before that. Of the audit itself every entry is
    verified against its link first; the links stay for ever.

    Raises:
        InvalidInput: the table is not time-partitioned.
        NotFound: it has no such partition.
        Conflict: the partition is DEFAULT or not over yet, or an entry in it is not what was linked.
    """
    if table not in PARTITIONED_TABLES:
        raise InvalidInput.of("table", f"{table} is none of {', '.join(sorted(PARTITIONED_TABLES))}.")
    found = {leaf.name: leaf for leaf in list_partitions(table, using=using)}.get(partition)
    if found is None:
        raise NotFound(f"{table} has no partition {partition}.")
    if found.is_default or found.from_at is None or found.to_at is None:
        raise Conflict(f"{partition} is the DEFAULT partition of {table} and stays.")
    start, end = (datetime.fromisoformat(bound.replace("Z", "+00:00")) for bound in (found.from_at, found.to_at))
    if end > now:
        raise Conflict(f"{partition} is not over yet.")
    rows = _verify_span(start, end, using) if table == "golden_dag_audit" else None
    span = {
        "table": table,
        "partition": partition,
        "from_us": _count_microseconds(start),
        "to_us": _count_microseconds(end),
        "rows": found.estimated_rows if rows is None else rows,
    }
    return make_checkpoint(now=now, reason="retention", retained=[span], using=using)


def _verify_span(start: datetime, end: datetime, using: str) -> int:
    """Verify the entries of a span of time against their links, both ways; how many there are.

    Raises:
        Conflict: names the first that does not agree.
    """
    rows = 0
    with connections[using].cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(e.id, l.entry_id), e.ts, e.actor_id, e.database_role, e.action, e.table_name, e.row_key,
                   e.payload, l.entry_sha256
            FROM (SELECT * FROM nfcs_core.golden_dag_audit WHERE ts >= %(start)s AND ts < %(end)s) e
            FULL JOIN (SELECT * FROM nfcs_core.audit_links WHERE entry_ts >= %(start)s AND entry_ts < %(end)s) l
            ON l.entry_id = e.id AND l.entry_ts = e.ts
            """,
            {"start": start, "end": end},
        )
        while batch := cursor.fetchmany(5000):
            for entry_id, ts, actor, role, action, table, key, payload, linked in batch:
                if ts is None or linked is None:
                    raise Conflict(f"Entry {entry_id} is {'gone' if ts is None else 'not linked'}: nothing is sealed.")
                entry = Entry(
                    b"-" if actor is None else b"%d" % actor,
                    role.encode(),
                    action.encode(),
                    table.encode(),
                    key.encode(),
                    bytes(payload),
                )
                payload_sha256 = hashlib.sha256(entry.payload).digest()
                if hash_entry(entry_id, _count_microseconds(ts), entry, payload_sha256) != bytes(linked):
                    raise Conflict(f"Entry {entry_id} is not what was linked: nothing is sealed.")
                rows += 1
    return rows


def _count_microseconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
