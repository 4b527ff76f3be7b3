"""Verifies exports and proofs of the GoldenDAG audit: python verify.py DIRECTORY | PROOF.json ...

One file, the standard library alone, neither Django nor a database. Signatures are checked when `cryptography` can be
imported; where it cannot, that is said. What only copies kept elsewhere can show (a cut tail, an older snapshot,
a history written anew from one end to the other) is found with --checkpoint and --public-key.

Exit codes: 0 nothing found, 2 usage, 3 findings.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

CHECKPOINT, EXPORT, PROOF = "nfcs-audit-checkpoint-1", "nfcs-audit-export-1", "nfcs-audit-proof-1"
ZERO = bytes(32)
LANES = 8
STRETCH_OCTETS = 16 << 20
"""Of a file of a lane, what one process verifies at once."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and with which entry.

    Attributes:
        kind: edited, missing, inserted, duplicate, reordered, unlinked, rewritten, cut, checkpoint, signature, key,
            rollback, dropped, unreadable or malformed.
        entry: id of the first bad entry, where it can be told.
    """

    kind: str
    detail: str
    entry: int | None = None
    lane: int | None = None
    sequence: int | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


@dataclass
class Report:
    """The outcome of a verification.

    Attributes:
        retained: entries that retention dropped after they were sealed; their links are verified.
        signatures: verified, not checked, or none.
        key_ids: of the keys that signed.
    """

    links: int = 0
    entries: int = 0
    retained: int = 0
    checkpoints: int = 0
    last_checkpoint: int = 0
    signatures: str = "none"
    key_ids: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def first_bad(self) -> Finding | None:
        """The finding with the oldest entry, else the first."""
        named = [finding for finding in self.findings if finding.entry is not None]
        return min(named, key=lambda finding: finding.entry or 0) if named else next(iter(self.findings), None)

    def describe(self) -> dict[str, Any]:
        """The report as JSON has it."""
        first = self.first_bad
        return {**asdict(self), "ok": not self.findings, "first_bad": asdict(first) if first else None}


class Entry(NamedTuple):
    """The columns of an entry beside id and time; texts as UTF-8, actor as decimal or '-'."""

    actor: bytes
    role: bytes
    action: bytes
    table: bytes
    key: bytes
    payload: bytes
    payload_sha256: bytes | None = None


class Link(NamedTuple):
    """A link of a lane, with its entry where that is there; `ts` in microseconds since 1970."""

    sequence: int
    entry_id: int
    ts: int
    entry_sha256: bytes
    previous_sha256: bytes
    link_sha256: bytes
    entry: Entry | None


class Mark(NamedTuple):
    """What a checkpoint says of a lane."""

    sequence: int
    head: bytes
    checkpoint: int


class Malformed(ValueError):
    """A document has not the form it must have."""


def hash_entry(entry_id: int, ts: int, entry: Entry, payload_sha256: bytes) -> bytes:
    """SHA-256 over all columns of an entry."""
    _, role, action, table, key, _, _ = entry
    return hashlib.sha256(
        b"nfcs-audit-entry-1\n%d\n%d\n%b\n%d:%b\n%d:%b\n%d:%b\n%d:%b\n%b"
        % (entry_id, ts, entry.actor, len(role), role, len(action), action, len(table), table, len(key), key,
           payload_sha256)
    ).digest()  # fmt: skip


def hash_link(lane: int, sequence: int, entry_id: int, ts: int, entry_sha256: bytes, previous_sha256: bytes) -> bytes:
    """SHA-256 over the place of an entry, the entry and the link before."""
    return hashlib.sha256(
        b"nfcs-audit-link-1\n%d\n%d\n%d\n%d\n%b%b" % (lane, sequence, entry_id, ts, entry_sha256, previous_sha256)
    ).digest()


class Lane:
    """Walks one lane from a known link on, in the order of its sequence.

    Args:
        marks: what checkpoints say of this lane, in order.
        retained: spans of entries that retention dropped, in microseconds: from, to (exclusive).
        unreadable: by entry id, why an entry could not be read; may fill while the lane is walked.
    """

    def __init__(
        self,
        lane: int,
        report: Report,
        *,
        sequence: int = 0,
        head: bytes = ZERO,
        marks: Sequence[Mark] = (),
        retained: Sequence[tuple[int, int]] = (),
        unreadable: Mapping[int, str] | None = None,
    ) -> None:
        self.lane, self.report = lane, report
        self.unreadable = unreadable if unreadable is not None else {}
        self.sequence, self.head = sequence, head
        # Of checkpoints between which the lane stood still the first counts; that they agree is verified elsewhere.
        self.marks = sorted({mark.sequence: mark for mark in reversed(marks) if mark.sequence > sequence}.values())
        self.retained = retained
        self.first_unmarked: tuple[int, int] | None = None

    def walk(self, links: Iterable[Link]) -> None:
        """Verify the next links."""
        sha256 = hashlib.sha256
        report, lane = self.report, self.lane
        next_mark = self.marks[0].sequence if self.marks else -1
        for link in links:
            sequence, entry_id, ts, entry_sha256, previous, link_sha256, entry = link
            report.links += 1
            if sequence != self.sequence + 1 or previous != self.head:
                self._explain_place(link)
            if hash_link(lane, sequence, entry_id, ts, entry_sha256, previous) != link_sha256:
                self._find("edited", f"the link of entry {entry_id} is not what was linked", link)
            if entry is not None:
                report.entries += 1
                payload_sha256 = sha256(entry.payload).digest()
                if entry.payload_sha256 is not None and entry.payload_sha256 != payload_sha256:
                    self._find("edited", f"the payload of entry {entry_id} is not what its digest says", link)
                elif hash_entry(entry_id, ts, entry, payload_sha256) != entry_sha256:
                    self._find("edited", f"entry {entry_id} is not what was linked", link)
            elif any(start <= ts < end for start, end in self.retained):
                report.retained += 1
            elif entry_id in self.unreadable:
                self._find("unreadable", f"entry {entry_id} cannot be read: {self.unreadable[entry_id]}", link)
            else:
                self._find("missing", f"entry {entry_id} was linked and is gone", link)
            if self.first_unmarked is None:
                self.first_unmarked = (sequence, entry_id)
            self.sequence, self.head = sequence, link_sha256
            if sequence == next_mark:
                self._pass_mark(entry_id)
                next_mark = self.marks[0].sequence if self.marks else -1

    def finish(self, *, sequence: int | None = None, head: bytes | None = None) -> None:
        """Compare the end of the lane with the last checkpoint and, where given, with the lane's own head."""
        for mark in self.marks:
            self._find_plain(
                "cut",
                f"lane {self.lane} ends at link {self.sequence}; checkpoint {mark.checkpoint} names link"
                f" {mark.sequence}",
                self.sequence + 1,
            )
            return
        if sequence is not None and (sequence, head) != (self.sequence, self.head):
            self._find_plain(
                "cut" if sequence > self.sequence else "inserted",
                f"lane {self.lane} ends at link {self.sequence}; its head says {sequence}",
                min(sequence, self.sequence) + 1,
            )

    def _explain_place(self, link: Link) -> None:
        sequence, entry_id = link.sequence, link.entry_id
        if sequence == self.sequence + 1:
            self._find("reordered", f"the link of entry {entry_id} does not follow the link before it", link)
        elif sequence > self.sequence + 1:
            gap = f"{self.sequence + 1} to {sequence - 1}" if sequence > self.sequence + 2 else str(sequence - 1)
            self._find("missing", f"lane {self.lane} lacks link {gap}, before entry {entry_id}", link)
        else:
            self._find("duplicate", f"link {sequence} of lane {self.lane} is there again, as entry {entry_id}", link)

    def _pass_mark(self, entry_id: int) -> None:
        mark = self.marks.pop(0)
        if mark.head != self.head:
            first = self.first_unmarked or (mark.sequence, entry_id)
            self.report.findings.append(
                Finding(
                    "rewritten",
                    f"lane {self.lane} is not what checkpoint {mark.checkpoint} signed: entry {first[1]}, or one after"
                    f" it up to entry {entry_id}, was changed and linked anew",
                    first[1],
                    self.lane,
                    first[0],
                )
            )
        self.first_unmarked = None

    def _find(self, kind: str, detail: str, link: Link) -> None:
        self.report.findings.append(Finding(kind, detail, link.entry_id, self.lane, link.sequence))

    def _find_plain(self, kind: str, detail: str, sequence: int) -> None:
        self.report.findings.append(Finding(kind, detail, None, self.lane, sequence))


