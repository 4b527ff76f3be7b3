"""The first page in a browser: it redraws itself, says when it is stale, and leaves hidden tabs alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from selenium.webdriver.support.ui import WebDriverWait

from core.models import Run
from kuramoto.services import record_oscillators
from tests.browser import WAIT_S, Browser
from tests.factories.accounts import AdminFactory
from tests.factories.core import RunFactory, make_field, make_network
from tests.factories.kuramoto import make_batch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

COUNT_FETCHES = "performance.getEntriesByType('resource').filter(e => e.initiatorType === 'fetch').length"
SET_HIDDEN = """
Object.defineProperty(document, 'hidden', {value: arguments[0], configurable: true});
document.dispatchEvent(new Event('visibilitychange'));
"""


def send(run: Run, r: float, ago_s: float) -> None:
    start = timezone.now() - timedelta(seconds=ago_s)
    record_oscillators(run=run, batch=make_batch([r] * 3, start=start, every_s=0.1, n=6), defect=np.full(3, np.nan))


def wait(condition: Callable[[], Any]) -> None:
    WebDriverWait(None, WAIT_S).until(lambda _: condition())  # type: ignore[type-var]


def ask(browser: Browser, expression: str) -> Any:
    """The value of an expression now: an element held for longer may have been redrawn."""
    return browser.driver.execute_script(f"return {expression}")


def read_value(browser: Browser) -> str:
    return str(ask(browser, "document.querySelector('.panel-now .tile dd').textContent"))


def set_offline(browser: Browser, *, offline: bool) -> None:
    limits = {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", limits)


def test_the_page_follows_the_run(browser: Browser) -> None:
    run = RunFactory(name="live", started_at=timezone.now() - timedelta(minutes=5), network=make_network(n=6))
    send(run, 0.25, 20)
    make_field(run=run, at=timezone.now() - timedelta(seconds=10))
    browser.sign_in(AdminFactory())
    browser.open("/admin/")
    assert read_value(browser) == "0.250"
    browser.wait_for('[data-status][data-state="live"]')
    assert len(browser.find_all("svg.nfcs-chart")) >= 7
    wait(lambda: ask(browser, "document.querySelector('img.nfcs-field').naturalWidth") == 256)
    browser.driver.execute_script("document.querySelector('.panel-now a').focus()")
    send(run, 0.75, 1)
    wait(lambda: read_value(browser) == "0.750")
    assert ask(browser, "document.activeElement.closest('.panel-now') !== null"), "a redrawn panel keeps the focus"


def test_a_page_whose_server_is_silent_says_so_and_comes_back(browser: Browser) -> None:
    browser.sign_in(AdminFactory())
    browser.open("/admin/")
    assert "manage.py simulate --live" in browser.text()
    browser.wait_for('[data-status][data-state="live"]')
    set_offline(browser, offline=True)
    stale = browser.wait_for('[data-status][data-state="stale"]')
    assert stale.text.startswith("stale since ")
    set_offline(browser, offline=False)
    browser.wait_for('[data-status][data-state="live"]')
    assert all("ERR_INTERNET_DISCONNECTED" in error for error in browser.read_errors())
    browser.errors.clear()


def test_a_hidden_page_asks_for_nothing(browser: Browser) -> None:
    browser.sign_in(AdminFactory())
    browser.open("/admin/")
    browser.wait_for('[data-status][data-state="live"]')
    browser.driver.execute_script(SET_HIDDEN, True)
    wait(lambda: ask(browser, "performance.now() > 3000"))
    before = ask(browser, COUNT_FETCHES)
    start = ask(browser, "performance.now()")
    wait(lambda: ask(browser, "performance.now()") > start + 3000)
    assert ask(browser, COUNT_FETCHES) == before
    browser.driver.execute_script(SET_HIDDEN, False)
    wait(lambda: ask(browser, COUNT_FETCHES) > before)


def test_charts_are_drawn_as_wide_as_a_telephone(browser: Browser) -> None:
    run = RunFactory(started_at=timezone.now() - timedelta(minutes=5))
    send(run, 0.25, 20)
    browser.sign_in(AdminFactory())
    size = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.open(f"/admin/core/run/{run.pk}/overview/")
    wait(lambda: ask(browser, "document.querySelector('.panel-run-order svg').viewBox.baseVal.width") < 390)
    assert ask(browser, "document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_page_that_is_signed_out_stops_asking(browser: Browser) -> None:
    browser.sign_in(AdminFactory())
    browser.open("/admin/")
    browser.wait_for('[data-status][data-state="live"]')
    browser.driver.delete_cookie("sessionid")
    stale = browser.wait_for('[data-status][data-state="stale"]')
    assert stale.text.startswith("signed out, reload to sign in; stale since ")
