"""A recorded multichannel signal becomes oscillator phases, in memory that does not grow with the recording.

Zero-phase Butterworth band-pass and Hilbert phase, in blocks that carry a margin of context on either side.
The outer half of a margin takes up the filter's transient and the inner half a smooth taper, because the
Hilbert kernel of an abrupt cut decays only as 1/t. The analytic signal then differs from that of the whole
recording by less than 1e-5 of its root mean square for order 3 and above, 1e-4 for order 2, 1e-2 for order 1,
whatever the block size; a phase is less exact than that where its amplitude is below the root mean square.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import butter, hilbert, sosfiltfilt
from scipy.special import expit

from kuramoto.dynamics import wrap_phase

FloatArray = NDArray[np.float64]

_TRANSIENT_LEFT = 1e-6
_TAPER_CYCLES = 16
_SMALLEST_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class PhaseExtractor:
    """The band of a recording and the blocks it is read in.

    Attributes:
        rate_hz: Sampling rate.
        band_hz: Pass band (low, high) with 0 < low < high < rate/2; its edges are at half amplitude.
        order: Butterworth order, >= 1, run forwards and backwards; see above for its effect on accuracy.
        block_size: Samples a block yields; None chooses it from the margin.
        margin: Samples of context on either side of a block. Within a margin of the recording's ends the phases
            lean on its odd reflection, and within a few cycles of them they are not to be relied on.

    Raises ValueError, naming the field, for a value outside its range.
    """

    rate_hz: float
    band_hz: tuple[float, float]
    order: int = 3
    block_size: int | None = None
    margin: int = field(init=False)
    _sections: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise ValueError(f"rate_hz: expected a finite number > 0, got {self.rate_hz}")
        low, high = self.band_hz
        if not 0 < low < high < self.rate_hz / 2:
            raise ValueError(f"band_hz: expected 0 < low < high < {self.rate_hz / 2}, got {low} and {high}")
        if self.order < 1:
            raise ValueError(f"order: expected at least 1, got {self.order}")
        if self.block_size is not None and self.block_size < 1:
            raise ValueError(f"block_size: expected at least 1, got {self.block_size}")
        _, poles, _ = butter(self.order, self.band_hz, "bandpass", fs=self.rate_hz, output="zpk")
        slowest = float(np.abs(poles).max())
        if not slowest < 1:
            raise ValueError("band_hz: too narrow for a stable filter at this rate")
        transient = np.log(_TRANSIENT_LEFT) / np.log(slowest)
        margin = 2 * int(np.ceil(max(transient, _TAPER_CYCLES * self.rate_hz / low)))
        sections = butter(self.order, self.band_hz, "bandpass", fs=self.rate_hz, output="sos")
        object.__setattr__(self, "margin", margin)
        object.__setattr__(self, "_sections", sections)

    def extract(self, signal: ArrayLike) -> FloatArray:
        """Return the phases of a recording (samples, channels), in (-pi, pi] and of the same shape."""
        return np.concatenate([phases for _, phases in self.stream([signal])])

    def stream(self, chunks: Iterable[ArrayLike]) -> Iterator[tuple[int, FloatArray]]:
        """Yield (index of the first sample, phases in (-pi, pi] of shape (m, channels)) block by block.

        Chunks are (m, channels), of any length; how the recording is cut into them makes no difference. A
        flat channel has no phase: what is yielded for it means nothing. Raises ValueError, as the chunk
        arrives, for a wrong shape or a sample that is not finite, and at the end for a recording shorter than
        one cycle of the band's lower edge.
        """
        block = self.block_size or max(_SMALLEST_BLOCK, 4 * self.margin)
        rows = _reflect_ends(_regroup(_check_chunks(chunks), self.margin + 1), self.margin, self._shortest())
        window: FloatArray | None = None
        start = 0
        for piece in _regroup(rows, block):
            window = piece if window is None else np.concatenate([window, piece])
            while len(window) > block + 2 * self.margin:
                yield start, self._read_block(window[: block + 2 * self.margin])
                window, start = window[block:], start + block
        if window is not None:
            yield start, self._read_block(window)

    def _shortest(self) -> int:
        return max(2, int(np.ceil(self.rate_hz / self.band_hz[0])))

    def _read_block(self, window: FloatArray) -> FloatArray:
        """Return the phases inside the margins of a window."""
        filtered = sosfiltfilt(self._sections, window, axis=0)
        half = self.margin // 2
        level = (np.arange(half) + 0.5) / half
        rise = expit(1 / (1 - level) - 1 / level)[:, np.newaxis]
        filtered[:half] = filtered[len(filtered) - half :] = 0
        filtered[half : self.margin] *= rise
        filtered[len(filtered) - self.margin : len(filtered) - half] *= rise[::-1]
        analytic = hilbert(filtered, axis=0)[self.margin : len(filtered) - self.margin]
        return wrap_phase(np.angle(analytic))


def _check_chunks(chunks: Iterable[ArrayLike]) -> Iterator[FloatArray]:
    channels: int | None = None
    first = 0
    for chunk in chunks:
        rows = np.asarray(chunk, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] < 1:
            raise ValueError(f"signal: expected shape (samples, channels) with a channel, got {rows.shape}")
        if rows.shape[1] != (channels := channels or rows.shape[1]):
            raise ValueError(f"signal: expected {channels} channels from sample {first} on, got {rows.shape[1]}")
        bad = np.argwhere(~np.isfinite(rows))
        if bad.size:
            row, channel = bad[0]
            raise ValueError(f"signal: sample {first + row} of channel {channel} is not finite")
        first += len(rows)
        yield rows


def _regroup(chunks: Iterable[FloatArray], size: int) -> Iterator[FloatArray]:
    """Yield the same rows in pieces of `size`, the last one shorter."""
    held: list[FloatArray] = []
    count = 0
    for chunk in chunks:
        held.append(chunk)
        count += len(chunk)
        if count < size:
            continue
        rows = np.concatenate(held)
        whole = count - count % size
        for start in range(0, whole, size):
            yield rows[start : start + size]
        held, count = [rows[whole:].copy()], count - whole
    if count:
        yield np.concatenate(held)


def _reflect_ends(pieces: Iterable[FloatArray], margin: int, shortest: int) -> Iterator[FloatArray]:
    """Yield pieces of margin + 1 rows between odd reflections of a margin at the recording's ends."""
    before: FloatArray | None = None
    last: FloatArray | None = None
    for piece in pieces:
        if last is None:
            yield np.pad(piece, ((margin, 0), (0, 0)), "reflect", reflect_type="odd")[:margin]
        else:
            yield last
        before, last = last, piece
    if last is None or (before is None and len(last) < shortest):
        raise ValueError(f"signal: expected at least {shortest} samples, one cycle of the band's lower edge")
    yield last
    tail = last if before is None else np.concatenate([before, last])
    yield np.pad(tail, ((0, margin), (0, 0)), "reflect", reflect_type="odd")[-margin:]
