"""`manage.py sign_in`: what keeps somebody out, and the way back in, for who has a shell."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts.models import User, UserSession
from accounts.services.attempts import clear_attempts, count_attempts
from accounts.services.factors import find_factor, remove_factor
from accounts.services.sessions import end_sessions
from accounts.services.sign_in import needs_factor
from core.management.base import NfcsCommand


class Command(NfcsCommand):
    """Show how a user stands with signing in; let somebody in again, or put somebody out."""

    help = "How a user stands with signing in: sessions, second factor, failed attempts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Four verbs, each about one user."""
        verbs = self.add_verbs(parser)
        changes = (self.end_sessions, self.remove_factor, self.forget_attempts)
        for verb in (
            self.add_verb(verbs, self.show),
            *(self.add_verb(verbs, run, changes_data=True) for run in changes),
        ):
            verb.add_argument("username", help="name of the user, in whatever case")

    def show(self, *, username: str, **_: Any) -> None:
        """Say what a user has: sessions, second factor, failed attempts within the window."""
        user, now = _find_user(username), timezone.now()
        state = {
            "username": user.username,
            "role": user.role,
            "is_active": user.is_active,
            "sessions": UserSession.objects.filter(user=user, revoked_at=None, expires_at__gt=now).count(),
            "second_factor": find_factor(user=user) is not None,
            "second_factor_required": needs_factor(user),
            "failed_attempts": count_attempts(username=user.username, now=now),
        }
        self.answer(state, (f"{name:<24}{value}" for name, value in state.items()))

    def end_sessions(self, *, username: str, dry_run: bool, **_: Any) -> None:
        """End all sessions of a user, those of the admin too."""
        user = _find_user(username)
        if not dry_run:
            end_sessions(user=user, now=timezone.now())
        self._tell(user, "sessions ended", dry_run)

    def remove_factor(self, *, username: str, dry_run: bool, **_: Any) -> None:
        """Take the second factor away from who lost it, and end the sessions."""
        user = _find_user(username)
        with transaction.atomic():
            remove_factor(user=user, now=timezone.now())
            transaction.set_rollback(dry_run)
        self._tell(user, "second factor removed", dry_run)

    def forget_attempts(self, *, username: str, dry_run: bool, **_: Any) -> None:
        """Let a user try again who failed too often."""
        user = _find_user(username)
        if not dry_run:
            clear_attempts(username=user.username)
        self._tell(user, "failed attempts forgotten", dry_run)

    def _tell(self, user: User, done: str, dry_run: bool) -> None:
        self.answer(
            {"username": user.username, "done": not dry_run},
            [f"{user.username}: {done}" + (" (not really: --dry-run)" if dry_run else "")],
        )


def _find_user(username: str) -> User:
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist as error:
        raise CommandError(f"there is no user {username}") from error
