"""Opening, renaming and ending runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from core.exceptions import Conflict, InvalidInput
from core.models import RealityNetwork, Run
from core.services.networks import describe_network
from core.services.runs import end_run, rename_run, start_run
from tests.constitutional.database import violated
from tests.factories.accounts import UserFactory
from tests.factories.core import RunFactory, make_network

START = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_a_run_keeps_what_it_was_started_with() -> None:
    owner = UserFactory()
    run = start_run(
        name="first",
        kind="live",
        owner=owner,
        started_at=START,
        parameters={"a": [1, None]},
        seed=-(2**63),
        code_version="1.2",
        natural_frequencies=[1, 2.5],
        coupling_norm="raw",
        critical_coupling=0.5,
        ha_weights=(1, 0, 0),
    )
    run.refresh_from_db()
    assert (run.kind, run.owner, run.seed, run.n_oscillators) == ("live", owner, -(2**63), 2)
    assert run.parameters == {"a": [1, None]}
    assert run.natural_frequencies == [1.0, 2.5]
    assert run.ha_weights == [1.0, 0.0, 0.0]
    assert list(Run.objects.ongoing()) == [run]


def test_a_run_on_a_network_has_an_oscillator_a_vertex() -> None:
    network = make_network(n=5)
    assert start_run(name="on it", started_at=START, network=network).n_oscillators == 5
    with pytest.raises(InvalidInput) as error:
        start_run(name="too few", started_at=START, network=network, n_oscillators=4)
    assert error.value.errors[0].field == "n_oscillators"
    change = lambda: start_run(name="x", started_at=START, network=network, natural_frequencies=[1.0])  # noqa: E731
    assert violated(change) == "runs_frequencies_n_ck"


def test_no_run_starts_on_a_network_that_is_gone() -> None:
    network: RealityNetwork = describe_network(network=make_network(), status="collapsed")
    with pytest.raises(InvalidInput) as error:
        start_run(name="late", started_at=START, network=network)
    assert error.value.errors[0].code == "network_ended"


def test_a_run_ends_once_and_not_before_it_starts() -> None:
    run = RunFactory(started_at=START)
    assert violated(lambda: end_run(run=run, ended_at=START - timedelta(seconds=1))) == "runs_times_ck"
    assert end_run(run=run, ended_at=START).ended_at == START
    with pytest.raises(Conflict), transaction.atomic():
        end_run(run=run, ended_at=START + timedelta(days=1))
    run.refresh_from_db()
    assert run.ended_at == START
    assert not Run.objects.ongoing().exists()


@pytest.mark.parametrize("fields", [{"kind": "live"}, {"started_at": START + timedelta(1)}, {"ha_weights": [0, 0, 1]}])
def test_what_defines_a_run_is_fixed(fields: dict[str, Any]) -> None:
    run = RunFactory()
    assert violated(lambda: Run.objects.filter(pk=run.pk).update(**fields)) == "runs_definition_fixed"
    assert rename_run(run=run, name="renamed").name == "renamed"
