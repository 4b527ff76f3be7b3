"""Bad input in the arguments of commands: a usage error that names the argument, never a stack trace."""

from __future__ import annotations

from argparse import Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from core.management.base import NfcsCommand
from tests.poison import NUL

SURROGATE = "\udcff"
"""As Python reads an argument that is not UTF-8."""
TEXTS = (NUL, f"a{NUL}b", SURROGATE)
NUMBERS = ("", "x", NUL, "\u0661", "1,5", "NaN", "1e999", "-inf", SURROGATE)
BY_TYPE: dict[Any, tuple[str, ...]] = {
    None: TEXTS,
    str: TEXTS,
    Path: TEXTS,
    int: (*NUMBERS, "1.5", str(2**63), str(-(2**63)), "9" * 5000),
    float: NUMBERS,
}
TIMES = (NUL, "x", "0000-01-01", "2026-02-30", "2026-06-30T23:59:60Z", "10000-01-01", SURROGATE)
OWN = sorted(name for name in get_commands() if isinstance(load_command_class(get_commands()[name], name), NfcsCommand))


def walk(parser: ArgumentParser, verbs: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], ArgumentParser]]:
    """The parser of a command or of each of its verbs."""
    below = [action for action in parser._actions if isinstance(action, _SubParsersAction)]
    if not below:
        yield verbs, parser
    for action in below:
        for name, inner in action.choices.items():
            yield from walk(inner, (*verbs, name))


def is_djangos(action: Action) -> bool:
    return action.dest in ("settings", "pythonpath", "verbosity", "version")


def list_poison(action: Action) -> tuple[str, ...]:
    """What the argument may not hold, by what reads it."""
    if action.choices is not None:
        return ("nothing of the kind", *TEXTS)
    if action.type in BY_TYPE:
        return BY_TYPE[action.type]
    if getattr(action.type, "__name__", "") == "text":
        return (*TEXTS, "", "x" * 10_000)
    return TIMES if "time" in getattr(action.type, "__name__", "") else NUMBERS


def fill(parser: ArgumentParser, wrong: Action, text: str) -> list[str]:
    """A command line with `text` in one argument, and `1` in whatever else has to be there."""
    line = []
    for action in parser._actions:
        is_needed = action.required and action.nargs != 0
        if action is not wrong and not is_needed:
            continue
        count = action.nargs if isinstance(action.nargs, int) else 1
        values = [text if action is wrong else next(iter(action.choices or ["1"]))] * count
        if action.option_strings:
            line += [f"{action.option_strings[-1]}={values[0]}"] if count == 1 else [action.option_strings[-1], *values]
        else:
            line += values
    return line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["simulate", "--oscillators", "0"], "--oscillators"),
        (["simulate", "--resolution", str(2**40)], "--resolution"),
        (["simulate", "--seconds", str(2**62)], "--seconds"),
        (["simulate", "--length=-1"], "--length"),
        (["simulate", "--sigma", "1e300"], "--sigma"),
        (["import_signal", "x.csv", "--rate", "1", "--band", "1", "nan"], "--band"),
        (["up", "--port", "70000"], "--port"),
        (["audit", "verify", "--processes", str(2**31)], "--processes"),
        (["maintenance", "reindex", "--min-bloat=-1"], "--min-bloat"),
        (["vectors", "recall", "--at-least", "1.5"], "--at-least"),
        (["schema", "verify", "--database", "nowhere"], "--database"),
    ],
)
def test_numbers_out_of_range_are_usage_errors(line: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        load_command_class(get_commands()[line[0]], line[0]).run_from_argv(["manage.py", *line])
    assert stop.value.code == 2
    assert f"argument {words}:" in capsys.readouterr().err


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (
            ["import_signal", "{file}", "--rate=100", "--band", "1", "4", "--start=9999-12-31T23:59:59-14:00"],
            2,
            "--start",
        ),
        (["up", "--port=1", f"--bind={'é' * 100}"], 2, "--bind"),
        (["audit", "export", "{directory}"], 1, "no checkpoint"),
    ],
)
def test_what_a_parser_cannot_see_is_said_in_words(
    line: list[str], code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.csv"
    file.write_text("a,b\n" + "0,1\n" * 400)
    line = [part.format(file=file, directory=tmp_path / "export") for part in line]
    with pytest.raises(SystemExit) as stop:
        load_command_class(get_commands()[line[0]], line[0]).run_from_argv(["manage.py", *line])
    assert stop.value.code == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("name", OWN)
def test_arguments_refuse_poison_by_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = load_command_class(get_commands()[name], name)
    # As on a command line; only the parser runs, so that an argument that is taken by mistake starts nothing.
    command._called_from_command_line = True
    parser = command.create_parser("manage.py", name)
    for verbs, inner in walk(parser):
        for action in inner._actions:
            if action.nargs == 0 or is_djangos(action):
                continue
            label = action.option_strings[-1] if action.option_strings else str(action.metavar or action.dest)
            for text in list_poison(action):
                line = [*verbs, *fill(inner, action, text)]
                with pytest.raises(SystemExit) as stop:
                    pytest.fail(f"{line} became {parser.parse_args(line)}")
                said = capsys.readouterr().err
                assert stop.value.code == 2
                assert label in said.splitlines()[-1], said
