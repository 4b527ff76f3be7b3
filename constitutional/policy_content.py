"""The content of a policy: what is measured, when that is a breach, how severe it is, what follows.

`policy_schema.json` (JSON Schema 2020-12) says the form; this module adds what a schema cannot say, and turns
a valid document into a `Policy`.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Aggregate = Literal["last", "mean", "max", "min", "p95"]
Action = Literal["log", "alert", "block", "desync", "sync", "stop"]
Problem = tuple[str, str]
"""A JSON pointer (RFC 6901) into the document, and what is wrong there."""

MAX_DEPTH = 8
MAX_VALUES = 1000
MAX_INTEGER_BITS = 1024

METRIC_RANGES = {"ha": (0.0, 10.0), "r": (0.0, 1.0), "coherence": (0.0, 1.0), "integrity": (0.0, 1.0)}
"""Metrics with a closed range: a bound outside it would never be breached, or always."""

POLICY_SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("policy_schema.json").read_text("utf-8"))
_AGGREGATE_NAMES = {
    "last": "value",
    "mean": "mean",
    "max": "maximum",
    "min": "minimum",
    "p95": "95th percentile",
}
_validator = Draft202012Validator(POLICY_SCHEMA)


class PolicyContentError(ValueError):
    """The policy content is not valid."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"{path or '(document)'}: {message}" for path, message in self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A valid policy, its defaults filled in.

    Attributes:
        window_s: length of the window that is aggregated; 0 with `last`.
        low, high: breached below low or above high, both exclusive; a bound that is not set is infinite.
        clear_low, clear_high: calm again within these, both inclusive, and inside [low, high].
        dwell_s: how long the breach has to last before it counts.
        severity_scale: "ha", or the distance beyond the bound at which severity is 1; None with breakpoints.
        breakpoints: (x, severity), x increasing; linear between, constant outside.
    """

    metric: str
    aggregate: Aggregate
    window_s: float
    low: float
    high: float
    clear_low: float
    clear_high: float
    dwell_s: float
    action: Action
    enforcement: float
    severity_scale: float | Literal["ha"] | None
    breakpoints: tuple[tuple[float, float], ...]
    rationale: str
    source: str


def validate_policy_content(content: object) -> Policy:
    """Return the policy a JSON value describes.

    Raises PolicyContentError with every problem of the document; a value too deep, too large or not JSON is
    refused for that alone.
    """
    problems = list(_find_bad_values(content))
    problems += [problem for error in _validator.iter_errors(content) for problem in _explain(error)]
    if isinstance(content, dict):
        problems += _find_contradictions(content, {path for path, _ in problems})
        if not problems:
            return _build_policy(content)
    raise PolicyContentError(sorted(set(problems)))


def describe(policy: Policy) -> str:
    """Say the policy in one sentence."""
    what = _AGGREGATE_NAMES[policy.aggregate] + (f" over {policy.window_s:.12g} s" if policy.window_s else "")
    if policy.low == -math.inf:
        breach, calm = f"above {policy.high:.12g}", f"at or below {policy.clear_high:.12g}"
    elif policy.high == math.inf:
        breach, calm = f"below {policy.low:.12g}", f"at or above {policy.clear_low:.12g}"
    else:
        breach = f"outside {policy.low:.12g} to {policy.high:.12g}"
        calm = f"within {policy.clear_low:.12g} to {policy.clear_high:.12g}"
    dwell = f" for {policy.dwell_s:.12g} s" if policy.dwell_s else ""
    return f"{policy.metric}: {what} {breach}{dwell} -> {policy.action}; clears {calm}"


def _find_bad_values(content: object) -> Iterator[Problem]:
    """Yield what neither JSON nor PostgreSQL can hold; raise for what is not safe to look at any further."""
    pending: list[tuple[tuple[object, ...], object]] = [((), content)]
    seen = 0
    while pending:
        path, value = pending.pop()
        seen += 1
        if len(path) > MAX_DEPTH or seen > MAX_VALUES:
            raise PolicyContentError([("", f"deeper than {MAX_DEPTH} levels or more than {MAX_VALUES} values")])
        if isinstance(value, dict):
            if not all(isinstance(key, str) for key in value):
                raise PolicyContentError([(_point(path), "must have names that are strings")])
            pending += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [((*path, index), item) for index, item in enumerate(value)]
        elif isinstance(value, str):
            if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
                yield _point(path), "must hold no NUL and no lone surrogate"
        elif isinstance(value, float):
            if not math.isfinite(value):
                yield _point(path), "must be a finite number"
        elif isinstance(value, int):
            # A longer integer cannot even be printed (4,300 digits).
            if value.bit_length() > MAX_INTEGER_BITS:
                raise PolicyContentError([(_point(path), "must be a number within 1e100 of zero")])
        elif value is not None:
            raise PolicyContentError([(_point(path), "must be a JSON value")])


def _explain(error: ValidationError) -> Iterator[Problem]:
    """Put a schema violation into the words of the schema's descriptions."""
    path = tuple(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield _point((*path, name)), "is required"
    elif error.validator == "additionalProperties":
        for name in error.instance:
            if name not in error.schema["properties"]:
                yield _point((*path, name)), "is not a known property"
    else:
        yield _point(path), f"must be {error.schema['description']}"


def _find_contradictions(content: dict[str, Any], bad_paths: set[str]) -> Iterator[Problem]:
    """Yield what is wrong between the parts, looking only at parts that are well-formed themselves."""
    metric, op = content.get("metric"), content.get("op")
    threshold, clear = _read_number(content.get("threshold")), _read_number(content.get("clear_threshold"))
    if threshold is not None and clear is not None:
        if op == "gt" and clear > threshold:
            yield "/clear_threshold", "must not be above threshold"
        if op == "lt" and clear < threshold:
            yield "/clear_threshold", "must not be below threshold"

    bounds, clears = _read_pair(content.get("thresholds")), _read_pair(content.get("clear_thresholds"))
    for name, pair in (("thresholds", bounds), ("clear_thresholds", clears)):
        if pair and not pair[0] < pair[1]:
            yield f"/{name}", "must be low < high"
    if bounds and clears and not bounds[0] <= clears[0] <= clears[1] <= bounds[1]:
        yield "/clear_thresholds", "must lie within thresholds"

    low, high = METRIC_RANGES.get(str(metric), (-math.inf, math.inf))
    stated = [("/threshold", threshold)]
    stated += [(f"/thresholds/{i}", bound) for i, bound in enumerate(bounds or ())]
    for path, bound in stated:
        if bound is not None and not low <= bound <= high:
            yield path, f"must be within {low:g} to {high:g}, the range of {metric}"

    severity = content.get("severity")
    if isinstance(severity, dict):
        is_ha = (metric, op) == ("ha", "gt") or not bad_paths.isdisjoint({"/metric", "/op"})
        if severity.get("scale") == "ha" and not is_ha:
            yield "/severity/scale", "must be a number unless metric is ha and op is gt"
        yield from _find_bad_breakpoints(severity.get("breakpoints"), op)


def _find_bad_breakpoints(breakpoints: object, op: object) -> Iterator[Problem]:
    if breakpoints is None:
        return
    if op == "outside":
        yield "/severity/breakpoints", "must be a scale when op is outside"
    pairs = [_read_pair(item) for item in breakpoints] if isinstance(breakpoints, list) else []
    worse = -1.0 if op == "lt" else 1.0
    for i, (left, right) in enumerate(pairwise(pairs), start=1):
        if left and right:
            if right[0] <= left[0]:
                yield f"/severity/breakpoints/{i}/0", "must be above the x before it"
            if worse * (right[1] - left[1]) < 0:
                yield f"/severity/breakpoints/{i}/1", "must not fall in the direction of the breach"


def _build_policy(content: dict[str, Any]) -> Policy:
    op, severity = content["op"], content["severity"]
    low, high = -math.inf, math.inf
    if op == "outside":
        low, high = content["thresholds"]
    elif op == "gt":
        high = content["threshold"]
    else:
        low = content["threshold"]
    clear_low, clear_high = content.get("clear_thresholds", (low, high))
    if "clear_threshold" in content:
        clear_low, clear_high = (low, content["clear_threshold"]) if op == "gt" else (content["clear_threshold"], high)
    scale = severity.get("scale")
    return Policy(
        metric=content["metric"],
        aggregate=content["aggregate"],
        window_s=float(content.get("window_s", 0)),
        low=float(low),
        high=float(high),
        clear_low=float(clear_low),
        clear_high=float(clear_high),
        dwell_s=float(content.get("dwell_s", 0)),
        action=content["action"],
        enforcement=float(content["enforcement"]),
        severity_scale=float(scale) if isinstance(scale, int) else scale,
        breakpoints=tuple((float(x), float(s)) for x, s in severity.get("breakpoints", ())),
        rationale=content["rationale"],
        source=content.get("source", ""),
    )


def _read_number(value: object) -> float | None:
    """Return a finite number, or None when the schema refuses the value anyway."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= 1e100 else None


def _read_pair(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    first, second = _read_number(value[0]), _read_number(value[1])
    return None if first is None or second is None else (first, second)


def _point(path: Sequence[object]) -> str:
    """Return the JSON pointer of a path, in characters that print."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    pointer = "".join(f"/{part}" for part in escaped)
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in pointer)
