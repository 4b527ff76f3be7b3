"""The migration of the neurons goes down and up again and leaves the same catalogue, rows of the lookup included."""

from __future__ import annotations

from django.core.management import call_command

from core.db.catalogue import read_catalogue
from tests.schema.conftest import ask

TRANSITIONS = "SELECT from_state, event, to_state FROM nfcs_core.quantum_state_transitions ORDER BY id"


def test_down_and_up_again(scratch: str) -> None:
    before, transitions = read_catalogue(using=scratch), ask(scratch, TRANSITIONS)
    call_command("migrate", "core", "0002", database=scratch, verbosity=0)
    below = read_catalogue(using=scratch)
    left = [
        name for kind in ("relations", "functions") for name in below[kind] if "neuron" in name or "quantum" in name
    ]
    assert left == []
    assert "nfcs_core.create_weekly_partition(text, date)" not in below["functions"]
    call_command("migrate", database=scratch, verbosity=0)
    assert read_catalogue(using=scratch) == before
    assert ask(scratch, TRANSITIONS) == transitions