class Checkpoint(NamedTuple):
    """A checkpoint that was read; `document` are the signed bytes, `content` what they say."""

    number: int
    document: bytes
    signature: bytes
    public_key: bytes
    content: dict[str, Any]

    @property
    def sha256(self) -> str:
        """SHA-256 of the document, hex."""
        return hashlib.sha256(self.document).hexdigest()

    def marks(self) -> dict[int, Mark]:
        """By lane, what the checkpoint says of it."""
        return {
            lane: Mark(sequence, bytes.fromhex(head), self.number) for lane, sequence, head in self.content["lanes"]
        }


def read_checkpoint(document: bytes, signature: bytes, public_key: bytes) -> Checkpoint:
    """A checkpoint from its signed bytes.

    Raises:
        Malformed: the bytes are no checkpoint.
    """
    content = parse_json(document)
    _need_keys(
        content,
        {"format", "number", "made_at", "reason", "previous", "entries", "lanes", "partitions", "retained"},
        "checkpoint",
    )
    _need(content["format"] == CHECKPOINT, "checkpoint: format")
    _need_integer(content["number"], "number", least=1)
    _need_integer(content["entries"], "entries")
    _need(content["previous"] is None or is_sha256(content["previous"]), "checkpoint: previous")
    _need(isinstance(content["lanes"], list) and len(content["lanes"]) <= LANES, "checkpoint: lanes")
    for place in content["lanes"]:
        _need(isinstance(place, list) and len(place) == 3 and is_sha256(place[2]), "checkpoint: lanes")
        _need_integer(place[0], "lane")
        _need_integer(place[1], "sequence")
    _need(len({place[0] for place in content["lanes"]}) == len(content["lanes"]), "checkpoint: lanes")
    _need(sum(place[1] for place in content["lanes"]) == content["entries"], "checkpoint: entries")
    _need(isinstance(content["partitions"], dict) and isinstance(content["retained"], list), "checkpoint: partitions")
    for span in content["retained"]:
        _need(
            isinstance(span, dict) and {"table", "partition", "from_us", "to_us", "rows"} <= span.keys(),
            "checkpoint: retained",
        )
    return Checkpoint(content["number"], document, signature, public_key, content)


