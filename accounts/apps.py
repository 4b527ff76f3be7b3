"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, roles, sessions, API keys and partners."""

    name = "accounts"
    db_schema = "user_mgmt"
    runtime_functions = ("user_mgmt.find_user_v1(integer)", "user_mgmt.find_user_by_name_v1(text)")

    def ready(self) -> None:
        """Say in words what the constraints ask for."""
        from accounts import exceptions  # noqa: F401
