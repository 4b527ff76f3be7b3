"""Whether a session of the admin has shown the second factor, and how long it may last."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.services.sign_in import needs_factor

SHOWN_KEY = "second_factor"
BEGUN_KEY = "begun_at"
SEEN_KEY = "seen_at"
SEEN_STEP_S = 60
"""How exactly the time of use is kept: sessions are written at most this often."""


def mark_session(request: HttpRequest, *, shown: bool) -> None:
    """Note in a session that has just begun whether the second factor was shown."""
    request.session[SHOWN_KEY] = shown
    request.session[BEGUN_KEY] = request.session[SEEN_KEY] = int(time.time())


def lacks_factor(request: HttpRequest) -> bool:
    """Whether the user's role asks for a second factor that this session has not shown."""
    return not request.session.get(SHOWN_KEY, False) and needs_factor(request.user)


def is_over(session: Any, *, now_s: float) -> bool:
    """Whether a session of the admin has been left alone for too long, or has lasted for too long."""
    idle = now_s - session.get(SEEN_KEY, now_s)
    age = now_s - session.get(BEGUN_KEY, now_s)
    return bool(idle > settings.ADMIN_IDLE_S or age > settings.SESSION_COOKIE_AGE)


def touch(session: Any, *, now_s: float) -> None:
    """Note that a session of the admin is used."""
    if now_s - session.get(SEEN_KEY, 0) >= SEEN_STEP_S:
        session[SEEN_KEY] = int(now_s)
        session.setdefault(BEGUN_KEY, int(now_s))
