"""What the body of a batch may be, by kind of rows and media type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType

from core.api.bodies import Body
from nfcs.ingest import arrow_rows
from nfcs.ingest.arrow import Column, read_arrow
from nfcs.ingest.batches import Kind
from nfcs.ingest.chunks import ARROW, JSON, NDJSON, Chunk, Reader, drop_rows, limit_rows, read_documents, read_lines
from nfcs.ingest.metric_rows import read_metrics
from nfcs.ingest.metrics import ingest_samples
from nfcs.ingest.pipeline import ingest_fields, ingest_oscillators, split_runs
from nfcs.ingest.rows import FieldRow, OscillatorRow, read_rows

MEDIA_TYPES = (JSON, NDJSON, ARROW)


@dataclass(frozen=True)
class BodyKind:
    """How the bodies of one endpoint are read and stored.

    Attributes:
        read_json: rows of JSON or NDJSON.
        columns, read_columns: those of an Arrow stream, and rows from them.
        kind: what is done with the rows.
    """

    read_json: Reader
    columns: Mapping[str, Column]
    read_columns: Callable[..., Chunk]
    kind: Kind


OSCILLATORS = BodyKind(
    partial(read_rows, OscillatorRow),
    arrow_rows.OSCILLATORS,
    arrow_rows.read_oscillator_columns,
    Kind(ingest_oscillators, split_runs, drop_rows),
)
FIELDS = BodyKind(
    partial(read_rows, FieldRow),
    arrow_rows.FIELDS,
    arrow_rows.read_field_columns,
    Kind(ingest_fields, split_runs, drop_rows),
)
METRICS = BodyKind(
    read_metrics,
    arrow_rows.METRICS,
    arrow_rows.read_metric_columns,
    Kind(ingest_samples, lambda samples: [samples], lambda samples, indices: samples.without(indices)),
)


def limit_bytes(media_type: str) -> int:
    """Most bytes of a body, decompressed: what is read whole fits into memory, what is streamed may be longer."""
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE if media_type == JSON else settings.INGEST_MAX_BYTES


def read_chunks(body: Body, media_type: str, kind: BodyKind) -> Iterator[Chunk]:
    """The rows of a body, chunk by chunk.

    Raises:
        UnsupportedMediaType: it is none of MEDIA_TYPES.
        ParseError: it is not what its media type says.
        BodyTooLarge: it has more rows than a body may.
    """
    if media_type == JSON:
        chunks = read_documents(body, kind.read_json)
    elif media_type == NDJSON:
        chunks = read_lines(body, kind.read_json)
    elif media_type == ARROW:
        chunks = read_arrow(body, dict(kind.columns), kind.read_columns)
    else:
        raise UnsupportedMediaType(media_type[:100])
    return limit_rows(chunks, settings.INGEST_MAX_ROWS)
