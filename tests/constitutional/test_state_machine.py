"""The constitutional decision, and every way from one level to another."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from constitutional.state_machine import (
    Cause,
    Decision,
    GuardLimits,
    GuardState,
    Level,
    OperatorActionError,
    advance_level,
    decide,
    force_emergency,
    release_emergency,
)

NAN = math.nan
BY_OPERATOR = {"actor": "ada", "reason": "seen on the wall"}


class TestDecide:
    @pytest.mark.parametrize(
        ("values", "decision"),
        [
            ({}, Decision.ACCEPT),
            ({"ha": 1.0, "integrity": 0.7}, Decision.ACCEPT),
            ({"ha": 1.01}, Decision.MONITOR),
            ({"integrity": 0.69}, Decision.MONITOR),
            ({"rho": 0.0035}, Decision.ACCEPT),
            ({"rho": 0.0036}, Decision.MONITOR),
            ({"integrity": 0.5}, Decision.MONITOR),
            ({"integrity": 0.49}, Decision.FORCED_SYNC),
            ({"ha": 4.0}, Decision.MONITOR),
            ({"ha": 4.01}, Decision.EMERGENCY),
            ({"control_max": 0.5}, Decision.ACCEPT),
            ({"control_max": 0.51}, Decision.REJECT),
            ({"control_max": NAN}, Decision.REJECT),
            ({"control_max": math.inf}, Decision.REJECT),
            ({"control_max": -0.1}, Decision.REJECT),
            ({"ha": 5.0, "integrity": 0.1, "control_max": 9.0}, Decision.EMERGENCY),
            ({"integrity": 0.1, "control_max": 9.0}, Decision.FORCED_SYNC),
            ({"ha": 2.0, "control_max": 9.0}, Decision.REJECT),
            ({"ha": NAN}, Decision.INVALID),
            ({"ha": math.inf}, Decision.INVALID),
            ({"ha": -0.1}, Decision.INVALID),
            ({"ha": 10.1}, Decision.INVALID),
            ({"integrity": NAN}, Decision.INVALID),
            ({"integrity": 1.1}, Decision.INVALID),
            ({"rho": NAN}, Decision.INVALID),
            ({"rho": math.inf}, Decision.INVALID),
            ({"rho": -1.0}, Decision.INVALID),
            ({"r": NAN}, Decision.INVALID),
            ({"r": 1.1}, Decision.INVALID),
            ({"is_valid": False}, Decision.INVALID),
            ({"ha": 9.0, "r": NAN, "control_max": NAN}, Decision.INVALID),
        ],
    )
    def test_decision(self, values, decision):
        ruling = decide(**{"ha": 0.5, "integrity": 0.9, "rho": 0.001, "r": 0.5, "control_max": 0.1} | values)
        assert ruling.decision is decision
        assert bool(ruling.reasons) is (decision is not Decision.ACCEPT)

    def test_what_is_not_measured_is_not_judged(self):
        assert decide(0.5, 0.9).decision is Decision.ACCEPT

    def test_every_reason_is_given(self):
        assert decide(4.5, 0.4, 0.004, 0.5, NAN).reasons == (
            "ha 4.5 > 4",
            "integrity 0.4 < 0.5",
            "control_max nan not within 0 to 0.5",
            "ha 4.5 > 1",
            "integrity 0.4 < 0.7",
            "rho 0.004 >= 1 x 0.0036",
        )
        assert decide(NAN, 2, is_valid=False).reasons == (
            "marked invalid by its source",
            "ha is nan",
            "integrity is 2",
        )

    def test_limits_are_settings(self):
        limits = GuardLimits(ha_emergency=3.0, control_limit=1.0)
        assert decide(3.5, 0.9, control_max=0.9, limits=limits).decision is Decision.EMERGENCY
        assert decide(0.5, 0.9, control_max=0.9, limits=limits).decision is Decision.ACCEPT


def stand_at(level, since_s=0.0, **fields):
    return GuardState(level=level, since_s=since_s, seen_at_s=since_s, **fields)


def observe(state, at_s, ha=0.5, integrity=0.9, **changes):
    return advance_level(state, at_s=at_s, ha=ha, integrity=integrity, **changes)


def feed(state, observations, **same):
    """Return the last state and the transitions of (at_s, ha) pairs."""
    transitions = []
    for at_s, ha in observations:
        state, transition = observe(state, at_s, ha, **same)
        transitions += [transition] if transition else []
    return state, transitions


class TestGrades:
    """Normal, warning and critical."""

    @pytest.mark.parametrize(
        ("level", "ha", "integrity", "expected"),
        [
            (Level.NORMAL, 1.0, 0.7, Level.NORMAL),
            (Level.NORMAL, 1.01, 0.9, Level.WARNING),
            (Level.NORMAL, 0.5, 0.69, Level.WARNING),
            (Level.NORMAL, 2.0, 0.9, Level.WARNING),
            (Level.NORMAL, 2.01, 0.9, Level.CRITICAL),
            (Level.NORMAL, 0.5, 0.5, Level.WARNING),
            (Level.NORMAL, 0.5, 0.49, Level.CRITICAL),
            (Level.NORMAL, 4.0, 0.9, Level.CRITICAL),
            (Level.NORMAL, 4.01, 0.9, Level.EMERGENCY),
            (Level.NORMAL, 7.0, 0.9, Level.EMERGENCY),
            (Level.NORMAL, 7.01, 0.9, Level.FAILURE),
            (Level.NORMAL, 0.5, 0.3, Level.CRITICAL),
            (Level.NORMAL, 0.5, 0.29, Level.FAILURE),
            (Level.WARNING, 0.85, 0.9, Level.WARNING),
            (Level.WARNING, 0.849, 0.9, Level.NORMAL),
            (Level.WARNING, 0.5, 0.744, Level.WARNING),
            (Level.WARNING, 0.5, 0.746, Level.NORMAL),
            (Level.WARNING, 1.9, 0.9, Level.WARNING),
            (Level.WARNING, 2.01, 0.9, Level.CRITICAL),
            (Level.WARNING, 4.01, 0.9, Level.EMERGENCY),
            (Level.WARNING, 7.01, 0.9, Level.FAILURE),
            (Level.CRITICAL, 1.5, 0.9, Level.CRITICAL),
            (Level.CRITICAL, 1.499, 0.9, Level.WARNING),
            (Level.CRITICAL, 0.85, 0.9, Level.WARNING),
            (Level.CRITICAL, 0.849, 0.9, Level.NORMAL),
            (Level.CRITICAL, 0.5, 0.624, Level.CRITICAL),
            (Level.CRITICAL, 0.5, 0.626, Level.WARNING),
            (Level.CRITICAL, 4.01, 0.9, Level.EMERGENCY),
            (Level.CRITICAL, 0.5, 0.29, Level.FAILURE),
        ],
    )
    def test_level(self, level, ha, integrity, expected):
        state, transition = observe(stand_at(level), 1.0, ha, integrity)
        assert state.level is expected
        if level is expected:
            assert transition is None
            assert state.since_s == 0.0
        else:
            assert (transition.from_level, transition.to_level, transition.at_s) == (level, expected, 1.0)
            assert state.since_s == 1.0

    @pytest.mark.parametrize(
        ("ha", "integrity", "cause"),
        [(1.5, 0.6, Cause.HA), (0.5, 0.6, Cause.INTEGRITY), (4.5, 0.9, Cause.HA), (0.5, 0.1, Cause.INTEGRITY)],
    )
    def test_cause(self, ha, integrity, cause):
        assert observe(GuardState(), 1.0, ha, integrity)[1].cause is cause

    def test_the_first_observation_dates_the_level(self):
        assert observe(GuardState(), 5.0) == (
            GuardState(since_s=5.0, seen_at_s=5.0, calm_since_s=5.0),
            None,
        )


class TestEmergency:
    def test_is_latched(self):
        state, transitions = feed(GuardState(), [(0, 4.5), *((t, 0.999) for t in range(1, 6)), (6, 1.0)])
        assert state.level is Level.EMERGENCY
        assert state.is_latched
        assert [t.to_level for t in transitions] == [Level.EMERGENCY]

    def test_calm_for_the_dwell_begins_the_recovery(self):
        calm = [(float(t), 0.9) for t in range(1, 6)]
        state, transitions = feed(stand_at(Level.EMERGENCY), calm)
        assert transitions == []
        _, transition = observe(state, 6.0)
        assert (transition.to_level, transition.cause, transition.at_s) == (Level.RECOVERY, Cause.CALM, 6.0)

    @pytest.mark.parametrize(
        "disturbance",
        [{"ha": 1.0}, {"integrity": 0.7}, {"ha": NAN}, {"integrity": NAN}, {"is_valid": False}],
    )
    def test_a_disturbance_restarts_the_dwell(self, disturbance):
        state, _ = feed(stand_at(Level.EMERGENCY), [(1.0, 0.5), (4.0, 0.5)])
        state, _ = observe(state, 5.0, **disturbance)
        state, transitions = feed(state, [(6.0, 0.5), (10.9, 0.5)])
        assert transitions == []
        assert observe(state, 11.0)[1].to_level is Level.RECOVERY

    def test_silence_restarts_the_dwell(self):
        state, transitions = feed(stand_at(Level.EMERGENCY), [(1.0, 0.5), (62.0, 0.5)])
        assert transitions == []
        assert state.calm_since_s == 62.0

    @pytest.mark.parametrize(("ha", "expected"), [(2.799, Level.RECOVERY), (2.8, Level.FAILURE), (6.0, Level.FAILURE)])
    def test_maximum_duration(self, ha, expected):
        busy = [(float(t), ha) for t in range(10, 300, 10)]
        state, transitions = feed(stand_at(Level.EMERGENCY), busy)
        assert transitions == []
        state, transition = observe(state, 300.0, ha)
        assert (transition.to_level, transition.cause) == (expected, Cause.MAX_DURATION)

    def test_maximum_duration_without_valid_data_is_a_failure(self):
        for unknown in ({"ha": NAN}, {"is_valid": False}):
            _, transition = observe(stand_at(Level.EMERGENCY), 300.0, **unknown)
            assert transition.to_level is Level.FAILURE

    def test_maximum_duration_is_a_setting(self):
        limits = GuardLimits(emergency_max_s=30.0)
        assert observe(stand_at(Level.EMERGENCY), 29.0, 2.0, limits=limits)[1] is None
        assert observe(stand_at(Level.EMERGENCY), 30.0, 2.0, limits=limits)[1].to_level is Level.RECOVERY

    @pytest.mark.parametrize(("ha", "integrity"), [(7.1, 0.9), (0.5, 0.2)])
    def test_can_become_a_failure(self, ha, integrity):
        assert observe(stand_at(Level.EMERGENCY), 1.0, ha, integrity)[1].to_level is Level.FAILURE


class TestRecovery:
    def test_thirty_calm_seconds_end_it(self):
        calm = [(float(t), 0.9) for t in range(30)]
        state, transitions = feed(stand_at(Level.RECOVERY, -1.0), calm)
        assert transitions == []
        _, transition = observe(state, 30.0)
        assert (transition.to_level, transition.cause) == (Level.NORMAL, Cause.CALM)

    def test_the_calm_of_the_emergency_does_not_count(self):
        state = stand_at(Level.EMERGENCY)
        state, transitions = feed(state, [(float(t), 0.5) for t in range(1, 36)])
        assert [t.to_level for t in transitions] == [Level.RECOVERY]
        assert state.calm_since_s == transitions[0].at_s == 6.0
        assert observe(state, 36.0)[1].to_level is Level.NORMAL

    @pytest.mark.parametrize("disturbance", [{"ha": 1.0}, {"ha": 3.0}, {"integrity": 0.6}, {"ha": NAN}])
    def test_a_disturbance_restarts_it(self, disturbance):
        state, _ = feed(stand_at(Level.RECOVERY, -1.0), [(0.0, 0.5), (20.0, 0.5)])
        state, transition = observe(state, 21.0, **disturbance)
        assert (transition, state.level) == (None, Level.RECOVERY)
        state, transitions = feed(state, [(22.0, 0.5), (51.9, 0.5)])
        assert transitions == []
        assert observe(state, 52.0)[1].to_level is Level.NORMAL

    def test_can_fall_back(self):
        transition = observe(stand_at(Level.RECOVERY), 1.0, 4.5)[1]
        assert transition.to_level is Level.EMERGENCY
        assert transition.is_emergency_stop
        assert observe(stand_at(Level.RECOVERY), 1.0, 7.5)[1].to_level is Level.FAILURE


class TestFailure:
    def test_only_an_operator_ends_it(self):
        state, transitions = feed(stand_at(Level.FAILURE), [(float(t), 0.1) for t in range(1, 1000, 10)])
        assert (state.level, transitions) == (Level.FAILURE, [])
        state, transition = release_emergency(state, at_s=1001.0, **BY_OPERATOR)
        assert (state.level, transition.from_level) == (Level.RECOVERY, Level.FAILURE)


class TestInvalid:
    @pytest.mark.parametrize("level", [Level.NORMAL, Level.WARNING, Level.CRITICAL, Level.RECOVERY])
    def test_three_in_a_row_are_an_emergency(self, level):
        state, transitions = feed(stand_at(level), [(1.0, NAN), (2.0, NAN)])
        assert (state.level, transitions) == (level, [])
        state, transition = observe(state, 3.0, -1.0)
        assert (transition.to_level, transition.cause) == (Level.EMERGENCY, Cause.INVALID)
        assert transition.is_emergency_stop

    def test_a_valid_one_between_ends_the_row(self):
        state, transitions = feed(GuardState(), [(0, NAN), (1, NAN), (2, 0.5), (3, NAN), (4, NAN)])
        assert (state.level, state.invalid_streak, transitions) == (Level.NORMAL, 2, [])

    def test_emergency_and_failure_stay(self):
        for level in (Level.EMERGENCY, Level.FAILURE):
            assert feed(stand_at(level), [(float(t), NAN) for t in range(1, 9)])[1] == []

    def test_late_observations_are_counted_and_left_out(self):
        state, _ = feed(GuardState(), [(5.0, 0.5)])
        assert feed(state, [(5.0, 9.0), (4.0, NAN)]) == (replace(state, late_count=2), [])

    def test_the_time_must_be_finite(self):
        with pytest.raises(ValueError, match="at_s"):
            observe(GuardState(), NAN)


class TestOperator:
    @pytest.mark.parametrize("level", [Level.NORMAL, Level.WARNING, Level.CRITICAL, Level.RECOVERY])
    def test_stops_a_run(self, level):
        state, transition = force_emergency(stand_at(level), at_s=7.0, **BY_OPERATOR)
        assert (state.level, state.since_s, state.is_manual) == (Level.EMERGENCY, 7.0, True)
        assert (transition.cause, transition.actor, transition.reason) == (
            Cause.OPERATOR,
            "ada",
            "seen on the wall",
        )
        assert transition.is_emergency_stop

    def test_a_manual_stop_ends_by_hand_only(self):
        state, _ = force_emergency(GuardState(), at_s=0.0, **BY_OPERATOR)
        state, transitions = feed(state, [(float(t), 0.1) for t in range(1, 1000, 10)])
        assert transitions == []
        state, _ = release_emergency(state, at_s=1001.0, **BY_OPERATOR)
        assert (state.level, state.is_manual, state.calm_since_s) == (Level.RECOVERY, False, None)

    def test_an_emergency_becomes_a_manual_one(self):
        state, transition = force_emergency(stand_at(Level.EMERGENCY), at_s=1.0, **BY_OPERATOR)
        assert state.is_manual
        assert not transition.is_emergency_stop

    def test_a_failure_is_stopped_already(self):
        with pytest.raises(OperatorActionError, match="stopped already"):
            force_emergency(stand_at(Level.FAILURE), at_s=1.0, **BY_OPERATOR)

    @pytest.mark.parametrize("level", [Level.NORMAL, Level.WARNING, Level.CRITICAL, Level.RECOVERY])
    def test_nothing_to_release(self, level):
        with pytest.raises(OperatorActionError, match=f"nothing to release.*{level}"):
            release_emergency(stand_at(level), at_s=1.0, **BY_OPERATOR)

    @pytest.mark.parametrize("action", [force_emergency, release_emergency])
    @pytest.mark.parametrize("missing", ["actor", "reason"])
    def test_actor_and_reason_are_needed(self, action, missing):
        with pytest.raises(ValueError, match=missing):
            action(stand_at(Level.EMERGENCY), at_s=1.0, **BY_OPERATOR | {missing: " "})
        with pytest.raises(ValueError, match="at_s"):
            action(stand_at(Level.EMERGENCY), at_s=NAN, **BY_OPERATOR)


class TestLimits:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"ha_warning": 2.0}, "ha_warning"),
            ({"ha_failure": 11.0}, "ha_failure"),
            ({"integrity_critical": 0.7}, "integrity"),
            ({"integrity_warning": 1.0}, "integrity"),
            ({"warning_exit": 1.1}, "warning_exit"),
            ({"calm_s": 0.0}, "calm_s"),
            ({"emergency_max_s": math.inf}, "emergency_max_s"),
            ({"rho_limit": NAN}, "rho_limit"),
        ],
    )
    def test_the_bad_field_is_named(self, changes, field):
        with pytest.raises(ValueError, match=field):
            GuardLimits(**changes)


ALLOWED = {
    (Level.NORMAL, Level.WARNING),
    (Level.NORMAL, Level.CRITICAL),
    (Level.WARNING, Level.NORMAL),
    (Level.WARNING, Level.CRITICAL),
    (Level.CRITICAL, Level.WARNING),
    (Level.CRITICAL, Level.NORMAL),
    (Level.EMERGENCY, Level.RECOVERY),
    (Level.RECOVERY, Level.NORMAL),
    *((level, Level.EMERGENCY) for level in Level if level not in (Level.EMERGENCY, Level.FAILURE)),
    *((level, Level.FAILURE) for level in Level if level is not Level.FAILURE),
}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 1.0, 6.0, 31.0, 400.0]),
            st.sampled_from([0.1, 0.9, 1.5, 2.5, 4.5, 4.5, 8.0, NAN]),
            st.sampled_from([0.95, 0.95, 0.95, 0.6, 0.4, 0.1]),
        ),
        max_size=40,
    )
)
@settings(max_examples=200, deadline=None)
def test_no_sequence_of_observations_takes_another_way(observations):
    limits = GuardLimits(max_gap_s=100.0)
    state, at_s = GuardState(), 0.0
    for step_s, ha, integrity in observations:
        at_s += step_s
        before = GuardState.from_dict(json.loads(json.dumps(state.to_dict(), allow_nan=False)))
        assert before == state
        state, transition = observe(before, at_s, ha, integrity, limits=limits)
        if transition is None:
            assert state.level is before.level
        else:
            assert (transition.from_level, transition.to_level) == (before.level, state.level)
            assert (before.level, state.level) in ALLOWED


def test_a_stored_state_of_another_version_is_refused():
    with pytest.raises(ValueError, match="is_manual"):
        GuardState.from_dict({"level": "normal"})
    with pytest.raises(ValueError, match="calm"):
        GuardState.from_dict(GuardState().to_dict() | {"level": "calm"})
