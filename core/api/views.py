"""Bases of the API's views."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from rest_framework import mixins, viewsets
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from core.api.filters import list_known_parameters, refuse_unknown_parameters
from core.api.idempotency import IdempotentMixin
from core.db.identity import declare_actor


class ActorMixin(IdempotentMixin):
    """A view whose transactions know on whose behalf they run.

    Attributes:
        query_parameters: by action, the query parameters it takes besides filters; `None` stands for a view that has
            no actions. Any other parameter is refused.
    """

    query_parameters: ClassVar[Mapping[str | None, Collection[str]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, check permissions, refuse unknown parameters."""
        super().initial(request, *args, **kwargs)
        # A view that reads without filter backends looks at its parameters itself.
        if request.method not in SAFE_METHODS or getattr(self, "filter_backends", None):
            refuse_unknown_parameters(request, list_known_parameters(self))
        self.claim(request)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, and name the user to the database before permissions are read from it."""
        super().perform_authentication(request)
        declare_actor(request.user.pk if request.user.is_authenticated else None)


class RecordViewSet(ActorMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """What the system records: read only.

    Attributes:
        time_field: the column that orders the list, newest first, never null; None orders by id.
    """

    time_field: str | None = None
    filterset_class: Any = None
    lookup_value_regex = r"[0-9]{1,18}"


class EditableViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, RecordViewSet):
    """What people and programs make, change and delete."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
