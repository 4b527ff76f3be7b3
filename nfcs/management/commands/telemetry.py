"""`manage.py telemetry`: what was recorded, as files."""

from __future__ import annotations

from argparse import ArgumentTypeError
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from core.export.formats import FORMATS
from core.management.base import NfcsCommand, UsageError
from core.services.exporting import export_to_file
from nfcs.exports import COLLECTIONS
from validation.services.rollups import refresh_rollups


class Command(NfcsCommand):
    """Export collections, roll samples up."""

    help = "Telemetry as files."

    def add_arguments(self, parser: CommandParser) -> None:
        """Two verbs."""
        verbs = self.add_verbs(parser)
        self.add_verb(verbs, self.rollup)
        export = self.add_verb(verbs, self.export)
        export.add_argument("collection", choices=COLLECTIONS, help="what to export")
        export.add_argument("output", type=Path, help="the file; there is none until it is whole")
        export.add_argument("--format", choices=FORMATS, help="by the ending of the file where absent")
        export.add_argument("--run", dest="run_id", type=int, help="rows of this run")
        export.add_argument("--since", type=_read_time, help="at or after this time (ISO 8601)")
        export.add_argument("--until", type=_read_time, help="before this time")
        export.add_argument("--blobs", action="store_true", help="with large columns: frames, embeddings")

    def export(
        self,
        *,
        collection: str,
        output: Path,
        format: str | None,
        run_id: int | None,
        since: datetime | None,
        until: datetime | None,
        blobs: bool,
        **_: Any,
    ) -> None:
        """Write all rows of a collection to a file, oldest first, and print count and checksums."""
        format_name = format or next((name for name, kind in FORMATS.items() if output.suffix == f".{kind.suffix}"), "")
        if not format_name:
            raise UsageError(f"{output.name} ends like no format; name one of {', '.join(FORMATS)} with --format")
        exported = export_to_file(
            COLLECTIONS[collection],
            output,
            format_name=format_name,
            run_id=run_id,
            since=since,
            until=until,
            blobs=blobs,
        )
        self.answer(
            {**asdict(exported), "path": str(exported.path)},
            [
                f"{exported.path}  {exported.rows} rows, {exported.bytes} bytes",
                f"sha256 of the rows  {exported.rows_sha256}",
                f"sha256 of the file  {exported.sha256}",
            ],
        )

    def rollup(self, **_: Any) -> None:
        """Bring the rollups of metric samples up to date, as the worker does every minute."""
        taken = refresh_rollups()
        self.answer({"entries": taken}, [f"{taken} touched minutes rolled up"])


def _read_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no time in ISO 8601") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
