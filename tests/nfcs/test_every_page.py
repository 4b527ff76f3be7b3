"""Every page of the admin, the first page, signing in and the API's documentation, in a real browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts.models import User
from tests.admin_pages import MODELS, address, fill_tables
from tests.browser import Browser
from tests.factories.accounts import AdminFactory
from tests.routes import walk_addresses

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NO_ROWS = {"cognitive.DailyComplexity", "procrastinate.ProcrastinateJob"}
"""What only a job or the owner of the tables writes."""
NO_PAGES = ("/admin/(?P", "/admin/jsi18n/", "/admin/autocomplete/", "/admin/logout/", "/admin/r/", "/admin/panels/")
"""No pages to look at, or parts of the first."""
CHOSEN = ("collapse/", "merge/", "emergency-stop/", "recover/")
"""Pages about rows that were chosen in a list."""
PLANTED = "document.head.append(Object.assign(document.createElement('style'), {textContent: 'b {color: red}'}))"


class Marks(HTMLParser):
    """What of a page a browser has to load, run or draw; and what the policy forbids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.marks: set[tuple[str, str]] = set()
        self.inline: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        loaded = told.get("src") or (told.get("href", "") if tag == "link" else "")
        self.marks.add((tag, loaded if tag in ("script", "link") else told.get("class", "").partition(" ")[0]))
        is_data = told.get("type") in ("application/json", "text/template")
        if tag == "style" or (tag == "script" and not loaded and not is_data) or loaded.startswith(("http", "//")):
            self.inline.append(f"<{tag} {told}>")
        self.inline += [f"<{tag} {name}>" for name in told if name == "style" or name.startswith("on")]


def list_pages(client: Client) -> list[str]:
    """Every page that an administrator can open by its address, with the first row of each table."""
    templates = [path for path in walk_addresses("/admin/") if not path.startswith(NO_PAGES)]
    pages = [path for path in templates if "{" not in path and not path.endswith(("/add/", *CHOSEN))]
    pages += [f"{path}?{name}=1" for path in templates for name in ("networks", "runs") if path.endswith(CHOSEN)]
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(pk=client.session["_auth_user_id"])
    for model in MODELS:
        model_admin, row = admin.site._registry[model], model._default_manager.first()
        assert (row is None) == (model._meta.label in NO_ROWS), model
        pages += [address(model, "add/")] * model_admin.has_add_permission(request)
        if row is None:
            continue
        pages += [address(model, f"{row.pk}/change/"), address(model, f"{row.pk}/history/")]
        pages += [address(model, f"{row.pk}/delete/")] * model_admin.has_delete_permission(request, row)
        own = [re.sub(r"\{\w+\}", str(row.pk), path) for path in templates if path.startswith(address(model, "{"))]
        pages += [page for page in own if page not in pages]
    return pages


def test_no_page_breaks_its_policy_or_says_an_error(browser: Browser, client: Client) -> None:
    fill_tables()
    user = AdminFactory()
    client.force_login(user)
    browser.open("/admin/login/")
    browser.wait_for("[name=username]")
    browser.sign_in(user)
    found: dict[str, list[str]] = {}
    seen: set[tuple[str, str]] = set()
    count = 0
    for page in ("/admin/", "/api/docs/", "/api/v1/", *list_pages(client)):
        answer = client.get(page)
        if answer.status_code != 200:
            # Of posts alone, about another kind of row, or a deletion that nobody is allowed.
            assert answer.status_code in (302, 404, 405) or (answer.status_code == 403 and page.endswith("/delete/"))
            continue
        count += 1
        drawn = Marks(answer.content.decode())
        found[page] = drawn.inline
        if drawn.marks - seen:
            # Something that no page before had.
            seen |= drawn.marks
            browser.open(page)
            found[page] = found[page] + browser.read_errors()
            browser.errors.clear()
    assert {page: errors for page, errors in found.items() if errors} == {}
    assert count > 120
    # A broken policy is an error of the console.
    browser.driver.execute_script(PLANTED)
    assert "Content Security Policy" in str(browser.read_errors())
    browser.errors.clear()
