"""Samples arrive exactly, in their series, and bad rows are named one by one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, close_old_connections, connection, transaction

from core.exceptions import InvalidInput
from tests.factories.core import RunFactory
from tests.validation.locks import wait_for_waiting
from validation import series
from validation.models import MetricSample, MetricSeries
from validation.services import record_metrics

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    series.forget_series()
    yield
    series.forget_series()


def record(run_id: int, count: int = 1, **columns: Any) -> int:
    batch = {
        "names": ["order_parameter"] * count,
        "components": ["kuramoto"] * count,
        "units": ["1"] * count,
        "tags": [{}] * count,
        "times": [AT + timedelta(seconds=position) for position in range(count)],
        "values": [float(position) for position in range(count)],
    }
    return record_metrics(run_id=run_id, **(batch | columns))


@pytest.mark.django_db
@pytest.mark.parametrize("as_arrays", [True, False])
def test_a_batch_of_ten_thousand_rows_is_stored_exactly(as_arrays: bool) -> None:
    run = RunFactory()
    rng = np.random.default_rng(3)
    count = 10_000
    values = rng.standard_normal(count) * 10.0 ** rng.integers(-300, 300, count)
    times = np.datetime64("2026-01-01", "us") + rng.integers(0, 10**12, count).astype("timedelta64[us]")
    names = [f"metric_{number}" for number in rng.integers(0, 7, count)]
    tags = [{"node": int(number), "side": {"left": True}} for number in rng.integers(0, 3, count)]
    moments = [at.replace(tzinfo=UTC) for at in times.tolist()]
    stored = record_metrics(
        run_id=run.pk,
        names=names,
        components=["test"] * count,
        units=[None] * count,
        tags=tags,
        times=times if as_arrays else moments,
        values=values if as_arrays else values.tolist(),
    )
    assert stored == count
    found = MetricSample.objects.values_list(
        "run_id", "series__metric_name", "series__tags__node", "recorded_at", "value"
    )
    expected = zip([run.pk] * count, names, [tag["node"] for tag in tags], moments, values.tolist(), strict=True)
    assert sorted(found) == sorted(expected)
    assert MetricSeries.objects.count() == 21


@pytest.mark.django_db
def test_times_of_any_zone_and_era_keep_their_microsecond() -> None:
    run = RunFactory()
    times = [
        datetime(1900, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=2))),
        datetime(8999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ]
    record(run.pk, 4, times=times)
    assert list(MetricSample.objects.order_by("value").values_list("recorded_at", flat=True)) == times


@pytest.mark.django_db
def test_queries_do_not_grow_with_rows_or_series(django_assert_num_queries: Any) -> None:
    run = RunFactory()
    for count in (2, 50):
        with django_assert_num_queries(4 + 2):  # find, make, find, insert; inside a savepoint
            record(run.pk, count, names=[f"{count}_{position}" for position in range(count)])
        with django_assert_num_queries(2 + 2):
            record(run.pk, count, names=[f"{count}_{position}" for position in range(count)])


@pytest.mark.django_db(transaction=True)
def test_committed_series_are_remembered_and_those_rolled_back_are_not(django_assert_num_queries: Any) -> None:
    run = RunFactory()
    with transaction.atomic():
        record(run.pk)
        transaction.set_rollback(True)
    assert series._known == {}
    record(run.pk)
    assert list(series._known.values()) == [MetricSeries.objects.get().pk]
    with django_assert_num_queries(1 + 2):
        record(run.pk)
    assert list(MetricSample.objects.values_list("series_id", flat=True)) == [MetricSeries.objects.get().pk] * 2


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_forgets(django_assert_num_queries: Any) -> None:
    run = RunFactory()
    record(run.pk)
    connection.close()
    connection.ensure_connection()
    assert series._known == {}


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_new_series_share_it() -> None:
    run = RunFactory()
    barrier = threading.Barrier(6)
    failures: list[BaseException] = []

    def write(order: int) -> None:
        names = [f"metric_{number}" for number in range(40)][::order]
        try:
            barrier.wait()
            record(run.pk, 40, names=names)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(1 if number % 2 else -1,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    assert failures == []
    assert MetricSeries.objects.count() == 40
    assert MetricSample.objects.count() == 240
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM system_metrics")
        assert cursor.fetchone() == (240,)


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_new_series_in_opposite_order_do_not_deadlock() -> None:
    run = RunFactory()
    names = [f"metric_{number:02}" for number in range(40)]
    failures: list[BaseException] = []

    def write(step: int) -> None:
        try:
            record(run.pk, 40, names=names[::step])
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(step,)) for step in (1, -1)]
    with transaction.atomic():
        record(run.pk, names=["metric_20"])  # both stop here, if not before
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            wait_for_waiting(waiting)
        transaction.set_rollback(True)
    for thread in threads:
        thread.join()
    assert failures == []
    assert (MetricSeries.objects.count(), MetricSample.objects.count()) == (40, 80)


@pytest.mark.django_db
def test_unit_and_tags_tell_series_apart_and_key_order_does_not() -> None:
    run = RunFactory()
    record(run.pk, 2, tags=[{"a": 1, "b": 2}, {"b": 2, "a": 1}])
    assert MetricSeries.objects.count() == 1
    record(run.pk, 3, tags=[{"a": 1}, {"a": 1}, None], units=["1", None, ""])
    assert MetricSeries.objects.count() == 4


@pytest.mark.django_db
def test_tags_that_jsonb_takes_for_equal_are_one_series() -> None:
    run = RunFactory()
    record(run.pk, 2, tags=[{"a": 1e25}, {"a": 1.0e25}])
    record(run.pk, tags=[{"a": 1e25}])
    assert MetricSeries.objects.count() == 1


BAD: list[tuple[str, str, Any]] = [
    ("metric_value", "values", float("nan")),
    ("metric_value", "values", float("-inf")),
    ("metric_value", "values", 10**400),
    ("metric_name", "names", ""),
    ("metric_name", "names", "n" * 101),
    ("metric_name", "names", "nul\x00"),
    ("metric_name", "names", "\ud800"),
    ("metric_name", "names", 5),
    ("component", "components", ""),
    ("component", "components", "c" * 51),
    ("component", "components", None),
    ("metric_unit", "units", "u" * 21),
    ("metric_unit", "units", "\x00"),
    ("tags", "tags", []),
    ("tags", "tags", ["a"]),
    ("tags", "tags", "text"),
    ("tags", "tags", {1: "a"}),
    ("tags", "tags", {"a": {"b": ["nul\x00"]}}),
    ("tags", "tags", {"nul\x00": 1}),
    ("tags", "tags", {"a": "\ud800"}),
    ("tags", "tags", {"a": 2**65}),
    ("tags", "tags", {"a": "x" * 5000}),
    ("timestamp", "times", datetime(1, 1, 1, tzinfo=UTC)),
    ("timestamp", "times", datetime(9999, 12, 31, tzinfo=UTC)),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "column", "value"), BAD)
def test_every_bad_row_is_named(field: str, column: str, value: Any) -> None:
    run = RunFactory()
    good = {"names": "a", "components": "b", "units": None, "tags": {}, "times": AT, "values": 1.0}[column]
    with pytest.raises(InvalidInput) as error:
        record(run.pk, 4, **{column: [value, good, good, value]})
    assert [one.field for one in error.value.errors] == [f"0.{field}", f"3.{field}"]
    assert not MetricSeries.objects.exists()
    assert not MetricSample.objects.exists()


@pytest.mark.django_db
def test_deep_tags_are_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(1000):
        deep = {"a": deep}
    with pytest.raises(InvalidInput) as error:
        record(RunFactory().pk, tags=[deep])
    assert [one.field for one in error.value.errors] == ["0.tags"]


@pytest.mark.django_db
def test_a_backslash_before_u0000_is_not_a_nul() -> None:
    record(RunFactory().pk, tags=[{"path": "\\u0000"}])
    assert MetricSeries.objects.get().tags == {"path": "\\u0000"}


@pytest.mark.django_db
def test_all_that_is_wrong_is_told_at_the_positions_of_the_caller() -> None:
    with pytest.raises(InvalidInput) as error:
        record(RunFactory().pk, 2, values=[np.nan, 1.0], units=["1", "u" * 30], indices=[4, 9])
    assert {one.field for one in error.value.errors} == {"4.metric_value", "9.metric_unit"}


@pytest.mark.django_db
def test_columns_of_unequal_length_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="length"):
        record(RunFactory().pk, 2, values=[1.0])


@pytest.mark.django_db
def test_a_run_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        record(2**40)
    assert error.value.__cause__.diag.constraint_name == "metric_series_run_id_fk"


@pytest.mark.django_db
def test_no_rows_store_nothing() -> None:
    assert record(RunFactory().pk, 0) == 0


@pytest.mark.django_db
def test_neuralblitz_reads_the_same_samples() -> None:
    run = RunFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO system_metrics (run_id, metric_name, metric_value, metric_unit, component, tags) "
            "VALUES (%s, 'loss', 0.5, '1', 'esc', '{\"fold\": 1}')",
            [run.pk],
        )
        cursor.execute(
            "SELECT name, value, unit, kind, labels FROM metrics WHERE (labels ->> 'run')::int = %s", [run.pk]
        )
        name, value, unit, kind, labels = cursor.fetchone()
    assert (name, value, unit, kind) == ("loss", 0.5, "1", "gauge")
    labels = json.loads(labels) if isinstance(labels, str) else labels
    assert labels == {"fold": 1, "component": "esc", "run": run.pk}
