"""The seed's table `system_metrics`, as a view over series and samples."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from core.constants import SYSTEM_RUN_UUID
from core.models import Run
from tests.factories.core import RunFactory
from tests.factories.validation import MetricSeriesFactory
from tests.validation.locks import wait_for_waiting
from validation.models import MetricSample, MetricSeries, SystemMetric

AT = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)


def insert(**values: Any) -> dict[str, Any]:
    columns = {"metric_name": "loss", "metric_value": 0.5, "component": "esc"} | values
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(columns))
        cursor.execute(
            f"INSERT INTO system_metrics ({', '.join(columns)}) VALUES ({places}) RETURNING *", list(columns.values())
        )
        names = [column[0] for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))


def violated(error: Exception) -> str:
    return error.__cause__.diag.constraint_name


@pytest.mark.django_db
def test_the_insert_of_the_seed_works_as_it_stands() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO system_metrics (metric_name, metric_value, metric_unit, component, tags, recorded_at) "
            "VALUES ('loss', 0.125000, '1', 'esc', '{\"node\": 3}', '2026-01-01 12:30:15.123456+00')"
        )
        cursor.execute("SELECT * FROM system_metrics WHERE recorded_at >= '2026-01-01+00'")
        names = [column[0] for column in cursor.description]
        (row,) = cursor.fetchall()
    assert names[:7] == [
        "id", "metric_name", "metric_value", "metric_unit", "component", "tags", "recorded_at",
    ]  # fmt: skip
    system = Run.objects.get(run_uuid=SYSTEM_RUN_UUID)
    assert row[1:5] == ("loss", 0.125, "1", "esc")
    assert row[6:] == (AT, system.pk)
    metric = SystemMetric.objects.get(recorded_at=AT)
    assert (metric.tags, metric.id, metric.run) == ({"node": 3}, row[0], system)


@pytest.mark.django_db
def test_what_is_not_given_has_the_default_of_the_seed() -> None:
    row = insert()
    assert row["metric_unit"] is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp() - %s < interval '1 minute'", [row["recorded_at"]])
        assert cursor.fetchone() == (True,)
    system = Run.objects.get(pk=row["run_id"])
    assert (str(system.run_uuid), system.name, system.kind) == (SYSTEM_RUN_UUID, "system", "live")
    assert insert()["run_id"] == system.pk


@pytest.mark.django_db
def test_id_is_the_same_at_every_reading_and_differs_by_series_and_time() -> None:
    run = RunFactory()
    first = insert(run_id=run.pk, recorded_at=AT, id=5)
    assert first["id"] != 5
    assert 0 <= first["id"] < 2**63
    assert SystemMetric.objects.get(recorded_at=AT).id == first["id"]
    assert insert(run_id=run.pk, recorded_at=AT, metric_name="other")["id"] != first["id"]
    assert insert(run_id=run.pk, recorded_at=AT.replace(microsecond=123457))["id"] != first["id"]
    assert insert(run_id=run.pk, recorded_at=AT)["id"] == first["id"]


@pytest.mark.django_db
def test_samples_of_one_description_share_their_series() -> None:
    run = RunFactory()
    series = MetricSeriesFactory(run=run, metric_name="loss", component="esc", metric_unit=None, tags={"a": 1, "b": 2})
    for tags in ('{"b": 2, "a": 1}', '{"a": 1, "b": 2}'):
        insert(run_id=run.pk, tags=tags)
    assert MetricSeries.objects.get() == series
    assert MetricSample.objects.filter(series=series).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"metric_value": float("nan")}, "metric_samples_value_ck"),
        ({"metric_value": float("inf")}, "metric_samples_value_ck"),
        ({"recorded_at": "infinity"}, "metric_samples_recorded_at_ck"),
        ({"recorded_at": "0044-03-15 BC"}, "metric_samples_recorded_at_ck"),
        ({"tags": "[]"}, "metric_series_tags_ck"),
        ({"metric_name": ""}, "metric_series_names_ck"),
        ({"component": ""}, "metric_series_names_ck"),
        ({"run_id": 2**40}, "metric_series_run_id_fk"),
    ],
)
def test_poison_is_refused_by_name(values: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        insert(**values)
    assert violated(error.value) == constraint


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["metric_name", "component", "metric_value", "recorded_at"])
def test_null_is_refused_where_the_seed_refuses_it(column: str) -> None:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        insert(**{column: None})
    stored_as = {"metric_value": "value"}.get(column, column)
    assert error.value.__cause__.diag.column_name == stored_as


@pytest.mark.django_db
@pytest.mark.owner
@pytest.mark.parametrize("statement", ["UPDATE system_metrics SET metric_value = 1", "DELETE FROM system_metrics"])
def test_metrics_are_never_changed(statement: str) -> None:
    insert()
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert violated(error.value) == "system_metrics_append_only"


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["system_metrics", "metric_samples", "metric_series", "validation_runs"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET run_id = 1", "DELETE FROM {}"])
def test_the_runtime_role_may_not_change_what_was_recorded(table: str, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))


@pytest.mark.django_db
@pytest.mark.owner
@pytest.mark.parametrize("table", ["metric_samples", "metric_series"])
def test_not_even_the_owner_changes_them(table: str) -> None:
    insert()
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET run_id = run_id")
    assert violated(error.value).endswith("_append_only")


@pytest.mark.django_db
def test_the_view_reads_with_the_rights_of_the_reader() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE oid = 'validation.system_metrics'::regclass")
        assert cursor.fetchone() == (["security_invoker=true"],)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("named", [True, False])
def test_concurrent_first_inserts_make_one_run_and_one_series(named: bool) -> None:
    values = {"run_id": RunFactory().pk} if named else {}
    failures: list[BaseException] = []

    def write() -> None:
        try:
            insert(**values)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    with transaction.atomic():
        insert(**values)
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            wait_for_waiting(waiting)
    for thread in threads:
        thread.join()
    assert failures == []
    assert (Run.objects.count(), MetricSeries.objects.count(), MetricSample.objects.count()) == (1, 1, 5)


@pytest.mark.django_db
@pytest.mark.owner
def test_samples_find_the_partition_of_their_month() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nfcs_core.create_monthly_partition('metric_samples', '2026-01-31')")
        insert(recorded_at=AT)
        insert(recorded_at="2026-02-01T00:00:00Z")
        cursor.execute("SELECT tableoid::regclass::text FROM metric_samples ORDER BY recorded_at")
        assert cursor.fetchall() == [("metric_samples_y2026m01",), ("metric_samples_default",)]
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'metric_samples_y2026m01'")
        ((definition,),) = cursor.fetchall()
        assert "USING brin (recorded_at) WITH (pages_per_range='32', autosummarize='on')" in definition
