"""Oscillator rows: what the database holds of them, whoever writes."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from core.exceptions import InvalidInput
from core.models import Run
from kuramoto.dynamics import order_parameter
from kuramoto.models import OscillatorState
from kuramoto.services import record_oscillators
from tests.factories.core import RunFactory
from tests.factories.kuramoto import make_batch, make_phases

pytestmark = pytest.mark.django_db


def record(run: Run, levels: list[float], **fields: object):
    defect = np.full(len(levels), np.nan)
    return record_oscillators(run=run, batch=make_batch(levels, **fields), defect=defect)


def insert_raw(run: Run, **values: object) -> None:
    row = {"run_id": run.pk, "phases": [0.0] * 64, "sync_parameter": 1.0, "mean_phase": 0.0} | values
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO kuramoto_oscillators ({names}) VALUES ({marks})", list(row.values()))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"phases": [0.0] * 63}, "kuramoto_oscillators_n_ck"),
        ({"phases": [0.0] * 63 + [float("nan")]}, "kuramoto_oscillators_phases_ck"),
        ({"phases": [0.0] * 63 + [None]}, "kuramoto_oscillators_phases_ck"),
        ({"phases": [0.0] * 63 + [3.15]}, "kuramoto_oscillators_phases_ck"),
        ({"phases": []}, "kuramoto_oscillators_phases_ck"),
        ({"sync_parameter": 1 + 3e-16}, "kuramoto_oscillators_sync_ck"),
        ({"sync_parameter": float("nan")}, "kuramoto_oscillators_sync_ck"),
        ({"mean_phase": 4.0}, "kuramoto_oscillators_mean_phase_ck"),
        ({"coupling_strength": float("nan")}, "kuramoto_oscillators_coupling_ck"),
        ({"coupling_strength": float("inf")}, "kuramoto_oscillators_coupling_ck"),
        ({"semantic_embedding": "[" + ",".join(["0"] * 768) + "]"}, "kuramoto_oscillators_embedding_ck"),
        ({"prediction_horizons": "[]"}, "kuramoto_oscillators_horizons_ck"),
        ({"ha": 11.0, "ha_version": 1, "ha_defect": 1.0}, "kuramoto_oscillators_ha_ck"),
        ({"ha": 1.0, "ha_version": 1}, "kuramoto_oscillators_ha_parts_ck"),
        ({"ha": 1.0, "ha_defect": 0.2}, "kuramoto_oscillators_ha_parts_ck"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_by_name(values: dict, constraint: str) -> None:
    run = RunFactory(n_oscillators=64)
    insert_raw(run)
    with pytest.raises(IntegrityError) as error:
        insert_raw(run, **values)
    assert error.value.__cause__.diag.constraint_name == constraint


def test_the_order_parameter_is_postgresqls_own() -> None:
    run = RunFactory(natural_frequencies=[0.1] * 64, n_oscillators=64)
    rng = np.random.default_rng(1)
    batch = make_batch([0.5] * 200)
    batch.phases[:] = rng.uniform(-40, 40, batch.phases.shape)
    record_oscillators(run=run, batch=batch, defect=np.full(200, np.nan))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT max(abs(p.r - o.sync_parameter)), max(abs(o.phase_coherence - p.r ^ 2)),
                   max(abs(sin((p.psi - o.mean_phase) / 2))), count(*)
            FROM kuramoto_oscillators o, order_parameter_v1(o.phases) p
            WHERE o.run_id = %s
            """,
            [run.pk],
        )
        r_error, coherence_error, psi_error, count = cursor.fetchone()
    assert count == 200
    assert max(r_error, coherence_error, psi_error) < 1e-12


def test_the_seeds_column_still_answers_json() -> None:
    run = RunFactory(n_oscillators=2, natural_frequencies=[1.5, -1.5])
    record(run, [0.5], n=2)
    with connection.cursor() as cursor:
        cursor.execute("SELECT o.oscillator_states FROM kuramoto_oscillators o WHERE run_id = %s", [run.pk])
        (states,) = cursor.fetchone()
    import json

    states = json.loads(states) if isinstance(states, str) else states
    assert [state["index"] for state in states] == [0, 1]
    assert [state["phase_rad"] for state in states] == pytest.approx(make_phases(0.5, 2).tolist())
    assert [state["natural_frequency_rad_s"] for state in states] == [1.5, -1.5]


