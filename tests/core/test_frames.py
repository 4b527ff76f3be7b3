"""Frames in the database: packed as the run says, kept as the run says, read one by one and many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction

from core.exceptions import InvalidInput, NotFound
from core.frame_policy import FramePolicy, choose_frames, read_frame_policy
from core.models import FieldState
from core.selectors import get_frame, list_frame_times, list_frames, read_frames
from core.services.fields import FieldSample, record_fields
from core.services.runs import start_run
from core.telemetry import HaComponents
from tests.factories.core import RunFactory

TIME = datetime(2026, 1, 1, tzinfo=UTC)


def record(run: Any, *amplitudes: Any, keep: bool = True, start: datetime = TIME) -> list[FieldState]:
    missing = np.full(len(amplitudes), np.nan)
    samples = [
        FieldSample(
            index=index,
            timestamp=start + timedelta(seconds=index),
            amplitude=values,
            length=float(len(values)),
            keep_frame=keep,
        )
        for index, values in enumerate(amplitudes)
    ]
    record_fields(run=run, samples=samples, carried=HaComponents(missing, missing, missing))
    return list(FieldState.objects.for_run(run.pk).within(start, None).order_by("timestamp"))


def make_wave(n: int = 32, turns: int = 1) -> np.ndarray:
    angles = 2 * np.pi * np.arange(n) / n
    return (np.exp(1j * turns * angles) * (1 + 0.3 * np.cos(angles))[:, np.newaxis]).astype(np.complex64)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("policy", "encoding", "bound"),
    [
        ({}, "lossless", 0.0),
        ({"encoding": "lossless"}, "lossless", 0.0),
        ({"encoding": "raw"}, None, 0.0),
        ({"encoding": "float16"}, "float16", 1e-3),
        ({"encoding": "quantised", "max_error": 0.01}, "quantised", 0.01),
    ],
)
def test_a_run_says_how_its_frames_are_packed(policy: dict[str, Any], encoding: str | None, bound: float) -> None:
    run = RunFactory(parameters={"frame_policy": policy})
    wave = make_wave()
    (row,) = record(run, wave)
    assert row.frame_encoding == encoding
    assert (len(row.frame) < wave.nbytes) == (encoding is not None)
    found = get_frame(row.pk, row.timestamp)
    assert np.abs(found.real - wave.real).max() <= bound
    assert np.abs(found.imag - wave.imag).max() <= bound
    assert (row.field_data.get("absolute_error", 0.0) > 0) == (bound > 0)
    assert row.field_data["encoding"] == (encoding or "complex64-le")
    # The scalars are those of the field, not of what a lossy frame makes of it.
    (plain,) = record(RunFactory(), wave)
    assert row.energy_state == plain.energy_state


@pytest.mark.django_db
def test_noise_that_packing_makes_longer_stays_plain() -> None:
    values = np.random.default_rng(1).integers(0, 2**30, (8, 8, 2), dtype=np.uint32).view(np.complex64)[..., 0]
    (row,) = record(RunFactory(), values)
    assert row.frame_encoding is None
    assert np.array_equal(get_frame(row.pk, row.timestamp), values)


INSERT = """
    INSERT INTO nfcs_fields (run_id, timestamp, field_data, resolution, ndim, frame, frame_sha256, frame_encoding)
    SELECT run_id, timestamp, field_data, resolution, %s, %s, sha256(%s), %s FROM nfcs_fields WHERE id = %s
