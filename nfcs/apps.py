"""The project as an app, and the admin site it brings."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class NfcsConfig(AppConfig):
    """Start-up, telemetry pipeline and dashboard; owns no table."""

    name = "nfcs"

    def ready(self) -> None:
        """Draw runs in the admin: every other app has registered its pages by now, as this one comes last."""
        from nfcs.dashboard import run_admin  # noqa: F401


class NfcsAdminConfig(admin_apps.AdminConfig):
    """Django's admin on the project's own site class."""

    default = False
    default_site = "nfcs.admin.NfcsAdminSite"
