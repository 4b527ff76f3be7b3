"""Fields as they are stored: what is derived can be derived again from the stored frame."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from django.db import connection

from core.exceptions import InvalidInput
from core.field import observe_field
from core.models import FieldState
from core.selectors import get_frame
from core.services.fields import FieldSample, record_fields
from core.telemetry import HaComponents
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def record(run, *amplitudes: np.ndarray, **fields):
    missing = np.full(len(amplitudes), np.nan)
    samples = [
        FieldSample(index=index, timestamp=TIME, amplitude=amplitude, length=16.0, **fields)
        for index, amplitude in enumerate(amplitudes)
    ]
    return record_fields(run=run, samples=samples, carried=HaComponents(missing, missing, missing))


def noise(seed: int, shape: tuple[int, ...] = (16, 16)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def test_every_scalar_can_be_derived_again_from_the_frame() -> None:
    run = RunFactory()
    record(run, noise(1))
    row = FieldState.objects.get(run=run)
    again = observe_field(get_frame(row.pk, row.timestamp), 16.0)
    assert row.coherence_level == again.coherence_level
    assert row.energy_state == again.energy
    assert row.gradient_energy == again.gradient_energy
    assert row.quartic_energy == again.quartic
    assert row.defect_count == again.defect_count
    assert row.defect_density == again.defect_density
    assert row.field_data["dx"] == 1.0


def test_postgresql_computes_the_same_digest() -> None:
    run = RunFactory()
    record(run, noise(2))
    with connection.cursor() as cursor:
        cursor.execute("SELECT sha256(frame) = frame_sha256 FROM nfcs_fields WHERE run_id = %s", [run.pk])
        assert cursor.fetchone() == (True,)


def test_scalars_stay_where_the_frame_is_not_kept() -> None:
    run = RunFactory()
    record(run, noise(3), keep_frame=False)
    row = FieldState.objects.get(run=run)
    assert (row.frame, row.frame_sha256, row.frame_encoding) == (None, None, None)
    assert row.energy_state > 0


def test_a_line_has_no_defects_and_no_ha() -> None:
    run = RunFactory()
    recorded = record(run, noise(4, (16,)))
    row = FieldState.objects.get(run=run)
    assert (row.ndim, row.defect_count, row.ha, row.ha_version) == (1, None, None, None)
    assert np.isnan(recorded.ha).all()


def test_ha_is_the_weighted_defect_component() -> None:
    run = RunFactory(defect_density_ref=10.0)
    recorded = record(run, noise(5))
    row = FieldState.objects.get(run=run)
    assert row.ha == pytest.approx(10 * 0.5 * row.defect_density / 10.0)
    assert recorded.ha[0] == row.ha


def test_every_bad_field_is_named_and_none_is_kept() -> None:
    run = RunFactory()
    infinite = noise(6)
    infinite[0, 0] = np.inf
    with pytest.raises(InvalidInput) as error:
        record(run, noise(7), infinite, noise(8, (4, 8)))
    assert [wrong.field for wrong in error.value.errors] == ["1.field", "2.field"]
    assert not FieldState.objects.filter(run=run).exists()
