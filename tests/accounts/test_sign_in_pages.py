"""Signing in with a second factor in a real browser, under the strict content policy."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command

from accounts.models import SecondFactor
from tests.accounts.signing import code_at, enrol
from tests.browser import Browser
from tests.factories.accounts import AdminFactory, OperatorFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(browser: Browser, name: str, code: str = "") -> None:
    browser.wait_for("[name=username]").clear()
    for field, text in (("username", name), ("password", "password"), ("code", code)):
        browser.wait_for(f"[name={field}]").send_keys(text)
    browser.submit("[type=submit]")


def test_the_code_is_asked_for_beside_its_box(browser: Browser) -> None:
    factor, _ = enrol(AdminFactory(username="ada"))
    browser.open("/admin/")
    sign_in(browser, "ada")
    assert "A one-time code of the second factor is needed." in browser.wait_for(".errorlist").text
    sign_in(browser, "ada", code_at(factor))
    assert browser.wait_for("#user-tools strong").text == "ada"


def test_an_operator_sets_up_the_factor_that_is_required(browser: Browser, settings: pytest.FixtureRequest) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    call_command("loaddata", "roles", verbosity=0)
    OperatorFactory(username="olga")
    browser.open("/admin/")
    sign_in(browser, "olga")
    assert "Your role needs one" in browser.text()
    browser.submit("button[value=begin]")
    picture = browser.wait_for("svg.nfcs-qr")
    assert picture.size["width"] == picture.size["height"] > 150
    browser.wait_for("[name=code]").send_keys(code_at(SecondFactor.objects.get()))
    browser.submit("button[value=confirm]")
    codes = [code.text for code in browser.find_all(".nfcs-codes code")]
    assert len([code for code in codes if re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code)]) == 10
    browser.open("/admin/")
    browser.wait_for("#user-tools strong")
    assert "Second factor" in browser.text()
    browser.submit("#logout-form button")
    browser.open("/admin/")
    sign_in(browser, "olga", codes[0])
    browser.open("/admin/second-factor/")
    assert "9 recovery codes left" in browser.text().replace("\n", " ")
