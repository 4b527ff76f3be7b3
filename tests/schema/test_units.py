"""docs/units.md speaks of columns that exist, and of every measured column there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.db.catalogue import read_catalogue
from core.db.prepare import SCHEMAS

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "units.md"
MEASURED = {"double precision", "double precision[]"}
SPOKEN_FOR = {
    # Said once for all axes, in the table they were measured in, or of the thing they are a copy of.
    "nfcs_core.reality_nodes.y",
    "nfcs_core.reality_nodes.z",
    "kuramoto.synchronization_events.coupling_strength",
    "validation.system_metrics.metric_value",
    "validation.validation_runs.duration_seconds",
}


def read_named_columns() -> set[str]:
    return set(re.findall(r"`(\w+\.\w+\.\w+)`", DOCUMENT.read_text()))


def read_columns() -> dict[str, str]:
    relations = read_catalogue(schemas=SCHEMAS)["relations"]
    return {
        f"{name}.{column}": facts["type"]
        for name, relation in relations.items()
        if "partition_of" not in relation
        for column, facts in relation["columns"].items()
    }


def test_named_columns_exist() -> None:
    assert read_named_columns() - read_columns().keys() == set()


def test_every_measured_column_is_named() -> None:
    measured = {column for column, kind in read_columns().items() if kind in MEASURED}
    assert measured - read_named_columns() == SPOKEN_FOR
