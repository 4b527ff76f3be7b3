"""Pages by cursor: constant cost however far one reads."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any, cast

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from core.api.filters import MAX_ID

MAX_LIMIT = 1000


class TimeCursorPagination(BasePagination):
    """Newest first by the view's time field and id, `?limit=` rows a page, `?cursor=` for the next one.

    A view names its time field, never null, in `time_field`; None orders by id alone.
    """

    default_limit = 100
    newest_first = True

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        """One page of `queryset`, whose own order is replaced."""
        self.request = request
        self.time_field: str | None = getattr(view, "time_field", None)
        limit = self._limit(request)
        sign = "-" if self.newest_first else ""
        names = ("id",) if self.time_field is None else (self.time_field, "id")
        queryset = queryset.order_by(*(sign + name for name in names))
        if (cursor := request.query_params.get("cursor")) is not None:
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
                "next": {"type": ["string", "null"], "format": "uri"},
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
        """The rows behind the one that the cursor names."""
        beyond = "lt" if self.newest_first else "gt"
        try:
            position = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
            pk = position["id"]
            if type(pk) is not int or not 0 <= pk <= MAX_ID:
                raise ValueError
            if self.time_field is None:
                if position.keys() != {"id"}:
                    raise ValueError
                return Q(**{f"id__{beyond}": pk})
            at = parse_datetime(position[self.time_field])
            if at is None or at.tzinfo is None:
                raise ValueError
            at = at.astimezone(UTC)
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            RecursionError,
            binascii.Error,
        ) as error:
            raise ValidationError({"cursor": ["This is not a cursor of this list."]}) from error
        return Q(**{f"{self.time_field}__{beyond}": at}) | Q(**{self.time_field: at, f"id__{beyond}": pk})

    def _next_link(self) -> str | None:
        if self.next_row is None:
            return None
        row = self.next_row
        read = row.get if isinstance(row, dict) else lambda name: getattr(row, name)
        position: dict[str, Any] = {"id": read("id")}
        if self.time_field is not None:
            position[self.time_field] = cast(datetime, read(self.time_field)).isoformat()
        cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode()
        return replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)


class IdCursorPagination(TimeCursorPagination):
    """In the order of the ids: for the parts of a thing that was stored as a whole."""

    newest_first = False
