"""What HTTP Basic was verified with a moment ago, so that not every request costs a slow hash and an attempt.

In the memory of the process alone, under a key that ends with it: a keyed digest of name, password and of what would
end a session (password hash, role, `sessions_ended_at`). No password can be read from it.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time

from accounts.models import User

LIFETIME_S = 60.0
MOST = 1000

_key = secrets.token_bytes(32)
_until: dict[bytes, float] = {}
_lock = threading.Lock()


def remember(user: User, password: str) -> None:
    """Note that this password was right for this user, as the user is now."""
    now = time.monotonic()
    with _lock:
        if len(_until) >= MOST:
            for digest in [digest for digest, until in _until.items() if until <= now]:
                del _until[digest]
        if len(_until) < MOST:
            _until[_digest(user, password)] = now + LIFETIME_S


def was_verified(user: User, password: str) -> bool:
    """Whether this password was right for this user, as the user is now, within the last minute."""
    with _lock:
        return _until.get(_digest(user, password), 0.0) > time.monotonic()


def _digest(user: User, password: str) -> bytes:
    parts = (str(user.pk), user.get_session_auth_hash(), password)
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(_key, text.encode("utf-8", "surrogatepass"), "sha256")
