"""`manage.py import_signal`: a recorded multichannel signal becomes oscillator rows."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils.dateparse import parse_datetime
from numpy.typing import NDArray

from accounts.models import User
from core.choices import RunKind
from core.management.arguments import whole, words
from core.management.base import NfcsCommand, UsageError, show_progress
from core.models import RealityNetwork
from core.services.runs import end_run, start_run
from kuramoto.signal import PhaseExtractor
from nfcs import __version__
from nfcs.ingest.producers import record_signal_block

CHUNK_ROWS = 4096
YEARS = (1900, 2999)
"""Of the first sample."""


class Command(NfcsCommand):
    """Import a recording, in constant memory and in one transaction."""

    help = "Import a CSV of channels (one a column) as oscillator phases: zero-phase band-pass, then Hilbert phase."

    def add_arguments(self, parser: CommandParser) -> None:
        """The recording and what is made of it."""
        super().add_arguments(parser)
        parser.add_argument("file", help="CSV: a row a sample, a column a channel, a header line or none; - for stdin")
        parser.add_argument("--rate", type=float, required=True, metavar="HZ", help="sampling rate, Hz")
        parser.add_argument("--band", type=float, nargs=2, required=True, metavar=("LOW", "HIGH"), help="band, Hz")
        parser.add_argument("--name", type=words(200), help="name of the run; without it the file's")
        parser.add_argument("--start", help="time of the first sample, ISO 8601 with offset; without it now")
        parser.add_argument("--network", help="coupling graph by name; it has a vertex a channel")
        parser.add_argument("--every", type=whole(1), default=1, metavar="K", help="store every K-th sample")
        parser.add_argument("--delimiter", default=",", help="between columns")

    def run(self, **options: Any) -> None:
        """Read, filter and record block by block; nothing stays when a line is wrong."""
        try:
            extractor = PhaseExtractor(options["rate"], tuple(options["band"]))
        except ValueError as error:
            raise UsageError(str(error)) from error
        if options["every"] < 1:
            raise UsageError("--every: at least 1 is needed")
        if len(options["delimiter"]) != 1:
            raise UsageError("--delimiter: one character is needed")
        path = Path(options["file"])
        try:
            source = sys.stdin if options["file"] == "-" else path.open(newline="", encoding="utf-8-sig")
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from error
        with source:
            self._import(source, extractor, options["name"] or path.stem[:200], options)

    @transaction.atomic
    def _import(self, source: TextIO, extractor: PhaseExtractor, name: str, options: dict[str, Any]) -> None:
        labels, chunks = read_channels(source, options["delimiter"])
        started_at = _read_start(options["start"])
        network = None
        if options["network"]:
            network = RealityNetwork.objects.filter(name=options["network"]).first()
            if network is None:
                raise UsageError(f"--network: there is no network {options['network']!r}")
        run = start_run(
            owner=User.objects.get_declared(),
            name=name,
            kind=RunKind.IMPORT,
            started_at=started_at,
            parameters={
                "rate_hz": extractor.rate_hz,
                "band_hz": list(extractor.band_hz),
                "order": extractor.order,
                "every": options["every"],
                "channels": labels,
            },
            code_version=__version__,
            network=network,
            n_oscillators=len(labels),
        )
        rows = samples = events = 0
        try:
            for first, phases in show_progress(extractor.stream(chunks), label="blocks"):
                samples = first + len(phases)
                outcome = record_signal_block(run, first, phases, rate_hz=extractor.rate_hz, every=options["every"])
                if outcome is not None:
                    rows, events = rows + outcome.rows, events + len(outcome.events)
        except ValueError as error:
            raise CommandError(str(error)) from error
        end_run(run=run, ended_at=started_at + timedelta(seconds=samples / extractor.rate_hz))
        answer = {"run": run.pk, "channels": len(labels), "samples": samples, "rows": rows, "events": events}
        self.answer(
            answer, [f"run {run.pk}: {samples} samples of {len(labels)} channels, {rows} rows, {events} events"]
        )


def read_channels(source: TextIO, delimiter: str) -> tuple[list[str], Iterator[NDArray[np.float64]]]:
    """Names of the channels, and their samples in chunks (m, channels).

    Raises:
        CommandError: a line has another number of columns, or a cell is no number; both are named.
    """
    lines = csv.reader(source, delimiter=delimiter, strict=True)
    first = _next_line(lines)
    if not first:
        raise CommandError("The file is empty.")
    try:
        [float(cell) for cell in first]
    except ValueError:
        return first, _read_chunks(lines, first)
    labels = [f"channel {number}" for number in range(1, len(first) + 1)]
    return labels, _read_chunks(chain([first], lines), labels, first_line=1)


def _next_line(lines: Iterator[list[str]]) -> list[str]:
    try:
        return next(lines, [])
    except (csv.Error, UnicodeDecodeError) as error:
        raise CommandError(f"line 1: {error}") from error


def _read_chunks(lines: Iterator[list[str]], labels: list[str], first_line: int = 2) -> Iterator[NDArray[np.float64]]:
    chunk: list[list[float]] = []
    number = first_line - 1
    try:
        for number, cells in enumerate(lines, first_line):
            if not cells:
                continue
            if len(cells) != len(labels):
                raise CommandError(f"line {number}: {len(cells)} columns in place of {len(labels)}")
            chunk.append([_read_cell(cell, number, label) for cell, label in zip(cells, labels, strict=True)])
            if len(chunk) == CHUNK_ROWS:
                yield np.array(chunk)
                chunk = []
    except (csv.Error, UnicodeDecodeError) as error:
        raise CommandError(f"line {number + 1}: {error}") from error
    if chunk:
        yield np.array(chunk)


def _read_cell(cell: str, line: int, label: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise CommandError(f"line {line}, {label}: {cell[:40]!r} is not a finite number")
    return value


def _read_start(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        at = parse_datetime(text)
    except ValueError as error:
        raise UsageError(f"--start: {error}") from error
    if at is None or at.tzinfo is None or not YEARS[0] <= at.year <= YEARS[1]:
        raise UsageError("--start: a time such as 2026-01-01T00:00:00Z is needed")
    return at
