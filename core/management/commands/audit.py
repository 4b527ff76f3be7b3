"""`manage.py audit`: verification, checkpoints, exports and proofs of the GoldenDAG audit."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from core.audit_verifier import Checkpoint, Malformed, name_key, read_checkpoint_line, read_key
from core.management.arguments import read_time, whole
from core.management.base import FindingsError, NfcsCommand, UsageError
from core.models import AuditCheckpoint
from core.services.audit_checkpoints import make_checkpoint, write_checkpoint
from core.services.audit_export import export_audit, prove_entries
from core.services.audit_verification import verify_chain
from core.signing_key import SigningKeyError, list_trusted_keys

SHOWN = 20


class Command(NfcsCommand):
    """Verify the audit chain, sign checkpoints, export, prove."""

    help = "The GoldenDAG audit: verify, checkpoint, export, prove."

    def add_arguments(self, parser: CommandParser) -> None:
        """Four verbs."""
        verbs = self.add_verbs(parser)
        verify = self.add_verb(verbs, self.verify)
        verify.add_argument("--after", type=whole(0), metavar="NUMBER", help="only what came after this checkpoint")
        verify.add_argument(
            "--checkpoint", type=Path, action="append", default=[], help="a checkpoint kept elsewhere; repeatable"
        )
        verify.add_argument(
            "--public-key", action="append", default=[], help="a key that may have signed: hex or a file; repeatable"
        )
        verify.add_argument(
            "--processes",
            type=whole(1, 64),
            default=min(2, os.cpu_count() or 1),
            help="server processes that verify (2)",
        )
        checkpoint = self.add_verb(verbs, self.checkpoint, changes_data=True)
        checkpoint.add_argument("--output", type=Path, help="directory for a copy of it")
        export = self.add_verb(verbs, self.export)
        export.add_argument("directory", type=Path, help="an empty or new directory")
        for verb in (verify, export):
            verb.add_argument("--from", dest="start", type=read_time, help="begin at the checkpoint before this time")
            verb.add_argument("--to", dest="end", type=read_time, help="end at the checkpoint after this time")
        prove = self.add_verb(verbs, self.prove)
        prove.add_argument("--entry", type=whole(1), help="id of an entry")
        prove.add_argument("--table", help="schema and table of a row, such as nfcs_core.runs")
        prove.add_argument("--row", help="primary key of the row")
        prove.add_argument("--output", type=Path, help="file for the proof (stdout)")

    def verify(
        self,
        *,
        start: datetime | None,
        end: datetime | None,
        after: int | None,
        checkpoint: list[Path],
        public_key: list[str],
        processes: int,
        **_: Any,
    ) -> None:
        """Verify entries, links and checkpoints; ends with 3 and names the first bad entry where one is."""
        try:
            keys = [read_key(text) for text in public_key] or list_trusted_keys()
            earlier = [_read_checkpoint(path) for path in [*_list_kept(), *checkpoint]]
        except (Malformed, SigningKeyError, OSError) as error:
            raise UsageError(str(error)) from error
        report = verify_chain(
            start=start,
            end=end,
            after=after,
            processes=processes,
            trusted_keys=keys,
            earlier=earlier,
            progress=_show("links"),
        )
        retained = (
            f", {report.retained} retained as links up to checkpoint {report.last_checkpoint}"
            if report.retained
            else ""
        )
        lines = [
            f"{report.links} links, {report.entries} entries{retained}, {report.checkpoints} checkpoints, signatures"
            f" {report.signatures} (keys {', '.join(report.key_ids) or 'none'})"
        ]
        lines += [str(finding) for finding in report.findings[:SHOWN]]
        self.answer(report.describe(), lines)
        first = report.first_bad
        if first is not None:
            where = f"first bad entry: {first.entry}" if first.entry is not None else f"first: {first}"
            raise FindingsError(f"{len(report.findings)} findings; {where}")

    def checkpoint(self, *, output: Path | None, dry_run: bool, **_: Any) -> None:
        """Sign what the newest link of every lane is now."""
        if dry_run:
            last = AuditCheckpoint.objects.order_by("-number").first()
            number = 1 if last is None else last.number + 1
            self.answer({"number": number}, [f"checkpoint {number} would be made, unless nothing changed"])
            return
        try:
            made = make_checkpoint(now=timezone.now(), reason="command")
        except SigningKeyError as error:
            raise CommandError(str(error)) from error
        path = write_checkpoint(output, made) if output else None
        key = made.public_key.hex()
        self.answer(
            {
                "number": made.number,
                "sha256": made.sha256,
                "entries": made.content["entries"],
                "public_key": key,
                "key_id": name_key(made.public_key),
                "path": str(path) if path else None,
            },
            [
                f"checkpoint {made.number}: {made.content['entries']} entries, SHA-256 {made.sha256}",
                f"public key {key} (id {name_key(made.public_key)})",
                *([f"written to {path}"] if path else []),
            ],
        )

    def export(self, directory: Path, *, start: datetime | None, end: datetime | None, **_: Any) -> None:
        """Write checkpoints, links and entries, and the verifier beside them."""
        try:
            made = export_audit(directory=directory, now=timezone.now(), start=start, end=end, progress=_show("links"))
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self.answer(
            asdict(made),
            [
                f"{made.entries} entries, {made.links} links, checkpoints {made.from_checkpoint} to"
                f" {made.to_checkpoint} in {directory}",
                f"verify with: python {directory / 'verify.py'} {directory}",
            ],
        )

    def prove(self, *, entry: int | None, table: str | None, row: str | None, output: Path | None, **_: Any) -> None:
        """Write a proof of one entry, or of the entries of one row, up to a signed checkpoint."""
        if (entry is None) == (table is None and row is None) or (table is None) != (row is None):
            raise UsageError("Either --entry, or --table and --row, is needed.")
        proof = prove_entries(now=timezone.now(), entry_id=entry, table=table, row_key=row)
        text = json.dumps(proof, indent=1, ensure_ascii=False)
        if output is None:
            self.stdout.write(text)
            return
        try:
            output.write_text(text + "\n")
        except OSError as error:
            raise CommandError(f"{output}: {error.strerror}") from error
        count = len(proof["proofs"])
        self.answer({"path": str(output), "proofs": count}, [f"{count} proofs in {output}"])


def _read_checkpoint(path: Path) -> Checkpoint:
    try:
        return read_checkpoint_line(path.read_bytes())
    except Malformed as error:
        raise Malformed(f"{path}: {error}") from error


def _list_kept() -> list[Path]:
    return (
        sorted(Path(settings.AUDIT_CHECKPOINT_DIR).glob("checkpoint-*.json")) if settings.AUDIT_CHECKPOINT_DIR else []
    )


def _show(label: str) -> Callable[[int, int], None]:
    """A line on stderr that is written over, where that is a terminal."""
    stream = sys.stderr

    def show(done: int, total: int) -> None:
        if stream.isatty():
            end = "\n" if done >= total else ""
            stream.write(f"\r\x1b[K{done} of {total} {label}{end}")
            stream.flush()

    return show
