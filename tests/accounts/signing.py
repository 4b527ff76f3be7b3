"""Signing in, as tests do it."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django_otp.oath import TOTP
from rest_framework.test import APIClient

from accounts.models import SecondFactor, User
from accounts.services.factors import begin_enrolment, confirm_enrolment
from core.db.identity import SYSTEM, acting_as

TOKEN = "/api/v1/auth/token/"
ME = "/api/v1/users/me/"
PASSWORD = "password"


def get_tokens(user: User, password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
    """The tokens of a new session."""
    answer = APIClient().post(TOKEN, {"username": user.username, "password": password, **fields})
    assert answer.status_code == 200, answer.content
    return answer.json()


def client_of(tokens: dict[str, Any]) -> APIClient:
    """A client with an access token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}")
    return client


def enrol(user: User, *, steps_ago: int = 2) -> tuple[SecondFactor, list[str]]:
    """A second factor confirmed a minute ago, so that the code of now works, and its recovery codes."""
    at = timezone.now() - timedelta(seconds=30 * steps_ago)
    with acting_as(SYSTEM):
        factor = begin_enrolment(user=user)
        codes = confirm_enrolment(user=user, code=code_at(factor, at), now=at)
    user.refresh_from_db()
    return factor, codes


def code_at(factor: SecondFactor, at: datetime | None = None) -> str:
    """The one-time code of a moment."""
    generator = TOTP(base64.b32decode(factor.seed.reveal()))
    generator.time = (at or timezone.now()).timestamp()
    return f"{generator.token():06d}"
