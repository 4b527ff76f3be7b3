"""Frames give back what was written: to the bit, or within the error they state; damage is refused by name."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core import field_codec
from core.field import GinzburgLandau
from core.field_codec import CorruptFrame, FrameEncoding, decode, describe, encode

LOSSLESS, FLOAT16, QUANTISED = FrameEncoding
HEAD_BYTES = 57

parts = st.floats(width=32, allow_nan=False, allow_infinity=False)
fields = st.one_of(st.tuples(n) for n in [st.integers(1, 80)]) | st.integers(1, 12).map(lambda n: (n, n))


def draw_fields(elements: Any = parts) -> Any:
    """Fields of any finite numbers, in one and two dimensions."""
    return fields.flatmap(lambda shape: arrays(np.float32, (2, *shape), elements=elements)).map(join)


def join(values: np.ndarray) -> np.ndarray:
    field = np.empty(values.shape[1:], np.complex64)
    field.real, field.imag = values
    return field


def bits(field: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(field).view(np.uint32)


def make_turbulence(n: int = 64, length: float = 64.0) -> np.ndarray:
    grid = GinzburgLandau(n, length, 2.0, -1.0, 0.1)
    amplitude = grid.sample_noise(np.random.default_rng(1), 0.1)
    for _ in range(500):
        amplitude = grid.step(amplitude)
    return amplitude.astype(np.complex64)


@given(draw_fields())
def test_lossless_frames_give_back_every_bit(field: np.ndarray) -> None:
    again = decode(encode(field))
    assert again.dtype == np.complex64
    assert again.shape == field.shape
    assert np.array_equal(bits(again), bits(field))


@pytest.mark.parametrize("n", [32, 64, 96, 100, 127, 128])
@pytest.mark.parametrize("ndim", [1, 2])
def test_sides_that_split_and_sides_that_do_not(n: int, ndim: int) -> None:
    angles = np.arange(n) * 2 * np.pi / n
    wave = np.exp(3j * angles) if ndim == 1 else np.exp(1j * (angles + 2 * angles[:, np.newaxis]))
    for field in (wave.astype(np.complex64), (wave * 1e-30).astype(np.complex64), np.zeros_like(wave, np.complex64)):
        assert np.array_equal(bits(decode(encode(field))), bits(field))


@pytest.mark.parametrize("value", [-0.0, 1e-45, -1e-45, 1.1754944e-38, 3.4028235e38, -3.4028235e38])
def test_the_ends_of_single_precision_among_a_smooth_field(value: float) -> None:
    field = make_turbulence()
    field[3, 5] = complex(value, -value)
    field[0] = complex(-0.0, 0.0)
    again = decode(encode(field))
    assert np.array_equal(bits(again), bits(field))
    assert np.signbit(again[0].real).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, complex(0, np.nan)])
@pytest.mark.parametrize("encoding", FrameEncoding)
def test_numbers_that_are_not_finite_are_refused(value: complex, encoding: FrameEncoding) -> None:
    field = np.ones((8, 8), np.complex64)
    field[2, 3] = value
    with pytest.raises(ValueError, match="field: expected finite numbers"):
        encode(field, encoding, max_error=0.1 if encoding is QUANTISED else None)


@given(draw_fields())
def test_half_precision_keeps_its_bound(field: np.ndarray) -> None:
    frame = encode(field, FLOAT16)
    check_bound(frame, field)


@given(draw_fields(), st.floats(1e-9, 1e9))
def test_quantised_frames_keep_the_bound_that_was_asked_for(field: np.ndarray, max_error: float) -> None:
    frame = encode(field, QUANTISED, max_error=max_error)
    info = describe(frame)
    assert info.absolute_error == (max_error if info.encoding is QUANTISED else 0)
    check_bound(frame, field)


def check_bound(frame: bytes, field: np.ndarray) -> None:
    info, again = describe(frame), decode(frame)
    for part, before in ((again.real, field.real), (again.imag, field.imag)):
        exact = before.astype(np.float64)
        error = np.abs(part.astype(np.float64) - exact)
        assert np.all(error <= np.maximum(info.absolute_error, info.relative_error * np.abs(exact)))


def test_where_single_precision_is_no_finer_a_quantised_frame_is_lossless() -> None:
    field = np.full((4, 4), 1e6, np.complex64)
    frame = encode(field, QUANTISED, max_error=1e-6)
    assert describe(frame).encoding is LOSSLESS
    assert np.array_equal(decode(frame), field)


def test_a_turbulent_field_takes_seven_tenths_at_most() -> None:
    field = make_turbulence(128, 128.0)
    sizes = {
        encoding: len(encode(field, encoding, max_error=1e-3 if encoding is QUANTISED else None)) / field.nbytes
        for encoding in FrameEncoding
    }
    assert sizes[LOSSLESS] <= 0.70
    assert sizes[FLOAT16] <= 0.30
    assert sizes[QUANTISED] <= 0.21
    assert len(encode(make_turbulence(128, 64.0))) / field.nbytes <= 0.53


def test_a_frame_says_what_it_is() -> None:
    info = describe(encode(make_turbulence(), FLOAT16))
    assert (info.version, info.shape, info.dtype, info.encoding) == (1, (64, 64), "complex64", FLOAT16)
    assert info.relative_error == 2.0**-11
    assert 0 < info.absolute_error < 1e-6
    assert describe(encode(make_turbulence())).absolute_error == 0


@pytest.mark.parametrize("encoding", FrameEncoding)
def test_every_flipped_bit_is_refused(encoding: FrameEncoding) -> None:
    frame = encode(make_turbulence(8), encoding, max_error=0.01 if encoding is QUANTISED else None)
    for at in range(len(frame)):
        for bit in (0, 7):
            damaged = bytearray(frame)
            damaged[at] ^= 1 << bit
            with pytest.raises(CorruptFrame, match=r"^frame: "):
                decode(bytes(damaged))
    assert np.isfinite(decode(frame)).all()


@pytest.mark.parametrize(("cut", "words"), [(0, "truncated"), (30, "truncated"), (70, "truncated"), (-1, "truncated")])
def test_truncated_frames_are_refused(cut: int, words: str) -> None:
    frame = encode(make_turbulence())
    with pytest.raises(CorruptFrame, match=words):
        decode(frame[:cut])
    with pytest.raises(CorruptFrame, match="1 bytes too many"):
        decode(frame + b"\0")


def forge(frame: bytes, at: int, value: bytes) -> bytes:
    """A frame with other bytes at a place, and a checksum that fits them."""
    forged = bytearray(frame)
    forged[at : at + len(value)] = value
    head = bytes(forged[: HEAD_BYTES - 4])
    crc = zlib.crc32(bytes(forged[HEAD_BYTES:]), zlib.crc32(head))
    forged[HEAD_BYTES - 4 : HEAD_BYTES] = struct.pack("<I", crc)
    return bytes(forged)


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (0, b"JUNK", "does not begin as a frame"),
        (4, b"\x02", "version 2 is unknown"),
        (5, b"\x07", "makes no sense"),
        (6, b"\x09", "makes no sense"),
        (7, b"\x03", "makes no sense"),
        (8, b"\x05", "makes no sense"),
        (32, b"\x01", "not those that were written"),
        (HEAD_BYTES + 64 * 64 * 2 + 10, b"\x55\xaa", "not those that were written"),
    ],
)
def test_what_a_checksum_would_let_pass_is_refused(at: int, value: bytes, words: str) -> None:
    with pytest.raises(CorruptFrame, match=words):
        decode(forge(encode(make_turbulence()), at, value))


def test_a_part_of_another_length_is_refused() -> None:
    frame = encode(np.zeros((64, 64), np.complex64))
    with pytest.raises(CorruptFrame, match=r"makes no sense|another length|decompress"):
        decode(forge(frame, 9, struct.pack("<I", 128)))
    with pytest.raises(CorruptFrame, match=r"another length|decompress"):
        decode(forge(frame, HEAD_BYTES, b"\0\0\0\0"))


@pytest.mark.parametrize(
    ("field", "options", "words"),
    [
        (np.ones((4, 4)), {}, "expected complex64"),
        (np.ones((4, 5), np.complex64), {}, "expected shape"),
        (np.ones((2, 2, 2), np.complex64), {}, "expected shape"),
        (np.ones(0, np.complex64), {}, "expected shape"),
        (np.ones(4, np.complex64), {"encoding": QUANTISED}, "max_error"),
        (np.ones(4, np.complex64), {"max_error": 0.1}, "max_error"),
        (np.ones(4, np.complex64), {"encoding": QUANTISED, "max_error": 0.0}, "max_error"),
        (np.ones(4, np.complex64), {"encoding": QUANTISED, "max_error": float("nan")}, "max_error"),
    ],
)
def test_what_is_no_field_is_refused(field: np.ndarray, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encode(field, **options)


def test_interpolation_is_exact_for_what_ten_points_determine() -> None:
    weights = [float(weight) for weight in field_codec.LAGRANGE]
    for power in range(0, 10, 2):
        assert 2 * sum(w * (k + 0.5) ** power for k, w in enumerate(weights)) == pytest.approx(
            1.0 if power == 0 else 0.0, abs=1e-9
        )
