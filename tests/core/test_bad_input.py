"""Bad input at every address of the API: an answer below 500 that is a problem, and lists that still read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories.accounts import AdminFactory
from tests.poison import BODIES, CURSORS, HEADERS, IDS, NAMES_OF_HEADERS, NUL, QUERY_VALUES, RAW_VALUES, VALUES
from tests.routes import Route, body_fields, list_routes, query_parameters

pytestmark = pytest.mark.django_db

READS = [route for route in list_routes() if route.method == "get"]
LISTS = [route for route in READS if route.is_list]
OTLP = "/api/v1/ingest/otlp/"
"""Its errors and its JSON are those of OpenTelemetry's protocol: what nobody knows is ignored."""
IGNORED = ("NUL", "NUL in a key", "a key twice")
COMPRESSED = ("/batch/", "/ingest/")
"""What addresses hold that take compressed bodies."""
OPEN = {"api-root", "auth-token", "auth-refresh"}
"""Routes for who is not signed in."""
WRITES = [route for route in list_routes() if route.method not in ("get", "delete")]


@pytest.fixture
def client(db: None) -> APIClient:
    """An administrator's client that gets a 500 as an answer."""
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(AdminFactory())
    return client


def wrong(response: Any, *, refused: bool = False) -> str | None:
    """What is wrong with an answer to bad input, if anything is."""
    if response.status_code >= 500:
        return f"{response.status_code}"
    if response.status_code < 400:
        return "taken" if refused else None
    if response.request["PATH_INFO"].startswith(OTLP):
        return None if response.content else "no status"
    if response.headers["Content-Type"] != "application/problem+json":
        return f"{response.status_code} as {response.headers['Content-Type']}"
    body = json.loads(response.content)
    return None if body["status"] == response.status_code and body["detail"] else f"no problem: {body}"


def named(response: Any, field: str) -> bool:
    """Whether a problem names the field or something in it."""
    errors = json.loads(response.content).get("errors", [])
    return any(error["field"].split(".")[0] == field for error in errors)


def read_lists(client: APIClient) -> dict[str, int]:
    """The lists that cannot be read."""
    answers = {str(route): client.get(route.template).status_code for route in LISTS if not route.has_id}
    return {route: status for route, status in answers.items() if status not in (200, 400)}


FEW = ("null", "true", "text", "past int8", "year 9999, west", "list", "object", "NUL", "1e999")
"""What a field gets whose kind another field of the route has shown to survive everything."""


def ids(route: Route) -> str:
    return str(route)


@pytest.mark.parametrize("route", READS, ids=ids)
def test_query_parameters_that_nobody_knows_are_refused_by_name(route: Route, client: APIClient) -> None:
    address = route.address()
    for query in ("nobody_knows_this=1", "limit=1&nobody_knows_this="):
        response = client.get(f"{address}?{query}")
        assert response.status_code in (400, 404), query
        if response.status_code == 400:
            assert named(response, "nobody_knows_this")


@pytest.mark.parametrize("route", WRITES, ids=ids)
def test_so_are_those_of_a_write(route: Route, client: APIClient) -> None:
    response = client.generic(
        route.method.upper(), f"{route.address()}?nobody_knows_this=1", b"{}", content_type="application/json"
    )
    assert response.status_code == 400
    if route.template.startswith(OTLP):
        assert "nobody_knows_this" in response.content.decode()
    else:
        assert named(response, "nobody_knows_this")


@pytest.mark.parametrize("route", READS, ids=ids)
def test_query_parameters_survive_every_value(route: Route, client: APIClient) -> None:
    found = {}
    address = route.address()
    for parameter in [*query_parameters(route), "format"]:
        for name, value in QUERY_VALUES.items():
            if problem := wrong(client.get(address, {parameter: value}), refused=value in ("", NUL)):
                found[parameter, name] = problem
        twice = client.get(f"{address}?{parameter}=1&{parameter}=1")
        if problem := wrong(twice, refused=True):
            found[parameter, "twice"] = problem
    assert not found


@pytest.mark.parametrize("route", LISTS, ids=ids)
def test_bad_cursors_and_limits_are_refused(route: Route, client: APIClient) -> None:
    if "cursor" not in query_parameters(route):
        pytest.skip("not paged")
    for name, cursor in CURSORS.items():
        assert client.get(route.address(), {"cursor": cursor}).status_code == 400, name
    for limit in ("0", "-1", "1001", "x", "1.5", "9" * 5000):
        assert client.get(route.address(), {"limit": limit}).status_code == 400, limit


