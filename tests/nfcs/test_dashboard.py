"""The first page and the page of a run: what operators see, who sees it, and what it costs."""

from __future__ import annotations

import re
import struct
from datetime import timedelta
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
from core.services.runs import share_run
from kuramoto.choices import EventCause
from kuramoto.models import OscillatorState
from kuramoto.services import record_oscillators, stop_run
from nfcs.dashboard import selectors
from nfcs.dashboard.overview import RUN_PANELS
from nfcs.dashboard.panels import PANELS
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.constitutional import ViolationFactory
from tests.factories.core import RunFactory, make_field, make_network
from tests.factories.dashboard import make_live_run, record_levels
from tests.factories.kuramoto import make_batch
from tests.factories.validation import ValidationRunFactory

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert('1')</script>"
BAD_RUNS = ["abc", "1.0", "-1", "٣", "1" * 19, "999999999999999999"]


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
    user = UserFactory(role=role)
    run = make_live_run()
    share_run(run=run, group=user.groups.get())
    for codename, app, model in list_permissions(role):
        user.user_permissions.add(Permission.objects.get_by_natural_key(codename, app, model))
    client = Client()
    client.force_login(user)
    assert read(client.get(reverse("admin:index"))).count("data-panel") == sum(
        user.has_perms(panel.permissions) for panel in PANELS.values()
    )
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
    record_levels(run, [0.9] * 3, start=timezone.now() - timedelta(seconds=3))
    assert "above 0.8, dwelling" in panel(site, "now", run=run.pk)
    run = RunFactory(started_at=timezone.now() - timedelta(minutes=5))
    record_levels(run, [0.9] * 30, start=timezone.now() - timedelta(seconds=30))
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