def verify_checkpoints(
    checkpoints: Sequence[Checkpoint],
    report: Report,
    *,
    trusted_keys: Sequence[bytes] = (),
    earlier: Sequence[Checkpoint] = (),
    first: int | None = None,
) -> None:
    """Verify signatures, order and what checkpoints say of each other.

    Args:
        first: number of the checkpoint they begin with, where it is known.
        trusted_keys: public keys that may have signed; () for whichever stand there.
        earlier: checkpoints kept elsewhere.
    """
    check = find_signature_check()
    previous: Checkpoint | None = None
    dropped: set[tuple[str, str]] = set()
    for checkpoint in checkpoints:
        name = f"checkpoint {checkpoint.number}"
        report.checkpoints += 1
        report.last_checkpoint = checkpoint.number
        key_id = name_key(checkpoint.public_key)
        if key_id not in report.key_ids:
            report.key_ids.append(key_id)
        if trusted_keys and checkpoint.public_key not in trusted_keys:
            report.findings.append(Finding("key", f"{name} is signed with key {key_id}, which is none of the trusted"))
        if check and not check(checkpoint.public_key, checkpoint.signature, checkpoint.document):
            report.findings.append(Finding("signature", f"the signature of {name} is not of its document"))
        dropped |= {(span["table"], span["partition"]) for span in checkpoint.content["retained"]}
        if previous is None:
            if first not in (None, checkpoint.number):
                report.findings.append(Finding("checkpoint", f"{name} is the first one; checkpoint {first} is missing"))
            if checkpoint.number == 1 and checkpoint.content["previous"] is not None:
                report.findings.append(Finding("checkpoint", "checkpoint 1 follows another one"))
        else:
            _compare_checkpoints(previous, checkpoint, dropped, report)
        previous = checkpoint
    report.signatures = "none" if previous is None else "verified" if check else "not checked"
    by_number = {checkpoint.number: checkpoint for checkpoint in checkpoints}
    for kept in earlier:
        if check and not check(kept.public_key, kept.signature, kept.document):
            report.findings.append(
                Finding("signature", f"the signature of the kept checkpoint {kept.number} is not of its document")
            )
        if trusted_keys and kept.public_key not in trusted_keys:
            report.findings.append(Finding("key", f"the kept checkpoint {kept.number} is signed with another key"))
        found = by_number.get(kept.number)
        if found is None and (not checkpoints or kept.number > checkpoints[-1].number):
            report.findings.append(
                Finding("rollback", f"checkpoint {kept.number} was made and is not here: this is an older state")
            )
        elif found is not None and found.document != kept.document:
            report.findings.append(
                Finding("rewritten", f"checkpoint {kept.number} is not the one that was kept: history was written anew")
            )


