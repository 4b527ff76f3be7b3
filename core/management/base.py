"""What the project's commands share: options, exit codes, answers, progress."""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, TextIO, TypeVar

import psycopg
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from core.db.identity import SYSTEM, declared_actor, on_behalf_of
from core.exceptions import DomainError
from core.management.arguments import register_types

Thing = TypeVar("Thing")

EXIT_USAGE = 2
EXIT_FINDINGS = 3
BAR_WIDTH = 24
REDRAW_INTERVAL_S = 0.1


class UsageError(CommandError):
    """The options do not make sense together; exit code 2."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, returncode=EXIT_USAGE)


class FindingsError(CommandError):
    """The command did its work and found something to look at; exit code 3."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args, returncode=EXIT_FINDINGS)


class NfcsCommand(BaseCommand):
    """A command with `--json` and, where it changes data, `--dry-run`.

    Implement `run(**options)`; or add verbs, each a method (`manage.py partitions apply`). Results go to stdout,
    through `answer`; everything else to stderr. Exit codes: 0 done, 1 failed (`CommandError`), 2 usage, 3 findings.

    A command acts for the system itself, or with `--as-user NAME` for that user: it sees and writes what the user may.

    Attributes:
        changes_data: whether a command without verbs takes `--dry-run`.
    """

    changes_data: ClassVar[bool] = False
    as_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        """The shared options, for a command without verbs."""
        _add_shared_options(parser, changes_data=self.changes_data)

    def add_verbs(self, parser: CommandParser) -> Any:
        """Where verbs are added; one of them is required."""
        return parser.add_subparsers(title="verbs", dest="verb", required=True, metavar="VERB")

    def add_verb(
        self, verbs: Any, run: Callable[..., None], *, changes_data: bool = False, aliases: Sequence[str] = ()
    ) -> CommandParser:
        """A verb called like the method, with the first line of its docstring as help; returns its parser."""
        words = (inspect.getdoc(run) or "").split("\n")[0]
        parser: CommandParser = verbs.add_parser(
            run.__name__.replace("_", "-"), help=words, description=words, aliases=aliases
        )
        _add_shared_options(parser, changes_data=changes_data)
        parser.set_defaults(run=run)
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb, or `run`; errors of the domain and of the connection become messages, not stack traces."""
        self.as_json = bool(options.get("json"))
        run: Callable[..., None] = options.pop("run", self.run)
        try:
            with on_behalf_of(_find_actor(options.pop("as_user", None))):
                run(**options)
        except DomainError as error:
            details = [f"{wrong.field}: {wrong.detail}" for wrong in error.errors]
            raise CommandError("\n".join([error.detail, *details])) from error
        except (OperationalError, psycopg.OperationalError, OSError) as error:
            raise CommandError(str(error).strip()) from error

    def run(self, **options: Any) -> None:
        """Do the work of a command without verbs."""
        raise CommandError(f"{type(self).__module__} has neither verbs nor a run method")

    def answer(self, data: Any, lines: Iterable[str]) -> None:
        """Write the result to stdout: `data` as one JSON document with `--json`, else `lines`."""
        if self.as_json:
            self.stdout.write(json.dumps(data, indent=2, default=str))
            return
        for line in lines:
            self.stdout.write(line)

    def note(self, message: str) -> None:
        """Write a remark to stderr."""
        self.stderr.write(message, self.style.NOTICE)


def show_progress(
    things: Iterable[Thing], *, total: int | None = None, label: str = "", stream: TextIO | None = None
) -> Iterator[Thing]:
    """Pass `things` on, with a bar (or a count, where `total` is None) on stderr when that is a terminal."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield from things
        return
    drawn_at = float("-inf")
    count = 0
    try:
        for thing in things:
            if time.monotonic() - drawn_at >= REDRAW_INTERVAL_S:
                drawn_at = time.monotonic()
                stream.write(f"\r\x1b[K{_draw_bar(label, count, total)}")
                stream.flush()
            yield thing
            count += 1
    finally:
        stream.write("\r\x1b[K")
        stream.flush()


def _find_actor(username: str | None) -> int:
    """The user to act for; without a name whoever acts already, else the system."""
    if username is None:
        actor = declared_actor()
        return SYSTEM if actor is None else actor
    users = get_user_model()
    try:
        return int(users.objects.get_by_natural_key(username).pk)
    except users.DoesNotExist as error:
        raise UsageError(f"--as-user: there is no user {username!r}") from error


def _draw_bar(label: str, count: int, total: int | None) -> str:
    if not total:
        return f"{label} {count}"
    share = min(count / total, 1.0)
    filled = round(BAR_WIDTH * share)
    return f"{label} [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {share:4.0%} {count}/{total}"


def _add_shared_options(parser: CommandParser, *, changes_data: bool) -> None:
    register_types(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.add_argument("--as-user", metavar="NAME", help="act for this user (the system itself)")
    if changes_data:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