@pytest.mark.parametrize("route", [route for route in list_routes() if route.has_id], ids=ids)
def test_ids_that_name_nothing_are_not_found(route: Route, client: APIClient) -> None:
    for pk in IDS:
        response = client.generic(route.method.upper(), route.address(pk), b"{}", content_type="application/json")
        assert response.status_code in (400, 404), pk
        assert wrong(response) is None, pk


@pytest.mark.parametrize("route", WRITES, ids=ids)
def test_bodies_that_are_no_json_object_are_refused(route: Route, client: APIClient) -> None:
    found = {}
    for name, (body, content_type) in BODIES.items():
        response = client.generic(route.method.upper(), route.address(), body, content_type=content_type)
        if problem := wrong(response):
            found[name] = problem
    assert not found
    assert not read_lists(client)


@pytest.mark.parametrize("route", WRITES, ids=ids)
def test_fields_survive_every_value(route: Route, client: APIClient) -> None:
    found = {}
    texts = RAW_VALUES | {name: json.dumps(value) for name, value in VALUES.items()}
    address = route.address()
    known: set[str] = set()
    for field, kind in (body_fields(route) | {"nobody_knows_this": ""}).items():
        for name in FEW if kind in known else texts:
            body = f'{{"{field}": {texts[name]}}}'.encode()
            response = client.generic(route.method.upper(), address, body, content_type="application/json")
            is_ignored = name == "1e-400" or (route.template.startswith(OTLP) and name in IGNORED)
            if problem := wrong(response, refused=name in RAW_VALUES and not is_ignored):
                found[field, name] = problem
        known.add(kind)
    assert not found
    assert not read_lists(client)


@pytest.mark.parametrize("route", WRITES, ids=ids)
def test_compressed_bodies_are_refused_or_have_to_be_what_they_say(route: Route, client: APIClient) -> None:
    takes_gzip = any(part in route.template for part in COMPRESSED)
    for encoding in ("gzip", "br"):
        response = client.generic(
            route.method.upper(),
            route.address(),
            b"{}",
            content_type="application/json",
            headers={"Content-Encoding": encoding},
        )
        assert response.status_code in ((400, 415) if takes_gzip else (204, 404, 415))


@pytest.mark.parametrize("route", list_routes(), ids=ids)
def test_odd_requests_get_an_answer(route: Route, client: APIClient) -> None:
    address = route.address()
    answers = {
        "options": client.options(address),
        "head": client.head(address),
        "trace": client.trace(address),
        "no such method": client.generic("BREW", address),
        "accepts XML": client.get(address, headers={"Accept": "application/xml"}),
        "accepts nonsense": client.get(address, headers={"Accept": "a;q=x,,/"}),
        "no such language": client.get(address, headers={"Accept-Language": "\u0661;q=9"}),
        "no such range": client.get(address, headers={"Range": "bytes=9-1"}),
        "odd condition": client.get(address, headers={"If-Modified-Since": "Feb 30", "If-None-Match": '"'}),
    }
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code >= 500} == {}
    assert answers["no such method"].status_code == 405


@pytest.mark.parametrize("route", list_routes(), ids=ids)
def test_headers_survive_every_value(route: Route, client: APIClient) -> None:
    found = {}
    address = route.address()
    for name, value in HEADERS.items():
        headers = dict.fromkeys(NAMES_OF_HEADERS, value)
        response = client.generic(
            route.method.upper(), address, b"{}", content_type="application/json", headers=headers
        )
        if problem := wrong(response):
            found[name] = problem
        # A stream is one of a few until it ends; closing the response would close the connection of the test too.
        for close in response._resource_closers:
            close()
    assert not found


@pytest.mark.parametrize("route", list_routes(), ids=ids)
def test_nobody_gets_in_with_bad_credentials(route: Route) -> None:
    client = APIClient(raise_request_exception=False)
    if client.get(route.address()).status_code != 401:
        assert route.name == "api-root" or route.method != "get"
    for credentials in (
        "Basic",
        "Basic !",
        "Basic AAAA",
        "Basic eAB5OgA=",
        "Basic /w==",
        "Basic Og==",
        "Bearer x",
        "\u00e9",
    ):
        response = client.generic(route.method.upper(), route.address(), headers={"Authorization": credentials})
        assert response.status_code in (401, 405) or route.name in OPEN, credentials
        assert wrong(response) is None, credentials
