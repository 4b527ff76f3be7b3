"""What every command of the project does alike."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError

from core.exceptions import FieldError, InvalidInput
from core.management.base import FindingsError, NfcsCommand, UsageError, show_progress


class Single(NfcsCommand):
    """A command without verbs."""

    changes_data = True

    def run(self, *, dry_run: bool, **_: Any) -> None:
        """Say whether it was for real."""
        self.note("a remark")
        self.answer({"dry_run": dry_run}, ["would do" if dry_run else "did"])


class Group(NfcsCommand):
    """A command with verbs."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Two verbs."""
        verbs = self.add_verbs(parser)
        self.add_verb(verbs, self.look_up).add_argument("--depth", type=int, default=1)
        self.add_verb(verbs, self.change, changes_data=True)

    def look_up(self, *, depth: int, **_: Any) -> None:
        """Look it up."""
        self.answer({"depth": depth}, [f"depth {depth}"])

    def change(self, *, dry_run: bool, **_: Any) -> None:
        """Change it."""
        self.answer({"dry_run": dry_run}, ["changed"])


class Failing(NfcsCommand):
    """A command that raises what it is given."""

    error: BaseException

    def run(self, **_: Any) -> None:
        """Fail."""
        raise self.error


def test_results_go_to_stdout_and_remarks_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    Single().run_from_argv(["manage.py", "single"])
    out, err = capsys.readouterr()
    assert (out, err) == ("did\n", "a remark\n")


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    Single().run_from_argv(["manage.py", "single", "--json", "--dry-run"])
    assert json.loads(capsys.readouterr().out) == {"dry_run": True}


def test_verbs_take_the_shared_options(capsys: pytest.CaptureFixture[str]) -> None:
    Group().run_from_argv(["manage.py", "group", "look-up", "--depth", "3", "--json"])
    assert json.loads(capsys.readouterr().out) == {"depth": 3}
    Group().run_from_argv(["manage.py", "group", "change", "--json", "--dry-run"])
    assert json.loads(capsys.readouterr().out) == {"dry_run": True}


def test_verbs_can_be_called_from_code(capsys: pytest.CaptureFixture[str]) -> None:
    call_command(Group(), "look-up", depth=2)
    assert capsys.readouterr().out == "depth 2\n"


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["look-up", "--depth", "deep"], ["look-up", "--dry-run"], ["change", "--nonsense"]],
)
def test_options_that_make_no_sense_exit_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        Group().run_from_argv(["manage.py", "group", *arguments])
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (CommandError("it broke"), 1, "it broke"),
        (UsageError("not with that"), 2, "not with that"),
        (FindingsError("2 findings"), 3, "2 findings"),
        (
            InvalidInput("Not allowed.", errors=[FieldError("rate", "A positive number is needed.")]),
            1,
            "Not allowed.\nrate: A positive number is needed.",
        ),
        (OperationalError("the server is gone\n"), 1, "the server is gone"),
        (FileNotFoundError(2, "No such file", "x.csv"), 1, "x.csv"),
    ],
)
def test_errors_become_exit_codes_and_words(
    error: Exception, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Failing()
    command.error = error
    with pytest.raises(SystemExit) as stop:
        command.run_from_argv(["manage.py", "failing"])
    assert stop.value.code == code
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "Traceback" not in err


def test_an_error_of_the_program_keeps_its_trace() -> None:
    command = Failing()
    command.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        command.run_from_argv(["manage.py", "failing"])


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_progress_is_drawn_on_a_terminal_and_wiped_off() -> None:
    terminal = Terminal()
    assert list(show_progress(range(4), total=4, label="rows", stream=terminal)) == [0, 1, 2, 3]
    text = terminal.getvalue()
    assert "rows [........................]   0% 0/4" in text
    assert text.endswith("\r\x1b[K")


def test_progress_counts_where_the_total_is_unknown() -> None:
    terminal = Terminal()
    list(show_progress(iter("ab"), label="rows", stream=terminal))
    assert "rows 0" in terminal.getvalue()


def test_progress_is_silent_elsewhere() -> None:
    stream = io.StringIO()
    assert list(show_progress(range(3), total=3, stream=stream)) == [0, 1, 2]
    assert stream.getvalue() == ""


def test_progress_is_wiped_off_when_the_work_fails() -> None:
    terminal = Terminal()

    def things() -> Any:
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(show_progress(things(), total=2, stream=terminal))
    assert terminal.getvalue().endswith("\r\x1b[K")
