"""Bad input at pages and forms of the admin: an answer below 500, and pages that still read afterwards."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.utils.http import urlencode

from accounts.models import ApiKey
from core.models import NamedSecret, Run, SystemConfig
from tests.factories.accounts import AdminFactory
from tests.factories.core import ConfigFactory, NamedSecretFactory
from tests.poison import IDS, NUL, QUERY_VALUES, RAW_VALUES, VALUES

pytestmark = pytest.mark.django_db

MODELS = [ApiKey, NamedSecret, Run, SystemConfig]
TEXTS: dict[str, str] = {
    **{name: value if isinstance(value, str) else json.dumps(value) for name, value in VALUES.items()},
    **RAW_VALUES,
    **QUERY_VALUES,
    "NUL": NUL,
    "half a surrogate pair": "\ud800",
    "past 4300 digits": "9" * 4400,
    "a megabyte": "x" * 1_000_000,
    "control characters": "\x1b[2J\x07\r\n",
    "200 lines": "x\n" * 200,
}


class Boxes(HTMLParser):
    """The boxes of a page and what stands in them, as a browser would send it; by name, its kind."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self._area = self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name = told.get("name", "")
        if tag == "input" and name and told.get("type") not in ("submit", "button", "file"):
            if told.get("type") not in ("checkbox", "radio") or "checked" in told:
                self.values[name] = told.get("value", "")
            self.kinds[name] = f"{told.get('type')} {told.get('class', '')}"
        elif tag == "textarea" and name:
            self._area, self.values[name], self.kinds[name] = name, "", f"area {told.get('class', '')}"
        elif tag == "select" and name:
            self._select, self.kinds[name] = name, f"select {told.get('class', '')}"
        elif tag == "option" and self._select and "selected" in told:
            self.values[self._select] = told.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data


@pytest.fixture
def page(db: None) -> Client:
    """An administrator's client that gets a 500 as an answer."""
    client = Client(raise_request_exception=False)
    client.force_login(AdminFactory())
    return client


def address(model: type[Any], rest: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


def encode(values: dict[str, str]) -> bytes:
    """A form's body; half a surrogate pair as the octets that some clients make of it."""
    return urlencode({name: value.encode("utf-8", "surrogatepass") for name, value in values.items()}).encode()


def post(page: Client, path: str, values: dict[str, str]) -> int:
    return page.post(path, encode(values), content_type="application/x-www-form-urlencoded").status_code


def ids(model: type[Any]) -> str:
    return model._meta.label


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_ids_that_name_nothing_lead_nowhere(page: Client, model: type[Any]) -> None:
    found = {}
    for pk in (*IDS, "_5F", "x" * 300):
        for rest in (f"{pk}/change/", f"{pk}/delete/", f"{pk}/history/") if pk == "0" else (f"{pk}/change/",):
            if (status := page.get(address(model, rest)).status_code) >= 500:
                found[rest] = status
    for action in ("delete_selected", "revoke", "end_runs", NUL):
        for pk in ("x", NUL, str(2**63)):
            if (status := post(page, address(model), {"action": action, "_selected_action": pk})) >= 500:
                found[action, pk] = status
    assert found == {}


def test_forms_survive_every_value(page: Client) -> None:
    """The box of a secret and that of a JSON value take the whole dictionary, and the pages still read."""
    config, secret = ConfigFactory(), NamedSecretFactory()
    for row, box in ((config, "config_value"), (secret, "value")):
        path = address(type(row), f"{row.pk}/change/")
        boxes = Boxes(page.get(path).content.decode())
        found = {
            name: status
            for name, text in TEXTS.items()
            if (status := post(page, path, {**boxes.values, box: text})) >= 500
        }
        assert found == {}
        assert page.get(path).status_code == page.get(address(type(row))).status_code == 200


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


def test_a_stored_example_is_changed_by_its_own_form(page: Client) -> None:
    """The search for poison sends whole forms: an unpoisoned one is taken."""
    config = ConfigFactory()
    path = address(SystemConfig, f"{config.pk}/change/")
    assert post(page, path, Boxes(page.get(path).content.decode()).values) == 302
