"""Colour maps, PNG pictures of fields, and the stylesheet's contrast."""

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from core.charts import encode_png, field_image, movie_strip
from core.charts.colour import CYCLE_LIGHTNESS, HUE_OF_ZERO, convert_oklch, map_levels, map_phases
from core.charts.svg import LEVEL_COLOURS, SERIES_COLOURS

CSS = Path(__file__).parents[2] / "core" / "static" / "core" / "charts.css"


def decode_png(data: bytes) -> NDArray[np.uint8]:
    """Decode an 8-bit RGB PNG with the filters None, Sub and Up, checking every checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position, packed, kinds = 8, b"", []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length)[0] == zlib.crc32(kind + body)
        kinds.append(kind)
        if kind == b"IHDR":
            width, height, *rest = struct.unpack(">IIBBBBB", body)
            assert rest == [8, 2, 0, 0, 0]
        packed += body if kind == b"IDAT" else b""
        position += 12 + length
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    lines = zlib.decompress(packed)
    assert len(lines) == height * (1 + 3 * width)
    rows = [[0] * (3 * width)]
    for start in range(0, len(lines), 1 + 3 * width):
        line = lines[start + 1 : start + 1 + 3 * width]
        assert lines[start] in (0, 2)
        above = rows[-1] if lines[start] == 2 else [0] * (3 * width)
        rows.append([(byte + up) % 256 for byte, up in zip(line, above, strict=True)])
    return np.array(rows[1:], dtype=np.uint8).reshape(height, width, 3)


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))))
def test_png_decodes_to_the_same_bytes(pixels: NDArray[np.uint8]) -> None:
    assert np.array_equal(decode_png(encode_png(pixels)), pixels)


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 2), (2, 2, 4)])
def test_png_refuses_what_is_no_rgb_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pixels: must be uint8"):
        encode_png(np.zeros(shape, dtype=np.uint8))


def test_phase_circle_is_continuous_everywhere_and_at_pi() -> None:
    circle = map_phases(np.linspace(-np.pi, np.pi, 20_001)).astype(int)
    assert np.abs(np.diff(circle, axis=0)).max() <= 1
    assert np.array_equal(circle[0], circle[-1])
    assert np.array_equal(map_phases(np.pi), map_phases(-np.pi))
    assert np.array_equal(map_phases([1.0]), map_phases([1.0 + 2 * np.pi]))


def test_phase_circle_has_one_lightness_and_equal_steps() -> None:
    phases = np.linspace(-np.pi, np.pi, 361)
    linear = decode_srgb(map_phases(phases))
    lightness, a, b = read_oklab(linear)
    assert np.abs(lightness - CYCLE_LIGHTNESS).max() < 0.004
    steps = np.hypot(np.diff(a[::10]), np.diff(b[::10]))
    assert steps.max() / steps.min() < 1.15
    turned = np.angle(np.exp(1j * (np.arctan2(b, a) - HUE_OF_ZERO - phases)))
    assert np.abs(turned).max() < 0.04, "phase is hue"
    exact = convert_oklch(CYCLE_LIGHTNESS, 0.12, np.linspace(0, 2 * np.pi, 3601))
    assert exact.min() >= 0, "no hue is cut off by sRGB"
    assert exact.max() <= 1


def test_level_colours_rise_evenly_in_lightness() -> None:
    shares = np.linspace(0, 1, 65)
    lightness, _, _ = read_oklab(decode_srgb(map_levels(shares)))
    assert np.abs(lightness - (0.27 + 0.64 * shares)).max() < 0.012
    assert np.all(np.diff(lightness) > 0)


def decode_srgb(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    encoded = colours / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def read_oklab(linear: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """OKLab by the forward matrices of its definition, which the drawing code does not use."""
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return tuple((np.cbrt(linear @ np.transpose(to_lms)) @ np.transpose(to_lab)).T)


def test_field_is_coloured_by_phase_and_modulus() -> None:
    field = np.array([[1, 1j, -1], [0, 0.5, complex(np.nan, 0)]])
    pixels = decode_png(field_image(field))
    assert np.array_equal(pixels[0], map_phases([0, np.pi / 2, np.pi]))
    assert pixels[1, 0].tolist() == [0, 0, 0], "a defect's core is black"
    assert pixels[1, 2].tolist() == [128, 128, 128]
    full, half = (read_oklab(decode_srgb(pixels[place])) for place in ((0, 0), (1, 1)))
    assert half[0] / full[0] == pytest.approx(0.5, abs=0.01), "lightness is proportional to modulus"


def test_field_scale_is_its_largest_modulus_unless_given() -> None:
    field = np.array([[0.5, 0.25j]])
    assert field_image(field) == field_image(field * 1e300) == field_image(field, full_scale=0.5)
    assert field_image(field, full_scale=1.0) == field_image(np.array([[0.5, 0.25j]]), full_scale=1.0)
    assert field_image(field, full_scale=1.0) != field_image(field)
    assert decode_png(field_image(np.zeros((2, 2)))).max() == 0
    spoiled = np.array([[0.5, 0.25j, complex(np.inf, 0)]])
    assert np.array_equal(decode_png(field_image(spoiled))[:, :2], decode_png(field_image(field)))


def test_field_is_resized_by_whole_pixels() -> None:
    field = np.exp(1j * np.arange(12).reshape(3, 4))
    small = decode_png(field_image(field))
    assert small.shape == (3, 4, 3)
    assert np.array_equal(decode_png(field_image(field, (8, 6))), small.repeat(2, axis=0).repeat(2, axis=1))
    assert decode_png(field_image(field, 5)).shape == (5, 5, 3)


def test_movie_strip_sets_frames_side_by_side_on_one_scale() -> None:
    frames = [np.full((4, 4), value + 0j) for value in (1.0, 0.5, 0.25)]
    strip = decode_png(movie_strip(frames))
    assert strip.shape == (4, 3 * 4 + 2 * 2, 3)
    for index, frame in enumerate(frames):
        expected = decode_png(field_image(frame, full_scale=1.0))
        assert np.array_equal(strip[:, 6 * index : 6 * index + 4], expected)
    assert np.all(strip[:, 4:6] == 160)
    assert decode_png(movie_strip(frames, size=8)).shape == (8, 3 * 8 + 2 * 2, 3)


@pytest.mark.parametrize(
    ("field", "size", "message"),
    [
        (np.zeros(3), None, "field: must be a two-dimensional"),
        (np.zeros((0, 3)), None, "field: must be a two-dimensional"),
        (np.zeros((2, 2)), 0, "size: must be 1 to 8192"),
        (np.zeros((2, 2)), (4, 9000), "size: must be 1 to 8192"),
    ],
)
def test_field_image_names_what_is_wrong(
    field: NDArray[np.float64], size: int | tuple[int, int] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        field_image(field, size)


def test_movie_strip_and_scale_name_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="frames: must hold at least one"):
        movie_strip([])
    with pytest.raises(ValueError, match="frames: must all have one shape"):
        movie_strip([np.zeros((2, 2)), np.zeros((3, 3))])
    with pytest.raises(ValueError, match=r"frames\[1\]: must be a two-dimensional"):
        movie_strip([np.zeros((2, 2)), np.zeros(2)])
    with pytest.raises(ValueError, match="full_scale: must be above 0"):
        field_image(np.ones((2, 2)), full_scale=0.0)


def read_themes() -> list[dict[str, str]]:
    """The colours of the four theme blocks: light, dark by system, dark by switch."""
    blocks = re.findall(r"[^{}]+\{((?:\s*--chart-[\w-]+: #[0-9a-f]{6};)+)\s*\}", CSS.read_text())
    return [dict(re.findall(r"--chart-([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours by WCAG 2."""
    luminances = []
    for colour in (first, second):
        linear = decode_srgb(np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8))
        luminances.append(float(linear @ [0.2126, 0.7152, 0.0722]))
    low, high = sorted(luminances)
    return (high + 0.05) / (low + 0.05)


