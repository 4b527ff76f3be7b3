"""Frames of 128 x 128 complex fields: how small they get, and how long packing and reading take."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable

import numpy as np

from core.field import GinzburgLandau
from core.field_codec import FrameEncoding, decode, encode
from tests.bench.harness import Case, Installation, main

REPEATS = 50


def make_field(length: float) -> np.ndarray:
    """Defect turbulence on a grid of 128 x 128 points, complex64."""
    grid = GinzburgLandau(128, length, 2.0, -1.0, 0.1)
    amplitude = grid.sample_noise(np.random.default_rng(1), 0.1)
    for _ in range(1000):
        amplitude = grid.step(amplitude)
    return amplitude.astype(np.complex64)


def time_ms(work: Callable[[], object]) -> float:
    """Median time of one call, ms."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1e3)
    return float(np.median(times))


def deflate(field: np.ndarray) -> bytes:
    """What is at hand without prediction: bytes of each significance together, and zlib."""
    return zlib.compress(field.view(np.uint8).reshape(-1, 4).T.tobytes(), 1)


def list_cases(installation: Installation) -> list[Case]:
    """Size, packing and reading of a lossless frame at two spacings, and the sizes of the lossy ones."""
    cases = []
    for length in (128.0, 64.0):
        field = make_field(length)
        frame, name = encode(field), f"128 x 128 at a spacing of {length / 128:g}"
        cases += [
            Case(
                f"{name}, lossless, share of complex64",
                "1",
                ours=lambda frame=frame, field=field: len(frame) / field.nbytes,
                at_most=0.70,
            ),
            Case(
                f"{name}, write, against shuffled bytes by zlib",
                "ms",
                ours=lambda field=field: time_ms(lambda: encode(field)),
                yardstick=lambda field=field: time_ms(lambda: deflate(field)),
            ),
            Case(f"{name}, write", "ms", ours=lambda field=field: time_ms(lambda: encode(field)), at_most=1.5),
            Case(f"{name}, read", "ms", ours=lambda frame=frame: time_ms(lambda: decode(frame)), at_most=0.4),
        ]
        for encoding, error, most in ((FrameEncoding.FLOAT16, None, 0.30), (FrameEncoding.QUANTISED, 1e-3, 0.21)):
            lossy = encode(field, encoding, max_error=error)
            cases.append(
                Case(
                    f"{name}, {encoding.name.lower()}, share of complex64",
                    "1",
                    ours=lambda lossy=lossy, field=field: len(lossy) / field.nbytes,
                    at_most=most,
                )
            )
    return cases


if __name__ == "__main__":
    main("field codec", list_cases)
