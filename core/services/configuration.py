"""Configuration values: made and changed; a trigger keeps the history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from core.choices import ConfigType
from core.models import SystemConfig


@transaction.atomic
def create_config(
    *, config_key: str, config_value: Any, config_type: str, environment: str, is_active: bool = True
) -> SystemConfig:
    """Make a configuration value.

    Raises:
        IntegrityError: the key has a value in this environment (`system_config_key_env_uq`), the value is not of its
            type (`system_config_value_ck`), or not what a known key may hold (`system_config_known_ck`).
    """
    return SystemConfig.objects.create(
        config_key=config_key,
        config_value=config_value,
        config_type=config_type,
        environment=environment,
        is_active=is_active,
    )


@transaction.atomic
def change_config(*, config: SystemConfig, **changes: Any) -> SystemConfig:
    """Change the `config_value`, `config_type` or `is_active` of a configuration value; key and environment stay.

    Raises:
        IntegrityError: as for `create_config`.
    """
    for name, value in changes.items():
        if name not in ("config_value", "config_type", "is_active"):
            raise TypeError(f"{name} of a configuration value does not change")
        setattr(config, name, value)
    config.save(update_fields=list(changes))
    return config


@transaction.atomic
def set_config(*, key: str, value: Any, config_type: str | None = None, environment: str | None = None) -> SystemConfig:
    """Put a configuration value into force, whether or not the key has one.

    Args:
        config_type: of the JSON type of `value` where it is not given.
        environment: this installation's where it is not given.

    Raises:
        IntegrityError: as for `create_config`.
    """
    config, _ = SystemConfig.objects.update_or_create(
        config_key=key,
        environment=environment or settings.ENVIRONMENT,
        defaults={"config_value": value, "config_type": config_type or _type_of(value), "is_active": True},
    )
    return config


def _type_of(value: Any) -> ConfigType:
    for kind, config_type in (
        (bool, ConfigType.BOOLEAN),
        (int, ConfigType.INTEGER),
        (float, ConfigType.FLOAT),
        (str, ConfigType.STRING),
        (list, ConfigType.ARRAY),
        (dict, ConfigType.OBJECT),
    ):
        if isinstance(value, kind):
            return config_type
    raise TypeError(f"{type(value).__name__} is no JSON type of a configuration value")
