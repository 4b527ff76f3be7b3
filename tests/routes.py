"""Every address of the API, found by walking the resolver: what is added later is tested without being named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.urls import get_resolver

from tests.factories import examples

HTTP_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Route:
    """One address and method.

    Attributes:
        template: such as `/api/v1/runs/{pk}/`.
        operation: its part of the OpenAPI document.
    """

    method: str
    template: str
    name: str
    view: type[Any]
    action: str | None

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.template}"

    @property
    def has_id(self) -> bool:
        """Whether the address names one thing."""
        return "{" in self.template

    @property
    def is_list(self) -> bool:
        """Whether it answers pages of rows."""
        return self.method == "get" and self.name.endswith("-list")

    def address(self, pk: str | None = None) -> str:
        """The address of an example of the thing, or of the id given; of the id 1 where there is no example."""
        if not self.has_id:
            return self.template
        template = self.template.replace("{group}", "readonly")
        return template.replace("{pk}", str(examples.make(self.view)) if pk is None else pk)


@cache
def list_routes() -> list[Route]:
    """Every route under `/api/v1/`."""
    return [
        Route(method, template, pattern.name or "", callback.cls, getattr(callback, "actions", {}).get(method))
        for template, pattern in _walk(get_resolver().url_patterns, "/")
        if template.startswith("/api/v1/") and hasattr(callback := pattern.callback, "cls")
        for method in HTTP_METHODS
        if _answers(callback, method)
    ]


@cache
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """The operations of the OpenAPI document by method and address."""
    document = schema()
    return {
        (method, path.replace("{id}", "{pk}").replace("{number}", "{pk}")): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@cache
def schema() -> dict[str, Any]:
    """The OpenAPI document."""
    from drf_spectacular.generators import SchemaGenerator

    return SchemaGenerator().get_schema(request=None, public=True)


def body_fields(route: Route) -> dict[str, str]:
    """The fields of the JSON object that the route takes, each with its schema as text, without its description."""
    content = operations()[route.method, route.template].get("requestBody", {}).get("content", {})
    described = content.get("application/json", {}).get("schema", {})
    if "$ref" in described:
        described = schema()["components"]["schemas"][described["$ref"].rsplit("/", 1)[1]]
    return {
        name: json.dumps({key: value for key, value in kind.items() if key not in ("description", "default", "title")})
        for name, kind in described.get("properties", {}).items()
    }


def query_parameters(route: Route) -> list[str]:
    """The query parameters that the route takes."""
    parameters = operations()[route.method, route.template].get("parameters", [])
    return [parameter["name"] for parameter in parameters if parameter["in"] == "query"]


def walk_addresses(prefix: str) -> list[str]:
    """Every address of the site that begins with `prefix`, with its parameters in braces."""
    return [template for template, _ in _walk(get_resolver().url_patterns, "/") if template.startswith(prefix)]


def _answers(callback: Any, method: str) -> bool:
    if method not in callback.cls.http_method_names:
        return False
    actions = getattr(callback, "actions", None)
    return method in actions if actions is not None else hasattr(callback.cls, method)


def _walk(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        text = str(pattern.pattern).removeprefix("^").removesuffix("$")
        text = re.sub(r"\(\?P<(\w+)>[^)]*\)|<(?:\w+:)?(\w+)>", lambda part: f"{{{part[1] or part[2]}}}", text)
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern.url_patterns, prefix + text)
        else:
            yield prefix + text, pattern
