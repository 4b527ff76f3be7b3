"""What every operation of the OpenAPI document has in common: a summary and its errors."""

from __future__ import annotations

from typing import Any

from core.api.problems import CONTENT_TYPE

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "An error, as RFC 9457 has it.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "example": "urn:nfcs:problem:invalid"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "The last part of `type`."},
        "errors": {
            "type": "array",
            "description": "What is wrong with each field.",
            "items": {
                "type": "object",
                "required": ["field", "detail", "code"],
                "properties": {
                    "field": {
                        "type": "string",
                        "description": "Dotted path; in a batch it begins with the index of the row.",
                    },
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}


def describe_operations(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation a summary and the answer `4XX`, a problem; a postprocessing hook of drf-spectacular."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    answer = {
        "description": "The request cannot be carried out.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            operation["responses"].setdefault("4XX", answer)
            operation.setdefault("summary", operation.get("description", "").split("\n")[0].rstrip("."))
    for schema in result["components"]["schemas"].values():
        for described in schema.get("properties", {}).values():
            # Any value at all is null as well: the two overlap.
            if {} in described.get("oneOf", ()):
                del described["oneOf"]
    _link_operations(result.get("paths", {}))
    return result


def _link_operations(paths: dict[str, Any]) -> None:
    """Say of every operation that makes a thing which others take the thing's id."""
    for path, operations in paths.items():
        made = operations.get("post", {}).get("responses", {}).get("201")
        if made is None or "{" in path:
            continue
        links = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": {"id": "$response.body#/id"},
            }
            for other, methods in paths.items()
            if other.startswith(f"{path}{{id}}/") and other.count("{") == 1
            for operation in methods.values()
        }
        if links:
            made["links"] = links
