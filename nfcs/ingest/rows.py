"""Rows of a batch as clients send them, decoded and checked by type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from rest_framework.exceptions import ParseError

from core.exceptions import FieldError
from nfcs.ingest.chunks import Chunk

RunId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Horizon = Annotated[float, msgspec.Meta(ge=0, le=1)]
Row = TypeVar("Row", bound=msgspec.Struct)


class Horizons(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Predicted order parameter 30 s, 180 s and 600 s ahead."""

    s30: Horizon | None = msgspec.field(name="30", default=None)
    s180: Horizon | None = msgspec.field(name="180", default=None)
    s600: Horizon | None = msgspec.field(name="600", default=None)


class OscillatorRow(msgspec.Struct, forbid_unknown_fields=True):
    """The phases of all oscillators of a run at one moment."""

    run: RunId
    timestamp: Moment
    phases: Annotated[list[float], msgspec.Meta(min_length=1, max_length=65_536)]
    coupling_strength: float | None = None
    natural_frequencies: Annotated[list[float], msgspec.Meta(min_length=1, max_length=65_536)] | None = None
    semantic_embedding: Annotated[list[float], msgspec.Meta(min_length=768, max_length=768)] | None = None
    prediction_horizons: Horizons | None = None
    sync_parameter: float | None = None
    phase_coherence: float | None = None
    ha: float | None = None


class FieldRow(msgspec.Struct, forbid_unknown_fields=True):
    """A complex field at one moment: `real` and `imag` as nested lists, or `frame` as base64 of complex64."""

    run: RunId
    timestamp: Moment
    resolution: Annotated[int, msgspec.Meta(ge=4, le=4096)]
    real: list[float | list[float]] | None = None
    imag: list[float | list[float]] | None = None
    frame: bytes | None = None
    ndim: Annotated[int, msgspec.Meta(ge=1, le=2)] = 2
    length: Annotated[float, msgspec.Meta(gt=0)] | None = None
    keep_frame: bool | None = None
    c1: float | None = None
    c3: float | None = None
    dt: Annotated[float, msgspec.Meta(gt=0)] | None = None
    scheme: Annotated[str, msgspec.Meta(max_length=50, pattern=r"^[^\x00]*$")] | None = None
    coherence_level: float | None = None
    energy_state: float | None = None
    defect_density: float | None = None
    ha: float | None = None


class MetricRow(msgspec.Struct, forbid_unknown_fields=True):
    """One sample of one metric; the time stands in `timestamp` or, as the seed has it, in `recorded_at`."""

    run: RunId
    metric_name: str
    metric_value: float
    component: str
    metric_unit: str | None = None
    tags: dict[str, Any] = {}
    timestamp: Moment | None = None
    recorded_at: Moment | None = None


def read_rows(row_type: type[Row], body: bytes, is_lines: bool, first: int) -> Chunk:
    """The rows of a JSON array, or of NDJSON lines, the first of them at position `first`.

    Raises:
        ParseError: the body is not JSON, or not an array of rows.
    """
    try:
        rows = decode_json(body, is_lines, row_type)
    except (msgspec.ValidationError, ParseError):
        return Chunk(*decode_each(body, is_lines, row_type, first))
    return Chunk(list(enumerate(rows, first)), count=len(rows))


def decode_json(body: bytes, is_lines: bool, item_type: Any) -> list[Any]:
    """The items of a JSON array, or of NDJSON lines.

    Raises:
        ParseError: the body is not JSON.
        msgspec.ValidationError: an item is not of the type.
    """
    try:
        if is_lines:
            return msgspec.json.Decoder(item_type).decode_lines(body)
        return msgspec.json.Decoder(list[item_type]).decode(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"The body is not JSON: {error}") from error
    except RecursionError as error:
        raise ParseError("The JSON is nested too deeply.") from error


def decode_each(
    body: bytes, is_lines: bool, row_type: type[Row], first: int
) -> tuple[list[tuple[int, Row]], list[FieldError], int]:
    """The rows that are of the type with their positions, the errors of the others, and how many there are.

    Raises:
        ParseError: the body is not JSON, or not an array. A line that is not JSON is a row like any other.
    """
    pieces: Sequence[bytes | msgspec.Raw]
    if is_lines:
        pieces = [line for line in body.split(b"\n") if line.strip()]
    else:
        try:
            pieces = decode_json(body, is_lines, msgspec.Raw)
        except msgspec.ValidationError as error:
            raise ParseError(f"The body is not a JSON array of rows: {error}") from error
    decoder = msgspec.json.Decoder(row_type)
    rows, errors = [], []
    for index, piece in enumerate(pieces, first):
        try:
            rows.append((index, decoder.decode(piece)))
        except msgspec.ValidationError as error:
            errors.append(locate_error(str(index), str(error)))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            errors.append(FieldError(str(index), f"The row is not JSON: {error}", "malformed"))
        except RecursionError:
            errors.append(FieldError(str(index), "The JSON is nested too deeply.", "malformed"))
    return rows, errors, len(pieces)


def locate_error(prefix: str, message: str) -> FieldError:
    """Msgspec's words, such as "Expected `float`, got `str` - at `$.phases[2]`", as an error of a field."""
    detail, _, path = message.partition(" - at `$")
    named = re.search(r"field `(\w+)`", detail)
    parts = [prefix, *re.findall(r"\w+", path)]
    if named:
        parts.append(named.group(1))
    code = "required" if "missing required" in detail else "unknown_field" if "unknown field" in detail else "invalid"
    return FieldError(".".join(parts), detail, code)
