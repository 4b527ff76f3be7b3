"""What every reader of a graph builds on: the graph, its problems and their places."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.constants import MAX_NETWORK_NODES
from core.exceptions import FieldError, InvalidInput
from core.graph import Link, Vertex

MAX_EDGES = 250_000
MOST_PROBLEMS = 100
MAX_LABEL = 100
SHOWN = 40
"""Characters of a wrong value that a message repeats."""
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
NUMBER_WORDS = {"nan", "inf", "infinity"}
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that a label does not hold: controls, halves of pairs, and what XML has no way to say."""
ABOUT = {"name": 200, "description": 10_000, "weight_unit": 20, "source": 500, "licence": 200}
"""What a file may say about its graph, and the characters of the longest."""
LINK_VALUES = {"weight": 1.0, "delay_s": 0.0, "lag_rad": 0.0}
"""Attributes of an edge, and what they are where a file does not say."""
VERTEX_NUMBERS = ("x", "y", "z", "omega")


@dataclass(frozen=True, kw_only=True)
class CouplingGraph:
    """A graph as a file describes it.

    Attributes:
        nodes: its vertices.
        edges: between positions in `nodes`.
        about: what the file says about it: `name`, `description`, `weight_unit`, `source`, `licence`.
    """

    nodes: list[Vertex]
    edges: list[Link]
    directed: bool = False
    about: Mapping[str, str] = field(default_factory=dict)


class Problems:
    """What is wrong with a file, gathered up to a limit."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def add(self, place: str, detail: str, code: str = "invalid") -> None:
        """Note a problem; the hundredth ends the reading.

        Raises:
            InvalidInput: it is the hundredth.
        """
        self.errors.append(FieldError(place, detail, code))
        if len(self.errors) == MOST_PROBLEMS:
            raise InvalidInput(f"The graph cannot be read; these are the first {MOST_PROBLEMS} problems.", self.errors)

    def fail(self, place: str, detail: str, code: str = "invalid") -> InvalidInput:
        """The error of a file that cannot be read past this problem, with those before it."""
        return InvalidInput("The graph cannot be read.", [*self.errors, FieldError(place, detail, code)])

    def refuse(self) -> None:
        """End the reading where there are problems.

        Raises:
            InvalidInput: names them all.
        """
        if self.errors:
            raise InvalidInput("The graph cannot be read.", self.errors)

    def read_number(self, text: str, place: str) -> float | None:
        """A finite number in decimal notation; None, and a problem, for anything else."""
        words = text.strip()
        if NUMBER.fullmatch(words):
            value = float(words)
            if math.isfinite(value):
                return value + 0.0
        self.add(place, f"{show(text)} is not a finite number.", "not_finite")
        return None

    def read_label(self, text: str, place: str) -> str:
        """The name of a vertex, on one line and such that every format can hold it."""
        return self._check_text(text, text, place, MAX_LABEL)

    def read_about(self, text: str, name: str, place: str) -> str:
        """What is said about the graph under this name; it may have lines."""
        return self._check_text(text, text.replace("\n", " ").replace("\t", " "), place, ABOUT[name])

    def _check_text(self, text: str, line: str, place: str, longest: int) -> str:
        if UNPRINTABLE.search(line):
            self.add(place, "The text holds a control character.", "characters")
        elif len(text) > longest:
            self.add(place, f"At most {longest} characters are possible, these are {len(text)}.", "max_length")
        return text


class EdgeList:
    """The edges of a graph as they are read, each checked against those before it."""

    def __init__(self, problems: Problems, *, directed: bool) -> None:
        self.problems = problems
        self.directed = directed
        self.links: list[Link] = []
        self.places: dict[tuple[int, int], str] = {}

    def add(self, place: str, src: int, dst: int, weight: float, delay_s: float, lag_rad: float) -> None:
        """Take an edge, or note what is wrong with it.

        Raises:
            InvalidInput: there are too many edges or problems.
        """
        problems = self.problems
        if src == dst:
            problems.add(f"{place}.dst", "A vertex is not coupled to itself.", "loop")
        ends = (src, dst) if self.directed or src < dst else (dst, src)
        if ends in self.places:
            problems.add(place, f"The edge stands in {self.places[ends]} already.", "twice")
        for name, value in (("weight", weight), ("delay_s", delay_s)):
            if value < 0:
                problems.add(f"{place}.{name}", f"A number of at least 0 is needed, not {value:g}.", "range")
        if not -math.pi <= lag_rad <= math.pi:
            problems.add(f"{place}.lag_rad", f"A lag lies between -pi and pi, unlike {lag_rad:g}.", "range")
        if len(self.links) == MAX_EDGES:
            raise problems.fail(place, f"At most {MAX_EDGES} edges are possible.", "size")
        self.places[ends] = place
        self.links.append(Link(src, dst, weight, delay_s, lag_rad))


def decode_text(body: bytes) -> str:
    """The text of a UTF-8 file, without its byte order mark.

    Raises:
        InvalidInput: names the line that is not UTF-8.
    """
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte order mark.
        mark = 3 if body.startswith(b"\xef\xbb\xbf") else 0
        line = body.count(b"\n", 0, error.start + mark) + 1
        raise Problems().fail(f"lines.{line}", "The text is not UTF-8.", "encoding") from error


def check_vertex_count(problems: Problems, count: int, place: str = "nodes") -> None:
    """Refuse a graph without vertices, or with more than the largest has.

    Raises:
        InvalidInput: at once, as nothing after it would make sense.
    """
    if not 1 <= count <= MAX_NETWORK_NODES:
        raise problems.fail(place, f"Between 1 and {MAX_NETWORK_NODES} vertices are possible, not {count}.", "size")


def settle_direction(problems: Problems, place: str, said: bool, directed: bool | None) -> bool:
    """What the file says of its direction, which is also what was asked for; else a problem."""
    if directed is not None and directed != said:
        words = {True: "directed", False: "undirected"}
        problems.add(place, f"The file says {words[said]}, the request {words[directed]}.", "direction")
    return said


def is_number_like(text: str) -> bool:
    """Whether a cell is meant as a number, be it a possible one or not."""
    words = text.strip()
    return bool(NUMBER.fullmatch(words)) or words.lower().lstrip("+-") in NUMBER_WORDS


def show(text: str) -> str:
    """A value for an error message, whatever it holds."""
    short = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    return ascii(short)
