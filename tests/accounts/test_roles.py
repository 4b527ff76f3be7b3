"""What each role may do, and the command that writes it down."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection

from accounts.choices import Role
from accounts.models import User
from accounts.roles import FIXTURE, find_differences, list_permissions, render_fixture
from core.management.base import FindingsError
from tests.factories.accounts import UserFactory

ACTIONS = {"v": "view", "a": "add", "c": "change", "d": "delete"}

# Per model: administrator, operator, user, read only.
MATRIX: dict[str, tuple[str, str, str, str]] = {
    "accounts.apikey": ("vacd", "vac", "vac", "v"),
    "accounts.apikeyuse": ("v", "v", "v", "v"),
    "accounts.partnerconfig": ("vacd", "vac", "", ""),
    "accounts.ratelimit": ("v", "", "", ""),
    "accounts.user": ("vacd", "", "", ""),
    "accounts.usersession": ("vacd", "", "", ""),
    "admin.logentry": ("v", "", "", ""),
    "auth.group": ("v", "", "", ""),
    "cognitive.cognitivesession": ("vacd", "vac", "vac", "v"),
    "cognitive.complexityrecord": ("vacd", "va", "va", "v"),
    "cognitive.complexitysnapshot": ("va", "v", "v", "v"),
    "cognitive.complexitysummary": ("v", "v", "v", "v"),
    "cognitive.dailycomplexity": ("v", "v", "v", "v"),
    "cognitive.memoryexperience": ("vacd", "vac", "vac", "v"),
    "cognitive.memoryretrieval": ("va", "va", "va", "v"),
    "cognitive.memorystrength": ("vacd", "v", "v", "v"),
    "constitutional.constitutionalpolicy": ("vacd", "vac", "v", "v"),
    "constitutional.policymonitorstate": ("v", "v", "", "v"),
    "constitutional.policyversion": ("v", "v", "v", "v"),
    "constitutional.runguardstate": ("vacd", "vc", "v", "v"),
    "constitutional.useractivity": ("v", "", "", ""),
    "constitutional.violation": ("v", "v", "v", "v"),
    "constitutional.violationnote": ("v", "v", "v", "v"),
    "core.auditcheckpoint": ("v", "v", "", ""),
    "core.auditentry": ("v", "", "", ""),
    "core.auditlane": ("v", "", "", ""),
    "core.auditlink": ("v", "", "", ""),
    "core.entanglement": ("v", "v", "v", "v"),
    "core.fieldstate": ("va", "va", "va", "v"),
    "core.idempotencykey": ("v", "", "", ""),
    "core.namedsecret": ("vacd", "", "", ""),
    "core.neuronevent": ("v", "v", "v", "v"),
    "core.quantumneuron": ("vacd", "vac", "va", "v"),
    "core.realityedge": ("vacd", "v", "v", "v"),
    "core.realitynetwork": ("vacd", "vc", "v", "v"),
    "core.realitynode": ("vacd", "v", "v", "v"),
    "core.run": ("vacd", "vac", "va", "v"),
    "core.runshare": ("vacd", "v", "v", "v"),
    "core.schemamigration": ("v", "v", "", "v"),
    "core.statetransition": ("v", "v", "v", "v"),
    "core.summaryrefresh": ("v", "v", "v", "v"),
    "core.systemconfig": ("vacd", "vac", "v", "v"),
    "core.systemconfigchange": ("v", "v", "", "v"),
    "kuramoto.oscillatorstate": ("va", "va", "va", "v"),
    "kuramoto.synchronizationevent": ("va", "va", "v", "v"),
    "kuramoto.synchronizationstate": ("v", "v", "", "v"),
    "validation.alertchannel": ("vacd", "v", "", "v"),
    "validation.alertdelivery": ("v", "v", "", "v"),
    "validation.alertmemory": ("v", "v", "", "v"),
    "validation.alertrule": ("vacd", "v", "v", "v"),
    "validation.metricsample": ("va", "va", "va", "v"),
    "validation.metricseries": ("va", "va", "va", "v"),
    "validation.monitoringalert": ("v", "v", "v", "v"),
    "validation.systemmetric": ("va", "va", "va", "v"),
    "validation.validationrun": ("va", "va", "va", "v"),
}
NAMED = {
    "accounts.manage_apikey": {Role.ADMIN},
    "constitutional.review_violation": {Role.ADMIN, Role.OPERATOR},
    "core.read_server_metrics": {Role.ADMIN, Role.OPERATOR, Role.READONLY},
    "validation.acknowledge_alert": {Role.ADMIN, Role.OPERATOR},
    "validation.silence_alert": {Role.ADMIN, Role.OPERATOR},
}


def expected(role: Role) -> set[str]:
    place = [Role.ADMIN, Role.OPERATOR, Role.USER, Role.READONLY].index(role)
    listed = {
        f"{label.split('.')[0]}.{ACTIONS[letter]}_{label.split('.')[1]}"
        for label, letters in MATRIX.items()
        for letter in letters[place]
    }
    return listed | {name for name, roles in NAMED.items() if role in roles}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_the_matrix_says(role: Role) -> None:
    assert {f"{app}.{codename}" for codename, app, _ in list_permissions(role)} == expected(role)


def test_the_fixture_is_what_the_command_writes() -> None:
    assert FIXTURE.read_text() == render_fixture(), "run manage.py roles write"


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_the_fixture_gives_a_user_the_permissions_of_its_role(role: Role) -> None:
    call_command("loaddata", "roles", verbosity=0)
    assert set(UserFactory(role=role).get_all_permissions()) == expected(role)


@pytest.mark.django_db
def test_loading_twice_changes_nothing_and_mends_what_was_changed() -> None:
    call_command("loaddata", "roles", verbosity=0)
    before = {group.pk: group.name for group in Group.objects.all()}
    Group.objects.get(name="readonly").permissions.clear()
    assert find_differences()
    call_command("loaddata", "roles", verbosity=0)
    assert find_differences() == []
    assert {group.pk: group.name for group in Group.objects.all()} == before


@pytest.mark.django_db
def test_the_command_names_what_differs() -> None:
    call_command("loaddata", "roles", verbosity=0)
    out = StringIO()
    call_command("roles", "check-groups", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"differences": []}
    readonly = Group.objects.get(name="readonly")
    readonly.permissions.set(Group.objects.get(name="user").permissions.all())
    with pytest.raises(FindingsError):
        call_command("roles", "check-groups", stdout=(out := StringIO()))
    assert "readonly: holds core.add_run without being meant to" in out.getvalue()
    assert "readonly: lacks core.read_server_metrics" in out.getvalue()


def test_the_command_changes_nothing_in_a_dry_run() -> None:
    before = FIXTURE.stat().st_mtime_ns
    out = StringIO()
    call_command("roles", "write", "--dry-run", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"path": str(FIXTURE), "changed": False}
    assert FIXTURE.stat().st_mtime_ns == before


@pytest.mark.django_db
def test_groups_follow_the_role_column_however_it_changes() -> None:
    user = UserFactory(role=Role.READONLY)
    other = Group.objects.create(name="a group that is no role")
    user.groups.add(other)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users SET role = 'operator' WHERE id = %s", [user.pk])
    assert {group.name for group in user.groups.all()} == {"operator", other.name}
    User.objects.filter(pk=user.pk).update(role=Role.ADMIN)
    assert {group.name for group in user.groups.all()} == {"admin", other.name}
