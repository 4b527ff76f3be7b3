"""Policy content: what is valid, every problem at once, and no JSON value that makes it crash."""

import json
import math
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from constitutional.policy_content import (
    MAX_DEPTH,
    MAX_VALUES,
    POLICY_SCHEMA,
    Policy,
    PolicyContentError,
    describe,
    validate_policy_content,
)

HA_POLICY = {
    "schema": 1,
    "metric": "ha",
    "aggregate": "max",
    "window_s": 10,
    "op": "gt",
    "threshold": 1.897,
    "clear_threshold": 1.5,
    "dwell_s": 5,
    "action": "alert",
    "enforcement": 0.8,
    "severity": {"scale": "ha"},
    "rationale": "Confabulation grows from here.",
    "source": "NFCS v2.4.3, Algorithm 1",
}


def change(base=HA_POLICY, /, without=(), **changes):
    return {key: value for key, value in (base | changes).items() if key not in without}


R_POLICY = change(
    without=("window_s", "clear_threshold", "dwell_s", "source"),
    metric="r",
    aggregate="last",
    op="lt",
    threshold=0.3,
    severity={"scale": 0.3},
)
BAND_POLICY = change(
    without=("threshold", "clear_threshold"),
    metric="metric:loop_latency_ms",
    aggregate="p95",
    op="outside",
    thresholds=[1, 5],
    severity={"scale": 2.5},
)


def find_problems(content):
    with pytest.raises(PolicyContentError) as caught:
        validate_policy_content(content)
    return caught.value.problems


class TestValid:
    def test_every_field_is_read(self):
        assert validate_policy_content(HA_POLICY) == Policy(
            metric="ha",
            aggregate="max",
            window_s=10.0,
            low=-math.inf,
            high=1.897,
            clear_low=-math.inf,
            clear_high=1.5,
            dwell_s=5.0,
            action="alert",
            enforcement=0.8,
            severity_scale="ha",
            breakpoints=(),
            rationale="Confabulation grows from here.",
            source="NFCS v2.4.3, Algorithm 1",
        )

    def test_defaults(self):
        policy = validate_policy_content(R_POLICY)
        assert (policy.low, policy.high, policy.clear_low, policy.clear_high) == (
            0.3,
            math.inf,
            0.3,
            math.inf,
        )
        assert (policy.window_s, policy.dwell_s, policy.source) == (0.0, 0.0, "")

    def test_clear_threshold_of_lt_bounds_from_below(self):
        policy = validate_policy_content(change(R_POLICY, clear_threshold=0.4))
        assert (policy.clear_low, policy.clear_high) == (0.4, math.inf)

    def test_outside_has_two_bounds(self):
        policy = validate_policy_content(change(BAND_POLICY, clear_thresholds=[1.5, 4]))
        assert (policy.low, policy.high, policy.clear_low, policy.clear_high) == (1.0, 5.0, 1.5, 4.0)
        policy = validate_policy_content(BAND_POLICY)
        assert (policy.clear_low, policy.clear_high) == (1.0, 5.0)

    def test_breakpoints(self):
        severity = {"breakpoints": [[1, 0], [2, 0.5], [7, 0.5]]}
        policy = validate_policy_content(change(severity=severity))
        assert policy.breakpoints == ((1.0, 0.0), (2.0, 0.5), (7.0, 0.5))
        assert policy.severity_scale is None
        falling = {"breakpoints": [[0, 1], [0.3, 0.25]]}
        assert validate_policy_content(change(R_POLICY, severity=falling)).breakpoints[0] == (0.0, 1.0)

    @pytest.mark.parametrize(
        "metric",
        [
            "r",
            "defect_density",
            "coherence",
            "energy",
            "control_max",
            "integrity",
            "metric:a",
            "metric:esc/p95.ms",
        ],
    )
    def test_metrics(self, metric):
        content = change(metric=metric, threshold=0.5, clear_threshold=0.25, severity={"scale": 1})
        assert validate_policy_content(content).metric == metric

    def test_a_policy_cannot_be_changed(self):
        with pytest.raises(FrozenInstanceError):
            validate_policy_content(HA_POLICY).high = 9.0