def _compare_checkpoints(
    previous: Checkpoint, checkpoint: Checkpoint, dropped: set[tuple[str, str]], report: Report
) -> None:
    name = f"checkpoint {checkpoint.number}"
    if checkpoint.number != previous.number + 1:
        report.findings.append(Finding("checkpoint", f"{name} follows checkpoint {previous.number}"))
    elif checkpoint.content["previous"] != previous.sha256:
        report.findings.append(Finding("checkpoint", f"{name} does not name the checkpoint before it"))
    marks = checkpoint.marks()
    for lane, mark in previous.marks().items():
        if lane not in marks or marks[lane].sequence < mark.sequence:
            report.findings.append(Finding("cut", f"lane {lane} is shorter in {name} than before", lane=lane))
        elif marks[lane].sequence == mark.sequence and marks[lane].head != mark.head:
            report.findings.append(Finding("rewritten", f"lane {lane} has another head in {name}", lane=lane))
    report.findings += find_dropped(previous, checkpoint.content["partitions"], dropped)


def find_dropped(
    checkpoint: Checkpoint, partitions: Mapping[str, Sequence[str]], dropped: set[tuple[str, str]]
) -> list[Finding]:
    """Partitions that were there at a checkpoint, are gone, and were never sealed."""
    return [
        Finding("dropped", f"partition {partition} of {table} was dropped and not sealed before")
        for table, names in sorted(checkpoint.content["partitions"].items())
        for partition in names
        if partition not in partitions.get(table, ()) and (table, partition) not in dropped
    ]


def list_retained(checkpoints: Iterable[Checkpoint]) -> list[tuple[int, int]]:
    """Spans of audit entries that were sealed before they were dropped, microseconds since 1970."""
    return [
        (span["from_us"], span["to_us"])
        for checkpoint in checkpoints
        for span in checkpoint.content["retained"]
        if span["table"] == "golden_dag_audit"
    ]


def find_signature_check() -> Callable[[bytes, bytes, bytes], bool] | None:
    """A function of public key, signature and message, or None where `cryptography` is missing."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None

    def check(public_key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return check


def name_key(public_key: bytes) -> str:
    """The id of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def verify_export(
    directory: Path,
    *,
    trusted_keys: Sequence[bytes] = (),
    earlier: Sequence[Checkpoint] = (),
    processes: int = 1,
) -> Report:
    """Verify an export directory, long lanes in several processes."""
    report = Report()
    try:
        manifest = parse_json((directory / "manifest.json").read_bytes())
        _need_keys(manifest, {"format", "from_checkpoint", "to_checkpoint", "links", "entries", "unlinked"}, "manifest")
        _need(manifest["format"] == EXPORT, "manifest: format")
        for name in ("from_checkpoint", "to_checkpoint", "links", "entries", "unlinked"):
            _need_integer(manifest[name], name)
        checkpoints = [
            read_checkpoint_line(line) for line in _read_lines(directory / "checkpoints.jsonl", "checkpoints.jsonl")
        ]
        _verify_lanes(directory, manifest, checkpoints, report, processes)
        unlinked = [
            parse_json(line) for line in _read_lines(directory / "unlinked.jsonl", "unlinked.jsonl", optional=True)
        ]
        for entry in unlinked:
            _need_keys(entry, {"id", "ts", "table", "key"}, "unlinked")
            _need_integer(entry["id"], "id")
            report.findings.append(
                Finding("inserted", f"entry {entry['id']} of {entry['table']} was never linked", entry["id"])
            )
        _need(len(unlinked) == manifest["unlinked"], "manifest: unlinked")
        verify_checkpoints(
            checkpoints,
            report,
            trusted_keys=trusted_keys,
            earlier=earlier,
            first=max(1, manifest["from_checkpoint"]),
        )
    except OSError as error:
        report.findings.append(Finding("malformed", f"{error.filename}: {error.strerror}"))
    except Malformed as error:
        report.findings.append(Finding("malformed", str(error)))
    return report


