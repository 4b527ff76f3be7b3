"""Frames of a run as one array in a file that is written piece by piece: NumPy's, or a zipped Zarr store."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE_BYTES = 4 * 2**20
_ITEM_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)

Key = tuple[int, datetime]
Read = Callable[[Sequence[Key]], Sequence[NDArray[np.complex64]]]


def count_per_piece(shape: tuple[int, ...]) -> int:
    """How many frames of a shape are read at a time: at least one, some 4 MiB."""
    return max(1, PIECE_BYTES // (_ITEM_BYTES * prod(shape)))


def npy_head(count: int, shape: tuple[int, ...]) -> bytes:
    """The head of an .npy file of complex64, (count, *shape)."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<c8", "fortran_order": False, "shape": (count, *shape)})
    return file.getvalue()


def write_npy(keys: Sequence[Key], shape: tuple[int, ...], read: Read) -> Iterator[bytes]:
    """An .npy file of complex64, (len(keys), *shape), in pieces."""
    yield npy_head(len(keys), shape)
    for part in _divide(keys, shape):
        yield b"".join(frame.astype("<c8", copy=False).tobytes() for frame in read(part))


def write_zarr(keys: Sequence[Key], shape: tuple[int, ...], read: Read, attributes: dict[str, Any]) -> Iterator[bytes]:
    """A zipped Zarr store (format 2, uncompressed) in pieces.

    It holds `field`, complex64, (len(keys), *shape); `time`, int64 microseconds since 1970, and `id`, both
    (len(keys),); dimensions are named as xarray expects.
    """
    sink = _Sink()
    per_chunk = count_per_piece(shape)
    grid = ["y", "x"][-len(shape) :]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:

        def put(name: str, data: bytes) -> bytes:
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), data)
            return sink.take()

        metadata = {
            ".zgroup": {"zarr_format": 2},
            ".zattrs": attributes,
            **_describe("field", "<c8", (len(keys), *shape), (per_chunk, *shape), ["time", *grid], {}),
            **_describe("time", "<i8", (len(keys),), (len(keys),), ["time"], _TIME_ATTRIBUTES),
            **_describe("id", "<i8", (len(keys),), (len(keys),), ["time"], {}),
        }
        for name, described in metadata.items():
            yield put(name, json.dumps(described).encode())
        yield put(".zmetadata", json.dumps({"zarr_consolidated_format": 1, "metadata": metadata}).encode())
        yield put("time/0", np.array([_count_us(at) for _, at in keys], "<i8").tobytes())
        yield put("id/0", np.array([pk for pk, _ in keys], "<i8").tobytes())
        for index, part in enumerate(_divide(keys, shape)):
            chunk = np.zeros((per_chunk, *shape), "<c8")
            chunk[: len(part)] = read(part)
            yield put(f"field/{index}" + ".0" * len(shape), chunk.tobytes())
    yield sink.take()


_TIME_ATTRIBUTES = {"units": "microseconds since 1970-01-01T00:00:00", "calendar": "proleptic_gregorian"}


def _describe(
    name: str,
    dtype: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dimensions: list[str],
    attributes: dict[str, Any],
) -> dict[str, Any]:
    return {
        f"{name}/.zarray": {
            "zarr_format": 2,
            "shape": shape,
            "chunks": chunks,
            "dtype": dtype,
            "compressor": None,
            "fill_value": None,
            "filters": None,
            "order": "C",
        },
        f"{name}/.zattrs": {"_ARRAY_DIMENSIONS": dimensions, **attributes},
    }


def _divide(keys: Sequence[Key], shape: tuple[int, ...]) -> Iterator[Sequence[Key]]:
    size = count_per_piece(shape)
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _count_us(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds


class _Sink(io.RawIOBase):
    """Where a ZIP file is written to and taken from, without a way back."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes until they are taken."""
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._parts = b"".join(self._parts), []
        return taken
