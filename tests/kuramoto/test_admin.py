"""Oscillator states and synchronization events as operators see them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.models import Run
from kuramoto.admin import describe_evidence, draw_share
from kuramoto.choices import EventCause, EventType
from kuramoto.models import OscillatorState, SynchronizationEvent
from kuramoto.selectors import list_order_parameter
from kuramoto.services import record_oscillators, stop_run
from tests.factories.accounts import AdminFactory
from tests.factories.core import RunFactory, make_network
from tests.factories.kuramoto import make_batch

pytestmark = pytest.mark.django_db

STATES = reverse("admin:kuramoto_oscillatorstate_changelist")
EVENTS = reverse("admin:kuramoto_synchronizationevent_changelist")


@pytest.fixture
def site() -> Client:
    cache.clear()
    client = Client()
    client.force_login(AdminFactory())
    return client


def read(response: Any) -> str:
    """The page, which carries nothing the content policy forbids."""
    assert response.status_code == 200
    page = str(response.content.decode())
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)", page)
    return page


def record(run: Run, levels: list[float], *, ago_s: float = 100.0, **how: Any) -> None:
    start = timezone.now() - timedelta(seconds=ago_s)
    record_oscillators(run=run, batch=make_batch(levels, start=start, **how), defect=np.full(len(levels), np.nan))


def make_event(run: Run | None = None) -> SynchronizationEvent:
    """A synchronization with the oscillator states around it."""
    run = run or RunFactory()
    record(run, [0.3] * 20 + [0.9] * 20)
    return SynchronizationEvent.objects.get(run=run)


def get_rows(site: Client, **query: Any) -> list[Any]:
    return list(site.get(STATES, query).context["cl"].result_list)


def test_states_are_listed_newest_first_without_their_phases(site: Client) -> None:
    run = RunFactory(name="live")
    record(run, [0.25, 0.75])
    page = read(site.get(STATES))
    assert page.index("0.750") < page.index("0.250")
    rows = get_rows(site)
    assert [row.run_id for row in rows] == [run.pk] * 2
    assert {"phases", "semantic_embedding", "prediction_horizons"} <= rows[0].get_deferred_fields()


def test_the_list_is_bounded_in_time_and_rows_and_queries(site: Client) -> None:
    run, other = RunFactory(), RunFactory()
    record(run, [0.5] * 5, ago_s=40 * 86_400)
    record(other, [0.5] * 3)
    assert len(get_rows(site)) == 3
    assert len(get_rows(site, within="all")) == 8
    assert len(get_rows(site, run=run.pk, within="all")) == 5
    assert get_rows(site, run=run.pk) == []
    counts = []
    for more in (0, 200):
        record(other, [0.5] * (more + 1), ago_s=1000)
        with CaptureQueriesContext(connection) as queries:
            site.get(STATES)
        telemetry = [query["sql"] for query in queries.captured_queries if "kuramoto_oscillators" in query["sql"]]
        assert [sql for sql in telemetry if '"timestamp" >=' not in sql] == []
        assert [sql for sql in telemetry if "COUNT" in sql and "LIMIT" not in sql] == []
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


@pytest.mark.parametrize("query", [{"within": "ever"}, {"run": "abc"}, {"run": "9" * 30}, {"o": "1.-2"}, {"q": "x"}])
def test_an_odd_query_is_answered(site: Client, query: dict[str, str]) -> None:
    assert site.get(STATES, query, follow=True).status_code == 200
    assert site.get(EVENTS, query, follow=True).status_code == 200


def test_a_state_is_drawn_with_phases_network_and_embedding(site: Client) -> None:
    run = RunFactory(network=make_network(n=6))
    embedding = np.full((1, 768), 0.5, dtype=np.float32)
    record(run, [0.5], n=6, embeddings=embedding, horizons=[{"30": 0.5}])
    state = OscillatorState.objects.get(run=run)
    page = read(site.get(reverse("admin:kuramoto_oscillatorstate_change", args=[state.pk])))
    for kind in ("wheel", "graph", "histogram"):
        assert f'class="nfcs-chart nfcs-{kind}"' in page
    assert "768 dimensions, norm 13.86" in page
    assert "&quot;30&quot;: 0.5" in page
    assert "1.0472, -1.0472" in page


def test_a_state_without_network_and_embedding_says_so(site: Client) -> None:
    run = RunFactory()
    record(run, [0.5], n=300)
    state = OscillatorState.objects.get(run=run)
    page = read(site.get(reverse("admin:kuramoto_oscillatorstate_change", args=[state.pk])))
    assert "nfcs-graph" not in page
    assert "all to all, or not known" in page
    assert "and 44 more" in page
    assert re.search(r"Semantic embedding:.*?none", page, re.DOTALL)


def test_nothing_is_added_changed_or_deleted(site: Client) -> None:
    event = make_event()
    state = OscillatorState.objects.first()
    assert state is not None
    for name, pk in (("oscillatorstate", state.pk), ("synchronizationevent", event.pk)):
        assert site.get(reverse(f"admin:kuramoto_{name}_add")).status_code == 403
        change = reverse(f"admin:kuramoto_{name}_change", args=[pk])
        assert "_save" not in read(site.get(change))
        assert site.post(change, {"reason": "x"}).status_code == 403
        assert site.get(reverse(f"admin:kuramoto_{name}_delete", args=[pk])).status_code == 403


def test_events_are_listed_with_their_evidence(site: Client) -> None:
    run = RunFactory(name="live")
    event = make_event(run)
    stop_run(run=run, cause=EventCause.HALLUCINATION, reason="Ha " * 60, now=timezone.now())
    page = read(site.get(EVENTS))
    assert "r 0.30 → 0.90" in page
    assert '<span class="event-mark ok">Sync Achieved</span>' in page
    assert '<span class="event-mark emergency">Emergency Stop</span>' in page
    assert "Ha " * 60 not in page, "a long reason is cut"

    def count(**query: Any) -> int:
        return len(site.get(EVENTS, query).context["cl"].result_list)

    assert [count(event_type=event.event_type), count(run=run.pk), count(run=run.pk, cause="manual")] == [1, 2, 0]


def test_an_event_shows_what_it_rests_on(site: Client) -> None:
    event = make_event()
    page = read(site.get(reverse("admin:kuramoto_synchronizationevent_change", args=[event.pk])))
    assert "r rose from 0.30 to 0.90, at or above 0.8 for 5 s" in page
    assert "nfcs-line" in page
    assert 'class="band warning"' in page
    stop = stop_run(run=event.run, cause=EventCause.HALLUCINATION, reason="Ha passed 4", now=timezone.now())
    page = read(site.get(reverse("admin:kuramoto_synchronizationevent_change", args=[stop.pk])))
    assert "Ha passed 4" in page
    lonely = stop_run(run=RunFactory(), cause=EventCause.HALLUCINATION, reason="alone", now=timezone.now())
    page = read(site.get(reverse("admin:kuramoto_synchronizationevent_change", args=[lonely.pk])))
    assert "no oscillator states around it" in page


def test_evidence_is_a_sentence() -> None:
    fell = SynchronizationEvent(event_type=EventType.DESYNC_DETECTED, sync_level_after=0.41)
    fell.threshold_off, fell.dwell_s = 0.6, 13.47
    assert describe_evidence(fell) == "r fell to 0.41, at or below 0.6 for 13.5 s"


def test_a_share_is_a_bar_as_long_as_it_is_large() -> None:
    widths = [
        float(re.findall(r'class="bar s1"[^>]* width="(.*?)"', draw_share(share))[0]) for share in (0, 0.25, 1, 1.5)
    ]
    assert widths == [0, 18, 72, 72]


def test_the_order_parameter_around_a_time_is_read_in_order() -> None:
    run = RunFactory()
    record(run, [0.1, 0.2, 0.3, 0.4])
    times = [state.timestamp for state in OscillatorState.objects.order_by("timestamp")]
    rows = list_order_parameter(run.pk, times[1], times[3])
    assert [at for at, _ in rows] == times[1:3]
    assert [r for _, r in rows] == pytest.approx([0.2, 0.3])
