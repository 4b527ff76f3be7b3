"""The admin: what it shows, what it refuses, and what bad input does to it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.choices import Role
from accounts.models import User
from core import admin_base
from core.admin_base import EstimatedPaginator, ReadOnlyAdmin
from core.models import FieldState, Run, SystemConfig
from tests.factories import examples
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.core import ConfigFactory, RunFactory, make_field, make_network
from tests.poison import QUERY_VALUES

pytestmark = pytest.mark.django_db

NO_SHARES = {"shares-TOTAL_FORMS": 0, "shares-INITIAL_FORMS": 0}
"""What the page of a run sends of its groups when there are none."""
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def page(db: None) -> Client:
    """A superuser's client that gets a 500 as an answer."""
    client = Client(raise_request_exception=False)
    client.force_login(AdminFactory())
    return client


def address(model: type[Model], view: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{view}", args=arguments)


def label(model: type[Model]) -> str:
    return model._meta.label


def errors(response: Any) -> dict[str, list[str]]:
    """What stands beside the fields of a form."""
    assert response.status_code == 200, response.status_code
    return {field: list(words) for field, words in response.context["adminform"].form.errors.items()}


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_every_list_and_page_opens(model: type[Model], page: Client) -> None:
    row = examples.MAKERS[model]() if model in examples.MAKERS else None
    listed = page.get(address(model, "changelist"))
    assert listed.status_code == 200
    if row is not None:
        assert page.get(address(model, "change", row.pk)).status_code == 200
    may_add = admin.site._registry[model].has_add_permission(listed.wsgi_request)
    assert page.get(address(model, "add")).status_code == (200 if may_add else 403)


@pytest.mark.parametrize("model", MODELS, ids=label)
def test_lists_and_pages_survive_bad_addresses(model: type[Model], page: Client) -> None:
    found = {}
    listed = address(model, "changelist")
    names = ["q", "p", "o"]
    request = page.get(listed).wsgi_request
    for entry in admin.site._registry[model].get_list_filter(request):
        name = entry[0] if isinstance(entry, tuple) else entry
        names += [f"{name}__exact"] if isinstance(name, str) else [name.parameter_name]
    for name in names:
        for kind in ("NUL", "text", "past int8", "Feb 30", "per cent"):
            status = page.get(listed, {name: QUERY_VALUES[kind]}).status_code
            if status not in (200, 302, 400):
                found[name, kind] = status
    for pk in ("-1", "x", "9" * 30, "%00"):
        for view in ("change", "history"):
            status = page.get(address(model, "change", "PK").replace("PK/change", f"{pk}/{view}")).status_code
            if status not in (302, 400, 403, 404):
                found[view, pk] = status
    assert not found


POISON = (
    "a\x00b",
    "x" * 2000,
    "NaN",
    "-1e999",
    str(2**63),
    "9" * 5000,
    "9999-12-31 23:59:59",
    "0000-00-00",
    '{"a": "\\ud800"}',
)


@pytest.mark.parametrize(
    "model",
    [
        model
        for model in MODELS
        if model in examples.MAKERS and not isinstance(admin.site._registry[model], ReadOnlyAdmin)
    ],
    ids=label,
)
def test_boxes_survive_every_text(model: type[Model], page: Client) -> None:
    row = examples.MAKERS[model]()
    change = address(model, "change", row.pk)
    opened = page.get(change).context["adminform"]
    given = {name: value for name, value in opened.form.initial.items() if value is not None}
    found = {}
    for name in opened.form.fields:
        for text in POISON:
            body = {key: json.dumps(value) if isinstance(value, dict | list) else value for key, value in given.items()}
            status = page.post(change, body | {name: text}).status_code
            if status not in (200, 302, 400, 403):
                found[name, text[:20]] = status
    assert not found
    assert page.get(change).status_code == 200
    assert page.get(address(model, "changelist")).status_code == 200


@pytest.mark.parametrize(
    "model", [model for model in MODELS if isinstance(admin.site._registry[model], ReadOnlyAdmin)], ids=label
)
def test_recorded_rows_are_not_added_changed_or_deleted(model: type[Model], page: Client) -> None:
    row = examples.MAKERS[model]() if model in examples.MAKERS else None
    assert page.post(address(model, "add"), {}).status_code == 403
    if row is not None:
        assert page.post(address(model, "change", row.pk), {}).status_code == 403
        assert page.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    listed = page.post(address(model, "changelist"), {"action": "delete_selected", "_selected_action": ["1"]})
    assert listed.status_code in (200, 302)
    assert row is None or model._default_manager.filter(pk=row.pk).exists()


def test_a_list_of_telemetry_bounds_time_and_counts_no_partitioned_table(page: Client) -> None:
    now = datetime.now(UTC)
    new, old = make_field(at=now), make_field(at=now - timedelta(days=10))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = page.get(address(FieldState, "changelist"))
    assert [row.pk for row in response.context["cl"].result_list] == [new.pk]
    reads = [query["sql"] for query in queries if "nfcs_fields" in query["sql"]]
    assert reads
    assert all('"nfcs_fields"."timestamp" >= ' in sql for sql in reads)
    assert all("LIMIT" in sql for sql in reads if "COUNT" in sql)
    assert not any('"frame",' in sql for sql in reads)
    everything = page.get(address(FieldState, "changelist"), {"within": "all"})
    assert [row.pk for row in everything.context["cl"].result_list] == [new.pk, old.pk]
    of_a_run = page.get(address(FieldState, "changelist"), {"within": "all", "run": old.run_id})
    assert [row.pk for row in of_a_run.context["cl"].result_list] == [old.pk]
    assert page.get(address(FieldState, "changelist"), {"run": 999_999}).context["cl"].result_count == 0


def test_pages_end_where_counting_ends_and_say_about_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        RunFactory()
    paginator = EstimatedPaginator(Run.objects.order_by("id"), 2)
    assert (paginator.count, paginator.num_pages, paginator.estimate) == (5, 3, None)
    monkeypatch.setattr(admin_base, "DEEPEST_ROW", 4)
    bounded = EstimatedPaginator(Run.objects.order_by("id"), 2)
    assert (bounded.count, bounded.num_pages) == (4, 2)
    assert bounded.estimate is not None
    assert bounded.estimate >= 4


def test_a_picture_of_a_field_is_served_and_only_in_its_sizes(page: Client) -> None:
    field, bare = make_field(), make_field(keep_frame=False)
    picture = page.get(reverse("admin:core_fieldstate_picture", args=[field.pk, 48]))
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")
    for pk, size in ((field.pk, 4000), (bare.pk, 48), (999_999, 48), (10**30, 48)):
        assert page.get(reverse("admin:core_fieldstate_picture", args=[pk, size])).status_code == 404
    stranger = Client()
    assert stranger.get(reverse("admin:core_fieldstate_picture", args=[field.pk, 48])).status_code == 302


def test_a_configuration_value_is_made_changed_and_its_history_shown(page: Client) -> None:
    body = {"config_key": "test.key", "environment": "production", "config_type": "object", "is_active": "on"}
    made = page.post(address(SystemConfig, "add"), body | {"config_value": '{"a": [1, 2.5]}'})
    assert made.status_code == 302
    config = SystemConfig.objects.get(config_key="test.key")
    assert config.config_value == {"a": [1, 2.5]}
    change = address(SystemConfig, "change", config.pk)
    assert page.post(change, body | {"config_value": "7", "config_type": "integer"}).status_code == 302
    config.refresh_from_db()
    assert (config.config_value, config.is_active) == (7, True)
    shown = page.get(change).content.decode()
    assert "<code>7</code>" in shown
    assert "2.5" in shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "required"),
        ("nonsense", "not JSON"),
        ("NaN", "not a JSON number"),
        ('{"a": 1e999}', "a: The number is too large"),
        ('"\\u0000"', "NUL"),
        ('"\\ud800"', "surrogate"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[" * 1000 + "]" * 1000, "nested"),
        ("9" * 5000, "too large"),
    ],
)
def test_a_box_for_json_refuses_what_is_none_and_keeps_it_standing(value: str, words: str, page: Client) -> None:
    body = {"config_key": "test", "environment": "production", "config_type": "object", "config_value": value}
    response = page.post(address(SystemConfig, "add"), body)
    assert words in errors(response)["config_value"][0]
    assert not SystemConfig.objects.filter(config_key="test").exists()


