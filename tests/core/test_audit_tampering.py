"""Whatever a superuser does to the audit trail is found, by the command and by the verifier of an export."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from core import audit_verifier
from core.audit_verifier import Lane, Report, main, read_checkpoint_line, verify_export, verify_proof
from core.db import audit_reader
from core.db.audit_reader import open_snapshot, screen
from core.management.base import FindingsError
from core.models import AuditEntry, AuditLink
from core.services import audit_verification
from core.services.audit_verification import connection_info
from core.signing_key import get_public_key
from tests import server
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db(transaction=True)

RELINK = """
DO $$
DECLARE
    l record;
    e nfcs_core.golden_dag_audit;
    before bytea;
    entry_hash bytea;
BEGIN
    FOR l IN SELECT * FROM nfcs_core.audit_links WHERE lane = 0 AND sequence >= {first} ORDER BY sequence LOOP
        SELECT * INTO e FROM nfcs_core.golden_dag_audit WHERE id = l.entry_id;
        SELECT link_sha256 INTO before FROM nfcs_core.audit_links WHERE lane = 0 AND sequence = l.sequence - 1;
        before := coalesce(before, decode(repeat('00', 32), 'hex'));
        entry_hash := nfcs_core.audit_entry_sha256_v1(
            e.id, e.ts, e.actor_id, e.database_role, e.action, e.table_name, e.row_key, e.payload_sha256);
        UPDATE nfcs_core.audit_links SET entry_sha256 = entry_hash, previous_sha256 = before,
            link_sha256 = nfcs_core.audit_link_sha256_v1(0::smallint, l.sequence, e.id, e.ts, entry_hash, before)
        WHERE entry_id = l.entry_id RETURNING link_sha256 INTO before;
    END LOOP;
    UPDATE nfcs_core.audit_lanes SET head = before WHERE lane = 0;