@dataclass(frozen=True)
class Stretch:
    """Lines of a lane's file, from one offset to another, and the link before them.

    Attributes:
        end: sequence and digest that its last link has; None where nothing says so.
    """

    lane: int
    path: Path
    start: int
    stop: int
    sequence: int
    head: bytes
    end: tuple[int, bytes] | None
    marks: tuple[Mark, ...]
    retained: tuple[tuple[int, int], ...]


def _verify_lanes(
    directory: Path,
    manifest: Mapping[str, Any],
    checkpoints: Sequence[Checkpoint],
    report: Report,
    processes: int,
) -> None:
    numbers = [checkpoint.number for checkpoint in checkpoints]
    first, last = manifest["from_checkpoint"], manifest["to_checkpoint"]
    _need(last in numbers and (not first or first in numbers), "manifest: checkpoints")
    start = checkpoints[numbers.index(first)].marks() if first else {}
    end = checkpoints[numbers.index(last)].marks()
    retained = tuple(list_retained(checkpoints))
    lanes = []
    for lane in range(LANES):
        begin = start.get(lane, Mark(0, ZERO, 0))
        marks = tuple(
            checkpoint.marks()[lane]
            for checkpoint in checkpoints
            if first < checkpoint.number <= last and lane in checkpoint.marks()
        )
        path = directory / f"lane-{lane}.jsonl"
        size = path.stat().st_size if path.exists() else 0
        target = (end[lane].sequence, end[lane].head) if lane in end else None
        lanes.append(Stretch(lane, path, 0, size, begin.sequence, begin.head, target, marks, retained))
    sound = _find_sound(lanes, processes)
    for whole in lanes:
        part = sound.get(whole.lane) or walk_stretch(whole)
        report.links += part.links
        report.entries += part.entries
        report.retained += part.retained
        report.findings += part.findings
        if whole.end is None and part.links:
            report.findings.append(Finding("inserted", f"lane {whole.lane} is in no checkpoint", lane=whole.lane))
    _need(manifest["links"] == report.links and manifest["entries"] == report.entries, "manifest: counts")


def _find_sound(lanes: Sequence[Stretch], processes: int) -> dict[int, Report]:
    """Walk long lanes in several processes; the counts of those in which nothing at all was found.

    The others are walked again from one end to the other, which tells exactly what is wrong first.
    """
    if processes <= 1 or all(lane.stop <= STRETCH_OCTETS for lane in lanes):
        return {}
    sound: dict[int, Report] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        walked = [(lane.lane, pool.map(_count_sound, _split(lane))) for lane in lanes]
        for number, parts in walked:
            counted = list(parts)
            if None not in counted:
                sound[number] = Report(
                    links=sum(part.links for part in counted if part),
                    entries=sum(part.entries for part in counted if part),
                    retained=sum(part.retained for part in counted if part),
                )
    return sound


def _count_sound(stretch: Stretch) -> Report | None:
    gc.disable()  # a process of its own, and nothing in it refers in circles
    try:
        report = walk_stretch(stretch)
    except (OSError, Malformed):
        return None
    return None if report.findings else report


