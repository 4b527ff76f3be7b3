"""Configuration and the record of migrations."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.choices import ConfigType
from core.models.base import RecordModel


class SystemConfigManager(models.Manager["SystemConfig"]):
    """Configuration by its natural key, for fixtures."""

    def get_by_natural_key(self, config_key: str, environment: str) -> SystemConfig:
        """The row of `config_key` in `environment`."""
        return self.get(config_key=config_key, environment=environment)


class SystemConfig(RecordModel):
    """One configuration value of one environment, of the JSON type that `config_type` names; changes are kept.

    Made and changed by operators, and by fixtures; read by whatever asks `get_config` for its key.
    """

    id = models.AutoField(primary_key=True)
    config_key = models.CharField(max_length=255, help_text="Dotted name, such as kuramoto.n_oscillators.")
    config_value = models.JSONField(help_text="The value, of the type that config_type names.")
    config_type = models.CharField(
        max_length=50, choices=ConfigType, help_text="integer, float, string, boolean, array or object."
    )
    environment = models.CharField(
        max_length=50, db_default="production", default="production", help_text="Which installation reads it."
    )
    is_active = models.BooleanField(
        db_default=True, default=True, help_text="Whether it is in force; else the built-in default is."
    )
    updated_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When the row last changed; kept by a trigger."
    )

    objects = SystemConfigManager()

    class Meta:
        db_table = "system_config"
        ordering = ["config_key", "environment"]
        verbose_name = "configuration value"
        permissions = [("read_server_metrics", "Can read the server's own metrics at /metrics")]
        constraints = [
            # One value per key and environment; also the index for reading one.
            models.UniqueConstraint(fields=["config_key", "environment"], name="system_config_key_env_uq"),
            models.CheckConstraint(condition=Q(config_type__in=ConfigType.values), name="system_config_type_ck"),
        ]

    def __str__(self) -> str:
        return f"{self.config_key} ({self.environment})"

    def natural_key(self) -> tuple[str, str]:
        """Key and environment."""
        return self.config_key, self.environment


class SystemConfigChange(RecordModel):
    """One change of a configuration value, written by a trigger whoever made it; append-only."""

    append_only = True

    config_key = models.CharField(max_length=255, help_text="The key that changed.")
    environment = models.CharField(max_length=50, help_text="Its environment.")
    old_value = models.JSONField(null=True, help_text="The row before; null when it was made.")
    new_value = models.JSONField(null=True, help_text="The row after; null when it was deleted.")
    changed_at = models.DateTimeField(db_default=Now(), help_text="When.")
    actor_id = models.IntegerField(null=True, help_text="The user who did it, where the connection said so.")
    database_role = models.CharField(max_length=63, help_text="The database role that did it.")

    class Meta:
        db_table = "system_config_history"
        ordering = ["-changed_at", "-id"]
        verbose_name = "configuration change"
        indexes = [
            # The history of one key, newest first.
            models.Index(fields=["config_key", "environment", "-changed_at"], name="system_config_history_key_idx")
        ]

    def __str__(self) -> str:
        return f"{self.config_key} ({self.environment}) at {self.changed_at:%Y-%m-%d %H:%M:%S}"


class SchemaMigration(RecordModel):
    """One applied migration and the checksum of its files, kept in step with Django's own record after every migrate.

    Written after every migrate, as the owner.
    """

    read_only = True

    version = models.CharField(max_length=255, primary_key=True, help_text="App and number, such as core.0001_initial.")
    applied_at = models.DateTimeField(db_default=Now(), help_text="When it was applied.")
    checksum = models.CharField(  # noqa: DJ001 - null says that the file is gone
        max_length=64, null=True, help_text="SHA-256 of the migration and its SQL files, hex."
    )

    class Meta:
        db_table = "schema_migrations"
        ordering = ["version"]

    def __str__(self) -> str:
        return self.version
