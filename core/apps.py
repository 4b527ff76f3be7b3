"""The core app."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CoreConfig(AppConfig):
    """Substrate tables and what every domain stands on."""

    name = "core"
    db_schema = "nfcs_core"

    def ready(self) -> None:
        """Register start-up checks and what follows every migration."""
        from core import checks  # noqa: F401
        from core.db.after_migrate import follow_migration

        post_migrate.connect(follow_migration, sender=self, dispatch_uid="core.follow_migration")
