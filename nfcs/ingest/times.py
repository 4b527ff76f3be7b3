"""Many ISO 8601 times at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

_LAYOUT = "0000-00-00T00:00:00"
_WIDTHS = {len(_LAYOUT) + 1, *range(len(_LAYOUT) + 3, len(_LAYOUT) + 9)}


def parse_utc(texts: Sequence[str]) -> NDArray[np.datetime64] | None:
    """Times such as 2026-01-01T00:00:00.000001Z as datetime64[us], (n,).

    None where one of them is not in UTC with Z, is no time, or has more than six decimals of a second: then they are
    for a parser that tells which.
    """
    widths = set(map(len, texts))
    if not texts or not widths <= _WIDTHS:
        return None
    if len(widths) == 1:
        return _parse_width(texts, widths.pop())
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    times = np.empty(len(texts), "datetime64[us]")
    for width in widths:
        positions = np.flatnonzero(lengths == width)
        parsed = _parse_width([texts[at] for at in positions.tolist()], width)
        if parsed is None:
            return None
        times[positions] = parsed
    return times


def _parse_width(texts: Sequence[str], width: int) -> NDArray[np.datetime64] | None:
    try:
        encoded = np.array(texts, dtype=f"S{width}")
    except UnicodeEncodeError:
        return None
    octets = encoded.view(np.uint8).reshape(len(texts), width)
    least, most = _bounds(width)
    if not ((octets >= least) & (octets <= most)).all():
        return None
    octets[:, -1] = 0
    try:
        return encoded.astype("datetime64[us]")
    except ValueError:
        return None  # a thirtieth of February


@cache
def _bounds(width: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The least and the greatest octet at each place of a time of this width."""
    fraction = "." + "0" * (width - len(_LAYOUT) - 2) if width > len(_LAYOUT) + 1 else ""
    least = np.frombuffer(f"{_LAYOUT}{fraction}Z".encode(), np.uint8)
    return least, np.where(least == ord("0"), np.uint8(ord("9")), least)