def _split(lane: Stretch) -> list[Stretch]:
    """Stretches of a lane; each ends with the link that the next one begins after."""
    starts = [(0, lane.sequence, lane.head)]
    offsets = range(STRETCH_OCTETS, lane.stop, STRETCH_OCTETS)
    if not offsets:
        return [lane]
    with lane.path.open("rb") as lines:
        for offset in offsets:
            lines.seek(offset)
            lines.readline()
            line = lines.readline()
            if not starts[-1][0] < lines.tell() < lane.stop:
                continue
            try:
                (link,) = _read_links([line], lane.path.name)
            except Malformed:
                return [lane]
            starts.append((lines.tell(), link.sequence, link.link_sha256))
    ends = [(offset, (sequence, head)) for offset, sequence, head in starts[1:]]
    last = max(mark.sequence for mark in (*lane.marks, Mark(0, ZERO, 0)))
    return [
        replace(
            lane,
            start=offset,
            stop=stop,
            sequence=sequence,
            head=head,
            end=end,
            marks=tuple(
                mark
                for mark in lane.marks
                if sequence < mark.sequence <= (last if stop == lane.stop or end is None else end[0])
            ),
        )
        for (offset, sequence, head), (stop, end) in zip(starts, [*ends, (lane.stop, lane.end)], strict=True)
    ]


def walk_stretch(stretch: Stretch) -> Report:
    """Verify the lines of a stretch."""
    report = Report()
    walker = Lane(
        stretch.lane,
        report,
        sequence=stretch.sequence,
        head=stretch.head,
        marks=stretch.marks,
        retained=stretch.retained,
    )
    if stretch.stop:
        walker.walk(_read_links(_read_span(stretch.path, stretch.start, stretch.stop), stretch.path.name))
    if stretch.end is not None:
        walker.finish(sequence=stretch.end[0], head=stretch.end[1])
    return report


def read_checkpoint_line(line: bytes) -> Checkpoint:
    """A checkpoint as a line of an export, or the file that `audit checkpoint` writes, has it."""
    content = parse_json(line)
    _need_keys(content, {"document", "signature", "public_key"}, "checkpoint")
    _need(isinstance(content["document"], str), "checkpoint: document")
    return read_checkpoint(
        _encode(content["document"], "document"),
        _read_hex(content["signature"], 64, "signature"),
        _read_hex(content["public_key"], 32, "public_key"),
    )


_LINK = (int, int, int, str, str, str)
LINE_FORMS = {
    (*_LINK, *columns): bool(columns)
    for columns in (
        (),
        *((actor, str, str, str, str, payload) for actor in (int, type(None)) for payload in (str, list)),
    )
}
"""By the types of its values, the lines there are, and whether one has an entry: sequence, id, ts, entry_sha256,
previous_sha256, link_sha256; and of the entry actor, role, action, table, key, payload (not text: hex, in a list)."""


def _read_links(lines: Iterable[bytes], name: str) -> Iterator[Link]:
    """The links of the lines of a lane.

    Raises:
        Malformed: a line is none.
    """
    scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
    unhex = bytes.fromhex
    for octets in lines:
        try:
            line = octets.decode()
            values, end = scan(line, 0)
            has_entry = LINE_FORMS.get(tuple(map(type, values))) if type(values) is list else None
            if has_entry is None or line[end:] not in ("\n", ""):
                raise Malformed(f"{name}: no line of a lane")
            first, second, third = values[3:6]
            digests = unhex(first + second + third)
            # What bytes.fromhex takes beside lower-case hex has not the same text.
            if digests.hex() != first + second + third or not len(first) == len(second) == len(third) == 64:
                raise Malformed(f"{name}: three digests are needed")
            entry = None
            if has_entry:
                actor, role, action, table, key, payload = values[6:]
                entry = Entry(
                    b"-" if actor is None else b"%d" % actor,
                    role.encode(),
                    action.encode(),
                    table.encode(),
                    key.encode(),
                    payload.encode() if type(payload) is str else _read_binary(payload),
                )
        except Malformed:
            raise
        except (ValueError, StopIteration, RecursionError) as error:
            raise Malformed(f"{name}: {error!r}") from error
        yield Link(values[0], values[1], values[2], digests[:32], digests[32:64], digests[64:], entry)


