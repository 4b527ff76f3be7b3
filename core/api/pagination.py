"""Pages by cursor: constant cost however far one reads."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

MAX_LIMIT = 1000


class TimeCursorPagination(BasePagination):
    """Newest first by the view's time field and id, `?limit=` rows a page, `?cursor=` for the next one.

    A view names its time field in `time_field`; None orders by id alone.
    """

    default_limit = 100

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: Any = None) -> list[Any]:
        """One page of `queryset`, whose own order is replaced."""
        self.request = request
        self.time_field: str | None = getattr(view, "time_field", None)
        limit = self._limit(request)
        order = ("-id",) if self.time_field is None else (f"-{self.time_field}", "-id")
        queryset = queryset.order_by(*order)
        if cursor := request.query_params.get("cursor"):
            queryset = queryset.filter(self._after(cursor))
        rows = list(queryset[: limit + 1])
        self.next_row = rows[limit - 1] if len(rows) > limit else None
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        """The page with the address of the next one."""
        return Response({"next": self._next_link(), "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The page as OpenAPI has it."""
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {"type": "string", "format": "uri", "nullable": True},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """`limit` and `cursor` as OpenAPI has them."""
        return [
            {
                "name": "limit",
                "in": "query",
                "description": f"Rows a page, 1 to {MAX_LIMIT}.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_LIMIT,
                    "default": self.default_limit,
                },
            },
            {
                "name": "cursor",
                "in": "query",
                "description": "Where the page begins: copied from `next` of the page before.",
                "schema": {"type": "string"},
            },
        ]

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit")
        if text is None:
            return self.default_limit
        if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
            raise ValidationError({"limit": [f"A whole number from 1 to {MAX_LIMIT} is needed."]})
        return int(text)

    def _after(self, cursor: str) -> Q:
        try:
            position = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
            pk = position["id"]
            if type(pk) is not int or not 0 <= pk < 2**63:
                raise ValueError
            if self.time_field is None:
                return Q(id__lt=pk)
            at = parse_datetime(position[self.time_field])
            if at is None or at.tzinfo is None:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
            raise ValidationError({"cursor": ["This is not a cursor of this list."]}) from error
        return Q(**{f"{self.time_field}__lt": at}) | Q(**{self.time_field: at, "id__lt": pk})

    def _next_link(self) -> str | None:
        if self.next_row is None:
            return None
        row = self.next_row
        read = row.get if isinstance(row, dict) else lambda name: getattr(row, name)
        position: dict[str, Any] = {"id": read("id")}
        if self.time_field is not None:
            position[self.time_field] = read(self.time_field).isoformat()
        cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode()
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)
