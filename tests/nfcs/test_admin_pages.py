"""Admin pages in a real browser, under the strict content policy."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from selenium.webdriver.support.ui import Select, WebDriverWait

from core.models import SystemConfig
from tests.browser import WAIT_S, Browser
from tests.factories.accounts import AdminFactory
from tests.factories.core import ConfigFactory, RunFactory, make_field, make_network

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_people_sign_in_and_out(browser: Browser) -> None:
    AdminFactory(username="ada")
    browser.open("/")
    browser.wait_for("[name=username]").send_keys("ada")
    browser.wait_for("[name=password]").send_keys("wrong")
    browser.submit("[type=submit]")
    assert "Please enter the correct username" in browser.wait_for(".errornote").text
    browser.wait_for("[name=username]").clear()
    browser.wait_for("[name=username]").send_keys("ADA")
    browser.wait_for("[name=password]").send_keys("password")
    browser.submit("[type=submit]")
    assert browser.wait_for("#user-tools strong").text == "ada"
    browser.submit("#logout-form button")
    WebDriverWait(browser.driver, WAIT_S).until(lambda _: "Logged out" in browser.text())


def test_fields_are_listed_with_pictures(browser: Browser) -> None:
    field = make_field(at=datetime.now(UTC))
    browser.sign_in(AdminFactory())
    browser.open("/admin/core/fieldstate/")
    picture = browser.wait_for("#result_list img.nfcs-field")
    WebDriverWait(browser.driver, WAIT_S).until(lambda _: picture.get_property("naturalWidth") == 48)
    browser.submit("#result_list a")
    browser.wait_for(f"img[alt='field {field.pk}']")
    assert "Coherence level" in browser.text()


def test_a_graph_is_drawn_in_light_and_dark(browser: Browser) -> None:
    network = make_network(n=6)
    browser.sign_in(AdminFactory())
    grounds = []
    for prepare in (lambda: None, browser.in_dark):
        prepare()
        browser.open(f"/admin/core/realitynetwork/{network.pk}/change/")
        browser.wait_for("svg.nfcs-graph")
        assert len(browser.find_all("svg.nfcs-graph circle")) == 6
        grounds.append(browser.wait_for("body").value_of_css_property("background-color"))
    assert grounds[0] != grounds[1]


def test_a_refused_value_is_explained_beside_its_box_and_a_good_one_is_kept(browser: Browser) -> None:
    config = ConfigFactory(config_key="nfcs.ha_threshold", config_type="float", config_value=0.85)
    browser.sign_in(AdminFactory())
    browser.open(f"/admin/core/systemconfig/{config.pk}/change/")
    for text in ("NaN", "2.5", "0.9"):
        box = browser.wait_for("textarea[name=config_value]")
        box.clear()
        box.send_keys(text)
        browser.submit("[name=_save]")
        if text != "0.9":
            assert browser.wait_for(".field-config_value .errorlist").text
            assert browser.wait_for("textarea[name=config_value]").get_property("value") == text
    browser.wait_for(".messagelist .success")
    assert SystemConfig.objects.get(pk=config.pk).config_value == 0.9


def test_chosen_runs_are_ended(browser: Browser) -> None:
    run = RunFactory()
    browser.sign_in(AdminFactory())
    browser.open("/admin/core/run/")
    browser.wait_for("#result_list input.action-select").click()
    Select(browser.wait_for("select[name=action]")).select_by_value("end_runs")
    browser.submit("button[name=index]")
    assert browser.wait_for(".messagelist .info, .messagelist .success").text == "Ended: 1."
    run.refresh_from_db()
    assert run.ended_at is not None


def test_pages_open_without_an_error_in_the_console(browser: Browser) -> None:
    ConfigFactory()
    browser.sign_in(AdminFactory())
    for page in (
        "accounts/user/",
        "accounts/user/add/",
        "accounts/usersession/",
        "auth/group/",
        "core/realityedge/",
        "core/run/?q=nothing",
        "core/schemamigration/",
        "core/systemconfig/add/",
        "core/systemconfigchange/",
        "password_change/",
    ):
        browser.open(f"/admin/{page}")
        browser.wait_for("#content h1")
        assert browser.read_errors() == [], page
