"""What a credential carries bounds what its user may do, superusers included."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.choices import Role
from accounts.models import User
from tests.factories.accounts import AdminFactory, OperatorFactory, UserFactory
from tests.factories.core import RunFactory, make_neuron
from tests.nfcs.test_ingest import ROWS, post

pytestmark = pytest.mark.django_db

SCOPES = frozenset({"core.view_run", "accounts.view_apikey"})


@pytest.fixture(autouse=True)
def _roles(db: None) -> None:
    call_command("loaddata", "roles", verbosity=0)


def sign_in(user: User, *scopes: str) -> APIClient:
    client = APIClient()
    user.scopes = frozenset(scopes)
    client.force_authenticate(user)
    return client


@pytest.mark.parametrize("make", [AdminFactory, OperatorFactory])
def test_permissions_end_at_the_scopes(make: Any) -> None:
    user = make()
    everything = user.get_all_permissions()
    held = SCOPES & everything if user.role == Role.OPERATOR else SCOPES
    user.scopes = SCOPES
    assert user.has_perm("core.view_run")
    assert not user.has_perm("core.add_run")
    assert not user.has_perms(["core.view_run", "core.add_run"])
    assert {perm for perm in everything if user.has_perm(perm)} == held
    assert user.get_all_permissions() <= held
    assert user.get_group_permissions() <= held
    assert user.get_user_permissions() <= held
    assert user.has_module_perms("core")
    assert not user.has_module_perms("validation")
    assert not user.is_staff


def test_a_scope_gives_nothing_that_the_user_lacks() -> None:
    user = UserFactory()
    user.scopes = frozenset({"core.change_run", "core.view_run"})
    assert user.get_all_permissions() == {"core.view_run"}
    assert not user.has_perm("core.change_run")
    user.scopes = frozenset()
    assert not user.has_perm("core.view_run")
    user.scopes = None
    assert user.has_perm("core.view_run")


def test_the_same_holds_where_it_is_awaited() -> None:
    user = AdminFactory()
    user.scopes = SCOPES

    async def ask() -> list[bool]:
        return [
            await user.ahas_perm("core.view_run"),
            await user.ahas_perm("core.add_run"),
            await user.ahas_perms(["core.add_run"]),
            await user.ahas_module_perms("core"),
            await user.ahas_module_perms("validation"),
        ]

    assert asyncio.run(ask()) == [True, False, False, True, False]


def test_a_reading_credential_changes_nothing_of_its_owner() -> None:
    user = UserFactory()
    run = RunFactory(owner=user)
    neuron = make_neuron(run=run)
    reading = sign_in(user, "core.view_run", "core.view_quantumneuron")
    assert reading.get(f"/api/v1/runs/{run.pk}/").status_code == 200
    assert reading.patch(f"/api/v1/runs/{run.pk}/", {"name": "x"}).status_code == 403
    assert reading.post(f"/api/v1/runs/{run.pk}/end/").status_code == 403
    assert reading.patch(f"/api/v1/neurons/{neuron.pk}/", {"name": "x"}).status_code == 403
    assert reading.post(f"/api/v1/neurons/{neuron.pk}/events/", {"event": "measure"}).status_code == 403
    for kind, row in ROWS.items():
        assert post(reading, kind, [row(run.pk)]).status_code == 403
    writing = sign_in(user, "core.view_run", "core.add_run", "core.view_quantumneuron", "core.add_quantumneuron")
    assert writing.patch(f"/api/v1/neurons/{neuron.pk}/", {"name": "x"}).status_code == 200
    assert writing.patch(f"/api/v1/runs/{run.pk}/", {"name": "x"}).status_code == 200


def test_a_feeding_credential_feeds_its_owners_runs_alone() -> None:
    operator = OperatorFactory()
    own, foreign = RunFactory(owner=operator), RunFactory()
    feeding = sign_in(operator, "kuramoto.add_oscillatorstate")
    assert post(feeding, "oscillators", [ROWS["oscillators"](foreign.pk)]).status_code == 400
    assert post(feeding, "oscillators", [ROWS["oscillators"](own.pk)]).status_code == 201
    anywhere = sign_in(operator, "kuramoto.add_oscillatorstate", "core.change_run")
    assert post(anywhere, "oscillators", [ROWS["oscillators"](foreign.pk)]).status_code == 201
