"""The header `Idempotency-Key` on every POST: a retry is answered as the first request was."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.bodies import Body
from core.models import IdempotencyKey
from core.services.idempotency import Answer, RequestName, claim_request, read_answer, store_answer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')


class Replay(Exception):
    """The request was carried out before; this is its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class IdempotentMixin(APIView):
    """A view whose POSTs may be carried out once a key.

    Attributes:
        takes_keys: whether they are. Not where an answer holds a secret: it is stored.
        streams_body: whether the view reads the body itself, and hands it to `settle_body` before it does.
    """

    takes_keys = False
    streams_body = False
    _name: RequestName | None = None
    _stored: IdempotencyKey | None = None
    _body: Body | _WholeBody | None = None

    def perform_authentication(self, request: Request) -> None:
        """Authenticate; what the digest is of is read before, as the form token of a session is looked for in it."""
        if self.takes_keys and not self.streams_body and request.method == "POST" and HEADER in request.headers:
            self._body = _WholeBody(request)
        super().perform_authentication(request)

    def claim(self, request: Request) -> None:
        """Look for the request among those carried out, and be the only one to carry it out.

        Raises:
            ValidationError: the key is not one.
            RequestInFlight: another one carries it out.
            KeyReused: the key belongs to another body.
            Replay: it was carried out before.
        """
        key = request.headers.get(HEADER)
        if request.method != "POST" or key is None or not request.user.is_authenticated:
            return
        if not self.takes_keys:
            raise ValidationError({HEADER: ["This address takes none: what is sent again is done again."]})
        found = _KEY.fullmatch(key)
        if found is None:
            raise ValidationError({HEADER: ["1 to 255 visible ASCII characters are needed."]})
        self._name = RequestName(int(request.user.pk), request.path[:200], found[1])
        self._stored = claim_request(self._name)
        if self._body is not None:
            self.settle_body(self._body)

    @property
    def is_claimed(self) -> bool:
        """Whether the request came with a key."""
        return self._name is not None

    def settle_body(self, body: Body | _WholeBody) -> None:
        """Name the body whose digest tells requests with one key apart, before anything of it is carried out.

        Raises:
            KeyReused: the key belongs to another body.
            Replay: it was carried out before.
        """
        self._body = body
        if self._stored is not None:
            raise Replay(read_answer(self._stored, body.read_digest()))

    def handle_exception(self, exc: Exception) -> Any:
        """A replayed answer instead of an error, or what the bases make of it."""
        if isinstance(exc, Replay):
            status, media_type, body = exc.answer
            return HttpResponse(body, status=status, content_type=media_type, headers={REPLAYED: "true"})
        return super().handle_exception(exc)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Remember the answer of what was carried out."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if self._name is None or self._body is None or self._stored is not None:
            return response
        if 200 <= response.status_code < 300 and not response.streaming:
            if isinstance(response, Response):
                response.render()
            answer = Answer(response.status_code, response.headers.get("Content-Type", ""), response.content)
            store_answer(self._name, self._body.read_digest(), answer)
        return response


class _WholeBody:
    """A body that is in memory, for views that leave reading it to a parser."""

    def __init__(self, request: Request) -> None:
        self._digest = hashlib.sha256(digest_prefix(request) + request._request.body).digest()

    def read_digest(self) -> bytes:
        """SHA-256 of query, media type and body."""
        return self._digest


def digest_prefix(request: Request) -> bytes:
    """What the digest of a body begins with: query and media type, which change what a body means."""
    return "\0".join((request.META.get("QUERY_STRING", ""), request.content_type or "", "")).encode()
