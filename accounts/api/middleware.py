"""API keys and rate limits, before a view and its transaction begin."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.key_authentication import read_key
from accounts.services.key_use import KeyRefused, KnownKey, identify_key, note_refusal, note_use
from accounts.services.limits import Allowance, Limit, name_address, take_request
from core.api.problems import problem_response
from core.client_address import find_client_address

logger = logging.getLogger(__name__)


class KeyMiddleware:
    """Say who presents an API key, count the request, and refuse one that is too many.

    All of it stands outside of the request's transaction: a request that fails was made all the same. Every answer to
    a request that is counted carries `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Identify and count a key, then answer."""
        things = cast(Any, request)
        things.api_key, things.allowance = self._identify(request), None
        if isinstance(things.api_key, KnownKey):
            key: KnownKey = things.api_key
            limit = Limit("key", f"key:{key.id}", key.rate_limit_per_min, key.burst)
            things.allowance = take_request(limit)
            response = None if things.allowance.allowed else _refuse(things.allowance)
            if response is None:
                note_use(key, find_client_address(request))
                response = self.get_response(request)
        else:
            response = self.get_response(request)
            if isinstance(things.api_key, KeyRefused):
                # Once the answer is on its way: that there is a key of this prefix does not show in its time.
                response._resource_closers.append(partial(_note_refusal, things.api_key, request))  # type: ignore[attr-defined]
        if things.allowance is not None:
            _describe(things.allowance, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Any, view_args: tuple[Any, ...], view_kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Count what comes without a key to the API, where the installation limits that."""
        things = cast(Any, request)
        is_limited = settings.RATE_LIMIT_USER or settings.RATE_LIMIT_ANONYMOUS
        view_class = getattr(view, "cls", None)
        if not is_limited or things.allowance is not None or not issubclass(view_class or object, APIView):
            return None
        user_id = _sign_in(request, view)
        limit = None
        if user_id is not None and settings.RATE_LIMIT_USER:
            limit = Limit("user", f"user:{user_id}", *settings.RATE_LIMIT_USER)
        elif user_id is None and settings.RATE_LIMIT_ANONYMOUS:
            limit = Limit("anonymous", name_address(find_client_address(request)), *settings.RATE_LIMIT_ANONYMOUS)
        if limit is None:
            return None
        things.allowance = take_request(limit)
        return None if things.allowance.allowed else _refuse(things.allowance)

    def _identify(self, request: HttpRequest) -> KnownKey | KeyRefused | None:
        text = read_key(request)
        if text is None:
            return None
        try:
            return identify_key(text, find_client_address(request))
        except KeyRefused as refused:
            return refused


def _sign_in(request: HttpRequest, view: Any) -> int | None:
    """Authenticate as the view would, once for both; the user's id, None where nobody is signed in."""
    asked = Request(request, authenticators=view.cls(**view.initkwargs).get_authenticators())
    try:
        user = asked.user
    except APIException:
        return None  # the view refuses it in its own words
    if not user.is_authenticated:
        return None
    # What REST framework reads instead of authenticating again: a password is not checked twice.
    things = cast(Any, request)
    things._force_auth_user, things._force_auth_token = user, asked.auth
    return int(user.pk)


def _note_refusal(refused: KeyRefused, request: HttpRequest) -> None:
    try:
        note_refusal(refused, find_client_address(request))
    except DatabaseError:
        logger.exception("the refusal of API key %s is not in the audit", refused.key_id)


def _refuse(allowance: Allowance) -> HttpResponse:
    seconds = math.ceil(allowance.retry_in_us / 1e6)
    limit = allowance.limit
    detail = (
        f"{limit.per_minute} requests a minute are allowed, {limit.burst} at once; "
        f"the next one in {seconds} second{'s' if seconds > 1 else ''}."
    )
    response = problem_response(429, "quota_exceeded", detail)
    response["Retry-After"] = str(seconds)
    return response


def _describe(allowance: Allowance, response: HttpResponse) -> None:
    limit = allowance.limit
    window = math.ceil(60 * limit.burst / limit.per_minute)
    response["RateLimit-Policy"] = f'"{limit.name}";q={limit.burst};w={window}'
    response["RateLimit"] = f'"{limit.name}";r={allowance.remaining};t={math.ceil(allowance.full_in_us / 1e6)}'
