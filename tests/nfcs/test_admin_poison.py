"""Bad input at every page and form of the admin: an answer below 500, and pages that still read afterwards."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.db.models import DateField, Model
from django.test import Client, RequestFactory
from django.utils.http import urlencode

from core.models import Run, SchemaMigration, SystemConfig
from tests.admin_pages import EXAMPLES, MODELS, Boxes, address, fill_tables
from tests.factories.accounts import AdminFactory
from tests.factories.core import ConfigFactory
from tests.poison import IDS, NUL, QUERY_VALUES, RAW_VALUES, VALUES
from tests.routes import walk_addresses
from validation.models import AlertRule

pytestmark = pytest.mark.django_db

EDITABLE = [model for model in MODELS if model in EXAMPLES]
TEXTS: dict[str, str] = {
    **{name: value if isinstance(value, str) else json.dumps(value) for name, value in VALUES.items()},
    **RAW_VALUES,
    **QUERY_VALUES,
    "NUL": NUL,
    "half a surrogate pair": "\ud800",
    "past 4300 digits": "9" * 4400,
    "half a megabyte": "x" * 500_000,
    "control characters": "\x1b[2J\x07\r\n",
    "200 lines": "x\n" * 200,
}
IN_LISTS = ("NUL", "past int8", "year 9999, west")
NO_KEYS = ("x", NUL, str(2**63))


@pytest.fixture
def page(db: None) -> Client:
    """An administrator's client that gets a 500 as an answer."""
    client = Client(raise_request_exception=False)
    client.force_login(AdminFactory())
    return client


def encode(values: dict[str, str]) -> bytes:
    """A form's body or a query; half a surrogate pair as the octets that some clients make of it."""
    return urlencode({name: value.encode("utf-8", "surrogatepass") for name, value in values.items()}).encode()


def post(page: Client, path: str, values: dict[str, str]) -> int:
    return page.post(path, encode(values), content_type="application/x-www-form-urlencoded").status_code


def ids(model: type[Any]) -> str:
    return model._meta.label


def list_queries(model: type[Model]) -> list[dict[str, str]]:
    """Poisoned queries of a model's list: what every list reads, its filters, lookups on its columns."""
    queries = [dict.fromkeys(("q", "o", "all", "e"), TEXTS[name]) for name in IN_LISTS]
    queries += [{"p": TEXTS[name]} for name in IN_LISTS] + [{"nobody_knows_this": NUL}]
    for entry in admin.site._registry[model].list_filter:
        entry = entry[0] if isinstance(entry, tuple) else entry
        parameter = entry.parameter_name if isinstance(entry, type) else f"{entry}__exact"
        queries += [{parameter: TEXTS[name]} for name in IN_LISTS]
    names = [field.name for field in model._meta.concrete_fields]
    times = [field.name for field in model._meta.concrete_fields if isinstance(field, DateField)]
    queries += [{f"{names[-1]}__regex": "("}, {f"{names[0]}__in": NUL}, {f"{names[0]}__isnull": "x"}]
    for name in times[:1]:
        queries += [{f"{name}__gte": TEXTS["Feb 30"]}, {f"{name}__year": str(2**63)}, {f"{name}__year__lt": "10000"}]
    return queries


def choose_poison(kind: str) -> tuple[str, ...]:
    """What a box gets in a form that is sent whole; its field reads the whole dictionary by itself."""
    if kind.startswith("area"):
        return ("NUL", "1000 deep")
    return ("NUL", "year 9999, west") if "vDate" in kind or "vTime" in kind else ("NUL", "past int8")


def test_lists_survive_every_parameter(page: Client) -> None:
    fill_tables()
    found = {}
    for model in MODELS:
        for query in list_queries(model):
            if (status := page.get(f"{address(model)}?{encode(query).decode()}").status_code) >= 500:
                found[model._meta.label, *query.items()] = status
    assert found == {}


def test_ids_that_name_nothing_lead_nowhere(page: Client) -> None:
    found = {}
    for model in MODELS:
        few = IDS if model in (Run, SchemaMigration) else ("0", "%00", "9" * 5000, "_5F")
        pages = [f"{pk}/{rest}/" for pk in few for rest in ("change", "delete", "history")[: 3 if pk == "0" else 1]]
        for path in (address(model, rest) for rest in (*pages, "x" * 300 + "/change/")):
            if (status := page.get(path).status_code) >= 500:
                found[path] = status
    assert found == {}


def test_so_do_those_in_addresses_of_the_projects_own_pages(page: Client) -> None:
    """Whatever else the admin has an address for, asked for and posted to."""
    found = {}
    for template in walk_addresses("/admin/"):
        if "{" not in template or "object_id" in template:
            continue
        for pk in ("0", str(2**63), "9" * 18, "9" * 5000, "%00", "x"):
            path = template.replace("{format}", "json")
            path = "/".join(pk if part.startswith("{") else part for part in path.split("/"))
            for status in (page.get(path).status_code, post(page, path, {"reason": NUL})):
                if status >= 500:
                    found[template, pk] = status
    assert found == {}


