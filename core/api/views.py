"""Bases of the API's views."""

from __future__ import annotations

from typing import Any

from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.views import APIView

from core.db.identity import set_actor


class ActorMixin(APIView):
    """A view whose transaction knows on whose behalf it runs."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, check permissions, then name the user to the database."""
        super().initial(request, *args, **kwargs)
        set_actor(request.user.pk if request.user.is_authenticated else None)


class RecordViewSet(ActorMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Any]):
    """What the system records: read only.

    Attributes:
        time_field: the column that orders the list, newest first; None orders by id.
    """

    time_field: str | None = None
    lookup_value_regex = r"\d{1,18}"


class EditableViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin, RecordViewSet):
    """What people and programs make, change and delete."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