END $$;
"""
EDIT = "UPDATE golden_dag_audit SET payload = '{{}}', payload_sha256 = sha256('{{}}') WHERE id = {id};"
CUT = """
DELETE FROM golden_dag_audit WHERE id > {id};
DELETE FROM audit_links WHERE entry_id > {id};
UPDATE audit_lanes SET (sequence, head) = (SELECT sequence, link_sha256 FROM audit_links WHERE entry_id = {id})
WHERE lane = 0;
"""


CONSTRAINTS = (
    ("golden_dag_audit", "golden_dag_audit_payload_ck", "CHECK (payload_sha256 = sha256(payload))"),
    ("audit_links", "audit_links_place_uq", "UNIQUE (lane, sequence)"),
    ("audit_links", "audit_links_pkey", "PRIMARY KEY (entry_id)"),
    ("audit_checkpoints", "audit_checkpoints_sha256_ck", "CHECK (sha256 = sha256(document))"),
)


def as_superuser(*statements: str) -> None:
    """Past triggers and what else is in the way."""
    with psycopg.connect(server.admin_url(connection.settings_dict["NAME"])) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("SET search_path = public, nfcs_core")
        for statement in statements:
            superuser.execute(statement)


@dataclass(frozen=True)
class Trail:
    """Ten entries in lane 0: a checkpoint after the sixth and after the ninth.

    Attributes:
        ids: of the ten.
        kept: files of the two checkpoints.
    """

    ids: list[int]
    kept: list[Path]
    directory: Path

    def tamper(self, statements: str) -> None:
        """Change what nobody may change, around the fourth entry."""
        sequence = AuditLink.objects.get(entry_id=self.ids[3]).sequence
        as_superuser(
            *(f"ALTER TABLE {table} DROP CONSTRAINT {name}" for table, name, _ in CONSTRAINTS),
            statements.format(id=self.ids[3], next=self.ids[4], first=sequence),
        )

    def verify(self, *options: str) -> dict[str, Any]:
        """What the command finds."""
        out = StringIO()
        with suppress(FindingsError):
            call_command("audit", "verify", "--json", "--processes=1", *options, stdout=out)
        return json.loads(out.getvalue())

    def verify_export(self, *options: str) -> dict[str, Any]:
        """What the verifier in an export finds, on its own."""
        target = self.directory / "export"
        call_command("audit", "export", str(target), stdout=StringIO())
        done = subprocess.run(
            [sys.executable, "-I", str(target / "verify.py"), str(target), "--json", *options],
            capture_output=True,
            text=True,
            check=False,
        )
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["ok"] else 3), done.stderr
        return report


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    as_superuser("TRUNCATE golden_dag_audit, audit_links, audit_checkpoints, audit_lanes")
    kept = []
    before = set(AuditEntry.objects.values_list("id", flat=True))
    for number in range(1, 11):
        RunFactory()
        if number in (6, 9):
            out = StringIO()
            call_command("audit", "checkpoint", "--json", f"--output={tmp_path}", stdout=out)
            kept.append(Path(json.loads(out.getvalue())["path"]))
    ids = sorted(set(AuditEntry.objects.values_list("id", flat=True)) - before)
    assert len(ids) == 10
    assert set(AuditLink.objects.values_list("lane", flat=True)) == {0}
    yield Trail(ids, kept, tmp_path)
    as_superuser(
        "TRUNCATE golden_dag_audit, audit_links, audit_checkpoints, audit_lanes",
        *(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}" for table, name, _ in CONSTRAINTS),
        *(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for table, name, definition in CONSTRAINTS),
    )


def test_an_honest_trail_raises_no_alarm(trail: Trail) -> None:
    options = [f"--checkpoint={path}" for path in trail.kept]
    for report in (trail.verify(*options), trail.verify_export(*options)):
        assert (report["findings"], report["first_bad"], report["signatures"]) == ([], None, "verified")
        assert report["entries"] == report["links"] >= 10
    assert trail.verify("--after=2")["links"] < 10
    assert trail.verify("--processes=2")["links"] >= 10


@pytest.mark.parametrize(
    ("statements", "kind", "first"),
    [
        (EDIT, "edited", 3),
        ("UPDATE golden_dag_audit SET payload = '{{}}' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET actor_id = 77 WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET database_role = 'x' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET action = 'read' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET row_key = row_key || '1' WHERE id = {id}", "edited", 3),
        ("UPDATE golden_dag_audit SET ts = ts + interval '1 us' WHERE id = {id}", "missing", 3),
        ("UPDATE audit_links SET entry_ts = entry_ts + interval '1 us' WHERE entry_id = {id}", "edited", 3),
        ("DELETE FROM golden_dag_audit WHERE id = {id}", "missing", 3),
        ("DELETE FROM audit_links WHERE entry_id = {id}", "inserted", 3),
        ("DELETE FROM golden_dag_audit WHERE id = {id}; DELETE FROM audit_links WHERE entry_id = {id}", "missing", 4),
        (
            "INSERT INTO golden_dag_audit SELECT (jsonb_populate_record(a, '{{\"id\": 1000000}}')).*"
            " FROM golden_dag_audit a WHERE id = {id}",
            "inserted",
            1_000_000,
        ),
        (
            "UPDATE golden_dag_audit a SET payload = b.payload, payload_sha256 = b.payload_sha256 FROM"
            " golden_dag_audit b WHERE (a.id, b.id) IN (({id}, {next}), ({next}, {id}))",
            "edited",
            3,
        ),
        (
            "UPDATE audit_links SET sequence = CASE entry_id WHEN {id} THEN sequence + 1 ELSE sequence - 1 END"
            " WHERE entry_id IN ({id}, {next})",
            "reordered",
            3,
        ),
        ("INSERT INTO audit_links SELECT * FROM audit_links WHERE entry_id = {id}", "duplicate", 3),
        (EDIT + RELINK, "rewritten", 0),
        (CUT, "cut", None),
        ("UPDATE audit_lanes SET sequence = sequence + 1 WHERE lane = 0", "cut", None),
        ("UPDATE audit_checkpoints SET entries = 1, document = document || ' ' WHERE number = 1", "checkpoint", None),
        (
            "UPDATE audit_checkpoints SET signature = decode(repeat('ab', 64), 'hex') WHERE number = 2",
            "signature",
            None,
        ),
        ("DELETE FROM audit_checkpoints WHERE number = 1", "checkpoint", None),
        (
            "UPDATE audit_checkpoints SET public_key = decode(repeat('ab', 32), 'hex') WHERE number = 2",
            "key",
            None,
        ),
    ],
)
def test_tampering_is_found_and_the_first_bad_entry_named(
    trail: Trail, statements: str, kind: str, first: int | None
) -> None:
    trail.tamper(statements)
    key = json.loads(trail.kept[0].read_text())["public_key"]
    for report in (trail.verify(), trail.verify_export(f"--public-key={key}")):
        assert kind in {finding["kind"] for finding in report["findings"]}, report["findings"]
        if first is not None:
            named = first if first > 100 else trail.ids[first]
            assert report["first_bad"]["entry"] == named, report["findings"]


def test_an_honest_stretch_is_screened_by_the_server_alone(trail: Trail) -> None:
    report = Report()
    marks = [read_checkpoint_line(path.read_bytes()).marks()[0] for path in trail.kept]
    last = AuditLink.objects.count()
    with open_snapshot(connection_info()) as snapshot:
        walker = Lane(0, report, marks=marks)
        assert screen(snapshot, walker, 1, last)
    assert (walker.sequence, walker.marks, report.entries, report.links) == (last, [], last, last)
    assert walker.first_unmarked == (last, trail.ids[-1])
    trail.tamper(EDIT)
    with open_snapshot(connection_info()) as snapshot:
        walker = Lane(0, report, marks=marks)
        assert not screen(snapshot, walker, 1, last)
    assert (walker.sequence, len(walker.marks)) == (0, 2)


def test_over_several_stretches_and_chunks_the_first_bad_entry_is_the_same(
    trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was linked anew after checkpoint 1 shows at checkpoint 2, in another stretch than the change."""
    trail.tamper(EDIT.replace("{id}", str(trail.ids[7])) + RELINK.replace("{first}", "8"))
    monkeypatch.setattr(audit_verification, "STRETCH", 1)
    monkeypatch.setattr(audit_reader, "CHUNK", 1)
    for processes in (1, 2):
        report = trail.verify(f"--processes={processes}")
        assert {finding["kind"] for finding in report["findings"]} == {"rewritten"}
        assert report["first_bad"]["entry"] == trail.ids[6]


