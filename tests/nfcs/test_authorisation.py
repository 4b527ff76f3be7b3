"""Every endpoint, for every role and relation to the row: what it answers stands in one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from rest_framework.test import APIClient

from accounts.choices import Role
from accounts.models import ApiKey, PartnerConfig, User
from accounts.services import create_api_key
from cognitive.analysis import start_analysis
from cognitive.models import ComplexityRecord
from constitutional.models import UserActivity
from core.models import AuditEntry, Run
from core.services.runs import share_run
from kuramoto.models import OscillatorState
from kuramoto.services import record_oscillators
from tests.factories import examples
from tests.factories.accounts import PartnerFactory, UserFactory
from tests.factories.core import RunFactory
from tests.factories.kuramoto import make_batch
from tests.routes import Route, list_routes

MATRIX = Path(__file__).with_name("authorisation.txt")
ACTORS = ("anonymous", "readonly", "stranger", "member", "owner", "operator", "admin")
"""Stranger, member and owner are plain users; the row's run is the owner's, shared with a group of the member."""
WORDS = {401: "-", 403: "no", 404: "hidden"}


def read_matrix() -> dict[str, dict[str, str]]:
    """By method and address: the declared answers by actor."""
    rows = {}
    for line in MATRIX.read_text().splitlines():
        if line and not line.startswith("#"):
            method, template, *cells = line.split()
            rows[f"{method} {template}"] = dict(zip(ACTORS, cells, strict=True))
    return rows


@pytest.fixture
def users(db: None) -> dict[str, Any]:
    """Somebody of every kind."""
    call_command("loaddata", "roles", verbosity=0)
    roles = {
        "readonly": Role.READONLY,
        "stranger": Role.USER,
        "member": Role.USER,
        "owner": Role.USER,
        "operator": Role.OPERATOR,
        "admin": Role.ADMIN,
    }
    made = {name: UserFactory(role=role) for name, role in roles.items()}
    made["member"].groups.add(Group.objects.create(name="laboratory"))
    return made


def answer(route: Route, actor: str, users: dict[str, Any]) -> str:
    """What the actor gets for a row of the owner's run, as one word; nothing is kept.

    `-` has to sign in, `no` is not allowed, `hidden` sees no such row; a list says `none` or `rows`; anything else is
    `yes`, be it that an empty body is refused.
    """
    client = APIClient(raise_request_exception=False)
    if actor in users:
        client.force_authenticate(users[actor])
    with transaction.atomic():
        address = route.address(str(make_example(route, users["owner"]))).replace("/readonly/", "/laboratory/")
        Run.objects.update(owner=users["owner"])
        for run in Run.objects.all():
            share_run(run=run, group=Group.objects.get(name="laboratory"))
        method: Callable[..., Any] = getattr(client, route.method)
        response = method(address, {}) if route.method in ("post", "patch") else method(address)
        content = response.json() if route.is_list and response.status_code == 200 else {}
        if response.streaming:
            list(response.streaming_content)
        transaction.set_rollback(True)
    assert response.status_code < 500, (route, actor, response.content)
    if response.status_code in WORDS:
        return WORDS[response.status_code]
    if "results" in content:
        return "rows" if content["results"] else "none"
    return "yes"


def make_example(route: Route, owner: User) -> int:
    """The id of a thing that the route shows: of a run, of nobody, or of the owner."""
    queryset = getattr(route.view, "queryset", None)
    model = None if queryset is None else queryset.model
    if model is OscillatorState:
        run = RunFactory(n_oscillators=64)
        record_oscillators(run=run, batch=make_batch([0.5]), defect=np.full(1, np.nan))
        return int(OscillatorState.objects.get(run=run).pk)
    if model is ComplexityRecord:
        run = RunFactory()
        record_oscillators(run=run, batch=make_batch([0.5]), defect=np.full(1, np.nan))
        return int(start_analysis(run=run).pk)
    if model is ApiKey:
        return int(create_api_key(owner=owner, name="rig", scopes=[])[0].pk)
    if model is UserActivity:
        return int(owner.pk)
    if model is AuditEntry:
        return int(AuditEntry.objects.latest("id").pk)
    if model is PartnerConfig:
        return int(PartnerFactory().pk)
    return examples.make(route.view)


def test_the_matrix_names_every_endpoint_and_no_other() -> None:
    assert read_matrix().keys() == {str(route) for route in list_routes()}


@pytest.mark.parametrize("route", list_routes(), ids=str)
def test_who_gets_what(route: Route, users: dict[str, Any]) -> None:
    found = {actor: answer(route, actor, users) for actor in ACTORS}
    assert found == read_matrix()[str(route)]