def test_phases_come_back_wrapped_and_otherwise_exact() -> None:
    run = RunFactory()
    recorded = record(run, [0.3, 1.0])
    rows = list(OscillatorState.objects.for_run(run.pk).order_by("timestamp"))
    assert rows[0].phases == make_phases(0.3).tolist()
    assert recorded.r.tolist() == [row.sync_parameter for row in rows]
    run.refresh_from_db()
    assert run.n_oscillators == 64


def test_rows_are_append_only() -> None:
    run = RunFactory()
    record(run, [0.3])
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('nfcs_app', 'kuramoto_oscillators', 'UPDATE, DELETE, TRUNCATE')")
        assert cursor.fetchone() == (False,)
        cursor.execute("SELECT has_table_privilege('nfcs_app', 'kuramoto_oscillators_default', 'SELECT, INSERT')")
        assert cursor.fetchone() == (False,)


@pytest.mark.owner
def test_not_even_the_owner_changes_a_row() -> None:
    run = RunFactory()
    record(run, [0.3])
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        OscillatorState.objects.for_run(run.pk).update(sync_parameter=0.9)
    assert error.value.__cause__.diag.constraint_name == "kuramoto_oscillators_append_only"


def test_every_bad_row_of_a_batch_is_named_and_none_is_kept() -> None:
    run = RunFactory()
    batch = make_batch([0.5, 0.5, 0.5])
    batch.phases[0, 3] = np.nan
    batch.phases[2, 5] = 1e9
    with pytest.raises(InvalidInput) as error:
        record_oscillators(run=run, batch=batch, defect=np.full(3, np.nan))
    assert [wrong.field for wrong in error.value.errors] == ["0.phases", "2.phases"]
    assert not OscillatorState.objects.for_run(run.pk).exists()


def test_a_claim_that_disagrees_is_refused_with_both_numbers() -> None:
    run = RunFactory()
    with pytest.raises(InvalidInput) as error:
        record(run, [0.5, 0.25], claims={"sync_parameter": [0.5, 0.75]})
    (wrong,) = error.value.errors
    assert wrong.field == "1.sync_parameter"
    assert "0.75" in wrong.detail
    assert "0.25" in wrong.detail


def test_times_no_client_could_show_are_refused() -> None:
    run = RunFactory()
    with pytest.raises(InvalidInput) as error:
        record(run, [0.5], start=datetime(9999, 12, 31, tzinfo=UTC))
    assert error.value.errors[0].field == "0.timestamp"


def test_drift_is_measured_from_the_runs_first_embedding() -> None:
    run = RunFactory()
    first, opposite = np.ones(768, dtype=np.float32), -np.ones(768, dtype=np.float32)
    nothing = np.full(768, np.nan, dtype=np.float32)
    record(run, [0.5, 0.5], embeddings=np.array([first, nothing]))
    record(run, [0.5], start=datetime(2026, 1, 1, 1, tzinfo=UTC), embeddings=np.array([opposite]))
    rows = OscillatorState.objects.for_run(run.pk).order_by("timestamp").values_list("ha_drift", "ha", "ha_version")
    drifts, numbers, versions = zip(*rows, strict=True)
    assert drifts == (pytest.approx(0), None, pytest.approx(1))
    # Ha = 10 * 0.2 * drift with the other components missing.
    assert numbers == (pytest.approx(0), None, pytest.approx(2))
    assert versions == (1, None, 1)


def test_ha_is_made_of_its_components_and_the_runs_weights() -> None:
    run = RunFactory(ha_weights=[0.2, 0.5, 0.3])
    rng = np.random.default_rng(5)
    levels = rng.random(60).tolist()
    record_oscillators(run=run, batch=make_batch(levels), defect=np.full(60, 0.4))
    last = OscillatorState.objects.for_run(run.pk).newest_first().first()
    assert last.ha_defect == 0.4
    assert last.ha_drift is None
    assert last.ha == pytest.approx(10 * (0.2 * 0.4 + 0.5 * last.ha_forecast))


def test_r_never_exceeds_one_where_rounding_would() -> None:
    rng = np.random.default_rng(7)
    r, _ = order_parameter(np.repeat(rng.uniform(-np.pi, np.pi, (1000, 1)), 64, axis=1))
    assert r.max() <= 1