"""


@pytest.mark.django_db
@pytest.mark.parametrize("what", ["none", "other name", "unknown", "raw bytes", "dimensions", "no frame", "raw length"])
def test_the_database_refuses_a_frame_that_is_not_what_it_says(what: str) -> None:
    (row,) = record(RunFactory(), make_wave())
    frame = bytes(row.frame)
    ndim, payload, encoding = {
        "none": (2, frame, None),
        "other name": (2, frame, "float16"),
        "unknown": (2, frame, "zip"),
        "raw bytes": (2, bytes(8 * 32 * 32), "lossless"),
        "dimensions": (1, frame, "lossless"),
        "no frame": (2, None, "lossless"),
        "raw length": (2, bytes(8 * 32 * 31), None),
    }[what]
    with (
        pytest.raises(IntegrityError, match="nfcs_fields_frame_encoding_ck"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(INSERT, [ndim, payload, payload, encoding, row.pk])


@pytest.mark.django_db
def test_plain_frames_of_earlier_releases_are_read() -> None:
    (row,) = record(RunFactory(), make_wave())
    plain = make_wave().astype("<c8").tobytes()
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [2, plain, plain, None, row.pk])
    old = FieldState.objects.filter(frame_encoding=None).get()
    assert np.array_equal(get_frame(old.pk, old.timestamp), make_wave())
    ((first, _), (second, _)) = list_frames(run_id=row.run_id, start=None, end=None).keys
    assert {first, second} == {row.pk, old.pk}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ([], "parameters.frame_policy"),
        ({"every_s": 0}, "parameters.frame_policy.every_s"),
        ({"every_s": "often"}, "parameters.frame_policy.every_s"),
        ({"on_events": 1}, "parameters.frame_policy.on_events"),
        ({"every": 3}, "parameters.frame_policy"),
        ({"encoding": "zip"}, "parameters.frame_policy.encoding"),
        ({"encoding": "quantised"}, "parameters.frame_policy.max_error"),
        ({"encoding": "float16", "max_error": 0.1}, "parameters.frame_policy.max_error"),
        ({"encoding": "quantised", "max_error": -1}, "parameters.frame_policy.max_error"),
    ],
)
def test_a_run_with_a_policy_that_makes_no_sense_is_not_opened(policy: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        start_run(name="run", started_at=TIME, parameters={"frame_policy": policy})
    assert error.value.errors[0].field == field


def test_without_a_policy_every_frame_is_kept() -> None:
    assert read_frame_policy({"other": 1}) == FramePolicy()
    assert choose_frames(FramePolicy(), np.arange(3.0), start_s=0, kept_s=[], events_s=[]) == [True] * 3


@pytest.mark.parametrize(
    ("times", "kept", "events", "expected"),
    [
        ([0, 3, 9, 10, 11, 25, 30], [], [], [1, 0, 0, 1, 0, 1, 1]),
        ([11, 25], [10.5], [], [0, 1]),
        ([25, 11, 10], [], [], [1, 0, 1]),
        ([-5, -4, 1], [], [], [1, 0, 1]),
        # Events: the first field at or after each, unless a frame follows the event already.
        ([1, 2, 3], [0], [2], [0, 1, 0]),
        ([1, 2, 3], [0], [1.5, 1.6], [0, 1, 0]),
        ([5, 6], [0, 4], [3.5], [0, 0]),
        ([5, 6], [0], [3.5], [1, 0]),
        ([5, 6], [0], [7], [0, 0]),
    ],
)
def test_frames_are_sparse_in_time_and_at_events(times: Any, kept: Any, events: Any, expected: list[int]) -> None:
    policy = FramePolicy(every_s=10, on_events=True)
    chosen = choose_frames(policy, np.array(times, float), start_s=0, kept_s=kept, events_s=events)
    assert chosen == [bool(one) for one in expected]
    quiet = FramePolicy(every_s=10)
    assert choose_frames(quiet, np.array(times, float), start_s=0, kept_s=kept, events_s=[]) == choose_frames(
        quiet, np.array(times, float), start_s=0, kept_s=kept, events_s=events
    )


@pytest.mark.django_db
def test_frames_of_a_run_are_found_in_order_and_strided() -> None:
    run = RunFactory()
    rows = record(run, *(make_wave(turns=turns) for turns in range(6)))
    record(run, make_wave(), keep=False, start=TIME + timedelta(hours=1))
    span = list_frames(run_id=run.pk, start=TIME + timedelta(seconds=1), end=TIME + timedelta(seconds=6), stride=2)
    assert [pk for pk, _ in span.keys] == [rows[1].pk, rows[3].pk, rows[5].pk]
    assert span.shape == (32, 32)
    for turns, frame in zip((5, 3, 1), read_frames(span.keys[::-1]), strict=True):
        assert np.array_equal(frame, make_wave(turns=turns))
    assert sorted(list_frame_times(run.pk, TIME, TIME + timedelta(seconds=1))) == [rows[0].timestamp, rows[1].timestamp]


@pytest.mark.django_db
def test_frames_that_make_no_array_are_refused() -> None:
    run = RunFactory()
    with pytest.raises(NotFound):
        list_frames(run_id=run.pk, start=None, end=None)
    rows = record(run, make_wave(), make_wave(), make_wave())
    with pytest.raises(InvalidInput) as error:
        list_frames(run_id=run.pk, start=None, end=None, most=2)
    assert error.value.errors[0].field == "stride"
    assert len(list_frames(run_id=run.pk, start=None, end=None, stride=2, most=2).keys) == 2
    with pytest.raises(NotFound):
        read_frames([(rows[0].pk, TIME), (rows[2].pk + 1000, TIME)])
    record(run, make_wave(16), start=TIME + timedelta(hours=1))
    with pytest.raises(InvalidInput, match="not allowed") as error:
        list_frames(run_id=run.pk, start=None, end=None)
    assert error.value.errors[0].field == "run"
