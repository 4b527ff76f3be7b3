"""A page of 100 oscillator states: the project's list against what REST framework makes of the model by itself.

Both pass the whole site, middleware and row security included, in one process without a network.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType

import numpy as np
import psycopg

from tests.bench.harness import Case, Installation, main

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 20_000
REQUESTS = 100


def fill() -> int:
    """A run with many states; its id."""
    from core.db.identity import SYSTEM, on_behalf_of
    from core.db.partitions import ensure_partitions
    from core.services.runs import start_run
    from kuramoto.services import OscillatorBatch, record_oscillators

    ensure_partitions(now=START, ahead=0, table="kuramoto_oscillators")
    with on_behalf_of(SYSTEM):
        run = start_run(name="page", started_at=START, n_oscillators=64)
        phases = np.random.default_rng(1).uniform(-3, 3, (ROWS, 64))
        batch = OscillatorBatch(
            indices=range(ROWS),
            timestamps=[START + timedelta(seconds=index) for index in range(ROWS)],
            phases=phases,
            coupling_strength=np.full(ROWS, 2.0),
        )
        record_oscillators(run=run, batch=batch, defect=np.full(ROWS, np.nan))
    return run.pk


def add_yardstick() -> None:
    """The list that REST framework makes of the model, at `/yardstick/`."""
    from django.conf import settings
    from django.urls import include, path
    from rest_framework import generics, serializers

    from core.api.views import ActorMixin
    from kuramoto.models import OscillatorState

    class StateSerializer(serializers.ModelSerializer[OscillatorState]):
        class Meta:
            model = OscillatorState
            exclude = ("phases", "semantic_embedding")

    class StateListView(ActorMixin, generics.ListAPIView[OscillatorState]):
        queryset = OscillatorState.objects.all()
        serializer_class = StateSerializer
        filter_backends = ()
        time_field = "timestamp"

    site = ModuleType("tests.bench.page_urls")
    site.urlpatterns = [path("yardstick/", StateListView.as_view()), path("", include("nfcs.urls"))]  # type: ignore[attr-defined]
    sys.modules[site.__name__] = site
    settings.ROOT_URLCONF = site.__name__


def list_cases(installation: Installation) -> list[Case]:
    """Pages a second, with a token."""
    from django.test import Client
    from django.utils import timezone

    from accounts.models import User
    from accounts.services.sessions import open_session
    from core.db.identity import SYSTEM, acting_as

    run = fill()
    with psycopg.connect(installation.admin_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE kuramoto.kuramoto_oscillators_y2026m01")
    with acting_as(SYSTEM):
        user = User.objects.create_superuser("bench", "bench@example.org", None)
        token = open_session(user=user, address=None, user_agent="bench", now=timezone.now()).access
    add_yardstick()
    client = Client(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {token}")

    def ask(address: str) -> Callable[[], float]:
        def measure() -> float:
            begun = time.perf_counter()
            for _ in range(REQUESTS):
                answer = client.get(address)
                if answer.status_code != 200 or len(answer.json()["results"]) != 100:
                    raise RuntimeError(answer.content.decode()[:500])
            return REQUESTS / (time.perf_counter() - begun)

        return measure

    window = f"since={START:%Y-%m-%dT%H:%M:%SZ}&until={START + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    ours = ask(f"/api/v1/oscillators/?run={run}&{window}&limit=100")
    return [Case("page of 100 states, against a ModelSerializer", "1/s", ours, ask("/yardstick/"), at_least=5)]


if __name__ == "__main__":
    main("page of telemetry", list_cases)
