"""Whatever a superuser does to the audit trail is found, by the command and by the verifier of an export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.audit_verifier import Lane, Report, read_checkpoint_line
from core.db import audit_reader
from core.db.audit_reader import open_snapshot, screen
from core.models import AuditLink
from core.services import audit_verification
from core.services.audit_verification import connection_info
from tests.core.audit_trail import CUT, EDIT, RELINK, Trail, as_superuser, lay_trail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    with lay_trail(tmp_path) as made:
        yield made


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
