"""What people see of the audit: a row's history, the state of the chain, checkpoints; and the same in the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from core.audit_selectors import get_chain_status
from core.models import AuditEntry
from core.services.audit import record_event
from core.services.audit_checkpoints import make_checkpoint
from nfcs.dashboard import panels
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record_verification(**details: Any) -> None:
    record_event(
        event="audit.verified",
        action="read",
        table_name="nfcs_core.golden_dag_audit",
        row_key="verification",
        details={"verified_at": NOW.isoformat(), "last_checkpoint": 1, **details},
    )


def test_the_history_of_a_row_shows_what_changed(client: Client) -> None:
    client.force_login(AdminFactory())
    run = RunFactory(name="before")
    run.name = "after <b>"
    run.save()
    page = client.get(f"/admin/core/run/{run.pk}/history/").content.decode()
    assert "Audited changes" in page
    assert "have a change history" not in page
    assert "<td><code>name</code></td><td>before</td><td>after &lt;b&gt;</td>" in page
    assert f"/admin/core/run/{run.pk}/history/" in client.get(f"/admin/core/run/{run.pk}/change/").content.decode()


def test_who_may_not_see_the_audit_sees_no_history(client: Client) -> None:
    client.force_login(UserFactory(role="operator"))
    run = RunFactory()
    response = client.get(f"/admin/core/run/{run.pk}/history/")
    assert response.status_code in (200, 403)
    assert "Audited changes" not in response.content.decode()


def test_the_first_page_says_whether_the_chain_holds() -> None:
    scene = panels.build_scene(None, NOW)
    assert get_chain_status().state == "unverified"
    assert "level-notice" in panels.PANELS["audit"].render(scene)
    checkpoint = make_checkpoint(now=NOW, reason="command")
    record_verification(ok=True)
    page = panels.PANELS["audit"].render(scene)
    assert "level-ok" in page
    assert f"entries linked, last checkpoint {checkpoint.number}" in page
    record_verification(ok=False, first_bad={"entry": 4711, "detail": "edited: entry 4711 is not what was linked"})
    page = panels.PANELS["audit"].render(scene)
    assert "level-critical" in page
    assert "entry 4711 is not what was linked" in page
    assert "/admin/core/auditentry/4711/change/" in page


def test_checkpoints_and_events_are_listed(client: Client) -> None:
    client.force_login(AdminFactory())
    checkpoint = make_checkpoint(now=NOW, reason="command")
    assert "command" in client.get("/admin/core/auditcheckpoint/").content.decode()
    assert checkpoint.sha256 in client.get(f"/admin/core/auditcheckpoint/{checkpoint.number}/change/").content.decode()
    record_verification(ok=True)
    entry = AuditEntry.objects.latest("id")
    assert "audit.verified" in client.get(f"/admin/core/auditentry/{entry.pk}/change/").content.decode()


def test_a_checkpoint_is_made_only_when_something_changed() -> None:
    first = make_checkpoint(now=NOW, reason="schedule")
    assert make_checkpoint(now=NOW, reason="schedule").number == first.number
    assert make_checkpoint(now=NOW, reason="retention", retained=[]).number == first.number


def test_the_api_lists_entries_checkpoints_and_the_state(admin_api: APIClient) -> None:
    run = RunFactory(name="x")
    checkpoint = make_checkpoint(now=NOW, reason="command")
    page = admin_api.get(f"/api/v1/audit/entries/?table=nfcs_core.runs&row_key={run.pk}&actor=0&action=create").json()
    (entry,) = page["results"]
    assert entry["payload"]["after"]["name"] == "x"
    assert admin_api.get(f"/api/v1/audit/entries/{entry['id']}/").json() == entry
    assert admin_api.get("/api/v1/audit/entries/?limit=1").json()["next"]
    found = admin_api.get("/api/v1/audit/checkpoints/").json()["results"][0]
    assert (found["number"], len(found["signature"])) == (checkpoint.number, 128)
    assert admin_api.get(f"/api/v1/audit/checkpoints/{checkpoint.number}/").json() == found
    status = admin_api.get("/api/v1/audit/status/").json()
    assert (status["state"], status["last_checkpoint"]) == ("unverified", checkpoint.number)
    assert admin_api.get("/api/v1/audit/status/?x=1").status_code == 400
    assert admin_api.get("/api/v1/audit/entries/?actor=99999999999").status_code == 400


@pytest.mark.parametrize("path", ["entries", "checkpoints", "status"])
def test_who_may_not_see_the_audit_is_refused(api: APIClient, path: str) -> None:
    assert api.get(f"/api/v1/audit/{path}/").status_code in (401, 403)
    api.force_authenticate(UserFactory())
    assert api.get(f"/api/v1/audit/{path}/").status_code == 403
