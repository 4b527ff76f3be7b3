"""Benchmarks say what they measured, and by what they missed a goal."""

from __future__ import annotations

import pytest

from tests.bench.harness import Case, compare, describe, describe_machine


def test_sides_take_turns_and_the_medians_are_compared() -> None:
    order: list[str] = []
    figures = iter([10.0, 100.0, 1.0, 20.0, 30.0, 10.0])

    def measure(side: str) -> float:
        order.append(side)
        return next(figures)

    case = Case("x", "rows/s", lambda: measure("ours"), lambda: measure("yardstick"), at_least=0.5)
    outcome = compare(case, 3)
    assert order == ["ours", "yardstick", "yardstick", "ours", "ours", "yardstick"]
    assert (outcome["runs"], outcome["yardstick_runs"]) == ([10.0, 20.0, 30.0], [100.0, 1.0, 10.0])
    assert (outcome["ours"], outcome["yardstick"], outcome["ratio"], outcome["met"]) == (20.0, 10.0, 2.0, True)


@pytest.mark.parametrize(
    ("case", "met", "words"),
    [
        (Case("a", "ms", lambda: 3.0, lambda: 2.0, at_most=1.2), False, "ratio 1.50  (goal at most 1.2: MISSED)"),
        (Case("a", "ms", lambda: 2.0, lambda: 2.0, at_most=1.2), True, "(goal at most 1.2: met)"),
        (Case("a", "rows/s", lambda: 5e5, at_least=200_000), True, "500,000.0 rows/s  (goal at least 200,000: met)"),
        (Case("a", "rows/s", lambda: 5.0), True, "5.0 rows/s"),
    ],
)
def test_goals(case: Case, met: bool, words: str) -> None:
    outcome = compare(case, 1)
    assert outcome["met"] is met
    assert describe(outcome).endswith(words)


def test_the_machine_is_described() -> None:
    assert describe_machine()["cores"] > 0
