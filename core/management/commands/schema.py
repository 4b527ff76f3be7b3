"""`manage.py schema`: is the database what models and migrations say, and the schema for people without Django."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import connections

from core.constants import SEED_FIXTURES
from core.db.catalogue import diff
from core.db.drift.manifest import PATH, find_manifest_drift, load_manifest, make_manifest, write_manifest
from core.db.drift.migrations import find_migration_drift, find_uncovered_models
from core.db.drift.models import find_table_drift
from core.db.export import export_schema
from core.db.programs import ProgramError
from core.db.scratch import find_admin_url
from core.management.base import FindingsError, NfcsCommand, UsageError, show_progress


class Command(NfcsCommand):
    """Verify, record and export the schema."""

    help = "The schema: verify it against models and migrations, export it as SQL."

    def add_arguments(self, parser: CommandParser) -> None:
        """Three verbs."""
        verbs = self.add_verbs(parser)
        verify = self.add_verb(verbs, self.verify)
        verify.add_argument(
            "--database",
            choices=list(connections),
            default="default",
            help="Django's alias of the connection (default: default)",
        )
        manifest = self.add_verb(verbs, self.manifest)
        manifest.add_argument("--write", action="store_true", help=f"write {PATH.name} instead of checking it")
        _add_server_options(manifest)
        export = self.add_verb(verbs, self.export)
        export.add_argument("directory", type=Path, help="where to write; new or empty")
        _add_server_options(export)

    def verify(self, *, database: str, **_: Any) -> None:
        """Find drift between models, migration files and the database; exit code 3 when there is any."""
        findings = [
            *find_uncovered_models(),
            *find_migration_drift(using=database),
            *find_table_drift(using=database),
            *find_manifest_drift(using=database),
        ]
        self.answer(
            {"findings": [asdict(finding) for finding in findings]},
            [str(finding) for finding in findings] or ["models, migrations and database agree"],
        )
        if findings:
            raise FindingsError(f"{len(findings)} findings")

    def manifest(self, *, write: bool, admin_url: str | None, template: str | None, **_: Any) -> None:
        """Check the committed record of what the migrations make, or write it; made on a scratch database."""
        made = make_manifest(admin_url or find_admin_url(), template=template)
        if write:
            write_manifest(made)
            self.answer({"written": str(PATH)}, [f"wrote {PATH}"])
            return
        differences = [str(difference) for difference in diff(load_manifest(), made)]
        self.answer({"differences": differences}, differences or ["the manifest is what the migrations make"])
        if differences:
            raise FindingsError("the manifest is out of date: manage.py schema manifest --write")

    def export(self, *, directory: Path, admin_url: str | None, template: str | None, **_: Any) -> None:
        """Write the schema, the first data and every migration as SQL files for people without Django."""
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise UsageError(f"{directory} is there and not an empty directory")
        files = export_schema(
            directory, fixtures=SEED_FIXTURES, admin_url=admin_url or find_admin_url(), template=template
        )
        try:
            written = [str(path) for path in show_progress(files, label="files")]
        except ProgramError as error:
            raise CommandError(str(error)) from error
        self.answer({"written": written}, written)


def _add_server_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--admin-url",
        help="administrator's URL of a server for scratch databases (default: NFCS_ADMIN_DATABASE_URL, or the embedded"
        " server)",
    )
    parser.add_argument("--template", help="a freshly migrated database to copy instead of migrating anew")