class TestProblems:
    @pytest.mark.parametrize(
        ("content", "path", "message"),
        [
            (change(schema=2), "/schema", "must be 1, the version"),
            (change(schema=True), "/schema", "must be 1, the version"),
            (change(metric="Ha"), "/metric", "must be ha, r, defect"),
            (change(metric="ha\n"), "/metric", "must be ha, r, defect"),
            (change(metric="metric:"), "/metric", "must be ha, r, defect"),
            (change(metric="metric:" + "x" * 201), "/metric", "must be ha, r, defect"),
            (change(metric="metric:a b"), "/metric", "must be ha, r, defect"),
            (change(aggregate="median"), "/aggregate", "must be one of last"),
            (change(window_s=-1), "/window_s", "must be a number of seconds"),
            (change(window_s=86401), "/window_s", "must be a number of seconds"),
            (change(window_s="10"), "/window_s", "must be a number of seconds"),
            (change(window_s=True), "/window_s", "must be a number of seconds"),
            (change(window_s=0), "/window_s", "must be at least 0.01"),
            (change(without=["window_s"]), "/window_s", "is required"),
            (change(aggregate="last"), "/window_s", "must be 0 or absent"),
            (change(op="ge"), "/op", "must be one of gt"),
            (change(without=["threshold"]), "/threshold", "is required"),
            (change(threshold=None), "/threshold", "must be a number within"),
            (
                change(threshold=1e101, metric="energy", severity={"scale": 1}),
                "/threshold",
                "must be a number within",
            ),
            (
                change(threshold=10**101, metric="energy", severity={"scale": 1}),
                "/threshold",
                "must be a number within",
            ),
            (change(threshold=2**1024 - 1), "/threshold", "must be a number within"),
            (change(threshold=11), "/threshold", "must be within 0 to 10, the range of ha"),
            (change(thresholds=[1, 2]), "/thresholds", "must be absent when op is gt or lt"),
            (change(clear_thresholds=[1, 2]), "/clear_thresholds", "must be absent when op is gt or lt"),
            (change(clear_threshold=1.898), "/clear_threshold", "must not be above threshold"),
            (change(R_POLICY, clear_threshold=0.2), "/clear_threshold", "must not be below threshold"),
            (change(dwell_s=-0.1), "/dwell_s", "must be a number of seconds"),
            (change(action="page"), "/action", "must be one of log"),
            (change(enforcement=1.1), "/enforcement", "must be a number from 0"),
            (change(without=["enforcement"]), "/enforcement", "is required"),
            (change(severity={}), "/severity", "must be an object with either"),
            (change(severity="ha"), "/severity", "must be an object with either"),
            (
                change(severity={"scale": 1, "breakpoints": [[0, 0], [1, 1]]}),
                "/severity",
                "must be an object with",
            ),
            (change(severity={"level": 1}), "/severity/level", "is not a known property"),
            (change(severity={"scale": 0}), "/severity/scale", 'must be "ha", or the positive'),
            (change(severity={"scale": True}), "/severity/scale", 'must be "ha", or the positive'),
            (change(op="lt", clear_threshold=2), "/severity/scale", "must be a number unless"),
            (change(metric="energy"), "/severity/scale", "must be a number unless"),
            (change(severity={"breakpoints": [[0, 0]]}), "/severity/breakpoints", "must be 2 to 32 pairs"),
            (
                change(severity={"breakpoints": [[0, 0], [1]]}),
                "/severity/breakpoints/1",
                "must be a pair [x, s]",
            ),
            (
                change(severity={"breakpoints": [[0, 0], [1, 2]]}),
                "/severity/breakpoints/1/1",
                "must be a severity",
            ),
            (
                change(severity={"breakpoints": [[0, 0], ["1", 1]]}),
                "/severity/breakpoints/1/0",
                "must be a number",
            ),
            (
                change(severity={"breakpoints": [[0, 0], [0, 1]]}),
                "/severity/breakpoints/1/0",
                "must be above",
            ),
            (
                change(severity={"breakpoints": [[0, 1], [1, 0]]}),
                "/severity/breakpoints/1/1",
                "must not fall",
            ),
            (
                change(R_POLICY, severity={"breakpoints": [[0, 0], [0.3, 1]]}),
                "/severity/breakpoints/1/1",
                "must not fall",
            ),
            (
                change(BAND_POLICY, severity={"breakpoints": [[0, 0], [1, 1]]}),
                "/severity/breakpoints",
                "must be a scale when op is outside",
            ),
            (change(BAND_POLICY, thresholds=[5, 5]), "/thresholds", "must be low < high"),
            (change(BAND_POLICY, thresholds=[1]), "/thresholds", "must be a pair"),
            (change(BAND_POLICY, clear_thresholds=[4, 2]), "/clear_thresholds", "must be low < high"),
            (change(BAND_POLICY, clear_thresholds=[0, 4]), "/clear_thresholds", "must lie within"),
            (change(BAND_POLICY, clear_thresholds=[2, 6]), "/clear_thresholds", "must lie within"),
            (change(BAND_POLICY, threshold=3), "/threshold", "must be absent when op is outside"),
            (change(BAND_POLICY, clear_threshold=3), "/clear_threshold", "must be absent when op is outside"),
            (change(BAND_POLICY, without=["thresholds"]), "/thresholds", "is required"),
            (change(BAND_POLICY, metric="r", thresholds=[0.1, 5]), "/thresholds/1", "must be within 0 to 1"),
            (change(rationale=" \n"), "/rationale", "must be a sentence"),
            (change(rationale="x" * 2001), "/rationale", "must be a sentence"),
            (change(rationale="a\0b"), "/rationale", "must hold no NUL"),
            (change(source="\ud800"), "/source", "must hold no NUL and no lone surrogate"),
            (change(source=""), "/source", "must be a text"),
            (change(owner="me"), "/owner", "is not a known property"),
            (change(**{"a/b~\0\ud800": 1}), "/a~1b~0\\u0000\\ud800", "is not a known property"),
        ],
    )
    def test_one_problem_is_named(self, content, path, message):
        problems = find_problems(content)
        assert [found for found, _ in problems] == [path] * len(problems)
        assert any(found.startswith(message) for _, found in problems)

    @pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("field", ["window_s", "threshold", "clear_threshold", "dwell_s", "enforcement"])
    def test_numbers_must_be_finite(self, field, number):
        assert (f"/{field}", "must be a finite number") in find_problems(change(**{field: number}))

    @pytest.mark.parametrize("content", [None, 1, "ha", [], [HA_POLICY], True, math.nan])
    def test_a_policy_is_an_object(self, content):
        assert ("", "must be an object") in find_problems(content)

    def test_every_problem_at_once(self):
        content = change(
            without=["metric"],
            aggregate="median",
            clear_threshold=3,
            dwell_s=math.nan,
            severity={"breakpoints": [[0, 0.5], [0, 0.1], [1, 7]]},
            extra=None,
        )
        assert [path for path, _ in find_problems(content)] == [
            "/aggregate",
            "/clear_threshold",
            "/dwell_s",
            "/extra",
            "/metric",
            "/severity/breakpoints/1/0",
            "/severity/breakpoints/1/1",
            "/severity/breakpoints/2/1",
        ]

    def test_the_error_reads_as_one_line(self):
        with pytest.raises(PolicyContentError, match=r"^/dwell_s: must be a number .*; /op: must be one of"):
            validate_policy_content(change(dwell_s=-1, op="eq"))

    @pytest.mark.parametrize("depth", [MAX_DEPTH, 100_000])
    def test_too_deep_is_refused_unseen(self, depth):
        deep = []
        for _ in range(depth):
            deep = [deep]
        (problem,) = find_problems(change(source=deep))
        assert problem == ("", f"deeper than {MAX_DEPTH} levels or more than {MAX_VALUES} values")

    def test_too_many_values_are_refused_unseen(self):
        (problem,) = find_problems({str(i): i for i in range(65_536)})
        assert problem[1].startswith("deeper than")

    @pytest.mark.parametrize("sign", [1, -1])
    def test_an_integer_that_cannot_be_printed(self, sign):
        problems = find_problems(change(threshold=sign * 10**5000))
        assert problems == [("/threshold", "must be a number within 1e100 of zero")]

    @pytest.mark.parametrize("value", [{1, 2}, b"x", object(), (1, 2)])
    def test_python_values_that_are_not_json(self, value):
        assert find_problems(change(source=value)) == [("/source", "must be a JSON value")]
        assert find_problems({1: "x"}) == [("", "must have names that are strings")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def assert_answered(content):
    """Assert that content is either a policy of finite numbers or refused with problems that can be sent."""
    problems, policy = [], None
    try:
        policy = validate_policy_content(content)
    except PolicyContentError as error:
        problems = error.problems
    assert json.dumps(problems, ensure_ascii=False).encode()
    if policy:
        assert policy.low <= policy.clear_low <= policy.clear_high <= policy.high
        assert describe(policy)
        assert json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    else:
        assert problems


@given(json_values)
@settings(max_examples=150, deadline=None)
def test_any_json_value_is_answered(content):
    assert_answered(content)


@given(
    st.sampled_from([HA_POLICY, R_POLICY, BAND_POLICY]),
    st.dictionaries(
        st.sampled_from([*HA_POLICY, "thresholds", "clear_thresholds"]),
        json_values
        | st.sampled_from(["ha", "last", "gt", "lt", "outside", 0, 0.5, 1, [0, 1], [0.25, 0.5]])
        | st.fixed_dictionaries({"breakpoints": json_values})
        | st.fixed_dictionaries({"breakpoints": st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=2))})
        | st.fixed_dictionaries({"scale": json_values}),
        max_size=4,
    ),
)
@settings(max_examples=400, deadline=None)
def test_any_change_of_a_policy_is_answered(base, changes):
    assert_answered(base | changes)


class TestDescribe:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (HA_POLICY, "ha: maximum over 10 s above 1.897 for 5 s -> alert; clears at or below 1.5"),
            (R_POLICY, "r: value below 0.3 -> alert; clears at or above 0.3"),
            (
                change(BAND_POLICY, clear_thresholds=[1.5, 4]),
                "metric:loop_latency_ms: 95th percentile over 10 s outside 1 to 5 for 5 s -> alert;"
                " clears within 1.5 to 4",
            ),
        ],
    )
    def test_one_sentence(self, content, sentence):
        assert describe(validate_policy_content(content)) == sentence


class TestSchema:
    def test_the_schema_is_valid(self):
        Draft202012Validator.check_schema(POLICY_SCHEMA)
        assert POLICY_SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    def test_a_valid_policy_needs_nothing_but_the_schema(self):
        for content in (HA_POLICY, R_POLICY, BAND_POLICY):
            assert Draft202012Validator(POLICY_SCHEMA).is_valid(content)
