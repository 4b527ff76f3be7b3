"""Rows written in PostgreSQL's binary format are the rows that were given, by parameters and by COPY alike."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from django.db import DataError, IntegrityError, connection, transaction

from core.db import copy
from core.db.copy import ENCODERS, insert_columns, insert_rows

pytestmark = pytest.mark.django_db

SAMPLES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "smallint": [-(2**15), 2**15 - 1],
    "integer": [-(2**31), 2**31 - 1],
    "bigint": [-(2**63), 2**63 - 1],
    "real": [0.5, -1.25],
    "float8": [0.1, -1e308, 5e-324, float("inf")],
    "float8[]": [[], [0.1, -2.5, 1e-300]],
    "text": ["", "naïve \\ \t ∂A/∂t 🧠 {},'\""],
    "bytea": [b"", bytes(range(256))],
    "jsonb": [{}, {"a": [1, 2.5, None, "é\\u0041"], "b": {"c": True}}, [1], "text", 3],
    "timestamptz": [
        datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-9))),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    "uuid": [uuid.UUID(int=1), uuid.uuid4()],
    "vector": [[1.0, -2.0, 0.5]],
}


@pytest.fixture
def cursor() -> Any:
    with connection.cursor() as cursor:
        yield cursor


@pytest.fixture(params=["parameters", "copy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "copy":
        monkeypatch.setattr(copy, "SMALL_BATCH", 0)
    return request.param


def test_every_type_has_samples() -> None:
    assert SAMPLES.keys() == ENCODERS.keys()


@pytest.mark.parametrize("type_name", ENCODERS)
def test_values_and_nulls_come_back_as_they_went_in(cursor: Any, way: str, type_name: str) -> None:
    cursor.execute(f"CREATE TEMPORARY TABLE copied (position integer, value {type_name})")
    values = [None, *SAMPLES[type_name]]
    assert insert_rows(cursor, "copied", ["position", "value"], ["integer", type_name], enumerate(values)) == len(
        values
    )
    with connection.connection.cursor() as plain:
        plain.execute("SELECT value FROM copied ORDER BY position")
        found = [row[0] for row in plain.fetchall()]
    if type_name == "vector":
        assert [found[0], found[1]] == [None, "[1,-2,0.5]"]
    elif type_name == "jsonb":
        assert [None if text is None else json.loads(text) for text in found] == values
    else:
        assert found == values


def test_numpy_arrays_are_taken_for_arrays_and_vectors(cursor: Any, way: str) -> None:
    cursor.execute("CREATE TEMPORARY TABLE copied (phases float8[], embedding vector(3))")
    phases = np.linspace(-np.pi, np.pi, 64)
    insert_rows(cursor, "copied", ["phases", "embedding"], ["float8[]", "vector"], [(phases, np.ones(3, np.float32))])
    cursor.execute("SELECT phases, vector_norm(embedding) FROM copied")
    found, norm = cursor.fetchone()
    assert found == phases.tolist()
    assert norm == pytest.approx(np.sqrt(3))


def test_no_rows_are_no_statement(cursor: Any, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert insert_rows(cursor, "nowhere", ["a"], ["integer"], []) == 0
        assert insert_columns(cursor, "nowhere", {"a": np.array([], np.int64)}) == 0


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("integer", 2**31),
        ("bigint", "1"),
        ("float8", "one"),
        ("text", 1),
        ("text", "\ud800"),
        ("bytea", 5),
        ("jsonb", {"a": float("nan")}),
        ("timestamptz", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("float8[]", [[1.0]]),
        ("float8[]", ["x"]),
        ("uuid", "no uuid"),
        ("vector", 1.0),
    ],
)
def test_a_value_of_another_type_names_its_column(cursor: Any, type_name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^second: "):
        insert_rows(cursor, "copied", ["first", "second"], ["integer", type_name], [(1, value)])


def test_a_refused_row_refuses_all_and_names_the_constraint(cursor: Any, way: str) -> None:
    cursor.execute("CREATE TEMPORARY TABLE copied (value integer CONSTRAINT copied_value_ck CHECK (value > 0))")
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        insert_rows(cursor, "copied", ["value"], ["integer"], [(1,), (0,)])
    assert error.value.__cause__.diag.constraint_name == "copied_value_ck"
    cursor.execute("SELECT count(*) FROM copied")
    assert cursor.fetchone() == (0,)


def test_a_vector_of_the_wrong_length_is_a_data_error(cursor: Any, way: str) -> None:
    cursor.execute("CREATE TEMPORARY TABLE copied (embedding vector(3))")
    for embedding in ([1.0, 2.0], [1.0, float("nan"), 0.0], [1e300, 0.0, 0.0]):
        with pytest.raises(DataError), transaction.atomic():
            insert_rows(cursor, "copied", ["embedding"], ["vector"], [(embedding,)])


def test_columns_arrive_exactly(cursor: Any, way: str) -> None:
    cursor.execute("CREATE TEMPORARY TABLE copied (run_id bigint, at timestamptz, value float8)")
    values = np.random.default_rng(1).standard_normal(100)
    times = np.datetime64("1999-12-31T23:59:59.999999", "us") + np.arange(100) * np.timedelta64(1, "h")
    columns = {"run_id": np.full(100, 2**62), "at": times, "value": values}
    assert insert_columns(cursor, "copied", columns) == 100
    cursor.execute("SELECT run_id, at, value FROM copied ORDER BY at")
    expected = [
        (2**62, at.replace(tzinfo=UTC), value) for at, value in zip(times.tolist(), values.tolist(), strict=True)
    ]
    assert cursor.fetchall() == expected


def test_numbers_that_are_none_arrive_as_such(cursor: Any, way: str) -> None:
    cursor.execute("CREATE TEMPORARY TABLE copied (value float8)")
    insert_columns(cursor, "copied", {"value": np.array([np.nan, np.inf, -np.inf, 0.1])})
    cursor.execute("SELECT array_agg(value)::text FROM copied")
    assert cursor.fetchone() == ("{NaN,Infinity,-Infinity,0.1}",)


def test_a_missing_time_is_refused(cursor: Any, way: str) -> None:
    with pytest.raises(ValueError, match=r"^at: "):
        insert_columns(cursor, "copied", {"at": np.array(["2026-01-01", "NaT"], "datetime64[us]")})


def test_columns_of_unequal_length_are_refused(cursor: Any) -> None:
    with pytest.raises(ValueError, match="differ in length"):
        insert_columns(cursor, "copied", {"a": np.arange(2), "b": np.arange(3)})


def test_two_batches_in_one_transaction_and_none_stays_staged(cursor: Any, way: str) -> None:
    cursor.execute("CREATE TEMPORARY TABLE copied (value bigint)")
    for _ in range(2):
        insert_columns(cursor, "copied", {"value": np.arange(5)})
        insert_rows(cursor, "copied", ["value"], ["bigint"], [(1,)])
    cursor.execute("SELECT count(*), to_regclass('pg_temp.staged_copied') FROM copied")
    assert cursor.fetchone() == (12, None)
