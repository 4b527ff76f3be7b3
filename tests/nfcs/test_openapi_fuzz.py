"""Requests made of the OpenAPI document: every answer is one that the document has, and none is a mistake.

`make fuzz` makes many more of them, and other ones every time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from accounts.choices import Role
from tests.factories import examples
from tests.factories.accounts import AdminFactory, UserFactory
from tests.routes import list_routes

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Requests an operation, and sequences of requests; 0 for few, and always the same."""
# A document does not say all that makes a request valid.
NOT_ASKED = [positive_data_acceptance]


def bounds(few: int, **more: Any) -> settings:
    return settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
        **more,
    )


@pytest.fixture
def document() -> Iterator[Any]:
    """The document as it is served; the connection of the test stays open between requests."""
    served = Client().get("/api/schema/?format=json").json()
    # The credentials are this test's.
    del served["components"]["securitySchemes"]
    for operations in served["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    loaded = schemathesis.openapi.from_dict(served)
    loaded.app = get_wsgi_application()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield loaded
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def sign_in(user: Any) -> dict[str, dict[str, str]]:
    """Cookies and headers of a session."""
    client = Client()
    client.force_login(user)
    token = _get_new_csrf_string()
    cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": token}
    return {"cookies": cookies, "headers": {"X-CSRFToken": token}}


def ask_operation(operation: Any, asked: Any, example: str | None, few: int) -> tuple[int, list[str]]:
    """How many requests of an operation were made, and what was wrong with their answers.

    Args:
        example: the id of a thing that is there, which every other request gets.
    """
    count, found = 0, []

    @bounds(few)
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        nonlocal count
        count += 1
        if example is not None and count % 2 and "id" in case.path_parameters:
            case.path_parameters["id"] = example
        response = case.call(**asked)
        try:
            case.validate_response(response, excluded_checks=NOT_ASKED)
        except BaseExceptionGroup as failures:
            found.extend(f"{case.operation.label}: {failure}" for failure in failures.exceptions)

    ask()
    return count, found


@pytest.mark.parametrize(("role", "few"), [(Role.ADMIN, 3), (Role.USER, 1)])
def test_every_operation_answers_as_the_document_says(document: Any, role: Role, few: int) -> None:
    asked = sign_in(AdminFactory() if role is Role.ADMIN else UserFactory(role=role))
    things = {route.template.replace("{pk}", "{id}"): route.view for route in list_routes() if route.has_id}
    found: list[str] = []
    for result in document.get_all_operations():
        operation = result.ok()
        example = str(examples.make(things[operation.path])) if operation.path in things else None
        count, wrong = ask_operation(operation, asked, example, few)
        assert count, operation.label
        found += wrong
    assert not found, "\n\n".join(sorted(set(found)))
    client = Client()
    client.force_login(AdminFactory())
    lists = [route.template for route in list_routes() if route.is_list and not route.has_id]
    # Series are told which.
    assert {path for path in lists if client.get(path).status_code != 200} == {"/api/v1/series/"}


def test_sequences_of_requests_agree(document: Any) -> None:
    """What is made can be read, changed and removed, and is then gone."""
    asked = sign_in(AdminFactory())
    followed: set[str] = set()

    class Machine(document.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            followed.add(case.operation.label)
            return asked

        def validate_response(self, response: Any, case: Any, **_: Any) -> None:
            case.validate_response(response, excluded_checks=NOT_ASKED)

    Machine.run(settings=bounds(10, stateful_step_count=6))
    assert any("{id}" in label for label in followed), followed
