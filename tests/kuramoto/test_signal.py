"""Block-wise phases, against pure tones and the whole-signal result."""

import tracemalloc

import numpy as np
import pytest
from scipy.signal import butter, hilbert, sosfiltfilt
from scipy.signal.windows import tukey

from kuramoto.dynamics import wrap_phase
from kuramoto.signal import PhaseExtractor

BANDS = [
    (100.0, (8.0, 12.0), 3),
    (100.0, (1.0, 40.0), 3),
    (1.0, (0.04, 0.07), 4),
    (250.0, (8.0, 9.0), 3),
    (100.0, (0.5, 4.0), 2),
]


@pytest.fixture
def rng():
    return np.random.default_rng(23)


def cut(signal, size):
    return (signal[start : start + size] for start in range(0, len(signal), size))


@pytest.mark.parametrize(("rate", "band", "order"), BANDS)
def test_blocks_agree_with_the_whole_signal(rng, rate, band, order):
    """A recording that fades in and out leaves the whole-signal transform without an edge of its own."""
    extractor = PhaseExtractor(rate, band, order, block_size=1000)
    signal = rng.normal(size=(16_000 + 4 * extractor.margin, 2)) * tukey(16_000 + 4 * extractor.margin, 0.2)[:, None]
    sections = butter(order, band, "bandpass", fs=rate, output="sos")
    whole = hilbert(sosfiltfilt(sections, signal, axis=0), axis=0)
    error = np.abs(np.exp(1j * extractor.extract(signal)) - whole / np.abs(whole)) * np.abs(whole)
    inner = slice(extractor.margin, -extractor.margin)
    tolerance = 1e-4 if order == 2 else 1e-5
    assert error[inner].max() < tolerance * np.sqrt(np.mean(np.abs(whole) ** 2))


def test_ends_lean_on_the_odd_reflection(rng):
    extractor = PhaseExtractor(100.0, (8.0, 12.0), block_size=700)
    length, margin = 2 * extractor.margin + 2 + 31, extractor.margin
    signal = rng.normal(size=(length, 2))
    padded = np.pad(signal, ((margin, margin), (0, 0)), "reflect", reflect_type="odd")
    sections = butter(3, (8.0, 12.0), "bandpass", fs=100.0, output="sos")
    whole = hilbert(sosfiltfilt(sections, padded, axis=0), axis=0)[margin:-margin]
    error = np.abs(np.exp(1j * extractor.extract(signal)) - whole / np.abs(whole)) * np.abs(whole)
    assert error.max() < 5e-3 * np.sqrt(np.mean(np.abs(whole) ** 2))


@pytest.mark.parametrize("frequency", [8.5, 10.0, 11.5])
def test_tone_has_its_own_phase(frequency):
    extractor, times = PhaseExtractor(100.0, (8.0, 12.0)), np.arange(12_000) / 100.0
    expected = 2 * np.pi * frequency * times[:, None] + [0.4, -1.1, 3.0]
    phases = extractor.extract(5.0 + 2.0 * np.cos(expected))
    inner = slice(extractor.margin, -extractor.margin)
    assert np.abs(wrap_phase(phases - expected)[inner]).max() < 1e-5
    assert ((phases > -np.pi) & (phases <= np.pi)).all()


def test_cutting_into_chunks_makes_no_difference(rng):
    signal = rng.normal(size=(5000, 3))
    extractor = PhaseExtractor(100.0, (8.0, 12.0), block_size=700)
    whole = extractor.extract(signal)
    assert whole.shape == signal.shape
    for size in (1, 333, 4999):
        starts, blocks = zip(*extractor.stream(cut(signal, size)), strict=True)
        assert list(starts) == list(range(0, 5000, 700))
        assert (np.concatenate(blocks) == whole).all()


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_every_sample_is_yielded_once(rng, extra):
    extractor = PhaseExtractor(100.0, (8.0, 12.0), block_size=50)
    for length in (extractor.margin, 2 * extractor.margin, 150, 14):
        assert len(extractor.extract(rng.normal(size=(length + extra, 1)))) == length + extra


def test_memory_does_not_grow_with_the_recording(rng):
    extractor, chunk = PhaseExtractor(100.0, (8.0, 12.0)), rng.normal(size=(2000, 4))

    def measure_peak(n_chunks):
        tracemalloc.start()
        for _ in extractor.stream(chunk for _ in range(n_chunks)):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    measure_peak(10)
    assert measure_peak(100) < 1.1 * measure_peak(10)


def test_blocks_arrive_before_the_recording_ends(rng):
    def read_chunks():
        yield rng.normal(size=(10_000, 1))
        raise AssertionError("read on before the first block was taken")

    start, phases = next(PhaseExtractor(100.0, (8.0, 12.0), block_size=500).stream(read_chunks()))
    assert (start, phases.shape) == (0, (500, 1))


class TestInput:
    @pytest.mark.parametrize("band", [(0.0, 10.0), (10.0, 10.0), (12.0, 8.0), (8.0, 50.0), (-1.0, 4.0), (np.nan, 4.0)])
    def test_band_lies_below_half_the_rate(self, band):
        with pytest.raises(ValueError, match=r"^band_hz:"):
            PhaseExtractor(100.0, band)

    @pytest.mark.parametrize(
        ("changed", "value"), [("rate_hz", 0.0), ("rate_hz", np.inf), ("order", 0), ("block_size", 0)]
    )
    def test_bad_parameter_is_named(self, changed, value):
        with pytest.raises(ValueError, match=rf"^{changed}:"):
            PhaseExtractor(**{"rate_hz": 100.0, "band_hz": (8.0, 12.0)} | {changed: value})

    @pytest.mark.parametrize("shape", [(100,), (100, 0), (10, 10, 1)])
    def test_shape_is_samples_by_channels(self, shape):
        with pytest.raises(ValueError, match="samples, channels"):
            PhaseExtractor(100.0, (8.0, 12.0)).extract(np.ones(shape))

    def test_channels_may_not_change(self):
        with pytest.raises(ValueError, match="2 channels from sample 5 on, got 3"):
            list(PhaseExtractor(100.0, (8.0, 12.0)).stream([np.ones((5, 2)), np.ones((5, 3))]))

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_bad_sample_is_located(self, rng, bad):
        signal = rng.normal(size=(100, 3))
        signal[57, 2] = bad
        with pytest.raises(ValueError, match="sample 57 of channel 2"):
            list(PhaseExtractor(100.0, (8.0, 12.0)).stream(cut(signal, 10)))

    @pytest.mark.parametrize("length", [0, 1, 12])
    def test_recording_holds_at_least_one_cycle(self, rng, length):
        with pytest.raises(ValueError, match="at least 13 samples"):
            PhaseExtractor(100.0, (8.0, 12.0)).extract(rng.normal(size=(length, 2)))
