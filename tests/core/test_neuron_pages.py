"""Neurons for people: the admin, and the command that verifies histories."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from core.models import NeuronEvent, QuantumNeuron, StateTransition
from tests.constitutional.database import execute
from tests.factories.accounts import AdminFactory
from tests.factories.core import RunFactory, act, make_entanglement, make_neuron

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(db: None) -> Client:
    client = Client()
    client.force_login(AdminFactory())
    return client


def form_of(neuron: QuantumNeuron | None, **changes: Any) -> dict[str, Any]:
    """What the browser would send."""
    usual = {
        "name": "n",
        "neuron_type": "hidden",
        "layer_index": 0,
        "t1_s": 3.0,
        "t2_s": 2.0,
        "omega": 0.0,
        "p_eq": 0.0,
        "delta": 0.0,
        "kappa": 0.0,
        "v_rest_mv": -70.0,
        "v_th_mv": -55.0,
        "tau_m_ms": 20.0,
        "r_mohm": 1.0,
        "refractory_ms": 0.0,
        "v_mv": -70.0,
        "spike_rate_hz": 0.0,
    }
    return usual | changes


def test_the_list_shows_states_as_badges(page: Client) -> None:
    act(make_neuron(), "gate", gate="h")
    listed = page.get(reverse("admin:core_quantumneuron_changelist")).content.decode()
    assert '<span class="neuron-state superposition">superposition</span>' in listed
    assert "core/neurons.css" in listed


def test_the_page_shows_numbers_and_charts(page: Client) -> None:
    neuron = make_neuron(run=RunFactory())
    act(neuron, "gate", gate="h")
    act(neuron, "relax", elapsed_s=1.0)
    act(neuron, "measure")
    shown = page.get(reverse("admin:core_quantumneuron_change", args=[neuron.pk])).content.decode()
    assert shown.count("<svg") >= 2
    assert "States" in shown
    assert "Coherence over time" in shown
    assert "style=" not in shown.partition("Over time")[2].partition("Calibration")[0]
    events = reverse("admin:core_neuronevent_changelist") + f"?neuron__id__exact={neuron.pk}&amp;within=all"
    assert f'<a href="{events}">4 events</a>' in shown


def test_a_neuron_is_made_described_and_calibrated_in_the_admin(page: Client) -> None:
    made = page.post(reverse("admin:core_quantumneuron_add"), form_of(None, name="made"))
    assert made.status_code == 302
    neuron = QuantumNeuron.objects.get(name="made")
    assert (neuron.state, neuron.event_seq) == ("collapsed", 1)
    address = reverse("admin:core_quantumneuron_change", args=[neuron.pk])
    assert page.post(address, form_of(neuron, name="renamed")).status_code == 302
    assert page.post(address, form_of(neuron, name="tuned", t1_s=4.0, bloch_x=1.0, state="coherent")).status_code == 302
    neuron.refresh_from_db()
    assert (neuron.name, neuron.t1_s, neuron.state, neuron.event_seq) == ("tuned", 4.0, "collapsed", 2)
    event = NeuronEvent.objects.get(seq=2)
    assert event.actor_id is not None
    refused = page.post(address, form_of(neuron, t2_s=9.0))
    assert refused.context["adminform"].form.errors.keys() == {"t2_s"}


def test_the_history_is_looked_at_and_not_changed(page: Client) -> None:
    pair = make_entanglement()
    event = NeuronEvent.objects.filter(neuron=pair.neuron_a).latest("seq")
    listed = page.get(
        reverse("admin:core_neuronevent_changelist"), {"neuron__id__exact": pair.neuron_a_id, "within": "all"}
    )
    assert listed.context["cl"].result_count == 3
    for model, pk in (("neuronevent", event.pk), ("entanglement", pair.pk)):
        shown = page.get(reverse(f"admin:core_{model}_change", args=[pk]))
        assert shown.status_code == 200
        assert b"_save" not in shown.content
        assert page.post(reverse(f"admin:core_{model}_change", args=[pk]), {}).status_code == 403
        assert page.post(reverse(f"admin:core_{model}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    assert b"0.7071+0j" in page.get(reverse("admin:core_entanglement_change", args=[pair.pk])).content
    assert page.get(reverse("admin:core_statetransition_changelist")).context["cl"].result_count == (
        StateTransition.objects.count()
    )


def verify(**options: Any) -> dict[str, Any]:
    out = StringIO()
    call_command("neurons", "verify", json=True, stdout=out, stderr=StringIO(), **options)
    return json.loads(out.getvalue())


def test_the_command_verifies_histories() -> None:
    run = RunFactory()
    first, _ = make_neuron(run=run), make_neuron()
    act(first, "gate", gate="h")
    assert verify() == {"verified": 2, "disagreements": []}
    assert verify(run_id=run.pk)["verified"] == verify(neuron=first.pk)["verified"] == 1
    out = StringIO()
    call_command("neurons", "verify", stdout=out)
    assert out.getvalue() == "2 neurons: histories and events agree\n"
    for options in ({"neuron": 99999}, {"run_id": 99999}):
        with pytest.raises(CommandError) as refused:
            verify(**options)
        assert refused.value.returncode == 2


@pytest.mark.owner
def test_the_command_finds_what_was_changed_afterwards(capsys: pytest.CaptureFixture) -> None:
    neuron = make_neuron()
    act(neuron, "gate", gate="h")
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE quantum_neuron_history DISABLE TRIGGER quantum_neuron_history_append_only")
    execute('UPDATE quantum_neuron_history SET parameters = \'{"gate": "x"}\' WHERE seq = 2')
    with pytest.raises(CommandError) as found:
        call_command("neurons", "verify")
    assert found.value.returncode == 3
    assert f"neuron {neuron.pk}, event 2, bloch_after" in capsys.readouterr().out
