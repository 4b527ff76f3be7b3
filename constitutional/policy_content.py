"""The content of a constitutional policy: what is measured, when it is breached, how bad that is, what follows.

`policy_schema.json` (JSON Schema 2020-12) says the form; this module adds what a schema cannot say and turns a
valid document into a `Policy`.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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

POLICY_SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_name("policy_schema.json").read_text("utf-8"))
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

    Raises PolicyContentError with every problem of the document; one that is no policy at all (too deep, too large,
    not JSON) is refused for that alone.
    """
    problems = list(_find_unsafe_values(content))
    if not problems:
        problems = [problem for error in _validator.iter_errors(content) for problem in _explain(error)]
        problems += _find_contradictions(content) if isinstance(content, dict) else []
    if problems:
        raise PolicyContentError(sorted(set(problems)))
    assert isinstance(content, dict)
    return _build_policy(content)
