"""The first page and the page of a run: what operators see, who sees it, and what it costs."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.choices import Role
from accounts.roles import list_permissions
from core.constants import SYSTEM_RUN_UUID
from core.models import Run
from kuramoto.choices import EventCause, EventType
from kuramoto.models import OscillatorState, SynchronizationEvent
from kuramoto.services import record_oscillators, stop_run
from nfcs.dashboard import panels, pictures, selectors
from nfcs.dashboard.overview import RUN_PANELS
from nfcs.dashboard.panels import PANELS
from nfcs.dashboard.selectors import Window
from nfcs.dashboard.snapshot import LIVE_SPAN, Snapshot, find_window
from nfcs.dashboard.words import format_age, format_bytes, format_count, format_estimate, format_since
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.constitutional import ViolationFactory
from tests.factories.core import RunFactory, make_field, make_network
from tests.factories.kuramoto import make_batch
from tests.factories.validation import ValidationRunFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOSTILE = "<script>alert('1')</script>"
BAD_RUNS = ["abc", "1.0", "-1", "٣", "1" * 19, "999999999999999999"]


@pytest.fixture
def site() -> Client:
    cache.clear()
    client = Client()
    client.force_login(AdminFactory())
    return client


def record(run: Run, levels: list[float], **how: Any) -> None:
    record_oscillators(run=run, batch=make_batch(levels, **how), defect=np.full(len(levels), np.nan))


def make_live_run(name: str = "live", rows: int = 40, n: int = 64, **fields: Any) -> Run:
    """A run that sent a row a second until now, and a field."""
    now = timezone.now()
    run = RunFactory(name=name, started_at=now - timedelta(hours=1), critical_coupling=1.0, **fields)
    record(run, [0.5] * rows, start=now - timedelta(seconds=rows), n=n)
    make_field(run=run, at=now - timedelta(seconds=2))
    return run


def read(response: Any) -> str:
    """The page, which carries nothing the content policy forbids."""
    assert response.status_code == 200
    page = str(response.content.decode())
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)", page)
    return page


def panel(site: Client, name: str, **query: Any) -> str:
    return read(site.get(reverse("admin:nfcs_panel", args=[name]), query))


def get_tile(page: str, label: str) -> list[str]:
    """Value and note of a tile."""
    return re.findall(rf"<dt>{re.escape(label)}</dt><dd>(.*?)</dd><dd class=\"note\">(.*?)</dd>", page)[0]


def test_an_empty_database_says_how_to_begin(site: Client) -> None:
    page = read(site.get(reverse("admin:index")))
    assert "manage.py simulate --live" in page
    assert [name for name in PANELS if f'data-panel="/admin/panels/{name}/"' not in page] == []
    assert page.count('class="nothing"') >= 6
    assert "Site administration" not in page
    assert "Runs" in page, "the list of apps stands below"


def test_the_page_is_whole_without_a_script(site: Client) -> None:
    run = make_live_run(network=make_network(n=5), n=5)
    ViolationFactory(run=run, severity_score=1.0)
    ValidationRunFactory()
    page = read(site.get(reverse("admin:index")))
    for kind in ("line", "wheel", "graph", "spark"):
        assert f"nfcs-{kind}" in page
    assert "<strong>1</strong> critical" in page
    assert "9 of 10" in page
    assert "kuramoto_oscillators</code>" in page
    assert '<script type="module" src="/static/nfcs/dashboard.js">' in page


def test_every_panel_can_be_drawn_on_its_own(site: Client) -> None:
    run = make_live_run(network=make_network(n=5), n=5)
    for name in [*PANELS, *RUN_PANELS]:
        body = panel(site, name, run=run.pk)
        assert "<html" not in body
        assert 'class="nothing"' not in body or name in (
            "violations",
            "events",
            "validation",
            "run-violations",
            "run-events",
        )


def test_queries_are_few_bounded_and_the_same_however_much_there_is(site: Client) -> None:
    addresses = [reverse("admin:index"), *(reverse("admin:nfcs_panel", args=[name]) for name in PANELS)]
    make_live_run(rows=60)
    counts = []
    for more in (0, 4):
        for number in range(more):
            run = make_live_run(f"more {number}", rows=60)
            stop_run(run=run, cause=EventCause.HALLUCINATION, reason="Ha", now=timezone.now())
            ViolationFactory.create_batch(3, run=run)
            ValidationRunFactory()
        for address in addresses:
            site.get(address)  # content types and configuration are looked up once
            with CaptureQueriesContext(connection) as queries:
                site.get(address)
            counts.append((address, len(queries)))
            check_reads_are_bounded(queries)
    first, second = counts[: len(addresses)], counts[len(addresses) :]
    assert first == second
    assert first[0][1] <= 26
    assert max(count for _, count in first[1:]) <= 12


def check_reads_are_bounded(queries: CaptureQueriesContext) -> None:
    """Whatever reads telemetry or events stops after some rows."""
    for query in queries.captured_queries:
        sql = query["sql"]
        if re.search(r'FROM "?(kuramoto_oscillators|nfcs_fields|synchronization_events)\b', sql):
            assert re.search(r"\bLIMIT \d+|AND id = \d+", sql), sql


def test_queries_of_the_page_of_a_run_do_not_grow_with_the_run(site: Client) -> None:
    counts = []
    for rows in (60, 600):
        address = reverse("admin:nfcs_run_overview", args=[make_live_run(rows=rows).pk])
        site.get(address)
        with CaptureQueriesContext(connection) as queries:
            read(site.get(address))
        check_reads_are_bounded(queries)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 24


def test_nobody_sees_more_than_the_permissions_say() -> None:
    run = make_live_run()
    state = OscillatorState.objects.filter(run=run).first()
    assert state is not None
    addresses = [
        *(reverse("admin:nfcs_panel", args=[name]) for name in [*PANELS, *RUN_PANELS]),
        reverse("admin:nfcs_run_overview", args=[run.pk]),
        reverse("admin:nfcs_frame", args=[run.pk, 0, 1]),
    ]
    stranger, reader = Client(), Client()
    user = UserFactory(role=Role.READONLY)
    user.groups.clear()
    reader.force_login(user)
    for address in addresses:
        assert stranger.get(address).headers["Location"].startswith("/admin/login/")
        assert reader.get(address).status_code == 403
    assert "data-panel" not in read(reader.get(reverse("admin:index")))
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_run", "view_oscillatorstate"]))
    page = read(reader.get(reverse("admin:index")))
    assert re.findall(r'data-panel="/admin/panels/(.*?)/"', page) == ["order", "phases"]
    assert run.name not in page.replace(f">{run.name}<", "")


@pytest.mark.parametrize(("role", "controls"), [(Role.READONLY, False), (Role.OPERATOR, True)])
def test_every_role_of_the_admin_sees_every_panel(role: Role, controls: bool) -> None:
    run = make_live_run()
    user = UserFactory(role=role)
    for codename, app, model in list_permissions(role):
        user.user_permissions.add(Permission.objects.get_by_natural_key(codename, app, model))
    client = Client()
    client.force_login(user)
    assert read(client.get(reverse("admin:index"))).count("data-panel") == len(PANELS)
    overview = read(client.get(reverse("admin:nfcs_run_overview", args=[run.pk])))
    assert overview.count("data-panel") == len(RUN_PANELS)
    assert (reverse("admin:nfcs_stop_runs") in overview) == controls


@pytest.mark.parametrize("run", BAD_RUNS)
def test_a_run_that_is_not_there_is_not_found(site: Client, run: str) -> None:
    assert site.get(reverse("admin:index"), {"run": run}).status_code == 404
    assert site.get(reverse("admin:nfcs_panel", args=["order"]), {"run": run}).status_code == 404
    assert site.get(f"/admin/core/run/{run}/overview/").status_code in (302, 404)
    assert site.get(f"/admin/core/run/{'9' * 40}/overview/").status_code == 404


def test_a_panel_that_is_not_there_is_not_found(site: Client) -> None:
    assert site.get(reverse("admin:nfcs_panel", args=["nothing"])).status_code == 404
    assert site.get(reverse("admin:nfcs_panel", args=["run-order"])).status_code == 404, "there is no run at all"


@pytest.mark.parametrize(("given", "drawn"), [("500", 500), ("1", 240), ("99999", 2400), ("x", 886), ("-5", 886)])
def test_charts_are_as_wide_as_the_page_says(site: Client, given: str, drawn: int) -> None:
    make_live_run()
    assert f'viewBox="0 0 {drawn} ' in panel(site, "order", width=given)


def test_names_are_escaped_everywhere(site: Client) -> None:
    run = make_live_run(HOSTILE, parameters={HOSTILE: HOSTILE})
    stop_run(run=run, cause=EventCause.HALLUCINATION, reason=HOSTILE, now=timezone.now())
    ViolationFactory(run=run)
    for page in (
        read(site.get(reverse("admin:index"))),
        read(site.get(reverse("admin:nfcs_run_overview", args=[run.pk]))),
        *(panel(site, name, run=run.pk) for name in [*PANELS, *RUN_PANELS]),
    ):
        assert HOSTILE not in page


def test_the_newest_run_going_on_is_shown_unless_one_is_chosen(site: Client) -> None:
    assert selectors.find_run(None) is None
    start = timezone.now()
    ended = RunFactory(name="ended", started_at=start - timedelta(hours=1), ended_at=start)
    assert selectors.find_run(None) == ended
    ongoing = RunFactory(name="ongoing", started_at=start - timedelta(hours=2))
    RunFactory(run_uuid=SYSTEM_RUN_UUID, started_at=start)
    assert selectors.find_run(None) == ongoing
    assert selectors.find_run(ended.pk) == ended
    assert "Follow the newest run" in panel(site, "now", run=ended.pk)
    assert "Follow the newest run" not in panel(site, "now")


def test_pulses_say_what_every_run_sent_last() -> None:
    now = timezone.now()
    busy = make_live_run("busy", rows=90)
    silent = RunFactory(name="silent", started_at=now - timedelta(hours=2))
    record(silent, [0.25] * 10, start=now - timedelta(minutes=20))
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
    record(run, levels.tolist(), start=NOW, every_s=0.1)
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
    record(run, [0.5, 0.6], start=NOW, every_s=4799)
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


def test_tiles_show_the_newest_values(site: Client) -> None:
    run = make_live_run(rows=40)
    page = panel(site, "now", run=run.pk)
    assert get_tile(page, "Order parameter r") == ("0.500", "not synchronized")
    assert get_tile(page, "Coupling K / Kc") == ("2.00", "K = 2 rad/s")
    assert get_tile(page, "Field coherence")[1] == "8 points a side"
    assert get_tile(page, "Defects") == ("0", "0 per unit area")
    stop_run(run=run, cause=EventCause.HALLUCINATION, reason="Ha", now=timezone.now())
    assert get_tile(panel(site, "now", run=run.pk), "Guard")[1] == "stopped until somebody recovers the run"


def test_crossing_a_threshold_counts_once_it_lasted(site: Client) -> None:
    run = RunFactory(started_at=timezone.now() - timedelta(minutes=5))
    record(run, [0.9] * 3, start=timezone.now() - timedelta(seconds=3))
    assert "above 0.8, dwelling" in panel(site, "now", run=run.pk)
    run = RunFactory(started_at=timezone.now() - timedelta(minutes=5))
    record(run, [0.9] * 30, start=timezone.now() - timedelta(seconds=30))
    assert "synchronized" in panel(site, "now", run=run.pk)
    assert 'class="band ok"' in panel(site, "order", run=run.pk)


def test_the_axis_of_ha_ends_at_the_first_level_above_it(site: Client) -> None:
    run = RunFactory(started_at=timezone.now() - timedelta(minutes=5), ha_weights=[1.0, 0.0, 0.0])
    batch = make_batch([0.5] * 5, start=timezone.now() - timedelta(seconds=5))
    record_oscillators(run=run, batch=batch, defect=np.full(5, 0.15))
    page = panel(site, "ha", run=run.pk)
    assert re.findall(r'class="threshold (\w+)"', page) == ["warning"]
    batch = make_batch([0.5] * 5, start=timezone.now() - timedelta(seconds=2), every_s=0.1)
    record_oscillators(run=run, batch=batch, defect=np.full(5, 0.9))
    assert re.findall(r'class="threshold (\w+)"', panel(site, "ha", run=run.pk))[0] == "failure"


def test_a_run_of_fields_alone_has_its_pictures(site: Client) -> None:
    run = RunFactory(started_at=timezone.now() - timedelta(minutes=5))
    for second in range(3):
        make_field(run=run, at=timezone.now() - timedelta(seconds=9 - second), keep_frame=False)
    assert "nfcs-line" in panel(site, "ha", run=run.pk)
    field = panel(site, "field", run=run.pk)
    assert field.count("nfcs-line") == 3
    assert "<img" not in field, "no frame was kept"
    assert 'class="nothing"' in panel(site, "order", run=run.pk)


def test_a_frame_is_a_picture_that_stays(site: Client) -> None:
    run = make_live_run()
    address = re.findall(r'<img class="nfcs-field" src="(.*?)"', panel(site, "field", run=run.pk))[0]
    answer = site.get(address)
    assert answer.headers["Content-Type"] == "image/png"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", answer.content[16:24]) == (256, 256)
    base, at_us, name = address.rsplit("/", 2)
    for wrong in (f"{base}/{int(at_us) + 1}/{name}", f"{base}/{10**19}/{name}", f"{base}/{at_us}/{10**12}.png"):
        assert site.get(wrong).status_code == 404


def test_a_large_frame_is_thinned_by_whole_rows() -> None:
    run = RunFactory()
    state = make_field(run=run, at=NOW, n=600)
    frame = selectors.read_frame(run.pk, NOW, state.pk)
    whole = np.frombuffer(bytes(state.frame or b""), dtype="<c8").reshape(600, 600)
    assert frame is not None
    assert frame.tolist() == whole[::2, ::2].tolist()
    assert selectors.read_frame(run.pk, NOW, state.pk + 1) is None


def test_the_page_of_a_run_tells_all_about_it(site: Client) -> None:
    run = make_live_run(parameters={"c1": 2.0, "note": "x" * 400}, seed=7, owner=AdminFactory(username="ada"))
    stop_run(run=run, cause=EventCause.HALLUCINATION, reason="Ha passed 4", now=timezone.now())
    violation = ViolationFactory(run=run)
    page = read(site.get(reverse("admin:nfcs_run_overview", args=[run.pk])))
    for words in ("ada", "Ha passed 4", "<code>c1</code>", "<code>2.0</code>", str(run.run_uuid), "x…</code>"[1:]):
        assert words in page
    assert reverse("admin:constitutional_violation_change", args=[violation.pk]) in page
    assert reverse("admin:nfcs_recover_runs") in page
    assert "The line is the mean and the tint the range of all rows" in page
    assert 'class="area s1"' in page


def test_runs_lead_to_their_pages(site: Client) -> None:
    run = RunFactory()
    overview = reverse("admin:nfcs_run_overview", args=[run.pk])
    assert overview in read(site.get(reverse("admin:core_run_changelist")))
    assert overview in read(site.get(reverse("admin:core_run_change", args=[run.pk])))
    assert "nothing" in read(site.get(overview)), "a run without telemetry has a page"


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
