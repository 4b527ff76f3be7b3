"""Pages in a real browser: headless Chromium, driven by selenium, whose console has to stay clean."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WAIT_S = 20
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)


class Browser:
    """A browser on one site.

    Attributes:
        driver: selenium's own handle.
        errors: what the console said that is an error, such as a refused script or a missing file.
    """

    def __init__(self, driver: webdriver.Chrome, site: str) -> None:
        self.driver = driver
        self.site = site
        self.errors: list[str] = []

    def open(self, path: str) -> None:
        """Load a page of the site."""
        self.driver.get(self.site + path)

    def sign_in(self, user: Any) -> None:
        """Take over a session of `user`."""
        client = Client()
        client.force_login(user)
        self.open("/healthz")
        self.driver.add_cookie({"name": "sessionid", "value": client.cookies["sessionid"].value, "path": "/"})

    def wait_for(self, selector: str) -> Any:
        """The first element that `selector` (CSS) finds, once it is there."""
        return WebDriverWait(self.driver, WAIT_S).until(lambda driver: driver.find_element(By.CSS_SELECTOR, selector))

    def submit(self, selector: str) -> None:
        """Click what `selector` (CSS) finds, and wait for the page that follows."""
        # An element of the page that is left may be stale, or unknown in words of the driver's own: ask the window.
        self.driver.execute_script("window.isLeft = true")
        self.wait_for(selector).click()
        WebDriverWait(self.driver, WAIT_S, ignored_exceptions=(WebDriverException,)).until(
            lambda driver: driver.execute_script("return !window.isLeft && document.readyState === 'complete'")
        )

    def find_all(self, selector: str) -> list[Any]:
        """The elements that `selector` (CSS) finds now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self) -> str:
        """What a reader sees."""
        return self.wait_for("body").text

    def in_dark(self) -> None:
        """Prefer dark colours, as a system setting would."""
        feature = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)

    def save_picture(self, path: str | Path) -> None:
        """A picture of the window as PNG."""
        self.driver.save_screenshot(str(path))

    def forget(self) -> None:
        """Leave the page, sign out, prefer no colours, and clear the console."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.site, "storageTypes": "all"})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        self.driver.get_log("browser")

    def read_errors(self) -> list[str]:
        """The console's errors so far."""
        entries = self.driver.get_log("browser")
        self.errors += [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
        return self.errors


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One headless Chromium for all tests of a process; they are skipped where it is not installed."""
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if missing := [name for name, path in programs.items() if path is None]:
        pytest.skip(f"{' and '.join(missing)} not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs["chromium"])
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(programs["chromedriver"])))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: webdriver.Chrome, live_server: Any) -> Iterator[Browser]:
    """A browser on the live server, nobody signed in; the test fails when the console held an error at its end."""
    page = Browser(chromium, live_server.url)
    page.forget()
    yield page
    errors = page.read_errors()
    page.forget()
    assert not errors
