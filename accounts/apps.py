"""The accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users, roles and sessions."""

    name = "accounts"
    db_schema = "user_mgmt"
