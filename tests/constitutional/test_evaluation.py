"""The monitor: episodes against a slow and obvious one, however the series is cut."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constitutional.evaluation import INVALID_LIMIT, Breach, MonitorState, evaluate, score_severity
from constitutional.policy_content import Policy, validate_policy_content
from constitutional.windows import BUCKETS, slide_window

NAN = math.nan


def make_policy(**changes):
    content = {
        "schema": 1,
        "metric": "energy",
        "aggregate": "last",
        "op": "gt",
        "threshold": 2,
        "clear_threshold": 1,
        "dwell_s": 2,
        "action": "alert",
        "enforcement": 1,
        "severity": {"scale": 4},
        "rationale": "A bound.",
    } | changes
    return validate_policy_content({key: value for key, value in content.items() if value is not None})


ABOVE = make_policy()
BELOW = make_policy(op="lt", threshold=-2, clear_threshold=-1)
OUTSIDE = make_policy(op="outside", threshold=None, clear_threshold=None, thresholds=[-2, 2], clear_thresholds=[-1, 1])


def run(policy, values, state=None, start_s=0.0):
    """Feed one value a second."""
    return evaluate(policy, state or MonitorState(), start_s + np.arange(len(values)), values)


def breach(change="opened", **fields):
    defaults = {
        "first_crossing_s": 0.0,
        "opened_at_s": 2.0,
        "peak": 3.0,
        "peak_at_s": 0.0,
        "samples": 3,
        "severity": 0.25,
    }
    return Breach(change, **(defaults | fields))


class TestEpisode:
    def test_opens_at_the_end_of_the_dwell(self):
        state, changes = run(ABOVE, [3, 3, 3])
        assert changes == [breach()]
        assert state.episode.is_open

    def test_dwell_is_not_over_before_its_end(self):
        state, changes = run(ABOVE, [0, 3, 3])
        assert changes == []
        assert (state.episode.first_crossing_s, state.episode.is_open) == (1.0, False)

    def test_the_bound_itself_is_no_breach(self):
        assert run(ABOVE, [2] * 9) == (MonitorState(last_seen_s=8.0), [])
        assert run(BELOW, [-2] * 9) == (MonitorState(last_seen_s=8.0), [])
        assert run(OUTSIDE, [2, -2] * 5) == (MonitorState(last_seen_s=9.0), [])

    @pytest.mark.parametrize("policy", [ABOVE, OUTSIDE])
    def test_one_sample_at_the_bound_restarts_the_dwell(self, policy):
        assert [change.first_crossing_s for change in run(policy, [3, 3, 2, 3, 3, 3])[1]] == [3.0]

    def test_no_dwell_opens_at_the_first_sample(self):
        _, changes = run(make_policy(dwell_s=0), [0, 3, 0])
        assert changes == [
            breach(first_crossing_s=1.0, opened_at_s=1.0, peak_at_s=1.0, samples=1),
            breach("cleared", first_crossing_s=1.0, opened_at_s=1.0, peak_at_s=1.0, samples=1, cleared_at_s=2.0),
        ]

    def test_stays_open_between_the_bound_and_the_clear_bound(self):
        state, changes = run(ABOVE, [3, 3, 3, 1.5, 2, 3, 1.01])
        assert [change.change for change in changes] == ["opened"]
        assert state.episode.samples == 4
        _, changes = run(ABOVE, [1], state, 7)
        assert changes == [breach("cleared", samples=4, cleared_at_s=7.0)]

    def test_clears_below_and_within_too(self):
        assert run(BELOW, [-3] * 3 + [-1])[1][-1].cleared_at_s == 3.0
        assert [change.change for change in run(BELOW, [-3] * 3 + [-1.1])[1]] == ["opened"]
        assert run(OUTSIDE, [-3] * 3 + [-1])[1][-1].cleared_at_s == 3.0
        assert [change.change for change in run(OUTSIDE, [-3] * 3 + [1.1])[1]] == ["opened"]

    def test_from_one_side_to_the_other_is_one_episode(self):
        assert run(OUTSIDE, [-3, 4, -3.5])[1] == [breach(peak=4.0, peak_at_s=1.0, severity=0.5)]

    def test_the_peak_is_the_first_of_the_most_extreme(self):
        assert run(ABOVE, [3, 5, 5])[1] == [breach(peak=5.0, peak_at_s=1.0, severity=0.75)]
        assert run(BELOW, [-3, -5, -5])[1] == [breach(peak=-5.0, peak_at_s=1.0, severity=0.75)]

    def test_a_new_peak_after_opening_is_an_update(self):
        _, changes = run(ABOVE, [3, 3, 3, 6, 4])
        assert changes == [
            breach(),
            breach("updated", peak=6.0, peak_at_s=3.0, severity=1.0, samples=5),
        ]

    def test_an_update_comes_once_a_new_peak(self):
        state, _ = run(ABOVE, [3, 3, 3])
        state, changes = run(ABOVE, [3, 2.5], state, 3)
        assert changes == []
        state, changes = run(ABOVE, [4, 3], state, 5)
        assert changes == [breach("updated", peak=4.0, peak_at_s=5.0, severity=0.5, samples=7)]
        assert run(ABOVE, [4, 3], state, 7)[1] == []

    def test_cleared_carries_the_last_peak_without_an_update(self):
        state, _ = run(ABOVE, [3, 3, 3])
        _, changes = run(ABOVE, [6, 0], state, 3)
        assert changes == [breach("cleared", peak=6.0, peak_at_s=3.0, severity=1.0, samples=4, cleared_at_s=4.0)]

    def test_two_episodes_of_one_batch(self):
        _, changes = run(ABOVE, [3, 3, 3, 0, 3, 3, 3, 3, 0])
        assert [(change.change, change.first_crossing_s) for change in changes] == [
            ("opened", 0.0),
            ("cleared", 0.0),
            ("opened", 4.0),
            ("cleared", 4.0),
        ]


class TestInvalid:
    @pytest.mark.parametrize("bad", [NAN, math.inf, -math.inf, 2e100])
    def test_three_in_a_row(self, bad):
        state, _ = run(ABOVE, [0, bad, bad])
        assert (state.invalid, state.invalid_streak, state.invalid_alarms) == (False, 2, 0)
        state, _ = run(ABOVE, [bad], state, 3)
        assert (state.invalid, state.invalid_streak, state.invalid_alarms) == (True, INVALID_LIMIT, 1)
        state, _ = run(ABOVE, [bad, 0, bad], state, 4)
        assert (state.invalid, state.invalid_streak, state.invalid_alarms) == (False, 1, 1)
        assert state.invalid_count == 5

    def test_a_streak_inside_a_batch_is_not_lost(self):
        state, _ = run(ABOVE, [NAN] * 4 + [0] + [NAN] * 3 + [0])
        assert (state.invalid, state.invalid_alarms, state.invalid_count) == (False, 2, 7)

    def test_invalid_neither_clears_nor_interrupts(self):
        state, changes = run(ABOVE, [3, NAN, 3, NAN, NAN])
        assert changes == [breach(samples=2)]
        assert state.episode.is_open

    def test_invalid_is_left_out_of_the_window(self):
        state, _ = run(make_policy(aggregate="mean", window_s=60), [1, NAN, 4, math.inf])
        assert sum(bucket.total for bucket in state.window) == 5.0


class TestLate:
    def test_late_samples_are_counted_and_not_fed(self):
        times, values = [0, 1, 0.5, 1, 2, 3], [3, 3, 0, 0, 3, 0]
        state, changes = evaluate(ABOVE, MonitorState(), times, values)
        assert [change.change for change in changes] == ["opened", "cleared"]
        assert state.late_count == 2

    def test_a_late_batch_changes_the_count_alone(self):
        state, _ = run(ABOVE, [3, 3, 3])
        assert run(ABOVE, [0, NAN], state) == (replace(state, late_count=2), [])

    def test_an_empty_batch_changes_nothing(self):
        state, _ = run(ABOVE, [3, 3, 3])
        assert run(ABOVE, [], state, 3) == (state, [])


class TestSeverity:
    @pytest.mark.parametrize(("value", "expected"), [(2.5, 0.125), (6, 1.0), (1e99, 1.0), (2, 0.0), (-5, 0.0)])
    def test_distance_beyond_the_bound(self, value, expected):
        assert score_severity(ABOVE, value) == expected

    def test_distance_beyond_either_bound(self):
        assert [score_severity(OUTSIDE, value) for value in (-4, 4, 0)] == [0.5, 0.5, 0.0]

    @pytest.mark.parametrize(("value", "expected"), [(0, 0), (1, 0), (1.5, 0.25), (2, 0.5), (9, 0.5)])
    def test_breakpoints(self, value, expected):
        policy = make_policy(severity={"breakpoints": [[1, 0], [2, 0.5]]})
        assert score_severity(policy, value) == expected

    @pytest.mark.parametrize(
        ("ha", "expected"), [(0, 0), (0.5, 0.125), (1, 0.25), (2, 0.5), (4, 0.75), (7, 1), (10, 1)]
    )
    def test_the_ha_scale(self, ha, expected):
        assert score_severity(make_policy(metric="ha", severity={"scale": "ha"}), ha) == expected


class TestInput:
    def test_shapes_must_agree(self):
        with pytest.raises(ValueError, match="timestamps_s"):
            evaluate(ABOVE, MonitorState(), [0.0, 1.0], [1.0])

    @pytest.mark.parametrize("at_s", [NAN, math.inf, 1.1e12])
    def test_timestamps_must_be_times(self, at_s):
        with pytest.raises(ValueError, match="timestamps_s"):
            evaluate(ABOVE, MonitorState(), [at_s], [1.0])

    @pytest.mark.parametrize("field", ["window", "episode"])
    def test_a_stored_state_of_another_version_is_refused(self, field):
        stored = MonitorState().to_dict()
        del stored[field]
        with pytest.raises(ValueError, match=field):
            MonitorState.from_dict(stored)


class TestWindow:
    def test_a_window_is_bounded_at_a_high_rate(self):
        rng = np.random.default_rng(1)
        times = np.arange(0, 30, 1e-3)
        values = rng.normal(size=times.size)
        for aggregate, expected in (
            ("mean", values[-10_000:].mean()),
            ("max", values[-10_000:].max()),
            ("min", values[-10_000:].min()),
            ("p95", np.quantile(values, 0.95)),
        ):
            aggregated, window = slide_window(aggregate, 10.0, (), times, values)
            assert len(window) == BUCKETS
            assert aggregated[-1] == pytest.approx(expected, abs=0.2 if aggregate == "p95" else 0.01)

    def test_the_window_forgets(self):
        aggregated, window = slide_window("max", 10.0, (), np.array([0.0, 9.0, 20.0]), np.array([5.0, 1.0, 2.0]))
        assert aggregated.tolist() == [5.0, 5.0, 2.0]
        assert len(window) == 1

    def test_p95_is_the_nearest_rank(self):
        times = np.arange(100.0)
        aggregated, _ = slide_window("p95", 256.0, (), times, times + 1)
        assert aggregated[[0, 18, 19, 20, 99]].tolist() == [1.0, 19.0, 19.0, 20.0, 95.0]

    def test_the_aggregate_is_what_is_judged(self):
        policy = make_policy(aggregate="mean", window_s=4, dwell_s=0)
        _, changes = run(policy, [0, 0, 0, 0, 4, 4, 8, 0, 0, 0, 0])
        assert [(change.change, change.peak) for change in changes] == [("opened", 4.0), ("cleared", 4.0)]


@st.composite
def monitored_series(draw):
    """Draw a policy, a series of multiples of 1/4 (so that sums are exact) with oddities in it, and cuts."""
    aggregate = draw(st.sampled_from(["last", "mean", "max", "min", "p95"]))
    policy = replace(
        draw(st.sampled_from([ABOVE, BELOW, OUTSIDE])),
        aggregate=aggregate,
        window_s=0.0 if aggregate == "last" else draw(st.sampled_from([0.5, 3.0])),
        dwell_s=draw(st.sampled_from([0.0, 1.0, 2.5])),
    )
    segment = st.tuples(
        st.sampled_from([-4.0, -2.25, -1.5, 0.0, 1.5, 2.25, 4.0]),
        st.sampled_from([0.0005, 0.007, 0.25, 1.0, 1.3]),
        st.integers(1, 9),
    )
    oddity = st.tuples(st.integers(0, 99), st.sampled_from(["nan", "late", "equal", "spike"]))
    times, values, now = [], [], draw(st.sampled_from([0.0, 1.7e9]))
    for level, step_s, count in draw(st.lists(segment, min_size=1, max_size=12)):
        for i in range(count):
            now += step_s
            times.append(now)
            values.append(level + 0.25 * (i % 3))
    for i, kind in draw(st.lists(oddity, max_size=4)):
        at = i % len(times)
        times.insert(at + 1, times[at] + {"late": -3.0, "equal": 0.0}.get(kind, 1e-4))
        values.insert(at + 1, {"nan": NAN, "spike": 8.0}.get(kind, 0.0))
    cuts = sorted(draw(st.lists(st.integers(0, len(times)), max_size=8)))
    return policy, np.array(times), np.array(values), cuts


def evaluate_in_parts(policy, times, values, cuts):
    """Return the last state and the changes, with every state stored as JSON between the parts."""
    state, changes = MonitorState(), []
    for part_times, part_values in zip(np.split(times, cuts), np.split(values, cuts), strict=True):
        stored = json.loads(json.dumps(state.to_dict(), allow_nan=False))
        state, found = evaluate(policy, MonitorState.from_dict(stored), part_times, part_values)
        changes += found
    return state, changes


def without_updates(changes):
    return [change for change in changes if change.change != "updated"]


@given(monitored_series())
@settings(max_examples=250, deadline=None)
def test_the_result_does_not_depend_on_the_cuts(drawn):
    policy, times, values, cuts = drawn
    whole_state, whole = evaluate(policy, MonitorState(), times, values)
    state, changes = evaluate_in_parts(policy, times, values, cuts)
    assert state == whole_state
    assert without_updates(changes) == without_updates(whole)


@pytest.mark.parametrize("aggregate", ["mean", "max", "min", "p95"])
def test_no_rounding_depends_on_the_cuts(aggregate):
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.exponential(0.02, 3000))
    values = rng.normal(0, 1, 3000) * 10.0 ** rng.integers(-3, 4, 3000)
    whole, whole_window = slide_window(aggregate, 7.0, (), times, values)
    parts, window = [], ()
    cuts = np.sort(rng.integers(0, 3000, 60))
    for part_times, part_values in zip(np.split(times, cuts), np.split(values, cuts), strict=True):
        part, window = slide_window(aggregate, 7.0, window, part_times, part_values)
        parts.append(part)
    assert np.array_equal(np.concatenate(parts), whole)
    assert window == whole_window


@given(monitored_series())
@settings(max_examples=250, deadline=None)
def test_episodes_equal_those_of_a_sample_by_sample_monitor(drawn):
    policy, times, values, _ = drawn
    found = without_updates(evaluate(policy, MonitorState(), times, values)[1])
    assert [
        (c.change, c.first_crossing_s, c.opened_at_s, c.peak, c.peak_at_s, c.samples, c.cleared_at_s) for c in found
    ] == list(evaluate_slowly(policy, times, values))


def evaluate_slowly(policy: Policy, times, values):
    """Yield each opening and clearing, one sample at a time."""
    last, history, crossed, is_open = -math.inf, [], [], False
    for t, x in zip(times.tolist(), values.tolist(), strict=True):
        if t <= last:
            continue
        last = t
        if math.isnan(x):
            continue
        history.append((t, x))
        value = aggregate_slowly(policy, history)
        opened_at = crossed[0][0] + policy.dwell_s if crossed else None
        if value > policy.high or value < policy.low:
            crossed.append((t, value))
            opened_at = crossed[0][0] + policy.dwell_s
            if not is_open and t >= opened_at:
                is_open = True
                yield "opened", crossed[0][0], opened_at, *peak_slowly(policy, crossed), len(crossed), None
        elif is_open and policy.clear_low <= value <= policy.clear_high:
            yield "cleared", crossed[0][0], opened_at, *peak_slowly(policy, crossed), len(crossed), t
            crossed, is_open = [], False
        elif not is_open:
            crossed = []


def peak_slowly(policy, crossed):
    t, value = max(crossed, key=lambda pair: max(pair[1] - policy.high, policy.low - pair[1]))
    return value, t


def aggregate_slowly(policy, history):
    if policy.aggregate == "last":
        return history[-1][1]
    numbers = [math.floor(t / (policy.window_s / BUCKETS)) for t, _ in history]
    inside = [i for i, number in enumerate(numbers) if number > numbers[-1] - BUCKETS]
    values = [history[i][1] for i in inside]
    if policy.aggregate == "p95":
        first = sorted(history[i][1] for i in inside if i == 0 or numbers[i - 1] != numbers[i])
        return first[math.ceil(len(first) * 95 / 100) - 1]
    return {"mean": lambda v: sum(v) / len(v), "max": max, "min": min}[policy.aggregate](values)
