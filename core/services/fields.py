"""Recording complex fields."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from core import field_codec
from core.db.copy import insert_rows
from core.exceptions import FieldError, InvalidInput
from core.field import encode_frame, narrow_field, observe_field
from core.frame_policy import RAW, FramePolicy, read_frame_policy
from core.hallucination import HA_VERSION, defect_component, hallucination_number
from core.models import Run
from core.telemetry import FloatArray, HaComponents, check_claims, check_times, none_for_nan, unix_seconds

COLUMNS = {
    "run_id": "bigint",
    "timestamp": "timestamptz",
    "field_data": "jsonb",
    "frame": "bytea",
    "frame_sha256": "bytea",
    "frame_encoding": "text",
    "resolution": "integer",
    "ndim": "smallint",
    "coherence_level": "float8",
    "energy_state": "float8",
    "mean_abs": "float8",
    "gradient_energy": "float8",
    "quartic_energy": "float8",
    "defect_count": "integer",
    "defect_density": "float8",
    "ha": "float8",
    "ha_version": "smallint",
    "ha_defect": "float8",
    "ha_forecast": "float8",
    "ha_drift": "float8",
}


@dataclass(frozen=True)
class FieldSample:
    """One observed field.

    Attributes:
        index: position in the client's batch, for error messages.
        amplitude: complex, (n,) or (n, n).
        length: side L of the periodic domain, dimensionless; above 0.
        descriptor: further facts about the field, such as c1, c3, dt and scheme.
        keep_frame: whether the field itself is stored beside its scalars.
        claims: derived values that the client sent, by column.
    """

    index: int
    timestamp: datetime
    amplitude: NDArray[Any]
    length: float
    descriptor: Mapping[str, Any] = field(default_factory=dict)
    keep_frame: bool = True
    claims: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedFields:
    """What was recorded, each float64 (n,) in the order of the samples; NaN where there is none."""

    times_s: FloatArray
    coherence_level: FloatArray
    energy_state: FloatArray
    defect_density: FloatArray
    ha: FloatArray


def record_fields(*, run: Run, samples: Sequence[FieldSample], carried: HaComponents) -> RecordedFields:
    """Store fields of one run with the scalars computed from them, all or none.

    Args:
        run: where they belong.
        samples: the fields.
        carried: forecast and drift components that hold for each sample; `defect` is computed here.

    Raises:
        InvalidInput: a field is not finite or not square, a time is out of range, or a claim disagrees; or the run's
            policy of frames makes no sense.
    """
    policy = read_frame_policy(run.parameters)
    errors = check_times([sample.timestamp for sample in samples], [sample.index for sample in samples])
    observed, frames = [], []
    for sample in samples:
        try:
            # In the precision of a frame, so that whoever reads a lossless one finds the same values.
            values = narrow_field(sample.amplitude)
            observed.append(observe_field(values, sample.length))
            frames.append(_pack(values, policy) if sample.keep_frame else None)
        except ValueError as error:
            errors.append(FieldError(f"{sample.index}.field", str(error)))
    if errors:
        raise InvalidInput(errors=errors)

    def column(name: str) -> FloatArray:
        return np.array([getattr(one, name) for one in observed], dtype=np.float64)

    density = column("defect_density")
    defect = defect_component(density, run.defect_density_ref)
    ha = hallucination_number(defect, carried.forecast, carried.drift, run.ha_weights).ha
    computed = {
        "coherence_level": column("coherence_level"),
        "energy_state": column("energy"),
        "defect_density": density,
        "ha": ha,
    }
    claims = {name: [sample.claims.get(name) for sample in samples] for name in computed}
    check_claims(claims, computed, [sample.index for sample in samples])
    numbers = [
        none_for_nan(values)
        for values in (
            computed["coherence_level"],
            computed["energy_state"],
            column("mean_abs"),
            column("gradient_energy"),
            column("quartic"),
        )
    ]
    parts = [none_for_nan(values) for values in (ha, defect, carried.forecast, carried.drift)]
    rows = [
        (
            run.pk,
            sample.timestamp,
            _describe(sample, frame),
            frame.payload if frame else None,
            frame.sha256 if frame else None,
            frame.encoding if frame else None,
            sample.amplitude.shape[0],
            sample.amplitude.ndim,
            *(numbers[k][i] for k in range(5)),
            observed[i].defect_count,
            observed[i].defect_density,
            parts[0][i],
            None if parts[0][i] is None else HA_VERSION,
            parts[1][i],
            parts[2][i],
            parts[3][i],
        )
        for i, (sample, frame) in enumerate(zip(samples, frames, strict=True))
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        insert_rows(cursor, "nfcs_fields", list(COLUMNS), list(COLUMNS.values()), rows)
    times = unix_seconds([sample.timestamp for sample in samples])
    return RecordedFields(times, computed["coherence_level"], computed["energy_state"], density, ha)


@dataclass(frozen=True)
class _Frame:
    """A frame to store; `errors` are what a lossy one may be off by, for whoever reads the descriptor."""

    payload: bytes
    sha256: bytes
    encoding: str | None = None
    errors: Mapping[str, float] = field(default_factory=dict)


def _pack(values: NDArray[np.complex64], policy: FramePolicy) -> _Frame:
    if policy.encoding != RAW:
        encoding = field_codec.FrameEncoding[policy.encoding.upper()]
        payload = field_codec.encode(values, encoding, max_error=policy.max_error)
        if len(payload) < values.nbytes:
            info = field_codec.describe(payload)
            errors = {"absolute_error": info.absolute_error, "relative_error": info.relative_error}
            lossless = info.encoding is field_codec.FrameEncoding.LOSSLESS
            digest = hashlib.sha256(payload).digest()
            return _Frame(payload, digest, info.encoding.name.lower(), {} if lossless else errors)
    return _Frame(*encode_frame(values))


def _describe(sample: FieldSample, frame: _Frame | None) -> dict[str, Any]:
    n = sample.amplitude.shape[0]
    return {
        "encoding": (frame and frame.encoding) or "complex64-le",
        "shape": list(sample.amplitude.shape),
        "length": sample.length,
        "dx": sample.length / n,
        **(frame.errors if frame else {}),
        **sample.descriptor,
    }
