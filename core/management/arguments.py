"""What the arguments of commands may hold: text that a column takes, finite numbers, whole numbers up to int8."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from django.utils.dateparse import parse_date, parse_datetime

MOST = 2**63 - 1
LONGEST_PAST_S = 366 * 86_400
"""What a simulation may begin with."""


def register_types(parser: ArgumentParser) -> None:
    """Let the parser read its texts, whole numbers, numbers and paths strictly; it names the argument it refuses."""
    for kind, read in ((None, read_text), (int, read_integer), (float, read_number), (Path, read_path)):
        parser.register("type", kind, read)


def read_text(text: str) -> str:
    """Text that is UTF-8 and without NUL.

    Raises:
        ArgumentTypeError: it is not.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ArgumentTypeError(f"{text!r} is not UTF-8") from error
    if "\x00" in text:
        raise ArgumentTypeError(f"{text!r} holds a NUL character")
    return text


def read_integer(text: str) -> int:
    """A whole number, -(2^63 - 1) to 2^63 - 1.

    Raises:
        ArgumentTypeError: it is larger.
        ValueError: it is none.
    """
    if not text.isascii():
        raise ValueError(text)
    number = int(text)
    if abs(number) > MOST:
        raise ArgumentTypeError(f"{text} is past {MOST}")
    return number


def read_number(text: str) -> float:
    """A finite number.

    Raises:
        ArgumentTypeError: it is not finite.
        ValueError: it is none.
    """
    if not text.isascii():
        raise ValueError(text)
    number = float(text)
    if not math.isfinite(number):
        raise ArgumentTypeError(f"{text} is not finite")
    return number


def read_path(text: str) -> Path:
    """The path of a file, which is UTF-8 and without NUL.

    Raises:
        ArgumentTypeError: it is not.
    """
    return Path(read_text(text))


def read_time(text: str) -> datetime:
    """A day or a moment, in UTC where it names no offset.

    Raises:
        ArgumentTypeError: it is neither.
    """
    moment: datetime | None
    try:
        day = parse_date(text)
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise ArgumentTypeError(f"{text!r} is no time: 2026-11-21 or 2026-11-21T12:00:00Z is needed")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def whole(least: int, most: int = MOST) -> Callable[[str], int]:
    """A type of argument: a whole number between two bounds, both possible."""

    def read(text: str) -> int:
        number = read_integer(text)
        if not least <= number <= most:
            raise ArgumentTypeError(f"{least} to {most} is possible, {number} is not")
        return number

    read.__name__ = "whole number"
    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """A type of argument: a number between two bounds, both possible."""

    def read(text: str) -> float:
        value = read_number(text)
        if not least <= value <= most:
            raise ArgumentTypeError(f"{least:g} to {most:g} is possible, {value:g} is not")
        return value

    read.__name__ = "number"
    return read


def words(longest: int) -> Callable[[str], str]:
    """A type of argument: a text of 1 to `longest` characters."""

    def read(text: str) -> str:
        if not 1 <= len(read_text(text)) <= longest:
            raise ArgumentTypeError(f"1 to {longest} characters are possible, not {len(text)}")
        return text

    read.__name__ = "text"
    return read
