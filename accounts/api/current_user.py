"""Whether the credentials of a request that is answered for long still stand."""

from __future__ import annotations

from typing import cast

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework.request import Request

from accounts.api.key_authentication import read_key
from accounts.exceptions import TokenRefused
from accounts.models import User
from accounts.services.key_use import KeyRefused, KnownKey, identify_key
from accounts.services.sessions import use_session
from core.client_address import find_client_address


def find_current_user(request: Request) -> User | None:
    """Who an authenticated request's credentials stand for now, looked up anew and not counted; None where nobody.

    Of HTTP Basic the password is not compared again: it has to be the one that the user still has.
    """
    http: HttpRequest = request._request
    if isinstance(request.auth, KnownKey):
        try:
            return identify_key(read_key(http) or "", find_client_address(http)).user
        except KeyRefused:
            return None
    if request.auth is not None:
        try:
            return use_session(token=http.META["HTTP_AUTHORIZATION"].partition(" ")[2].strip(), now=timezone.now())[0]
        except TokenRefused:
            return None
    known = cast(User, request.user)
    begun_with = known.get_session_auth_hash()
    if SESSION_KEY in http.session and "Authorization" not in http.headers:
        if not http.session.exists(http.session.session_key or ""):
            return None
        begun_with = http.session[HASH_SESSION_KEY]
    user = User.objects.find(known.pk)
    return user if user.is_active and constant_time_compare(user.get_session_auth_hash(), begun_with) else None
