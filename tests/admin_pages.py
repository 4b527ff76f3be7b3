"""Every page of the admin, found in its registry: what is added later is tested without being named."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from ipaddress import ip_address
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import ApiKey, PartnerConfig, User
from accounts.services import create_api_key
from accounts.services.key_use import identify_key, note_use
from accounts.services.sessions import open_session
from cognitive.analysis import analyse_run
from core.models import NamedSecret
from core.services.audit_checkpoints import make_checkpoint
from nfcs.control import stop_run_by_hand
from tests.factories.accounts import AdminFactory, PartnerFactory, UserFactory
from tests.factories.core import NamedSecretFactory
from tests.factories.dashboard import make_live_run, record_levels
from tests.factories.examples import MAKERS
from tests.factories.validation import AlertFactory, EmailChannelFactory
from validation.models import AlertDelivery
from validation.services import send_test

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def make_api_key() -> ApiKey:
    """A key of an administrator that was used."""
    key, text = create_api_key(owner=AdminFactory(), name="gauge", scopes=["core.view_run"])
    address = ip_address("192.0.2.1")
    note_use(identify_key(text, address), address)
    return key


def make_delivery() -> AlertDelivery:
    """A message about an alert that was sent."""
    AlertFactory()
    send_test(channel_id=EmailChannelFactory().pk, now=timezone.now())
    return AlertDelivery.objects.latest("pk")


EXAMPLES: dict[type[Any], Any] = {
    **MAKERS,
    AlertDelivery: make_delivery,
    ApiKey: make_api_key,
    NamedSecret: NamedSecretFactory,
    PartnerConfig: PartnerFactory,
    User: UserFactory,
}


def fill_tables() -> None:
    """One row or more in whatever table an example can be made for."""
    for make in EXAMPLES.values():
        make()
    Group.objects.get_or_create(name="night shift")
    run = make_live_run()
    record_levels(run, [0.2] * 20 + [0.9] * 40, start=timezone.now() - timedelta(minutes=5))
    analyse_run(run=run, now=timezone.now())
    stop_run_by_hand(run=run, actor=AdminFactory(), reason="smoke", now=timezone.now())
    open_session(user=UserFactory(), address="192.0.2.1", user_agent="curl", now=timezone.now())
    make_checkpoint(now=timezone.now(), reason="command")


def address(model: type[Any], rest: str = "") -> str:
    """The list of a model's rows, or a page under it."""
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{rest}"


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
