"""Runs shared with groups: by API and admin, by their owners and by operators."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.choices import Role
from core.exceptions import NotFound
from core.models import Run, RunShare
from core.services.runs import share_run, unshare_run
from tests.factories.accounts import AdminFactory, OperatorFactory, UserFactory
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def roles() -> None:
    call_command("loaddata", "roles", verbosity=0)


@pytest.fixture
def group() -> Group:
    return Group.objects.create(name="laboratory")


def signed_in(user: object) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def address(run: Run) -> str:
    return f"/api/v1/runs/{run.pk}/shares/"


def test_a_run_is_shared_once_with_a_group(group: Group) -> None:
    run = RunFactory()
    assert str(share_run(run=run, group=group)) == f"{run.pk} with laboratory"
    with pytest.raises(IntegrityError, match="run_shares_run_group_uq"), transaction.atomic():
        share_run(run=run, group=group)
    unshare_run(run=run, group=group)
    with pytest.raises(NotFound):
        unshare_run(run=run, group=group)


def test_the_owner_shares_lists_and_takes_back(group: Group) -> None:
    user = UserFactory()
    run = RunFactory(owner=user)
    client = signed_in(user)
    made = client.post(address(run), {"group": "laboratory"})
    assert (made.status_code, made.json()["group"], made.json()["shared_by"]) == (201, "laboratory", user.pk)
    assert [share["group"] for share in client.get(address(run)).json()] == ["laboratory"]
    again = client.post(address(run), {"group": "laboratory"})
    assert (again.status_code, again.json()["errors"][0]["field"]) == (400, "group")
    assert client.delete(f"/api/v1/runs/{run.pk}/shares/{group.name}/").status_code == 204
    assert client.get(address(run)).json() == []
    assert client.delete(f"/api/v1/runs/{run.pk}/shares/{group.name}/").status_code == 404


def test_unknown_groups_are_named(group: Group) -> None:
    run = RunFactory()
    client = signed_in(AdminFactory())
    assert client.post(address(run), {"group": "nowhere"}).json()["errors"][0]["field"] == "group"
    assert client.delete(f"/api/v1/runs/{run.pk}/shares/nowhere/").status_code == 404
    assert client.delete(f"/api/v1/runs/{run.pk}/shares/a%00b/").status_code in (400, 404)


def test_operators_share_any_run_others_only_their_own(group: Group) -> None:
    run = RunFactory(owner=UserFactory())
    share_run(run=run, group=Group.objects.get(name="user"))
    share_run(run=run, group=Group.objects.get(name="readonly"))
    for user, status in ((OperatorFactory(), 201), (UserFactory(), 403), (UserFactory(role=Role.READONLY), 403)):
        RunShare.objects.filter(group=group).delete()
        assert signed_in(user).post(address(run), {"group": group.name}).status_code == status
        RunShare.objects.get_or_create(run=run, group=group)
        deleted = signed_in(user).delete(f"/api/v1/runs/{run.pk}/shares/{group.name}/").status_code
        assert deleted == (204 if status == 201 else 403)


def test_the_admin_shows_and_changes_the_groups_of_a_run(group: Group) -> None:
    run = RunFactory()
    operator = OperatorFactory()
    page = Client()
    page.force_login(operator)
    change = reverse("admin:core_run_change", args=[run.pk])
    empty = {"name": run.name, "shares-TOTAL_FORMS": 1, "shares-INITIAL_FORMS": 0}
    assert page.post(change, empty | {"shares-0-group": group.pk, "shares-0-run": run.pk}).status_code == 302
    share = RunShare.objects.get()
    assert (share.group, share.shared_by) == (group, operator)
    assert "laboratory" in page.get(change).content.decode()
    body = {"name": run.name, "shares-TOTAL_FORMS": 1, "shares-INITIAL_FORMS": 1, "shares-0-DELETE": "on"}
    assert page.post(change, body | {"shares-0-id": share.pk, "shares-0-run": run.pk}).status_code == 302
    assert not RunShare.objects.exists()
