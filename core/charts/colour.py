"""Colour maps of equal perceptual steps, computed in OKLCH (lightness, chroma, hue; Ottosson 2020)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.charts.scale import Floats

Bytes = NDArray[np.uint8]

CYCLE_LIGHTNESS, CYCLE_CHROMA = 0.72, 0.12  # every hue of this circle lies inside sRGB
HUE_OF_ZERO = np.deg2rad(29.0)  # phase 0 is red
UNKNOWN_RGB = (128, 128, 128)

_LAB_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_LMS_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def convert_oklch(lightness: ArrayLike, chroma: ArrayLike, hue_rad: ArrayLike) -> Floats:
    """Convert OKLCH to linear sRGB, float64, (..., 3); outside [0, 1] where sRGB has no such colour."""
    lightness, chroma, hue_rad = np.broadcast_arrays(lightness, chroma, hue_rad)
    lab = np.stack([lightness, chroma * np.cos(hue_rad), chroma * np.sin(hue_rad)], axis=-1)
    linear: Floats = (lab @ _LAB_TO_LMS.T) ** 3 @ _LMS_TO_RGB.T
    return linear


def encode_srgb(linear: Floats) -> Bytes:
    """Encode linear sRGB in 8 bits a channel (IEC 61966-2-1)."""
    clipped = np.clip(linear, 0.0, 1.0)
    curved = np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)
    encoded: Bytes = np.rint(curved * 255).astype(np.uint8)
    return encoded


def map_phases(phases_rad: ArrayLike, brightness: ArrayLike = 1.0) -> Bytes:
    """Colour phases by hue at one lightness, uint8, (..., 3); a phase that is not finite is grey.

    Args:
        brightness: 0 (black) to 1; scales lightness and chroma alike, hence linear sRGB by its cube.
    """
    phases, factor = np.broadcast_arrays(np.asarray(phases_rad, np.float64), np.asarray(brightness, np.float64))
    known = np.isfinite(phases) & np.isfinite(factor)
    hue = np.where(known, phases, 0.0) + HUE_OF_ZERO
    linear = convert_oklch(CYCLE_LIGHTNESS, CYCLE_CHROMA, hue) * np.where(known, factor, 0.0)[..., None] ** 3
    colours = encode_srgb(linear)
    colours[~known] = UNKNOWN_RGB
    return colours


def map_levels(fractions: ArrayLike) -> Bytes:
    """Colour fractions 0 to 1 from dark violet to light yellow, lightness rising evenly, uint8, (..., 3)."""
    share = np.asarray(fractions, dtype=np.float64)
    known = np.isfinite(share)
    share = np.clip(np.where(known, share, 0.0), 0.0, 1.0)
    chroma = 0.094 + 0.04 * (2 * share - 1) ** 2
    colours = encode_srgb(convert_oklch(0.27 + 0.64 * share, chroma, np.deg2rad(300.0 - 195.0 * share)))
    colours[~known] = UNKNOWN_RGB
    return colours


def format_colours(colours: Bytes) -> list[str]:
    """Print colours, uint8, (n, 3), as ``#rrggbb``."""
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colours.tolist()]