def test_history_written_anew_is_found_against_a_kept_checkpoint(trail: Trail) -> None:
    trail.tamper(EDIT + RELINK + "TRUNCATE audit_checkpoints")
    assert trail.verify()["ok"], "without the copy nothing shows"
    options = [f"--checkpoint={path}" for path in trail.kept]
    assert {finding["kind"] for finding in trail.verify(*options)["findings"]} == {"rollback"}
    assert "rewritten" in {finding["kind"] for finding in trail.verify_export(*options)["findings"]}


def test_an_older_snapshot_is_found_against_a_kept_checkpoint(trail: Trail) -> None:
    as_superuser("DELETE FROM audit_checkpoints WHERE number = 2", CUT.format(id=trail.ids[6]))
    assert trail.verify()["ok"], "without the copy nothing shows"
    options = [f"--checkpoint={path}" for path in trail.kept]
    assert {finding["kind"] for finding in trail.verify(*options)["findings"]} == {"rollback"}
    assert "rewritten" in {finding["kind"] for finding in trail.verify_export(*options)["findings"]}


def test_an_entry_and_a_row_are_proven_without_the_database(trail: Trail, tmp_path: Path) -> None:
    entry = AuditEntry.objects.get(id=trail.ids[2])
    by_entry, by_row = tmp_path / "entry.json", tmp_path / "row.json"
    call_command("audit", "prove", f"--entry={entry.pk}", f"--output={by_entry}", stdout=StringIO())
    options = [f"--table={entry.table_name}", f"--row={entry.row_key}"]
    call_command("audit", "prove", *options, f"--output={by_row}", stdout=StringIO())
    for path in (by_entry, by_row):
        report = verify_proof(path.read_bytes(), trusted_keys=[get_public_key()])
        assert (report.findings, report.entries, report.signatures) == ([], 1, "verified")
    assert main([str(by_entry)]) == 0


def mutate(content: Any, random: Random) -> Any:
    """The document with one scalar changed, or one element gone, somewhere in it."""
    places = list(list_places(content))
    path = random.choice(places)
    *parents, last = path
    target = content
    for name in parents:
        target = target[name]
    value = target[last]
    if isinstance(value, (dict, list)) or random.random() < 0.05:
        del target[last]
    elif value is None or isinstance(value, bool):
        target[last] = 1
    elif isinstance(value, int):
        target[last] = value + random.choice((-1, 1, 10, 256, 2**33))
    else:
        at = random.randrange(len(value) + 1)
        target[last] = random.choice((value[:at] + "0" + value[at:], value[:at] + value[at + 1 :] + "z", value.upper()))
    return content


