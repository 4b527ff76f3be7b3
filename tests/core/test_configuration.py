"""Configuration: one value per key and environment, of its type, with its history."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from core.db.identity import SYSTEM, acting_as
from core.models import SystemConfig, SystemConfigChange
from core.selectors import get_config, list_config_changes
from core.services.configuration import change_config, create_config, set_config
from tests.constitutional.database import execute, violated
from tests.factories.accounts import AdminFactory
from tests.factories.core import ConfigFactory

pytestmark = pytest.mark.django_db

SEED = {
    "nfcs.field_resolution": (128, "integer"),
    "nfcs.ha_threshold": (0.85, "float"),
    "kuramoto.n_oscillators": (64, "integer"),
    "cognitive.modules_enabled": (["constitution", "symbolic_ai", "memory", "reflection", "freedom"], "array"),
}
LEVELS = {"warning": 1, "critical": 2, "emergency": 4, "failure": 7}


def test_the_fixture_holds_the_seed_exactly() -> None:
    call_command("loaddata", "seed_config", verbosity=0)
    rows = SystemConfig.objects.filter(config_key__in=SEED)
    assert {row.config_key: (row.config_value, row.config_type) for row in rows} == SEED
    assert {(row.environment, row.is_active) for row in SystemConfig.objects.all()} == {("production", True)}
    assert get_config("nfcs.ha_levels", {}) == LEVELS
    assert get_config("nfcs.emergency_max_duration_s", 0.0) == 300.0


def test_loading_the_fixture_twice_leaves_no_trace_in_the_history() -> None:
    call_command("loaddata", "seed_config", verbosity=0)
    changes = SystemConfigChange.objects.count()
    call_command("loaddata", "seed_config", verbosity=0)
    assert SystemConfigChange.objects.count() == changes == SystemConfig.objects.count()


@pytest.mark.parametrize(
    ("config_type", "value"),
    [
        ("integer", 1.5),
        ("integer", "1"),
        ("integer", True),
        ("float", "0.5"),
        ("float", None),
        ("string", 1),
        ("boolean", 1),
        ("boolean", "true"),
        ("array", {}),
        ("object", []),
        ("object", None),
    ],
)
def test_a_value_of_another_type_is_refused(config_type: str, value: Any) -> None:
    make = lambda: execute(  # noqa: E731
        "INSERT INTO system_config (config_key, config_value, config_type) VALUES ('test', %s, %s)",
        json.dumps(value),
        config_type,
    )
    assert violated(make) == "system_config_value_ck"


@pytest.mark.parametrize(
    ("config_type", "value"),
    [
        ("integer", 10**30),
        ("integer", 2.0),
        ("float", 1),
        ("string", ""),
        ("boolean", False),
        ("array", []),
        ("object", {"a": None}),
    ],
)
def test_a_value_of_its_type_is_kept(config_type: str, value: Any) -> None:
    config = create_config(config_key="test", config_value=value, config_type=config_type, environment="production")
    config.refresh_from_db()
    assert config.config_value == value


@pytest.mark.parametrize(
    ("key", "config_type", "value"),
    [
        ("nfcs.field_resolution", "integer", 1),
        ("nfcs.field_resolution", "float", 128),
        ("nfcs.ha_threshold", "float", 1),
        ("nfcs.ha_threshold", "float", 0),
        ("kuramoto.n_oscillators", "integer", 65_537),
        ("nfcs.emergency_max_duration_s", "integer", 0),
        ("nfcs.emergency_max_duration_s", "string", "300"),
        ("cognitive.modules_enabled", "array", ["constitution", "intuition"]),
        ("nfcs.ha_levels", "object", LEVELS | {"critical": 1}),
        ("nfcs.ha_levels", "object", LEVELS | {"failure": 11}),
        ("nfcs.ha_levels", "object", LEVELS | {"warning": "1"}),
        ("nfcs.ha_levels", "object", LEVELS | {"emergency": [4]}),
        ("nfcs.ha_levels", "object", {"warning": 1}),
        ("nfcs.ha_levels", "array", [1, 2, 4, 7]),
    ],
)
def test_a_key_that_the_system_reads_holds_what_it_can_use(key: str, config_type: str, value: Any) -> None:
    make = lambda: ConfigFactory(config_key=key, config_type=config_type, config_value=value)  # noqa: E731
    assert violated(make) == "system_config_known_ck"


def test_a_key_has_one_value_per_environment() -> None:
    config = ConfigFactory(config_value=1)
    other = ConfigFactory(config_key=config.config_key, environment="staging", config_value=2)
    assert violated(lambda: ConfigFactory(config_key=config.config_key)) == "system_config_key_env_uq"
    assert get_config(config.config_key, 0) == 1
    with override_settings(ENVIRONMENT="staging"):
        assert get_config(config.config_key, 0) == 2
    change_config(config=other, is_active=False)
    with override_settings(ENVIRONMENT="staging"):
        assert get_config(config.config_key, 0) == 0


@pytest.mark.parametrize(
    ("value", "config_type"),
    [(True, "boolean"), (1, "integer"), (1.5, "float"), ("x", "string"), ([1], "array"), ({"a": 1}, "object")],
)
def test_setting_a_value_makes_or_changes_it_and_finds_its_type(value: Any, config_type: str) -> None:
    set_config(key="test", value="before")
    set_config(key="test", value=value)
    assert SystemConfig.objects.get(config_key="test").config_type == config_type
    assert get_config("test", None) == value


def test_the_history_says_who_changed_what_however_it_was_changed() -> None:
    somebody = AdminFactory()
    with acting_as(SYSTEM):
        config = ConfigFactory(config_value=1)
    with acting_as(somebody.pk):
        change_config(config=config, config_value=2)
    execute("UPDATE system_config SET is_active = false WHERE id = %s", config.pk)
    execute("DELETE FROM system_config WHERE id = %s", config.pk)
    changes = list(list_config_changes(config).order_by("id").values_list("old_value", "new_value"))
    one, two = ({"value": number, "type": "integer", "is_active": True} for number in (1, 2))
    off = two | {"is_active": False}
    assert changes == [(None, one), (one, two), (two, off), (off, None)]
    assert list_config_changes(config).order_by("id")[1].actor_id == somebody.pk
    assert list_config_changes(config).order_by("id")[0].actor_id is None


def test_a_change_that_changes_nothing_is_none() -> None:
    config = ConfigFactory()
    change_config(config=config, config_value=config.config_value)
    assert list_config_changes(config).count() == 1


def test_the_history_cannot_be_changed_even_by_its_owner() -> None:
    config = ConfigFactory()
    execute("SET LOCAL ROLE nfcs_owner")
    for statement in ("UPDATE system_config_history SET environment = 'x'", "DELETE FROM system_config_history"):
        assert violated(lambda statement=statement: execute(statement)) == "system_config_history_append_only"
    assert list_config_changes(config).count() == 1


def test_only_value_type_and_activity_change() -> None:
    with pytest.raises(TypeError):
        change_config(config=ConfigFactory(), config_key="other")