def test_what_the_database_refuses_stands_beside_its_field(page: Client) -> None:
    config = ConfigFactory(config_key="nfcs.ha_threshold", config_type="float", config_value=0.85)
    change = address(SystemConfig, "change", config.pk)
    response = page.post(change, {"config_type": "float", "config_value": "7", "is_active": "on"})
    assert "cannot use the value" in errors(response)["config_value"][0]
    assert 'value="7"' in response.content.decode() or ">7</textarea>" in response.content.decode().replace("\n", "")
    config.refresh_from_db()
    assert config.config_value == 0.85
    twice = {
        "config_key": config.config_key,
        "environment": "production",
        "config_type": "float",
        "config_value": "0.5",
    }
    assert errors(page.post(address(SystemConfig, "add"), twice))


def test_text_with_a_nul_character_stands_in_no_box(page: Client) -> None:
    run = RunFactory(name="before")
    response = page.post(address(Run, "change", run.pk), {"name": "a\x00b", **NO_SHARES})
    assert "null characters" in errors(response)["name"][0].lower()
    assert page.post(address(Run, "change", run.pk), {"name": "after", "kind": "live", **NO_SHARES}).status_code == 302
    run.refresh_from_db()
    assert (run.name, run.kind) == ("after", "simulation")


def test_runs_are_ended_from_the_list(page: Client) -> None:
    going, ended = RunFactory(), RunFactory(ended_at=datetime(2026, 1, 2, tzinfo=UTC))
    body = {"action": "end_runs", "_selected_action": [going.pk, ended.pk]}
    response = page.post(address(Run, "changelist"), body, follow=True)
    words = [str(message) for message in response.context["messages"]]
    assert words == [f"{ended}: The run ended at 2026-01-02T00:00:00+00:00.", "Ended: 1."]
    going.refresh_from_db()
    assert going.ended_at is not None


