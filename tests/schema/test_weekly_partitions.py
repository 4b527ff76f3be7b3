"""Partitions by ISO week: Monday to Monday UTC, named by the ISO year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, connections, transaction

from core.db.partitions import ensure_partitions, list_partitions
from tests.schema.conftest import execute

TABLE = "quantum_neuron_history"


def create(alias: str, day: str) -> tuple[str, str, str]:
    """Make the partition of a day; its name and bounds."""
    before = {partition.name for partition in list_partitions(TABLE, using=alias)}
    execute(alias, "SELECT create_weekly_partition(%s, %s::date)", TABLE, day)
    (made,) = [partition for partition in list_partitions(TABLE, using=alias) if partition.name not in before]
    return made.name, made.from_at, made.to_at


@pytest.mark.parametrize(
    ("day", "name", "monday", "next_monday"),
    [
        ("2025-09-03", "y2025w36", "2025-09-01", "2025-09-08"),
        ("2025-09-01", "y2025w36", "2025-09-01", "2025-09-08"),
        ("2025-09-07", "y2025w36", "2025-09-01", "2025-09-08"),
        ("2024-12-31", "y2025w01", "2024-12-30", "2025-01-06"),
        ("2026-12-31", "y2026w53", "2026-12-28", "2027-01-04"),
        ("2027-01-03", "y2026w53", "2026-12-28", "2027-01-04"),
        ("2021-01-01", "y2020w53", "2020-12-28", "2021-01-04"),
        ("0001-01-01", "y0001w01", "0001-01-01", "0001-01-08"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
def test_the_week_of_a_day(rolled_back: str, day: str, name: str, monday: str, next_monday: str, zone: str) -> None:
    execute(rolled_back, f"SET LOCAL timezone = '{zone}'")
    expected = (f"{TABLE}_{name}", f"{monday}T00:00:00Z", f"{next_monday}T00:00:00Z")
    assert create(rolled_back, day) == expected
    execute(rolled_back, "SELECT create_weekly_partition(%s, %s::date)", TABLE, day)


@pytest.mark.parametrize("day", ["infinity", "0001-01-01 BC", None])
def test_a_day_without_a_week_is_refused(rolled_back: str, day: str | None) -> None:
    with pytest.raises(DataError, match="common era"), transaction.atomic(using=rolled_back):
        execute(rolled_back, "SELECT create_weekly_partition(%s, %s::date)", TABLE, day)


@pytest.mark.parametrize("year", [2020, 2024, 2025, 2026])
def test_a_year_is_covered_without_gap_whatever_its_weeks(rolled_back: str, year: int) -> None:
    ensure_partitions(now=datetime(year, 1, 1, tzinfo=UTC), ahead=11, table=TABLE, using=rolled_back)
    listed = [partition for partition in list_partitions(TABLE, using=rolled_back) if not partition.is_default]
    assert [partition.from_at for partition in listed[1:]] == [partition.to_at for partition in listed[:-1]]
    assert listed[0].from_at <= f"{year}-01-01T00:00:00Z" < listed[0].to_at
    assert listed[-1].from_at < f"{year + 1}-01-01T00:00:00Z" <= listed[-1].to_at
    for partition in listed:
        iso = datetime.fromisoformat(partition.from_at).isocalendar()
        assert (partition.name, iso.weekday) == (f"{TABLE}_y{iso.year:04d}w{iso.week:02d}", 1)


def test_the_commands_way_and_the_functions_way_agree(rolled_back: str) -> None:
    now = datetime(2026, 12, 30, 12, tzinfo=UTC)
    ensured = ensure_partitions(now=now, ahead=0, table=TABLE, using=rolled_back)
    assert [partition.name for partition in ensured] == [f"{TABLE}_y2026w53"]
    execute(rolled_back, "SELECT create_weekly_partition(%s, %s::date)", TABLE, "2027-01-03")
    assert len(list_partitions(TABLE, using=rolled_back)) == 2


def test_the_last_weeks_of_the_calendar(rolled_back: str) -> None:
    ensured = ensure_partitions(now=datetime(9999, 12, 30, tzinfo=UTC), ahead=1, table=TABLE, using=rolled_back)
    assert all(partition.to_at < "9999-12-32" for partition in ensured)


def test_history_goes_to_its_week_and_leaves_default_when_that_is_made(rolled_back: str) -> None:
    sunday = datetime(2026, 1, 4, 23, 59, 59, 999999, tzinfo=UTC)
    execute(rolled_back, "SELECT create_weekly_partition(%s, '2026-01-05')", TABLE)
    with connections[rolled_back].cursor() as cursor:
        cursor.execute(
            "INSERT INTO quantum_neurons (name, neuron_type, layer_index, bloch_x, bloch_y, bloch_z, state, omega,"
            " t1_s, t2_s, p_eq, delta, kappa, v_rest_mv, v_th_mv, tau_m_ms, r_mohm, refractory_ms, v_mv,"
            " spike_rate_hz, measurement_count, event_seq, last_event, last_event_at, last_parameters)"
            " VALUES ('n', 'hidden', 0, 0, 0, 1, '', 0, 1, 1, 0, 0, 0, -70, -55, 20, 1, 0, -70, 0, 0, 1, 'prepare',"
            " %s, '{}') RETURNING id",
            [sunday],
        )
        pk = cursor.fetchone()[0]
        cursor.execute(
            "UPDATE quantum_neurons SET bloch_x = 1, bloch_z = 0, last_event = 'gate', event_seq = 2,"
            " last_event_at = %s WHERE id = %s",
            [sunday + timedelta(microseconds=1), pk],
        )
        where = "SELECT tableoid::regclass::text, seq, to_state FROM quantum_neuron_history ORDER BY seq"
        cursor.execute(where)
        assert [(name.rpartition(".")[2], *rest) for name, *rest in cursor.fetchall()] == [
            (f"{TABLE}_default", 1, "collapsed"),
            (f"{TABLE}_y2026w02", 2, "superposition"),
        ]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT create_weekly_partition(%s, '2026-01-04')", [TABLE])
        cursor.execute(where)
        assert cursor.fetchall()[0][0].rpartition(".")[2] == f"{TABLE}_y2026w01"
