"""`manage.py secrets`: a value goes in by standard input and never comes out."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from core.models import AuditEntry, NamedSecret
from core.named_secrets import read_named_secret

pytestmark = pytest.mark.django_db


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> object:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    out = io.StringIO()
    call_command("secrets", *arguments, "--json", stdout=out)
    assert typed.strip() not in out.getvalue() or not typed.strip()
    return json.loads(out.getvalue())


def test_a_secret_is_set_replaced_listed_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "set", "alerts.pager", typed="the-first-value\n")["done"] == "set"
    assert read_named_secret("alerts.pager") == b"the-first-value"
    assert (
        run(
            monkeypatch,
            "set",
            "alerts.pager",
            typed="the-second-value",
        )["done"]
        == "replaced"
    )
    assert read_named_secret("alerts.pager") == b"the-second-value"
    (row,) = run(monkeypatch, "list")
    assert (row["name"], row["changed_by"]) == ("alerts.pager", None)
    run(monkeypatch, "remove", "alerts.pager", "--dry-run")
    assert NamedSecret.objects.count() == 1
    run(monkeypatch, "remove", "alerts.pager")
    assert NamedSecret.objects.count() == 0


def test_a_dry_run_changes_nothing_and_refuses_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "set", "pager", "--dry-run", typed="a-value") == {
        "name": "pager",
        "done": None,
        "dry_run": True,
    }
    assert not NamedSecret.objects.exists()
    for arguments in (["set", "pager"], ["set", "pager", "--dry-run"]):
        with pytest.raises(CommandError, match="value: A secret is needed"):
            run(monkeypatch, *arguments, typed=" \n")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Pager", "x"),
        ("../pager", "x"),
        ("", "x"),
        ("a" * 101, "x"),
        ("a\n", "x"),
        ("pager", "a\x00b"),
        ("pager", "x" * 4097),
        ("pager", "\x1b[2J"),
    ],
)
def test_bad_names_and_values_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, typed: str) -> None:
    with pytest.raises(CommandError):
        run(monkeypatch, "set", name, typed=typed)
    assert not NamedSecret.objects.exists()


@pytest.mark.parametrize("arguments", [["remove", "nothing"], ["remove", "nothing", "--dry-run"]])
def test_what_is_not_there_cannot_be_removed(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="no secret nothing"):
        run(monkeypatch, *arguments)


def test_the_audit_tells_that_it_changed_and_not_to_what(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, "set", "pager", typed="the-first-value")
    run(monkeypatch, "set", "pager", typed="the-second-value")
    payloads = [bytes(entry.payload) for entry in AuditEntry.objects.filter(table_name="nfcs_core.named_secrets")]
    assert len(payloads) == 2
    assert any(b"changed_secrets" in payload for payload in payloads)
    (sealed,) = [row.data for row in NamedSecret.objects.values_list("value", flat=True)]
    assert not any(b"-value" in payload or sealed.hex().encode() in payload for payload in payloads)
