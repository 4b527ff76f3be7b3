"""What the dashboard reads, and how it is put into words and bands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone

from core.constants import SYSTEM_RUN_UUID
from core.selectors import get_frame
from kuramoto.choices import EventCause, EventType
from kuramoto.models import OscillatorState, SynchronizationEvent
from kuramoto.services import stop_run
from nfcs.dashboard import panels, pictures, selectors
from nfcs.dashboard.selectors import Window
from nfcs.dashboard.snapshot import LIVE_SPAN, Snapshot, find_window
from nfcs.dashboard.words import format_age, format_bytes, format_count, format_estimate, format_since
from tests.factories.core import RunFactory, make_field
from tests.factories.dashboard import make_live_run, record_levels

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_pulses_say_what_every_run_sent_last() -> None:
    now = timezone.now()
    busy = make_live_run("busy", rows=90)
    silent = RunFactory(name="silent", started_at=now - timedelta(hours=2))
    record_levels(silent, [0.25] * 10, start=now - timedelta(minutes=20))
    RunFactory(name="mute", started_at=now - timedelta(hours=3))
    RunFactory(name="over", started_at=now - timedelta(hours=1), ended_at=now)
    RunFactory(run_uuid=SYSTEM_RUN_UUID, started_at=now)
    pulses = {pulse["name"]: pulse for pulse in selectors.list_run_pulses(now, LIVE_SPAN)}
    assert list(pulses) == ["busy", "silent", "mute"]
    assert pulses["busy"]["id"] == busy.pk
    assert (
        pulses["busy"]["oscillator_rows"]
        == OscillatorState.objects.filter(
            run=busy, timestamp__gt=now - timedelta(minutes=1), timestamp__lte=now
        ).count()
    )
    assert pulses["busy"]["field_rows"] == 1
    assert (pulses["busy"]["r"], pulses["silent"]["r"], pulses["mute"]["r"]) == (
        pytest.approx(0.5),
        pytest.approx(0.25),
        None,
    )
    trace = pulses["busy"]["r_trace"]
    assert len(trace) == 60
    assert trace[:50] == [None] * 50
    assert trace[-5:] == pytest.approx([0.5] * 5)

    stop_run(run=busy, cause=EventCause.HALLUCINATION, reason="Ha", now=now)
    scene = panels.build_scene(busy, now, 1000)
    words = {pulse["name"]: pulse["words"] for pulse in panels.collect_runs(scene)["pulses"]}
    assert words == {"busy": "stopped", "silent": "silent for 19 min 51 s", "mute": "no telemetry yet"}


def test_buckets_hold_means_and_extremes_of_their_rows() -> None:
    run = RunFactory()
    levels = np.random.default_rng(1).uniform(0.1, 0.9, 200)
    record_levels(run, levels.tolist(), start=NOW, every_s=0.1)
    window = Window(NOW - timedelta(seconds=5), NOW + timedelta(seconds=30))
    buckets = selectors.list_oscillator_buckets(run.pk, window, width_s=2.0, most=100)
    parts = [levels[k * 20 - 10 : k * 20 + 10] if k else levels[:10] for k in range(11)]
    assert buckets.times_s.tolist() == [NOW.timestamp() + 2 * k for k in range(11)]
    assert not buckets.is_sampled
    for name, function in (("r_mean", np.mean), ("r_low", np.min), ("r_high", np.max)):
        assert buckets[name] == pytest.approx([function(part) for part in parts], abs=1e-12)
    assert buckets["k_mean"] == pytest.approx(np.full(11, 2.0))

    sampled = selectors.list_oscillator_buckets(run.pk, window, width_s=2.0, most=3)
    assert sampled.is_sampled
    assert sampled["r_mean"] == pytest.approx([np.mean(part[:3]) for part in parts], abs=1e-12)
    nothing = selectors.list_oscillator_buckets(run.pk + 1, window, width_s=2.0, most=3)
    assert nothing.times_s.size == 0
    assert not nothing.has("r_mean")


def test_field_buckets_hold_the_scalars_of_the_field() -> None:
    run = RunFactory()
    states = [make_field(run=run, at=NOW + timedelta(seconds=k)) for k in range(4)]
    buckets = selectors.list_field_buckets(run.pk, Window(NOW, NOW + timedelta(seconds=4)), width_s=2.0, most=9)
    assert buckets["coherence_mean"] == pytest.approx([states[0].coherence_level] * 2, abs=1e-12)
    assert buckets["energy_high"] == pytest.approx([states[0].energy_state] * 2)
    assert buckets["defects_low"] == pytest.approx([0, 0])


@pytest.mark.parametrize(
    ("newest_s", "started_s", "from_s", "to_s"),
    [(-3, -86_400, -599, 1), (-7_200, -86_400, -7_799, -7_199), (7_200, -86_400, 6_601, 7_201), (0, -240, -240, 1),
     (0, -4, -59, 1), (None, -86_400, -599, 1)],
    ids=["live", "stale", "of the future", "young", "newborn", "without a row"],
)  # fmt: skip
def test_the_window_ends_now_or_with_the_data(newest_s: int | None, started_s: int, from_s: int, to_s: int) -> None:
    def at(seconds: int) -> datetime:
        return NOW + timedelta(seconds=seconds)

    window = find_window(None if newest_s is None else at(newest_s), at(started_s), NOW)
    assert (window.from_at, window.to_at) == (at(from_s), at(to_s))


def test_a_whole_run_is_drawn_in_480_steps() -> None:
    run = RunFactory(started_at=NOW)
    record_levels(run, [0.5, 0.6], start=NOW, every_s=4799)
    snapshot = Snapshot(run, NOW + timedelta(days=9), whole=True)
    assert (snapshot.window.from_at, snapshot.window.to_at) == (NOW, NOW + timedelta(seconds=4800))
    assert snapshot.bucket_width == timedelta(seconds=10)
    assert snapshot.oscillators["r_mean"] == pytest.approx([0.5, 0.6])


def test_synchronized_and_stopped_times_become_bands() -> None:
    def event(kind: str, at: int, entered: int | None = None) -> SynchronizationEvent:
        moments = [None if s is None else NOW + timedelta(seconds=s) for s in (at, entered)]
        return SynchronizationEvent(event_type=kind, occurred_at=moments[0], entered_at=moments[1])

    events = [
        event(EventType.DESYNC_DETECTED, 5, 3),
        event(EventType.SYNC_ACHIEVED, 20, 10),
        event(EventType.EMERGENCY_STOP, 25),
        event(EventType.DESYNC_DETECTED, 40, 30),
        event(EventType.RECOVERY, 45),
        event(EventType.SYNC_ACHIEVED, 60, 50),
    ]
    bands = [(band.level, band.start, band.end) for band in pictures.list_event_bands(events)]
    assert bands == [
        ("ok", -np.inf, NOW + timedelta(seconds=3)),
        ("ok", NOW + timedelta(seconds=10), NOW + timedelta(seconds=30)),
        ("ok", NOW + timedelta(seconds=50), np.inf),
        ("emergency", NOW + timedelta(seconds=25), NOW + timedelta(seconds=45)),
    ]


@pytest.mark.parametrize(
    ("ha", "name"),
    [(0.0, "normal"), (0.999, "normal"), (1.0, "warning"), (2.0, "critical"), (6.9, "emergency"), (9.0, "failure")],
)
def test_alarms_begin_at_their_level(ha: float, name: str) -> None:
    assert pictures.name_alarm(ha, {"warning": 1.0, "critical": 2.0, "emergency": 4.0, "failure": 7.0}) == name


@pytest.mark.parametrize("encoding", ["raw", "lossless"])
def test_a_large_frame_is_thinned_by_whole_rows(encoding: str) -> None:
    run = RunFactory(parameters={"frame_policy": {"encoding": encoding}})
    state = make_field(run=run, at=NOW, n=600)
    frame = selectors.read_frame(run.pk, NOW, state.pk)
    whole = get_frame(state.pk, NOW)
    assert frame is not None
    assert whole is not None
    assert frame.tolist() == whole[::2, ::2].tolist()
    assert selectors.read_frame(run.pk, NOW, state.pk + 1) is None


@pytest.mark.parametrize(
    ("name", "until", "in_default", "levels"),
    [
        ("nfcs_fields", NOW + timedelta(days=60), 0, ("ok", "ok")),
        ("nfcs_fields", NOW + timedelta(days=20), 12, ("warning", "warning")),
        ("quantum_neuron_history", NOW + timedelta(days=20), 0, ("ok", "ok")),
        ("nfcs_fields", NOW - timedelta(days=3), 0, ("critical", "ok")),
        ("nfcs_fields", None, 0, ("critical", "ok")),
    ],
)
def test_partitions_that_end_soon_and_rows_in_default_stand_out(
    name: str, until: datetime | None, in_default: int, levels: tuple[str, str]
) -> None:
    table = {"table_name": name, "covered_until": until, "default_rows": in_default}
    table |= {"estimated_rows": 3_400_000, "bytes": 1_234_567}
    shown = panels._describe_table(table, NOW)
    assert (shown["until_level"], shown["default_level"]) == levels
    assert (shown["rows"], shown["size"]) == ("3.4 million", "1.2 MB")


def test_quantities_are_written_for_people() -> None:
    ages = [0, 59, 60, 3_661, 86_400, 90_061, -5]
    assert [format_age(timedelta(seconds=s)) for s in ages] == [
        "0 s", "59 s", "1 min", "1 h 1 min", "1 d", "1 d 1 h", "0 s"
    ]  # fmt: skip
    assert format_since(NOW - timedelta(minutes=5, seconds=9), NOW) == "5 min ago"
    assert format_since(NOW + timedelta(hours=2, minutes=9), NOW) == "in 2 h"
    assert format_since(NOW, NOW) == "now"
    assert format_count(1_234_567) == "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"
    assert [format_estimate(n) for n in (999, 2_500_000, 3_000_000_000)] == ["999", "2.5 million", "3.0 billion"]
    assert [format_bytes(n) for n in (0, 999, 1_000, 12_345, 999_600, 5e18)] == [
        "0 B", "999 B", "1.0 kB", "12 kB", "1.0 MB", "5000.0 PB"
    ]  # fmt: skip