def mix(first: str, second: str, share: float) -> str:
    """Mix two colours in sRGB as the stylesheet's color-mix does."""
    pairs = zip(bytes.fromhex(first[1:]), bytes.fromhex(second[1:]), strict=True)
    return "#" + bytes(round(share * a + (1 - share) * b) for a, b in pairs).hex()


def test_both_themes_are_legible_on_the_admins_ground() -> None:
    light, dark, switched = read_themes()
    assert dark == switched
    assert light.keys() == dark.keys()
    for theme, grounds in ((light, ("#ffffff", "#f8f8f8")), (dark, ("#121212", "#212121"))):
        for name, colour in theme.items():
            needed = {"grid": 1.1, "axis": 1.5, "edge": 3.0, "ground": 1.0, "text": 4.5, "strong": 7.0}
            assert all(contrast(colour, ground) >= needed.get(name, 3.0) for ground in grounds), (name, colour)
        for level in LEVEL_COLOURS:
            words = mix(theme[level], theme["strong"], 0.65)
            assert all(contrast(words, ground) >= 4.5 for ground in grounds), (level, words)


def test_attributes_carry_the_light_theme() -> None:
    light = read_themes()[0]
    assert [light[str(index + 1)] for index in range(8)] == list(SERIES_COLOURS)
    assert {level: light[level] for level in LEVEL_COLOURS} == LEVEL_COLOURS