def list_places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in items:
        yield (*path, name)
        yield from list_places(value, (*path, name))


def test_of_a_thousand_mutated_proofs_none_is_accepted(trail: Trail, tmp_path: Path) -> None:
    path = tmp_path / "proof.json"
    call_command("audit", "prove", f"--entry={trail.ids[2]}", f"--output={path}", stdout=StringIO())
    text = path.read_bytes()
    random = Random(20261121)
    tried = 0
    while tried < 1000:
        mutated = mutate(json.loads(text), random)
        if mutated == json.loads(text):
            continue
        tried += 1
        assert verify_proof(json.dumps(mutated).encode()).findings, mutated
    for at in random.sample(range(len(text)), 300):
        flipped = text[:at] + bytes([text[at] ^ random.choice((1, 2, 4, 8, 16, 32, 64, 128))]) + text[at + 1 :]
        with suppress(ValueError):
            if json.loads(flipped) == json.loads(text):
                continue
        assert verify_proof(flipped).findings, flipped


def test_of_a_thousand_mutated_exports_none_is_accepted(trail: Trail, tmp_path: Path) -> None:
    target = tmp_path / "export"
    call_command("audit", "export", str(target), stdout=StringIO())
    assert verify_export(target).findings == []
    files = [path for path in sorted(target.iterdir()) if path.suffix in (".json", ".jsonl")]
    random = Random(20261122)
    tried = 0
    while tried < 1000:
        path = random.choice(files)
        text = path.read_text()
        lines = [text] if path.suffix == ".json" else text.splitlines()
        place = random.randrange(len(lines))
        mutated = mutate(json.loads(lines[place]), random)
        if mutated == json.loads(lines[place]):
            continue
        tried += 1
        lines[place] = json.dumps(mutated)
        path.write_text("\n".join(lines) + "\n")
        assert verify_export(target).findings, (path.name, mutated)
        path.write_text(text)
    for change in ("swap", "repeat", "drop", "last"):
        path = target / "lane-0.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        changed = {
            "swap": [lines[1], lines[0], *lines[2:]],
            "repeat": [lines[0], *lines],
            "drop": lines[1:],
            "last": lines[:-1],
        }[change]
        path.write_text("".join(changed))
        assert verify_export(target).findings, change
        path.write_text("".join(lines))


def test_several_processes_find_in_an_export_what_one_finds(
    trail: Trail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "export"
    call_command("audit", "export", str(target), stdout=StringIO())
    monkeypatch.setattr(audit_verifier, "STRETCH_OCTETS", 1500)
    honest = verify_export(target, processes=2)
    assert (honest, honest.findings) == (verify_export(target), [])
    path = target / "lane-0.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    assert len(path.read_bytes()) > 3000
    for changed in (
        [*lines[:8], *lines[9:]],
        [*lines[:6], lines[7], lines[6], *lines[8:]],
        [*lines[:8], lines[8].replace('"create"', '"delete"'), *lines[9:]],
        [*lines[:8], lines[8].upper(), *lines[9:]],
        [*lines[:8], "\n", *lines[8:]],
        lines[:-1],
    ):
        path.write_text("".join(changed))
        report = verify_export(target, processes=2)
        assert report.findings
        assert report == verify_export(target)


def test_a_payload_that_is_no_text_is_exported_as_hex(trail: Trail, tmp_path: Path) -> None:
    trail.tamper(
        "UPDATE golden_dag_audit SET payload = '\\xff00', payload_sha256 = sha256('\\xff00') WHERE id = {id};" + RELINK
    )
    target = tmp_path / "export"
    call_command("audit", "export", str(target), stdout=StringIO())
    assert '["ff00"]' in (target / "lane-0.jsonl").read_text()
    assert {finding.kind for finding in verify_export(target).findings} == {"rewritten"}


def test_without_cryptography_the_verifier_says_loudly_what_it_does_not_check(trail: Trail, tmp_path: Path) -> None:
    target = tmp_path / "export"
    call_command("audit", "export", str(target), stdout=StringIO())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(target / "verify.py"), str(target)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "SIGNATURES ARE NOT CHECKED" in done.stderr
    assert "signatures not checked" in done.stdout


def test_the_verifier_needs_the_standard_library_alone() -> None:
    tree = ast.parse(Path(audit_verifier.__file__).read_text())
    imports = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imports - sys.stdlib_module_names == {"cryptography"}