def test_actions_refuse_rows_that_are_none(page: Client) -> None:
    found = {}
    for model in MODELS:
        request = RequestFactory().get("/admin/")
        request.user = AdminFactory.build()
        names = list(admin.site._registry[model].get_actions(request))
        if not names:
            continue
        for name in (*names, "nothing of the kind", NUL):
            for extra in ({}, {"select_across": NUL, "index": NUL}, {"post": "yes", "note": NUL}):
                for pk in NO_KEYS:
                    if (status := post(page, address(model), {"action": name, "_selected_action": pk} | extra)) >= 500:
                        found[model._meta.label, name, pk, *extra] = status
    assert found == {}


def test_fields_of_forms_read_or_refuse_every_value(page: Client) -> None:
    """Each box by itself: what is sent is taken or refused in words, and stands in the box again."""
    request = RequestFactory().get("/admin/")
    request.user = AdminFactory()
    for model in EDITABLE:
        model_admin = admin.site._registry[model]
        if not model_admin.has_add_permission(request):
            continue
        for name, field in model_admin.get_form(request)().fields.items():
            if field.disabled:
                continue
            for text in TEXTS.values():
                read = text.encode("utf-8", "replace").decode()
                sent = (
                    field.widget.value_from_datadict({name: read, f"{name}_0": read, f"{name}_1": read}, {}, name)
                    if not isinstance(field, forms.ModelMultipleChoiceField)
                    else [read]
                )
                with suppress(forms.ValidationError):
                    field.clean(sent)
                assert field.widget.render(name, field.prepare_value(sent)) is not None


@pytest.mark.parametrize("model", EDITABLE, ids=ids)
def test_forms_survive_bad_boxes(page: Client, model: type[Any]) -> None:
    row = EXAMPLES[model]()
    found = {}
    for path in (address(model, "add/"), address(model, f"{row.pk}/change/")):
        answer = page.get(path)
        assert answer.status_code in (200, 302, 403, 404)
        if answer.status_code != 200:
            continue
        boxes = Boxes(answer.content.decode())
        boxes.kinds.pop("csrfmiddlewaretoken", None)
        for box, kind in boxes.kinds.items():
            for name in choose_poison(kind)[: 2 if path.endswith("add/") else 1]:
                if (status := post(page, path, {**boxes.values, box: TEXTS[name]})) >= 500:
                    found[path, box, name] = status
        if post(page, path, {}) >= 500:
            found[path, "", "nothing"] = 500
    assert found == {}
    read = [address(model)] + [address(model, f"{row.pk}/change/") for row in model._default_manager.all()[:5]]
    assert [path for path in read if page.get(path).status_code >= 500] == []


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/password_change/", "/admin/second-factor/"])
def test_so_do_the_forms_of_signing_in(page: Client, path: str) -> None:
    if "login" in path:
        page.logout()
    boxes = Boxes(page.get(path).content.decode())
    found = {
        (box, name): status
        for box in {*boxes.kinds, "act", "code", "next"}
        for name in (*IN_LISTS, "half a surrogate pair", "half a megabyte", "control characters")
        if (status := post(page, path, {**boxes.values, box: TEXTS[name]})) >= 500
    }
    assert found == {}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"--x", "multipart/form-data"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
        (b"\xff\xfe", "application/x-www-form-urlencoded; charset=utf-16"),
        (b"a=1", "application/x-www-form-urlencoded; charset=klingon"),
        (b"%ff=%ff&%00=%00", "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % number for number in range(5000)), "application/x-www-form-urlencoded"),
        (
            b'--x\r\nContent-Disposition: form-data; name="name"; filename="\x00"\r\n\r\n\x00\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (b"\x1f\x8b\x08\x00", "application/x-www-form-urlencoded"),
        (b"{}", "a;b=c;;/"),
    ],
)
def test_bodies_that_are_no_form_are_refused(page: Client, body: bytes, content_type: str) -> None:
    for path in ("/admin/core/systemconfig/add/", "/admin/login/", "/admin/core/systemconfig/"):
        assert page.generic("POST", path, body, content_type=content_type).status_code < 500


def test_rows_below_a_row_are_bounded(page: Client) -> None:
    run = EXAMPLES[Run]()
    path = address(Run, f"{run.pk}/change/")
    boxes = Boxes(page.get(path).content.decode())
    answer = page.post(path, {**boxes.values, "shares-TOTAL_FORMS": 2**63})
    assert answer.status_code == 200
    assert answer.content.decode().count('name="shares-') < 200


def test_half_a_rule_is_described_as_nothing(page: Client) -> None:
    rule = EXAMPLES[AlertRule]()
    answer = page.post(address(AlertRule, f"{rule.pk}/change/"), {})
    assert answer.status_code == 200
    assert "This field is required" in answer.content.decode()


def test_a_stored_example_is_changed_by_its_own_form(page: Client) -> None:
    """The search for poison sends whole forms: an unpoisoned one is taken."""
    config = ConfigFactory()
    path = address(SystemConfig, f"{config.pk}/change/")
    assert post(page, path, Boxes(page.get(path).content.decode()).values) == 302
