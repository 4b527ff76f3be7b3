"""`manage.py telemetry`: files go the way of the API, exports are whole, and the newest of a run come on screen."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from rest_framework.exceptions import APIException

from core.export.formats import FORMATS as EXPORT_FORMATS
from core.management.arguments import read_time, whole
from core.management.base import NfcsCommand, UsageError, show_progress
from core.models import Run
from core.services.exporting import export_to_file
from nfcs.exports import COLLECTIONS
from nfcs.ingest.batches import BatchResult, ingest_chunks
from nfcs.ingest.bodies import FIELDS, METRICS, OSCILLATORS
from nfcs.ingest.files import FORMATS, guess_format, read_file
from validation.selectors import list_samples
from validation.services.rollups import refresh_rollups

KINDS = {"metrics": METRICS, "oscillators": OSCILLATORS, "fields": FIELDS}
POLL_S = 1.0


class Command(NfcsCommand):
    """Import and export telemetry, roll samples up, and watch them arrive."""

    help = "Telemetry from files and into files (CSV, NDJSON, Parquet, Arrow), its rollups, and the newest of a run."

    def add_arguments(self, parser: CommandParser) -> None:
        """The verbs."""
        verbs = self.add_verbs(parser)
        verb = self.add_verb(verbs, self.import_file, changes_data=True)
        verb.add_argument("kind", choices=KINDS, help="what the rows are")
        verb.add_argument("file", help="the file; - for stdin")
        verb.add_argument("--format", choices=FORMATS, help="without it the file's ending says")
        verb.add_argument("--run", dest="run_id", type=int, help="run of rows that name none")
        verb.add_argument("--partial", action="store_true", help="store the good rows and name the others")
        verb = self.add_verb(verbs, self.tail)
        verb.add_argument("run_id", metavar="run", type=int, help="the run")
        verb.add_argument("--metric", help="only samples of this metric")
        verb.add_argument("--lines", type=whole(1, 1000), default=10, help="samples to begin with (10)")
        verb.add_argument("--follow", action="store_true", help="go on until stopped")
        self.add_verb(verbs, self.rollup)
        export = self.add_verb(verbs, self.export)
        export.add_argument("collection", choices=COLLECTIONS, help="what to export")
        export.add_argument("output", type=Path, help="the file; there is none until it is whole")
        export.add_argument("--format", choices=EXPORT_FORMATS, help="by the ending of the file where absent")
        export.add_argument("--run", dest="run_id", type=int, help="rows of this run")
        export.add_argument("--since", type=read_time, help="at or after this time (ISO 8601)")
        export.add_argument("--until", type=read_time, help="before this time")
        export.add_argument("--blobs", action="store_true", help="with large columns: frames, embeddings")

    def import_file(self, **options: Any) -> None:
        """Store the rows of a file, all or none, in constant memory and one transaction."""
        kind = KINDS[options["kind"]]
        form = options["format"] or guess_format(options["file"])
        if form is None:
            raise UsageError(f"--format: one of {', '.join(FORMATS)} is needed, the file's name says none")
        if options["run_id"] is not None and not Run.objects.filter(pk=options["run_id"]).exists():
            raise UsageError(f"--run: there is no run {options['run_id']}")
        try:
            with _open(options["file"]) as source, transaction.atomic():
                chunks = show_progress(read_file(source, form, kind, options["run_id"]), label="chunks")
                result = ingest_chunks(chunks, kind.kind, may_write=lambda run: True, is_partial=options["partial"])
                if options["dry_run"]:
                    transaction.set_rollback(True)
        except APIException as error:
            raise CommandError(str(error.detail)) from error
        self._answer_import(result, is_dry=options["dry_run"])

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
        format_name = format or next(
            (name for name, kind in EXPORT_FORMATS.items() if output.suffix == f".{kind.suffix}"), ""
        )
        if not format_name:
            raise UsageError(
                f"{output.name} ends like no format; name one of {', '.join(EXPORT_FORMATS)} with --format"
            )
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

    def tail(self, **options: Any) -> None:
        """Show the newest metric samples of a run."""
        if not Run.objects.filter(pk=options["run_id"]).exists():
            raise UsageError(f"run: there is no run {options['run_id']}")
        seen: set[tuple[Any, ...]] = set()
        while True:
            rows = self._list_newest(options)
            for row in reversed(rows):
                told = (row["series"], row["recorded_at"], row["metric_value"])
                if told not in seen:
                    self._show(row)
            # What is older than the page does not come again.
            seen = {(row["series"], row["recorded_at"], row["metric_value"]) for row in rows}
            if not options["follow"]:
                return
            time.sleep(POLL_S)

    def _list_newest(self, options: dict[str, Any]) -> list[dict[str, Any]]:
        until = datetime.now(UTC) + timedelta(days=1)
        page = list_samples(
            since=until - timedelta(days=32),
            until=until,
            limit=options["lines"],
            run_id=options["run_id"],
            metric_name=options["metric"],
        )
        return list(page.rows)

    def _show(self, row: dict[str, Any]) -> None:
        if self.as_json:
            self.stdout.write(json.dumps(row, default=str))
            return
        at = row["recorded_at"].isoformat(timespec="milliseconds")
        unit = row["metric_unit"] or ""
        self.stdout.write(f"{at}  {row['component']}  {row['metric_name']}  {row['metric_value']:g} {unit}".rstrip())

    def _answer_import(self, result: BatchResult, *, is_dry: bool) -> None:
        rejected = [{"field": one.field, "code": one.code, "detail": one.detail} for one in result.rejected]
        runs = {outcome.run: outcome.rows for outcome in result.outcomes}
        words = "rows would be stored" if is_dry else "rows stored"
        lines = [f"{result.inserted} {words}", *(f"{one['field']}: {one['detail']}" for one in rejected)]
        self.answer({"inserted": result.inserted, "runs": runs, "rejected": rejected, "dry_run": is_dry}, lines)


def _open(name: str) -> IO[bytes]:
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}") from error