def _read_binary(payload: list[Any]) -> bytes:
    _need(len(payload) == 1, "payload: hex in a list")
    return _read_hex(payload[0], None, "payload")


def _read_entry(content: Any) -> Entry:
    texts = ("role", "action", "table", "key")
    _need(isinstance(content, dict), "entry")
    _need(content.keys() in ({"actor", *texts, "payload"}, {"actor", *texts, "payload_hex"}), "entry: names")
    actor = content["actor"]
    payload = (
        _encode(content["payload"], "payload")
        if "payload" in content
        else _read_hex(content["payload_hex"], None, "payload_hex")
    )
    return Entry(
        b"-" if actor is None else b"%d" % _need_integer(actor, "actor", least=None),
        _encode(content["role"], "role"),
        _encode(content["action"], "action"),
        _encode(content["table"], "table"),
        _encode(content["key"], "key"),
        payload,
    )


def verify_proof(text: bytes, *, trusted_keys: Sequence[bytes] = (), earlier: Sequence[Checkpoint] = ()) -> Report:
    """Verify a proof: from each entry along the links of its lane to what a signed checkpoint says of that lane."""
    report = Report()
    try:
        content = parse_json(text)
        _need_keys(content, {"format", "proofs"}, "proof")
        _need(content["format"] == PROOF, "proof: format")
        _need(isinstance(content["proofs"], list) and content["proofs"] != [], "proof: proofs")
        checkpoints: dict[int, Checkpoint] = {}
        for proof in content["proofs"]:
            checkpoint = _verify_one(proof, report)
            _need(
                checkpoints.setdefault(checkpoint.number, checkpoint) == checkpoint,
                f"proof: two checkpoints {checkpoint.number}",
            )
        for number in sorted(checkpoints):
            verify_checkpoints([checkpoints[number]], report, trusted_keys=trusted_keys)
        for kept in earlier:
            if kept.number in checkpoints and checkpoints[kept.number].document != kept.document:
                report.findings.append(Finding("rewritten", f"checkpoint {kept.number} is not the one that was kept"))
    except Malformed as error:
        report.findings.append(Finding("malformed", str(error)))
    return report


def _verify_one(proof: Any, report: Report) -> Checkpoint:
    _need(isinstance(proof, dict), "proof")
    _need_keys(proof, {"id", "ts", "entry", "lane", "sequence", "previous_sha256", "path", "checkpoint"}, "proof")
    entry_id = _need_integer(proof["id"], "id", least=None)
    ts = _need_integer(proof["ts"], "ts", least=None)
    lane = _need_integer(proof["lane"], "lane")
    sequence = _need_integer(proof["sequence"], "sequence", least=1)
    entry = _read_entry(proof["entry"])
    head = _read_hex(proof["previous_sha256"], 32, "previous_sha256")
    checkpoint = read_checkpoint_line(json.dumps(proof["checkpoint"]).encode())
    _need(isinstance(proof["path"], list), "proof: path")
    digest = hash_entry(entry_id, ts, entry, hashlib.sha256(entry.payload).digest())
    head = hash_link(lane, sequence, entry_id, ts, digest, head)
    for step in proof["path"]:
        _need(isinstance(step, list) and len(step) == 3, "proof: path")
        sequence += 1
        head = hash_link(
            lane,
            sequence,
            _need_integer(step[0], "id", least=None),
            _need_integer(step[1], "ts", least=None),
            _read_hex(step[2], 32, "entry_sha256"),
            head,
        )
    report.entries += 1
    report.links += 1 + len(proof["path"])
    mark = checkpoint.marks().get(lane)
    if mark is None or (mark.sequence, mark.head) != (sequence, head):
        report.findings.append(
            Finding(
                "edited",
                f"entry {entry_id} does not lead to what checkpoint {checkpoint.number} says of lane {lane}",
                entry_id,
                lane,
            )
        )
    return checkpoint


def parse_json(text: bytes) -> Any:
    """A JSON document without repeated names, NaN or floating-point numbers.

    Raises:
        Malformed: it is none.
    """

    def refuse(word: str) -> Any:
        raise Malformed(f"{word} is no number of this format")

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        content = dict(pairs)
        _need(len(content) == len(pairs), "a name stands twice")
        return content

    try:
        return json.loads(text.decode(), object_pairs_hook=build, parse_float=refuse, parse_constant=refuse)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from error


