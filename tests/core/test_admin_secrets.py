"""Named secrets in the admin: taken, replaced, never shown, and not to be reached by others than administrators."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from core.models import NamedSecret
from core.named_secrets import read_named_secret
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.core import NamedSecretFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/core/namedsecret/"
CANARY = "canary-8d1f7c"


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(AdminFactory(username="ada"))
    return client


def test_a_secret_is_set_and_replaced(page: Client) -> None:
    assert page.post(f"{LIST}add/", {"name": "hook", "value": CANARY}).status_code == 302
    row = NamedSecret.objects.get()
    assert (read_named_secret("hook"), row.changed_by.username) == (CANARY.encode(), "ada")
    assert page.post(f"{LIST}{row.pk}/change/", {"name": "other", "value": "new"}).status_code == 302
    assert read_named_secret("hook") == b"new"
    assert page.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not NamedSecret.objects.exists()


def test_no_page_shows_it(page: Client) -> None:
    row = NamedSecretFactory(name="hook", value=CANARY)
    pages = [page.get(path) for path in (LIST, f"{LIST}{row.pk}/change/", f"{LIST}{row.pk}/history/")]
    pages += [
        page.post(f"{LIST}add/", {"name": "Not A Name", "value": CANARY}),
        page.post(f"{LIST}add/", {"name": "hook", "value": CANARY}),
        page.post(f"{LIST}{row.pk}/delete/"),
    ]
    assert [answer.status_code for answer in pages] == [200] * 6
    assert not any(CANARY in answer.content.decode() for answer in pages)
    assert not any(CANARY in entry.change_message for entry in LogEntry.objects.all())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("hook", "", "This field is required."),
        ("hook", "  ", "A secret is needed."),
        ("hook", "x" * 4097, "at most 4096"),
        ("hook", "a\x00b", "Null characters"),
        ("hook", "\u202e", "printable"),
        ("../hook", "x", "A name begins with a-z"),
        ("", "x", "This field is required."),
    ],
)
def test_what_is_refused_is_explained(page: Client, name: str, value: str, words: str) -> None:
    answer = page.post(f"{LIST}add/", {"name": name, "value": value})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not NamedSecret.objects.exists()


def test_an_empty_box_replaces_nothing(page: Client) -> None:
    row = NamedSecretFactory(name="hook", value=CANARY)
    assert "This field is required." in page.post(f"{LIST}{row.pk}/change/", {"value": ""}).content.decode()
    assert read_named_secret("hook") == CANARY.encode()


@pytest.mark.parametrize("role", ["operator", "readonly", "user"])
def test_nobody_else_gets_there(client: Client, role: str) -> None:
    client.force_login(UserFactory(role=role))
    row = NamedSecretFactory()
    for path in (LIST, f"{LIST}add/", f"{LIST}{row.pk}/change/"):
        assert client.get(path).status_code in (302, 403)
