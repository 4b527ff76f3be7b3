"""InfluxDB's line protocol: `measurement,tag=value field=1.5,other=2i 1465839830100400200`.

A field becomes the metric `measurement.field`, a field called `value` the metric `measurement`. The component is the
tag `component`, else the measurement. Booleans are 1 and 0. A string field is no sample: it is counted and left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from core.exceptions import FieldError
from nfcs.ingest.chunks import Chunk
from nfcs.ingest.senders.points import Point, describe_series, join_points
from validation.series import SeriesKey

PRECISIONS = {
    "ns": 1,
    "n": 1,
    "us": 10**3,
    "u": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
"""By the name of a precision: nanoseconds."""
_TRUTH = {
    **dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0),
    **dict.fromkeys(("f", "F", "false", "False", "FALSE"), 0.0),
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d{1,20}[iu]")
_TIME = re.compile(r"-?\d{1,19}")
_ESCAPED = re.compile(r"\\([,= \\])")


class LineError(ValueError):
    """A line is not of the protocol."""


@dataclass
class LineReader:
    """Reads the lines of one body.

    Attributes:
        run: the run that they belong to.
        unit_ns: nanoseconds of a unit of their times.
        now_ns: the time of lines without one.
        skipped: string fields left out so far.
    """

    run: int
    unit_ns: int
    now_ns: int
    skipped: int = field(default=0)

    def read(self, body: bytes, is_lines: bool, first: int) -> Chunk:
        """The samples of whole lines, the first of them at position `first`; `is_lines` is always true."""
        points: list[Point] = []
        errors: list[FieldError] = []
        lines = body.split(b"\n")
        for index, raw in enumerate(lines, first):
            try:
                line = raw.decode().rstrip("\r")
                if line.strip() and not line.lstrip().startswith("#"):
                    points += self._read_line(index, line)
            except UnicodeDecodeError:
                errors.append(FieldError(str(index), f"line {index + 1}: it is not UTF-8.", "malformed"))
            except LineError as error:
                errors.append(FieldError(str(index), f"line {index + 1}: {error}", "malformed"))
        return join_points(points, errors, len(lines))

    def _read_line(self, index: int, line: str) -> Iterator[Point]:
        head, fields, time = split_line(line.strip(" "))
        if time and not _TIME.fullmatch(time):
            raise LineError(f"the time {time[:40]!r} is no whole number.")
        time_ns = int(time) * self.unit_ns if time else self.now_ns
        found = [
            Point(index, self.run, _describe(head, name), time_ns, value)
            for name, text in _split_pairs(fields, "a field")
            if (value := self._read_value(name, text)) is not None
        ]
        return iter(found)

    def _read_value(self, name: str, text: str) -> float | None:
        if text in _TRUTH:
            return _TRUTH[text]
        if text.startswith('"'):
            if len(text) < 2 or not text.endswith('"'):
                raise LineError(f"the text of field {name[:40]!r} does not end.")
            self.skipped += 1
            return None
        if _INTEGER.fullmatch(text):
            return float(int(text[:-1]))
        if _NUMBER.fullmatch(text):
            return float(text)
        raise LineError(f"field {name[:40]!r} is {text[:40]!r}, which is no value.")


def split_line(line: str) -> tuple[str, str, str]:
    """Measurement with tags, fields, and time ('' where there is none), at the blanks that separate them.

    Raises:
        LineError: there are no fields, or too many parts.
    """
    if "\\" not in line and '"' not in line:
        parts = line.split(" ")
    else:
        parts = []
        start, is_quoted, position = 0, False, 0
        while position < len(line):
            letter = line[position]
            if letter == "\\":
                position += 1
            elif letter == '"' and parts:  # quotes mean something in fields only
                is_quoted = not is_quoted
            elif letter == " " and not is_quoted:
                parts.append(line[start:position])
                start = position + 1
            position += 1
        parts.append(line[start:])
    parts = [part for part in parts if part]
    if not 2 <= len(parts) <= 3:
        raise LineError("a measurement, fields and perhaps a time are needed.")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


@lru_cache(maxsize=16_384)
def _describe(head: str, field_name: str) -> SeriesKey:
    measurement, *pairs = _split_unescaped(head, ",")
    if not measurement:
        raise LineError("the measurement has no name.")
    tags = dict(_split_pairs(",".join(pairs), "a tag")) if pairs else {}
    name = _unescape(measurement)
    component = tags.pop("component", name)
    tags = {_unescape(tag): _unescape(value) for tag, value in tags.items()}
    metric = name if field_name == "value" else f"{name}.{_unescape(field_name)}"
    try:
        return describe_series(metric, _unescape(component), None, tags)
    except TypeError as error:
        raise LineError(f"the tags cannot be stored: {error}.") from error


def _split_pairs(text: str, what: str) -> list[tuple[str, str]]:
    pairs = []
    for part in _split_unescaped(text, ","):
        name, *rest = _split_unescaped(part, "=", most=1)
        if not name or not rest or not rest[0]:
            raise LineError(f"{what} is name=value, not {part[:40]!r}.")
        pairs.append((name, rest[0]))
    return pairs


def _split_unescaped(text: str, mark: str, most: int = -1) -> Sequence[str]:
    """The parts between marks that neither follow a backslash nor stand in quotes."""
    if "\\" not in text and '"' not in text:
        return text.split(mark, most)
    parts: list[str] = []
    start, is_quoted, position = 0, False, 0
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif letter == '"' and text[position - 1 : position] == "=":
            is_quoted = True
        elif letter == '"':
            is_quoted = False
        elif letter == mark and not is_quoted and (most < 0 or len(parts) < most):
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


def _unescape(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text
