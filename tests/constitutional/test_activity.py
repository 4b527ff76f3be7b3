"""What users did: the view counts what the tables hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.services import create_api_key, revoke_api_key
from constitutional.models import UserActivity
from constitutional.services.review import acknowledge_violations, resolve_violations
from core.db.identity import set_actor
from tests.factories.accounts import AdminFactory, OperatorFactory, UserFactory
from tests.factories.constitutional import ViolationFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_the_view_counts_runs_keys_and_reviews() -> None:
    operator, idle = OperatorFactory(), UserFactory()
    RunFactory(owner=operator)
    key, _ = create_api_key(owner=operator, name="a", scopes=[])
    create_api_key(owner=operator, name="b", scopes=[])
    revoke_api_key(key=key, now=NOW)
    violations = [ViolationFactory().pk, ViolationFactory().pk]
    set_actor(operator.pk)
    acknowledge_violations(ids=violations, actor=operator, note="seen", now=NOW)
    resolve_violations(ids=violations[:1], actor=operator, note="done", now=NOW)
    row = UserActivity.objects.get(pk=operator.pk)
    assert (row.runs_owned, row.live_keys, row.acknowledged, row.resolved) == (1, 1, 2, 1)
    assert row.last_active_at is not None
    nobody = UserActivity.objects.get(pk=idle.pk)
    assert (nobody.runs_owned, nobody.live_keys, nobody.acknowledged, nobody.last_active_at) == (0, 0, 0, None)


def test_only_administrators_see_it(api: Any, admin_api: Any, client: Any) -> None:
    AdminFactory()
    rows = admin_api.get("/api/v1/users/activity/").json()["results"]
    assert len(rows) >= 2
    assert admin_api.get(f"/api/v1/users/activity/{rows[0]['id']}/").json() == rows[0]
    api.force_authenticate(OperatorFactory())
    assert api.get("/api/v1/users/activity/").status_code == 403
    client.force_login(AdminFactory())
    assert client.get("/admin/constitutional/useractivity/").status_code == 200