def is_sha256(value: Any) -> bool:
    """Whether a value is a SHA-256 in lower-case hex."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _read_lines(path: Path, name: str, *, optional: bool = False) -> Iterator[bytes]:
    if optional and not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            _need(line.strip() != b"", f"{name}, line {number}: empty")
            yield line


def _read_span(path: Path, start: int, stop: int) -> Iterator[bytes]:
    """The lines between two offsets."""
    with path.open("rb") as lines:
        lines.seek(start)
        while start < stop:
            line = lines.readline()
            start += len(line)
            yield line


def _read_hex(value: Any, octets: int | None, name: str) -> bytes:
    _need(isinstance(value, str) and re.fullmatch("(?:[0-9a-f]{2})*", value) is not None, f"{name}: hex is needed")
    _need(octets is None or len(value) == 2 * octets, f"{name}: {octets} octets are needed")
    return bytes.fromhex(value)


def _encode(value: Any, name: str) -> bytes:
    _need(isinstance(value, str), f"{name}: a text is needed")
    try:
        return str(value).encode()
    except UnicodeEncodeError as error:
        raise Malformed(f"{name}: {error}") from error


def _need_integer(value: Any, name: str, *, least: int | None = 0) -> int:
    _need(type(value) is int and (least is None or value >= least), f"{name}: an integer is needed")
    return int(value)


def _need_keys(content: Any, names: set[str], what: str) -> None:
    _need(
        isinstance(content, dict) and content.keys() == names, f"{what}: the names are not {', '.join(sorted(names))}"
    )


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise Malformed(what)


def read_key(text: str) -> bytes:
    """A public key: 64 hex digits, or the file that holds them.

    Raises:
        Malformed: it is neither.
    """
    path = Path(text)
    value = path.read_text().strip() if len(text) != 64 and path.is_file() else text
    return _read_hex(value.lower(), 32, "public key")


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, help="export directories, or files with proofs")
    parser.add_argument("--public-key", action="append", default=[], help="a key that may have signed: hex, or a file")
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, help="a checkpoint kept elsewhere")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that verify a large export")
    parser.add_argument("--json", action="store_true", help="write the reports as JSON")
    options = parser.parse_args(arguments)
    try:
        trusted = [read_key(text) for text in options.public_key]
        earlier = [read_checkpoint_line(path.read_bytes()) for path in options.checkpoint]
    except (OSError, Malformed) as error:
        parser.error(str(error))
    if find_signature_check() is None:
        _print("SIGNATURES ARE NOT CHECKED: install the package cryptography for that.", file=sys.stderr)
    elif not trusted:
        _print("No --public-key is given: signatures show that one key signed, not whose.", file=sys.stderr)
    found = 0
    for path in options.paths:
        if path.is_dir():
            report = verify_export(path, trusted_keys=trusted, earlier=earlier, processes=options.processes)
        else:
            try:
                text = path.read_bytes()
            except OSError as error:
                parser.error(f"{path}: {error.strerror}")
            report = verify_proof(text, trusted_keys=trusted, earlier=earlier)
        found += len(report.findings)
        _print(json.dumps({"path": str(path), **report.describe()}) if options.json else write_report(path, report))
    return 3 if found else 0


def _print(text: str, file: Any = None) -> None:
    (file or sys.stdout).write(text + "\n")


def write_report(path: Path, report: Report) -> str:
    """The report for people."""
    lines = [
        f"{path}: {report.links} links, {report.entries} entries, {report.retained} retained, {report.checkpoints}"
        f" checkpoints up to {report.last_checkpoint}; signatures {report.signatures}"
        + (f" (keys {', '.join(report.key_ids)})" if report.key_ids else "")
    ]
    lines += [f"  {finding}" for finding in report.findings[:20]]
    if len(report.findings) > 20:
        lines.append(f"  and {len(report.findings) - 20} more")
    first = report.first_bad
    if first is None:
        lines.append("  nothing found")
    elif first.entry is not None:
        lines.append(f"  FIRST BAD ENTRY: {first.entry}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
