"""A base of views whose writes stay whatever they answer."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.decorators import method_decorator
from rest_framework.response import Response

from core.api.views import ActorMixin


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class StandingView(ActorMixin):
    """A view without a transaction around it: counted attempts and audit entries stay when it refuses."""

    def handle_exception(self, exc: Exception) -> Response:
        """The problem; the handler's wish to undo a transaction is kept to one of its own."""
        with transaction.atomic():
            return super().handle_exception(exc)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """The answer, which nobody may store."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Cache-Control"] = "no-store"
        return answer
