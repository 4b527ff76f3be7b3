"""Exports and proofs: verified without the database, and none is accepted once a bit of it was changed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import call_command

from core import audit_verifier
from core.audit_verifier import main, verify_export, verify_proof
from core.models import AuditEntry
from core.signing_key import get_public_key
from tests.core.audit_trail import RELINK, Trail, lay_trail

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    with lay_trail(tmp_path) as made:
        yield made


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
