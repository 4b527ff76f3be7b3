"""Stored frames of complex fields: self-describing, checksummed, lossless or within a stated error.

A field is smooth, so most of its points follow from their neighbours: every other row, then every other column, is
predicted from the ones between by ten-point Lagrange interpolation over the periodic grid, twice over; of the coarse
grid that is left, differences along each side are taken. What is stored is how far each word lies from its prediction,
byte by byte of all words, the bytes that compress by Zstandard. Words are the bits of a float in the order of its
values, so that nothing is lost, the sign of a zero included; or half-precision floats; or multiples of a step.

Prediction must come out alike on every machine: it is a fixed sequence of single-precision additions and
multiplications, each rounded on its own, and fields near the limits of single precision are not predicted from floats.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import zstandard
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Words = NDArray[Any]

MAGIC = b"NFCF"
VERSION = 1
COMPLEX64 = 1
"""Code of the decoded type, complex64."""
LEVELS = 2
SMALLEST_SPLIT = 32
"""Sides shorter than this are not split any further."""
LAGRANGE = tuple(np.float32(k / 65536) for k in (39690, -8820, 2268, -405, 35))
"""Weights of the neighbours at 1/2, 3/2, ... 9/2 to both sides; exact in binary."""
HALF_RELATIVE_ERROR = 2.0**-11
HALF_SMALLEST_ERROR = 2.0**-25
HALF_EXPONENT = 15
SMALLEST_SCALE = 2.0**-120
FLOAT_MAX = float(np.finfo(np.float32).max)
MOST_STEPS = 2**22
"""Beyond so many steps from zero, single precision is no finer than a step."""

_HEAD = struct.Struct("<4sBBBBBIddQ4I")
_CRC = struct.Struct("<I")
_SIGN = np.uint32(0x80000000)
_INFINITE = np.uint32(0x7F800000)
_SMALLEST, _LARGEST = (int(np.float32(bound).view(np.uint32)) for bound in (1e-20, 1e30))


class FrameEncoding(IntEnum):
    """How the words of a frame stand for its numbers."""

    LOSSLESS = 0
    FLOAT16 = 1
    QUANTISED = 2


class CorruptFrame(ValueError):
    """The bytes are not what was written."""


@dataclass(frozen=True)
class FrameInfo:
    """What a frame says about itself.

    Attributes:
        shape: (n,) or (n, n).
        absolute_error, relative_error: the real and the imaginary part of every point lie no farther from what was
            written than the larger of `absolute_error` and `relative_error` times the part's modulus; 0 for lossless.
    """

    version: int
    shape: tuple[int, ...]
    dtype: str
    encoding: FrameEncoding
    absolute_error: float
    relative_error: float


def encode(
    field: ArrayLike, encoding: FrameEncoding = FrameEncoding.LOSSLESS, *, max_error: float | None = None
) -> bytes:
    """Return a frame of a complex64 field, (n,) or (n, n).

    Args:
        max_error: for QUANTISED alone, and needed there: how far each part of a number may move, above 0. Where
            single precision is no finer than that, the frame is lossless.

    Raises:
        ValueError: the field has another type or shape, holds a number that is not finite, or `max_error` is amiss.
    """
    values = np.asarray(field)
    if values.dtype != np.complex64:
        raise ValueError(f"field: expected complex64, got {values.dtype}")
    if values.ndim not in (1, 2) or values.size == 0 or len(set(values.shape)) != 1:
        raise ValueError(f"field: expected shape (n,) or (n, n), got {values.shape}")
    if (max_error is None) == (encoding is FrameEncoding.QUANTISED):
        raise ValueError("max_error: belongs to a quantised frame, and to no other")
    if max_error is not None and not 0 < max_error < float("inf"):
        raise ValueError(f"max_error: expected a finite number above 0, got {max_error}")
    parts = np.empty((2, *values.shape), np.float32)
    parts[0], parts[1] = values.real, values.imag
    moduli = parts.view(np.uint32) & ~_SIGN
    if moduli.max() >= _INFINITE:
        raise ValueError("field: expected finite numbers")
    scale, error = 1.0, 0.0
    if max_error is not None:
        found = _quantise(parts, max_error)
        encoding, (parts, scale) = (encoding, found) if found else (FrameEncoding.LOSSLESS, (parts, scale))
        error = max_error if found else 0.0
    elif encoding is FrameEncoding.FLOAT16:
        largest = float(moduli.max().view(np.float32))
        scale = max(2.0 ** (int(np.frexp(largest)[1]) - HALF_EXPONENT), SMALLEST_SCALE)
        error = HALF_SMALLEST_ERROR * scale
        parts = (parts.astype(np.float64) / scale).astype(np.float16).astype(np.float32)
    levels = _count_levels(values.shape[0])
    # The smallest modulus that is not 0: of 0 less 1 the unsigned result is the largest there is.
    if encoding is FrameEncoding.LOSSLESS and not (
        moduli.max() < _LARGEST and (moduli - np.uint32(1)).min() >= _SMALLEST
    ):
        levels = 0
    words, check = _take_differences(parts, levels, _WRITERS[encoding])
    planes = [_compress(plane) for plane in words.view(np.uint8).reshape(len(words), -1).T]
    lengths = [len(plane) for plane in planes] + [0] * (4 - len(planes))
    head = _HEAD.pack(
        MAGIC,
        VERSION,
        COMPLEX64,
        encoding,
        values.ndim,
        levels,
        values.shape[0],
        scale,
        error,
        check,
        *lengths,
    )
    body = b"".join(planes)
    return b"".join((head, _CRC.pack(zlib.crc32(body, zlib.crc32(head))), body))


def describe(frame: bytes) -> FrameInfo:
    """Return what a frame says about itself, after a check of its every byte.

    Raises:
        CorruptFrame: it is no frame, truncated, altered, or of a version unknown here.
    """
    return _read_head(frame)[0]


def decode(frame: bytes) -> NDArray[np.complex64]:
    """Return the field of a frame, complex64, writable.

    Raises:
        CorruptFrame: it is no frame, truncated, altered, or of a version unknown here.
    """
    info, levels, scale, check, lengths = _read_head(frame)
    size = 2 * int(np.prod(info.shape))
    item = 2 if info.encoding is FrameEncoding.FLOAT16 else 4
    planes = np.empty((size, item), np.uint8)
    at = _HEAD.size + _CRC.size
    for index, length in enumerate(lengths[:item]):
        planes[:, index] = _decompress(frame[at : at + length], size)
        at += length
    words = planes.view(f"<u{item}").ravel()
    parts, found = _add_differences(words, info.shape, levels, info.encoding)
    if found != check:
        raise CorruptFrame("frame: the numbers are not those that were written")
    if scale != 1.0:
        # Half precision may have rounded the largest number there is up.
        parts = np.clip(parts.astype(np.float64) * scale, -FLOAT_MAX, FLOAT_MAX).astype(np.float32)
    field = np.empty(info.shape, np.complex64)
    field.real, field.imag = parts
    return field


def _read_head(frame: bytes) -> tuple[FrameInfo, int, float, int, tuple[int, ...]]:
    if len(frame) < _HEAD.size + _CRC.size:
        raise CorruptFrame(f"frame: truncated, {len(frame)} bytes are less than its head")
    magic, version, dtype, encoding, ndim, levels, n, scale, error, check, *lengths = _HEAD.unpack_from(frame)
    if magic != MAGIC:
        raise CorruptFrame("frame: does not begin as a frame does")
    if version != VERSION:
        raise CorruptFrame(f"frame: version {version} is unknown")
    size = _HEAD.size + _CRC.size + sum(lengths)
    if len(frame) < size:
        raise CorruptFrame(f"frame: truncated, {len(frame)} of {size} bytes")
    if len(frame) > size:
        raise CorruptFrame(f"frame: {len(frame) - size} bytes too many")
    body = memoryview(frame)[_HEAD.size + _CRC.size :]
    (crc,) = _CRC.unpack_from(frame, _HEAD.size)
    if zlib.crc32(body, zlib.crc32(memoryview(frame)[: _HEAD.size])) != crc:
        raise CorruptFrame("frame: altered, its checksum differs")
    if dtype != COMPLEX64 or encoding not in set(FrameEncoding) or ndim not in (1, 2) or levels > LEVELS:
        raise CorruptFrame("frame: its head makes no sense")
    kind = FrameEncoding(encoding)
    relative = HALF_RELATIVE_ERROR if kind is FrameEncoding.FLOAT16 else 0.0
    info = FrameInfo(version, (n,) * ndim, "complex64", kind, error, relative)
    return info, levels, scale, check, tuple(lengths)


def _count_levels(n: int) -> int:
    levels = 0
    while levels < LEVELS and n % 2 == 0 and n >= SMALLEST_SPLIT:
        levels, n = levels + 1, n // 2
    return levels


def _quantise(parts: Floats, max_error: float) -> tuple[Floats, float] | None:
    """The multiples of a step nearest to the numbers, and the step; None where single precision is no finer."""
    exact = parts.astype(np.float64)
    # The second step leaves room for rounding the product to single precision.
    for step in (2 * max_error, 4 / 3 * max_error):
        if np.abs(exact).max() > MOST_STEPS * step:
            continue
        steps = np.rint(exact / step)
        with np.errstate(over="ignore"):
            moved = np.abs((steps * step).astype(np.float32).astype(np.float64) - exact)
        if moved.max() <= max_error:
            return steps.astype(np.float32), step
    return None


def _write_bits(values: Floats) -> Words:
    """The bits of floats as unsigned numbers in the order of the floats."""
    bits = values.view(np.uint32)
    ordered: Words = bits ^ ((bits.view(np.int32) >> 31).view(np.uint32) | _SIGN)
    return ordered


def _read_bits(words: Words) -> Floats:
    bits: Words = words ^ (~(words.view(np.int32) >> 31).view(np.uint32) | _SIGN)
    return bits.view(np.float32)


def _write_halves(values: Floats) -> Words:
    with np.errstate(over="ignore"):
        bits = values.astype(np.float16).view(np.uint16)
    ordered: Words = bits ^ ((bits.view(np.int16) >> 15).view(np.uint16) | np.uint16(0x8000))
    return ordered


def _read_halves(words: Words) -> Floats:
    bits: Words = words ^ (~(words.view(np.int16) >> 15).view(np.uint16) | np.uint16(0x8000))
    return bits.view(np.float16).astype(np.float32)


def _write_steps(values: Floats) -> Words:
    return np.rint(values).astype(np.int32).view(np.uint32)


def _read_steps(words: Words) -> Floats:
    return words.view(np.int32).astype(np.float32)


_WRITERS: dict[FrameEncoding, Callable[[Floats], Words]] = {
    FrameEncoding.LOSSLESS: _write_bits,
    FrameEncoding.FLOAT16: _write_halves,
    FrameEncoding.QUANTISED: _write_steps,
}
_READERS: dict[FrameEncoding, Callable[[Words], Floats]] = {
    FrameEncoding.LOSSLESS: _read_bits,
    FrameEncoding.FLOAT16: _read_halves,
    FrameEncoding.QUANTISED: _read_steps,
}


def _take_differences(parts: Floats, levels: int, write: Callable[[Floats], Words]) -> tuple[Words, int]:
    """How far each word lies from its prediction, coarse grid first, small for small ones; and the sum of the words."""
    pieces, check = [], 0
    for _ in range(levels):
        for axis in range(1, parts.ndim):
            even, odd = (np.ascontiguousarray(_every_other(parts, axis, start)) for start in (0, 1))
            words = write(odd)
            check += _add_up(words)
            pieces.append((words - write(_interpolate(even, axis))).ravel())
            parts = even
    words = write(parts)
    check += _add_up(words)
    for axis in range(1, words.ndim):
        words = np.diff(words, axis=axis, prepend=words.dtype.type(0))
    pieces.append(words.ravel())
    differences = np.concatenate(pieces[::-1])
    signed = differences.view(f"i{differences.itemsize}")
    folded = (signed << 1) ^ (signed >> (8 * signed.itemsize - 1))
    return folded.astype(f"<i{signed.itemsize}", copy=False), check % 2**64


def _add_differences(words: Words, shape: tuple[int, ...], levels: int, encoding: FrameEncoding) -> tuple[Floats, int]:
    """The numbers that `_take_differences` was given, and the sum of their words."""
    kind = np.dtype(f"u{words.itemsize}")
    differences = words.astype(kind, copy=False)
    signs = differences & kind.type(1)
    differences >>= 1
    differences ^= np.negative(signs, out=signs)
    write, read = _WRITERS[encoding], _READERS[encoding]
    sides = [side >> levels for side in shape]
    at = 2 * int(np.prod(sides))
    known = differences[:at].reshape(2, *sides)
    for axis in range(1, known.ndim):
        known = known.cumsum(axis, dtype=kind)
    check = _add_up(known)
    parts = read(known)
    for _ in range(levels):
        for axis in reversed(range(1, parts.ndim)):
            missing = write(_interpolate(parts, axis))
            missing += differences[at : at + missing.size].reshape(missing.shape)
            at += missing.size
            check += _add_up(missing)
            whole = np.empty(
                [2 * side if index == axis else side for index, side in enumerate(parts.shape)], np.float32
            )
            _every_other(whole, axis, 0)[...] = parts
            _every_other(whole, axis, 1)[...] = read(missing)
            parts = whole
    return parts, check % 2**64


def _every_other(parts: Floats, axis: int, start: int) -> Floats:
    return parts[(slice(None),) * axis + (slice(start, None, 2),)]


def _interpolate(parts: Floats, axis: int) -> Floats:
    """The points half-way to the next one along an axis of a periodic grid."""
    n, reach = parts.shape[axis], len(LAGRANGE)

    def cut(start: int, stop: int, of: Floats) -> Floats:
        return of[(slice(None),) * axis + (slice(start, stop),)]

    padded = np.concatenate((cut(n - reach + 1, n, parts), parts, cut(0, reach, parts)), axis=axis)
    total = cut(reach - 1, reach - 1 + n, padded) + cut(reach, reach + n, padded)
    total *= LAGRANGE[0]
    pair = np.empty_like(total)
    for k in range(1, reach):
        np.add(cut(reach - 1 - k, reach - 1 - k + n, padded), cut(reach + k, reach + k + n, padded), out=pair)
        pair *= LAGRANGE[k]
        total += pair
    return total


def _add_up(words: Words) -> int:
    return int(words.sum(dtype=np.uint64))


def _compress(plane: NDArray[np.uint8]) -> bytes:
    """Bytes by Zstandard, or as they are where that is no shorter: the length tells which."""
    plain = plane.tobytes()
    # Noise, such as the lowest bytes of floats, is told by its end, which belongs to the best predicted points.
    if len(plain) > 4 * 4096 and len(_zstd(plain[-4096:])) > 4000:
        return plain
    packed = _zstd(plain)
    return packed if len(packed) < len(plain) else plain


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(data)


def _decompress(packed: bytes, size: int) -> NDArray[np.uint8]:
    if len(packed) == size:
        return np.frombuffer(packed, np.uint8)
    try:
        if zstandard.frame_content_size(packed) != size:
            raise CorruptFrame("frame: a part has another length than the field")
        return np.frombuffer(zstandard.ZstdDecompressor().decompress(packed), np.uint8)
    except zstandard.ZstdError as error:
        raise CorruptFrame(f"frame: a part does not decompress: {error}") from error
