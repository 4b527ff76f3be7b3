"""How users are made and found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager

from accounts.choices import Role
from core.db.identity import SYSTEM, declared_actor

if TYPE_CHECKING:
    from accounts.models import User


class UserManager(BaseUserManager["User"]):
    """Users by username, in whatever case."""

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        """A user with a hashed password; without one nobody can sign in as that user."""
        user = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, email: str, password: str | None = None, **fields: Any) -> User:
        """An administrator with every permission, as `manage.py createsuperuser` makes it."""
        return self.create_user(username, email, password, **{**fields, "role": Role.ADMIN, "is_superuser": True})

    def get_by_natural_key(self, username: str | None) -> User:
        """The user called `username`, whoever acts; nobody's name holds a NUL character, which PostgreSQL refuses."""
        if not username or "\x00" in username:
            raise self.model.DoesNotExist
        return self._find_one("SELECT * FROM user_mgmt.find_user_by_name_v1(%s)", username)

    def find(self, user_id: int) -> User:
        """The user of that id, whoever acts: how a session finds its user before anybody is named."""
        return self._find_one("SELECT * FROM user_mgmt.find_user_v1(%s)", user_id)

    def get_declared(self) -> User | None:
        """The user on whose behalf this runs; None for the system, and for nobody."""
        return self.filter(pk=declared_actor() or SYSTEM).first()

    def _find_one(self, statement: str, wanted: Any) -> User:
        for user in self.raw(statement, [wanted], using=self._db):
            return user
        raise self.model.DoesNotExist
