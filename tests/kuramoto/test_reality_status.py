"""Networks as they stand: the view, its selectors and its list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from core.graph import Link, Vertex
from core.models import RealityNetwork, Run
from core.services.networks import describe_network, import_network
from kuramoto.models import RealityStatus
from kuramoto.selectors import get_cross_reality_coherence, get_latest_phases
from kuramoto.services import OscillatorBatch, record_oscillators
from tests.factories.core import RunFactory, make_network

pytestmark = pytest.mark.django_db

STATUS = "/api/v1/networks/status/"


def record(run: Run, phases: list[float], *, ago: timedelta = timedelta(seconds=5)) -> None:
    """One state of a run, so long ago."""
    batch = OscillatorBatch(
        indices=range(1),
        timestamps=[timezone.now() - ago],
        phases=np.array([phases]),
        coupling_strength=np.array([2.0]),
    )
    record_oscillators(run=run, batch=batch, defect=np.full(1, np.nan))


def make_layers() -> RealityNetwork:
    """Two layers of two vertices each."""
    nodes = [Vertex(layer=layer) for layer in (0, 0, 1, 1)]
    return import_network(name="layers", nodes=nodes, edges=[Link(0, 1), Link(1, 2), Link(2, 3)], directed=True)


def read_status(network: RealityNetwork) -> RealityStatus:
    return RealityStatus.objects.get(pk=network.pk)


def test_an_idle_network_has_its_size_alone() -> None:
    status = read_status(make_network(n=5))
    assert (status.n_nodes, status.n_edges, status.n_layers, status.ongoing_runs, status.n_neurons) == (5, 5, 1, 0, 0)
    assert status.density == pytest.approx(2 * 5 / (5 * 4))
    assert (status.latest_run, status.last_telemetry_at, get_latest_phases(status)) == (None, None, None)


def test_density_of_a_directed_network_and_of_a_single_vertex() -> None:
    assert read_status(make_layers()).density == pytest.approx(3 / 12)
    alone = import_network(name="alone", nodes=[Vertex()], edges=[])
    assert (read_status(alone).n_edges, read_status(alone).density) == (0, None)


def test_the_newest_state_of_an_ongoing_run_counts() -> None:
    network = make_network(n=3)
    first, second, ended = (RunFactory(network=network, n_oscillators=3) for _ in range(3))
    record(first, [0.1, 0.2, 0.3], ago=timedelta(seconds=20))
    record(second, [0.3, 0.4, 0.5], ago=timedelta(seconds=10))
    record(ended, [0.5, 0.6, 0.7])
    Run.objects.filter(pk=ended.pk).update(ended_at=timezone.now())
    status = read_status(network)
    assert (status.ongoing_runs, status.latest_run) == (2, second)
    assert get_latest_phases(status) == [0.3, 0.4, 0.5]


def test_telemetry_older_than_31_days_is_not_looked_for() -> None:
    network = make_network(n=3)
    record(RunFactory(network=network, n_oscillators=3), [0.1, 0.2, 0.3], ago=timedelta(days=32))
    status = read_status(network)
    assert (status.ongoing_runs, status.latest_run, status.last_telemetry_at) == (1, None, None)


def test_layers_cohere_as_their_phases_say(admin_api: APIClient) -> None:
    network = make_layers()
    record(RunFactory(network=network, n_oscillators=4), [0.2, 0.2, 1.4, 1.4])
    assert get_cross_reality_coherence(read_status(network)) == pytest.approx(np.cos(0.6))
    plain = make_network()
    rows = {row["id"]: row for row in admin_api.get(STATUS).json()["results"]}
    assert rows[network.pk]["cross_reality_coherence"] == pytest.approx(np.cos(0.6))
    assert rows[plain.pk]["cross_reality_coherence"] is None
    assert rows[network.pk]["last_telemetry_at"] is not None


def test_the_list_is_filtered_and_paged(admin_api: APIClient) -> None:
    networks = [make_network() for _ in range(3)]
    describe_network(network=networks[0], status="dormant")
    RunFactory(network=networks[1])
    ids = lambda query: [row["id"] for row in admin_api.get(f"{STATUS}?{query}").json()["results"]]  # noqa: E731
    assert ids("status=dormant") == [networks[0].pk]
    assert ids("ongoing=true") == [networks[1].pk]
    assert ids(f"name={networks[2].name.replace(' ', '%20')}") == [networks[2].pk]
    page = admin_api.get(f"{STATUS}?limit=2").json()
    assert [row["id"] for row in admin_api.get(page["next"]).json()["results"]] == [networks[2].pk]
    assert admin_api.get(f"{STATUS}?color=red").status_code == 400
    assert admin_api.post(STATUS, {}).status_code == 405


def test_strangers_see_nothing(api: APIClient) -> None:
    assert api.get(STATUS).status_code in (401, 403)


def test_the_view_reads_as_its_reader() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE oid = 'kuramoto.reality_status_view'::regclass")
        assert cursor.fetchone() == (["security_invoker=true"],)


def test_reading_every_status_takes_one_query(django_assert_num_queries: Any) -> None:
    for _ in range(3):
        make_network()
    with django_assert_num_queries(1):
        assert len(RealityStatus.objects.all()) == 3
