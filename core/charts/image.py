"""Pictures of complex fields as PNG: phase is hue, modulus is lightness."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.charts.colour import Bytes, map_phases

Complexes = NDArray[np.complex128]

LONGEST_SIDE = 8192
STRIP_GAP = 2  # pixels between the frames of a strip
STRIP_GAP_GREY = 160
FILTER_UP = 2  # PNG filter type: each byte less the one above it


def encode_png(pixels: Bytes) -> bytes:
    """Encode a picture as PNG, 8-bit RGB (ISO/IEC 15948).

    Args:
        pixels: uint8, (height, width, 3), top row first.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0:
        raise ValueError(f"pixels: must be uint8 of shape (height, width, 3), got {pixels.dtype} {pixels.shape}")
    height, width, _ = pixels.shape
    rows = pixels.reshape(height, width * 3)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.insert(rows - above, 0, FILTER_UP, axis=1)  # uint8 wraps modulo 256, as the filter is defined
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(pack_chunk(kind, data) for kind, data in chunks)


def pack_chunk(kind: bytes, data: bytes) -> bytes:
    """Frame one PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_field(name: str, field: ArrayLike) -> Complexes:
    """Read a complex field.

    Raises:
        ValueError: the field is not two-dimensional, or empty.
    """
    values = np.asarray(field, dtype=np.complex128)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"{name}: must be a two-dimensional field, got shape {values.shape}")
    return values


def find_full_scale(fields: Sequence[Complexes]) -> float:
    """Find the largest finite modulus, 1 for fields that are zero everywhere."""
    moduli = [np.abs(field) for field in fields]
    return max((float(modulus[np.isfinite(modulus)].max(initial=0.0)) for modulus in moduli), default=0.0) or 1.0


def colour_field(field: Complexes, full_scale: float) -> Bytes:
    """Colour a field by phase and modulus, uint8, (rows, columns, 3); zero is black, NaN grey."""
    modulus = np.abs(field)
    with np.errstate(over="ignore"):
        brightness = np.clip(modulus / full_scale, 0.0, 1.0)
    return map_phases(np.angle(field), brightness)


def resize_pixels(pixels: Bytes, width: int, height: int) -> Bytes:
    """Resize a picture by repeating or leaving out whole pixels."""
    rows = np.arange(height) * pixels.shape[0] // height
    columns = np.arange(width) * pixels.shape[1] // width
    resized: Bytes = pixels[rows[:, None], columns]
    return resized


def check_pixels(name: str, width: int, height: int) -> None:
    """Refuse a picture of no pixel or of more than 8192 a side."""
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE):
        raise ValueError(f"{name}: must be 1 to {LONGEST_SIDE} pixels a side, got {width} x {height}")


def field_image(
    field: ArrayLike, size: int | tuple[int, int] | None = None, *, full_scale: float | None = None
) -> bytes:
    """Draw a field as PNG, its first row on top.

    Args:
        field: complex, (rows, columns).
        size: pixels a side, or (width, height); one pixel a point when None.
        full_scale: modulus drawn at full lightness, above 0; the largest of the field when None.
    """
    values = read_field("field", field)
    if full_scale is not None and not full_scale > 0:
        raise ValueError(f"full_scale: must be above 0, got {full_scale}")
    rows, columns = values.shape
    width, height = (columns, rows) if size is None else (size, size) if isinstance(size, int) else size
    check_pixels("size", width, height)
    pixels = colour_field(values, full_scale or find_full_scale([values]))
    return encode_png(resize_pixels(pixels, width, height))


def movie_strip(frames: Sequence[ArrayLike], size: int | None = None) -> bytes:
    """Draw fields side by side on one scale of modulus, in their order, as PNG.

    Args:
        frames: complex, (rows, columns) each, all of one shape.
        size: height of the strip in pixels; one pixel a point when None.
    """
    fields = [read_field(f"frames[{index}]", frame) for index, frame in enumerate(frames)]
    if not fields:
        raise ValueError("frames: must hold at least one field")
    if len({field.shape for field in fields}) > 1:
        raise ValueError("frames: must all have one shape")
    rows, columns = fields[0].shape
    height = size or rows
    width = max(1, columns * height // rows)
    check_pixels("frames", len(fields) * (width + STRIP_GAP) - STRIP_GAP, height)
    full_scale = find_full_scale(fields)
    gap = np.full((height, STRIP_GAP, 3), STRIP_GAP_GREY, dtype=np.uint8)
    parts = [part for field in fields for part in (gap, resize_pixels(colour_field(field, full_scale), width, height))]
    return encode_png(np.concatenate(parts[1:], axis=1))