def test_a_network_is_drawn_with_its_vertices(page: Client) -> None:
    network = make_network(n=5)
    shown = page.get(reverse("admin:core_realitynetwork_change", args=[network.pk])).content.decode()
    assert shown.count("<circle") == 5
    assert "5 nodes, 5 edges" in shown


def test_who_may_open_the_admin_and_change_what() -> None:
    call_command("loaddata", "roles", verbosity=0)
    run = RunFactory()
    seen = {}
    for role in Role:
        client = Client()
        client.force_login(UserFactory(role=role))
        opened = client.get(address(Run, "change", run.pk))
        saved = client.post(address(Run, "change", run.pk), {"name": f"by {role}", **NO_SHARES})
        seen[role.value] = (opened.status_code, saved.status_code)
    assert seen == {"admin": (200, 302), "operator": (200, 302), "user": (302, 302), "readonly": (302, 403)}
    run.refresh_from_db()
    assert run.name == "by operator"


def test_users_are_made_with_a_role_and_a_password(page: Client) -> None:
    body = {
        "username": "grace",
        "email": "grace@example.org",
        "role": "operator",
        "usable_password": "true",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
    }
    assert page.post(address(User, "add"), body).status_code == 302
    grace = User.objects.get(username="grace")
    assert grace.check_password("correct horse battery")
    assert [group.name for group in grace.groups.all()] == ["operator"]
    again = page.post(address(User, "add"), body | {"username": "GRACE", "email": "other@example.org"})
    assert errors(again)
    weak = page.post(address(User, "add"), body | {"username": "x", "password1": "abc", "password2": "abc"})
    assert "password2" in errors(weak)
    no_sessions = {"sessions-TOTAL_FORMS": 0, "sessions-INITIAL_FORMS": 0}
    changed = {"username": "grace", "email": "grace@example.org", "role": "readonly", "is_active": "on", **no_sessions}
    assert page.post(address(User, "change", grace.pk), changed).status_code == 302
    assert [group.name for group in grace.groups.all()] == ["readonly"]


def test_a_superuser_is_changed_by_superusers_alone() -> None:
    call_command("loaddata", "roles", verbosity=0)
    superuser = AdminFactory()
    client = Client()
    client.force_login(UserFactory(role=Role.ADMIN))
    for view in ("change", "delete"):
        assert client.post(address(User, view, superuser.pk), {"post": "yes"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[superuser.pk])).status_code == 403
    assert User.objects.filter(pk=superuser.pk).exists()


def test_a_page_of_a_user_shows_no_hash(page: Client) -> None:
    user = UserFactory()
    shown = page.get(address(User, "change", user.pk)).content.decode()
    assert user.password not in shown
    assert user.password.rsplit("$", 1)[1] not in shown


def test_who_changed_a_value_stands_in_its_history(page: Client) -> None:
    config = ConfigFactory()
    body = {"config_type": "integer", "config_value": json.dumps(2), "is_active": "on"}
    assert page.post(address(SystemConfig, "change", config.pk), body).status_code == 302
    with connection.cursor() as cursor:
        cursor.execute("SELECT actor_id FROM system_config_history ORDER BY id DESC LIMIT 1")
        assert cursor.fetchone()[0] == int(page.session["_auth_user_id"])
