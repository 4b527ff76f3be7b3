"""What every request passes: signs of life, no poison in, and its user's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import cast

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse, StreamingHttpResponse
from django.middleware.common import CommonMiddleware
from django.utils.http import escape_leading_slashes

from core.api.problems import problem_response
from core.db.identity import declare_actor, declared_actor, on_behalf_of

View = Callable[[HttpRequest], HttpResponse]


class LivenessMiddleware:
    """Answer `/healthz` before anything else is asked: the process lives, whatever its database does."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Say that the process lives, or pass on."""
        if request.path == "/healthz":
            return JsonResponse({"alive": True})
        return self.get_response(request)


class RequestSanityMiddleware:
    """Refuse what PostgreSQL could not store: NUL characters in path, query or cookies, and text that is not UTF-8."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse, or pass on."""
        texts = [request.path, *(text for name, values in request.GET.lists() for text in (name, *values))]
        nul = any("\x00" in text for text in (*texts, *request.COOKIES.values()))
        if nul or any("\ufffd" in text for text in texts):
            return problem_response(
                400, "malformed_text", "The path, the query or a cookie holds a NUL character or is not UTF-8."
            )
        return self.get_response(request)


class ActorMiddleware:
    """Declare on whose behalf the request's transactions run: its session's user, or nobody.

    The API, which may know its user by other means, declares that one as soon as it knows.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer on the user's behalf; what is streamed later is read on the same behalf."""
        with on_behalf_of(None):
            if request.user.is_authenticated:
                declare_actor(request.user.pk)
            response = self.get_response(request)
            if isinstance(response, StreamingHttpResponse) and not response.is_async:
                content = cast(Iterable[bytes], response.streaming_content)
                response.streaming_content = _read_as(declared_actor(), content)
            return response


def _read_as(user_id: int | None, content: Iterable[bytes]) -> Iterator[bytes]:
    parts = iter(content)
    end = object()
    while True:
        with on_behalf_of(user_id):
            part = next(parts, end)
        if part is end:
            return
        yield cast(bytes, part)


class SameRequestRedirect(HttpResponsePermanentRedirect):
    """308: the same method and body, at another address for good."""

    def __init__(self, redirect_to: str) -> None:
        super().__init__(redirect_to, preserve_request=True)


class SlashMiddleware(CommonMiddleware):
    """Django's common middleware, whose redirect to the address with a slash keeps method and body (308)."""

    def get_full_path_with_slash(self, request: HttpRequest) -> str:
        """The address with a slash, for any method."""
        return escape_leading_slashes(request.get_full_path(force_append_slash=True))

    response_redirect_class = SameRequestRedirect
