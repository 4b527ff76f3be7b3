"""The project as an app, and the admin site it brings."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps

from nfcs.logs import configure_structlog


class NfcsConfig(AppConfig):
    """Start-up, telemetry pipeline and dashboard; owns no table."""

    name = "nfcs"

    def ready(self) -> None:
        """Join structlog's events to the log; draw runs in the admin, as every other app has registered its pages."""
        from nfcs.dashboard import network_admin, run_admin  # noqa: F401

        configure_structlog()


class NfcsAdminConfig(admin_apps.AdminConfig):
    """Django's admin on the project's own site class."""

    default = False
    default_site = "nfcs.admin.NfcsAdminSite"
