"""The pages that describe the API."""

from __future__ import annotations

from typing import Any

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import WAIT_S, Browser
from tests.factories.accounts import AdminFactory
from tests.factories.core import RunFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_swagger_ui_lists_the_operations_without_leaving_the_site(browser: Browser) -> None:
    browser.open("/api/docs/")
    _scroll_to(browser, "#operations-runs-runs_list")
    addresses = browser.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert addresses
    assert [address for address in addresses if not address.startswith((browser.site, "data:"))] == []


def test_swagger_ui_carries_out_an_operation(browser: Browser) -> None:
    RunFactory(name="the run to find")
    browser.sign_in(AdminFactory())
    browser.open("/api/docs/")
    _scroll_to(browser, "#operations-runs-runs_list button").click()
    browser.wait_for("#operations-runs-runs_list .try-out__btn").click()
    browser.wait_for("#operations-runs-runs_list .execute").click()
    WebDriverWait(browser.driver, WAIT_S).until(lambda _: "the run to find" in browser.text())


def _scroll_to(browser: Browser, selector: str) -> Any:
    """The element that `selector` finds, scrolled into view: the page holds only what is near its reader."""

    def look(_: Any) -> Any:
        browser.driver.execute_script("window.scrollBy(0, window.innerHeight / 2)")
        found = browser.find_all(selector)
        return found[0] if found else None

    browser.wait_for(".opblock")
    element = WebDriverWait(browser.driver, WAIT_S, poll_frequency=0.1).until(look)
    browser.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    return element
