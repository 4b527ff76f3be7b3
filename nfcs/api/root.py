"""`/api/v1/`: what there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core.api.filters import refuse_unknown_parameters
from core.api.views import ActorMixin


class RootView(ActorMixin):
    """The lists of the API.

    Attributes:
        patterns: the patterns whose lists are shown, included ones too.
    """

    permission_classes = [AllowAny]
    patterns: Any = ()

    @extend_schema(responses={200: {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}})
    def get(self, request: Request) -> Response:
        """The address of every list, by its name."""
        refuse_unknown_parameters(request, set())
        addresses = sorted(reverse(name, request=request) for name in _list_names(self.patterns))
        root = request.build_absolute_uri(request.path)
        return Response({address.removeprefix(root).strip("/"): address for address in addresses})


def _list_names(patterns: Any) -> Iterator[str]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _list_names(pattern.url_patterns)
        elif pattern.name and pattern.name.endswith("-list"):
            yield pattern.name
