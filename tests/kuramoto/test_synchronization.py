"""Synchronization events: thresholds, dwell, medians, and independence of how a series is cut."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuramoto.synchronization import (
    BINS_PER_DWELL,
    DetectorSettings,
    DetectorState,
    SynchronizationEvent,
    detect_events,
    minimum_dwell_s,
)

FIVE_SECONDS = DetectorSettings(n_oscillators=64)


def detect(pairs, detector=FIVE_SECONDS, state=None):
    times, values = zip(*pairs, strict=True)
    return detect_events(state or DetectorState(), times, values, settings=detector)


def hold(r, start_s, end_s, step_s=1.0):
    """Return (t, r) at start_s, start_s + step_s, ... below end_s."""
    return [(float(t), r) for t in np.arange(start_s, end_s, step_s)]


class TestCrossing:
    def test_sync_at_the_end_of_the_dwell(self):
        state, events = detect(hold(0.5, 0, 10) + hold(0.9, 10, 16))
        assert events == [
            SynchronizationEvent(
                event_type="sync_achieved",
                entered_at_s=10.0,
                occurred_at_s=15.0,
                sync_before=0.5,
                sync_after=0.9,
                threshold_on=0.8,
                threshold_off=0.6,
                dwell_s=5.0,
                n_oscillators=64,
                incoherent=False,
            )
        ]
        assert state.synced

    def test_threshold_on_is_inclusive(self):
        assert len(detect(hold(0.8, 0, 6))[1]) == 1
        assert detect(hold(np.nextafter(0.8, 0), 0, 6))[1] == []

    def test_threshold_off_is_inclusive(self):
        synced = DetectorState(synced=True)
        assert len(detect(hold(0.6, 0, 6), state=synced)[1]) == 1
        assert detect(hold(np.nextafter(0.6, 1), 0, 6), state=synced)[1] == []

    def test_no_event_before_the_dwell_ends(self):
        state, events = detect(hold(0.9, 0, 5))
        assert events == []
        assert (state.crossing.at_s, state.synced) == (0.0, False)
        assert detect([(5.0, 0.9)], state=state)[1][0].occurred_at_s == 5.0

    @pytest.mark.parametrize("interruption", [0.79, np.nan, np.inf, -np.inf, 1.1, -0.1])
    def test_one_sample_off_the_threshold_restarts_the_dwell(self, interruption):
        _, events = detect([*hold(0.9, 0, 5), (5.0, interruption), *hold(0.9, 6, 12)])
        assert [(e.entered_at_s, e.occurred_at_s) for e in events] == [(6.0, 11.0)]

    def test_the_band_between_the_thresholds_makes_no_event(self):
        _, events = detect(hold(0.9, 0, 10) + hold(0.61, 10, 100) + hold(0.9, 100, 200))
        assert [e.event_type for e in events] == ["sync_achieved"]

    def test_events_alternate_with_their_own_dwell(self):
        detector = replace(FIVE_SECONDS, dwell_on_s=3.0, dwell_off_s=7.0)
        series = hold(0.9, 0, 20) + hold(0.1, 20, 40) + hold(0.9, 40, 60)
        _, events = detect(series, detector)
        assert [(e.event_type, e.entered_at_s, e.occurred_at_s, e.dwell_s) for e in events] == [
            ("sync_achieved", 0.0, 3.0, 3.0),
            ("desync_detected", 20.0, 27.0, 7.0),
            ("sync_achieved", 40.0, 43.0, 3.0),
        ]

    def test_desync_needs_a_synchronization_first(self):
        assert detect(hold(0.1, 0, 100))[1] == []

    def test_silence_restarts_the_dwell(self):
        silent = [(0.0, 0.9), (61.0, 0.9), (62.0, 0.9)]
        state, events = detect(silent)
        assert events == []
        assert state.crossing.at_s == 61.0
        assert len(detect([(0.0, 0.9), (60.0, 0.9)])[1]) == 1

    def test_silence_between_batches_restarts_the_dwell(self):
        state, _ = detect([(0.0, 0.9)])
        assert detect([(61.0, 0.9)], state=state)[0].crossing.at_s == 61.0


class TestMedians:
    def test_before_is_the_median_of_the_dwell_before_the_crossing(self):
        before = [(0.0, 0.0), (4.0, 0.7), (5.0, 0.1), (6.0, 0.3), (7.0, 0.2), (8.0, 0.2)]
        _, events = detect(before + hold(0.9, 9, 15))
        assert events[0].sync_before == pytest.approx(0.2)  # of [4, 9): .7 .1 .3 .2 .2

    def test_after_is_the_median_of_the_dwell(self):
        _, events = detect([(0.0, 0.8), (1.0, 0.9), (2.0, 1.0), (4.0, 0.95), (5.0, 0.99), (6.0, 0.8)])
        assert events[0].sync_after == 0.95  # of [0, 5]: .8 .9 1 .95 .99

    def test_a_run_that_starts_synchronised_has_no_before(self):
        assert detect(hold(0.9, 0, 6))[1][0].sync_before is None

    def test_medians_at_a_high_rate_are_those_of_the_decimated_series(self):
        rng = np.random.default_rng(1)
        t = np.arange(0, 12, 1e-4)
        r = np.where(t < 6, 0.5, 0.9) + rng.uniform(-0.05, 0.05, t.size)
        state, events = detect_events(DetectorState(), t, r, settings=FIVE_SECONDS)
        assert len(events) == 1
        assert events[0].sync_before == pytest.approx(0.5, abs=0.01)
        assert events[0].sync_after == pytest.approx(0.9, abs=0.01)
        assert len(state.recent) <= BINS_PER_DWELL + 3

    def test_after_agrees_with_the_event_type(self):
        rng = np.random.default_rng(2)
        t = np.arange(0, 600, 0.1)
        r = np.clip(0.5 + 0.5 * np.sin(t / 15) + rng.normal(0, 0.05, t.size), 0, 1)
        _, events = detect_events(DetectorState(), t, r, settings=FIVE_SECONDS)
        assert len(events) > 5
        for event in events:
            sync = event.event_type == "sync_achieved"
            assert event.sync_after >= 0.8 if sync else event.sync_after <= 0.6


class TestCounts:
    def test_late_samples_are_counted_and_not_fed(self):
        on_time = hold(0.5, 0, 10) + hold(0.9, 10, 16)
        with_late = [*on_time[:12], (11.0, 0.1), (3.0, 0.1), *on_time[12:], (0.5, np.nan)]
        (expected, expected_events), (state, events) = detect(on_time), detect(with_late)
        assert events == expected_events
        assert state == replace(expected, late_count=3)

    def test_a_batch_of_late_samples_changes_the_count_alone(self):
        state, _ = detect(hold(0.9, 0, 3))
        assert detect(hold(0.1, -5, 0), state=state) == (replace(state, late_count=5), [])

    def test_invalid_samples_are_counted(self):
        state, _ = detect([(0.0, np.nan), (1.0, 0.5), (2.0, np.inf), (3.0, 1.2), (4.0, -0.2)])
        assert state.invalid_count == 4
        assert state.last_seen_s == 4.0

    def test_rounding_outside_the_unit_interval_is_no_fault(self):
        state, events = detect(hold(1.0000000000000004, 0, 6))
        assert (state.invalid_count, events[0].sync_after) == (0, 1.0)

    def test_an_empty_batch_changes_nothing(self):
        state, _ = detect(hold(0.9, 0, 3))
        assert detect_events(state, [], [], settings=FIVE_SECONDS) == (state, [])

    def test_incoherent_is_judged_by_the_number_of_oscillators(self):
        chance = np.sqrt(np.log(100) / 64)
        assert detect([(0.0, chance - 1e-6)])[0].incoherent
        assert not detect([(0.0, chance + 1e-6)])[0].incoherent
        assert detect([(1.0, np.nan)], state=detect([(0.0, 0.1)])[0])[0].incoherent
        _, events = detect(hold(0.1, 0, 6) + hold(0.5, 6, 7), state=DetectorState(synced=True))
        assert events[0].incoherent
        _, events = detect(hold(0.5, 0, 6) + hold(0.1, 6, 7), state=DetectorState(synced=True))
        assert not events[0].incoherent


class TestInput:
    def test_shapes_must_agree(self):
        with pytest.raises(ValueError, match="timestamps_s"):
            detect_events(DetectorState(), [0.0, 1.0], [0.5], settings=FIVE_SECONDS)

    @pytest.mark.parametrize("at_s", [np.nan, np.inf, -1.1e12])
    def test_timestamps_must_be_times(self, at_s):
        with pytest.raises(ValueError, match="timestamps_s"):
            detect_events(DetectorState(), [at_s], [0.5], settings=FIVE_SECONDS)

    @pytest.mark.parametrize(
        ("field", "changed"),
        [
            ("n_oscillators", {"n_oscillators": 0}),
            ("threshold_on", {"threshold_on": 0.6}),
            ("threshold_on", {"threshold_on": 1.1}),
            ("threshold_off", {"threshold_off": -0.1}),
            ("threshold_off", {"threshold_off": np.nan}),
            ("dwell_on_s", {"dwell_on_s": 0.5}),
            ("dwell_off_s", {"dwell_off_s": np.inf}),
            ("dwell_off_s", {"dwell_off_s": np.nan}),
            ("dwell_on_s, dwell_off_s", {"dwell_off_s": 81.0}),
            ("max_gap_s", {"max_gap_s": 0.0}),
        ],
    )
    def test_settings_name_the_bad_field(self, field, changed):
        with pytest.raises(ValueError, match=field):
            replace(FIVE_SECONDS, **changed)

    def test_a_stored_state_of_another_version_is_refused(self):
        stored = DetectorState().to_dict()
        del stored["synced"]
        with pytest.raises(ValueError, match="synced"):
            DetectorState.from_dict(stored)


class TestMinimumDwell:
    @pytest.mark.parametrize(
        ("coupling", "expected"), [(2.8, 1.5), (10.0, 1.0), (0.0, 3.75), (0.8, 300.0), (0.8001, 300.0)]
    )
    def test_three_relaxation_times(self, coupling, expected):
        assert minimum_dwell_s(coupling, 0.8) == pytest.approx(expected)

    def test_couplings_must_be_finite(self):
        with pytest.raises(ValueError, match="coupling"):
            minimum_dwell_s(np.inf, 0.8)


@st.composite
def cut_series(draw):
    """Draw a series of held levels with late and invalid samples and silences in it, and where to cut it."""
    segment = st.tuples(
        st.sampled_from([0.9, 0.95, 0.8, 0.7, 0.6, 0.3, 0.1]),
        st.sampled_from([0.004, 0.25, 1.0, 1.3]),
        st.integers(1, 9),
    )
    oddity = st.tuples(st.integers(0, 99), st.sampled_from(["nan", "outside", "late", "equal", "silence"]))
    times, values, now = [], [], draw(st.sampled_from([0.0, 1.7e9]))
    for level, step_s, count in draw(st.lists(segment, min_size=1, max_size=12)):
        for i in range(count):
            now += step_s
            times.append(now)
            values.append(level + 0.003 * i)
    for i, kind in draw(st.lists(oddity, max_size=3)):
        at = i % len(times)
        if kind == "silence":
            times[at:] = [t + 70.0 for t in times[at:]]
        else:
            times.insert(at + 1, times[at] + {"late": -3.0, "equal": 0.0}.get(kind, 0.001))
            values.insert(at + 1, {"nan": float("nan"), "outside": 1.5}.get(kind, 0.1))
    cuts = draw(st.lists(st.integers(0, len(times)), max_size=8))
    return np.array(times), np.array(values), sorted(cuts)


SHORT = DetectorSettings(n_oscillators=64, dwell_on_s=2.0, dwell_off_s=3.0)


@given(cut_series())
@settings(max_examples=200, deadline=None)
def test_the_result_does_not_depend_on_the_cuts(series):
    times, values, cuts = series
    whole_state, whole_events = detect_events(DetectorState(), times, values, settings=SHORT)
    state, events = DetectorState(), []
    for part_times, part_values in zip(np.split(times, cuts), np.split(values, cuts), strict=True):
        stored = json.loads(json.dumps(state.to_dict(), allow_nan=False))
        state, found = detect_events(DetectorState.from_dict(stored), part_times, part_values, settings=SHORT)
        events += found
    assert [asdict(event) for event in events] == [asdict(event) for event in whole_events]
    assert state == whole_state


@given(cut_series())
@settings(max_examples=200, deadline=None)
def test_events_equal_those_of_a_sample_by_sample_detector(series):
    times, values, _ = series
    found = detect_events(DetectorState(), times, values, settings=SHORT)[1]
    assert [(e.event_type, e.entered_at_s) for e in found] == list(detect_slowly(times, values, SHORT))


def detect_slowly(times, values, detector):
    """Yield (event type, entered_at_s), one sample at a time."""
    synced, entered, last = False, None, None
    for t, r in zip(times.tolist(), values.tolist(), strict=True):
        if last is not None and t <= last:
            continue
        silent, last = last is not None and t - last > detector.max_gap_s, t
        across = 0 <= r <= 1 and (r <= detector.threshold_off if synced else r >= detector.threshold_on)
        if silent or not across:
            entered = None
        if across:
            entered = t if entered is None else entered
            if t >= entered + (detector.dwell_off_s if synced else detector.dwell_on_s):
                yield ("desync_detected" if synced else "sync_achieved"), entered
                synced, entered = not synced, None


def test_hysteresis_and_dwell_silence_a_noisy_near_critical_system():
    """A single threshold makes a thousand events in 6000 s, hysteresis some, dwell hardly any."""
    t, r = simulate_near_critical(seconds=6000)
    single = int(np.count_nonzero(np.diff(r >= 0.6)))
    outside = np.sign(np.where(r >= 0.7, 1, np.where(r <= 0.5, -1, 0)))
    hysteresis = int(np.count_nonzero(np.diff(outside[outside != 0])))
    dwell = [
        len(detect_events(DetectorState(), t, r, settings=detector)[1])
        for detector in (
            DetectorSettings(
                n_oscillators=64, threshold_on=0.7, threshold_off=0.5, dwell_on_s=seconds, dwell_off_s=seconds
            )
            for seconds in (5.0, 10.0)
        )
    ]
    assert single > 500
    assert single > 8 * hysteresis
    assert hysteresis > 8 * dwell[0]
    assert dwell[0] > dwell[1]


def simulate_near_critical(seconds, n=64, step_s=0.1):
    """Return (t, r) of the mean-field Kuramoto model just above Kc = 2 D, by Euler-Maruyama."""
    rng = np.random.default_rng(7)
    noise, coupling = 0.5, 1.3
    steps = round(seconds / step_s)
    theta, r = np.zeros(n), np.empty(steps)
    kicks = np.sqrt(2 * noise * step_s) * rng.standard_normal((steps, n))
    for i in range(steps):
        z = np.exp(1j * theta).mean()
        r[i] = abs(z)
        theta = theta + step_s * coupling * (z * np.exp(-1j * theta)).imag + kicks[i]
    return np.arange(steps) * step_s, r
