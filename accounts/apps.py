"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, roles, sessions, API keys and partners."""

    name = "accounts"
    db_schema = "user_mgmt"

    def ready(self) -> None:
        """Say in words what the constraints ask for."""
        from accounts import exceptions  # noqa: F401
