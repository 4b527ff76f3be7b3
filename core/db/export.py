"""The schema as SQL files for people without Django, made from the migrations on a scratch database."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connections
from psycopg.conninfo import make_conninfo

from core.constants import PARTITIONED_TABLES
from core.db.migration_sql import collect_migrations
from core.db.partitions import list_partitioned_tables
from core.db.prepare import OWNER_ROLE
from core.db.programs import read_version, run_program
from core.db.scratch import migrated_database, scratch_database
from core.db.verification import write_verification

STATIC = Path(__file__).resolve().parents[1] / "sql" / "export"
"""Files that are written by hand; `maintenance.sql` is told the partitioned tables."""

_ENTRY = re.compile(r"\d+; \d+ \d+ (?P<description>[A-Z]+(?: [A-Z]+)*) (?P<schema>[a-z_-]\S*) (?P<tag>.*) \S*$")
"""A line of the table of contents."""
_SECTIONS = {
    "ACL": "privileges",
    "DEFAULT ACL": "privileges",
    "INDEX": "indexes",
    "INDEX ATTACH": "indexes",
    "STATISTICS": "indexes",
    **dict.fromkeys(
        ("CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT", "TRIGGER", "RULE", "ROW SECURITY", "POLICY"), "constraints"
    ),
}
_PREPARED = {"SCHEMA", "EXTENSION"}
"""What `database.sql` has made before."""
_VERSION_BOUND = re.compile(
    r"^(\\(un)?restrict .*|SET transaction_timeout = 0;|-- Dumped (from|by) .*)\n", flags=re.MULTILINE
)
"""Lines that an older server or psql does not take, or that differ from run to run."""
_EMPTY_TABLE = re.compile(r"^--\n-- Data for Name: [^\n]*\n--\n\n\n\n(?=--\n)", flags=re.MULTILINE)


@dataclass(frozen=True)
class _Dump:
    """A dump in pg_dump's custom format."""

    path: Path
    version: int

    def list_entries(self) -> list[str]:
        """The table of contents, one line an entry."""
        lines = run_program("pg_restore", "--list", str(self.path), version=self.version).splitlines()
        return [line for line in lines if line and not line.startswith(";")]

    def write_sql(self, entries: Sequence[str]) -> str:
        """The statements of the entries, in their order."""
        with tempfile.NamedTemporaryFile("w", suffix=".list") as contents:
            contents.write("\n".join(entries) + "\n")
            contents.flush()
            text = run_program(
                "pg_restore", "--file=-", f"--use-list={contents.name}", str(self.path), version=self.version
            )
        return _VERSION_BOUND.sub("", text)


def export_schema(
    directory: Path, *, fixtures: Sequence[str], admin_url: str, template: str | None = None
) -> Iterator[Path]:
    """Write the artefacts into `directory`, made when missing, and yield each file once it is there.

    Args:
        fixtures: what `initial_data.sql` holds, beside what the migrations themselves insert.
        admin_url: the administrator of a server for scratch databases.
        template: a freshly migrated database to copy instead of migrating anew.

    Raises:
        ProgramError: pg_dump or pg_restore is missing or failed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for path in sorted(STATIC.iterdir()):
        yield _write(directory / path.name, path.read_text().replace("{partitioned_tables}", _list_widths()))
    with migrated_database(admin_url, template=template) as alias:
        url = make_conninfo(admin_url, dbname=str(connections[alias].settings_dict["NAME"]))
        for section, text in _dump_schema(url).items():
            yield _write(directory / f"{section}.sql", text)
        yield _write(directory / "verify_schema.sql", write_verification(alias))
        call_command("loaddata", *fixtures, database=alias, verbosity=0)
        yield _write(directory / "initial_data.sql", _dump_data(url))
    with scratch_database(admin_url) as alias:
        migrations = collect_migrations(alias)
    for number, migration in enumerate(migrations):
        name = f"{number:03d}_{migration.version.replace('.', '_')}.sql"
        yield _write(directory / "migrations" / name, migration.forwards)
        if migration.backwards is not None:
            yield _write(directory / "rollbacks" / name, migration.backwards)


def _list_widths() -> str:
    return ",\n".join(f"    ('{table}', '{PARTITIONED_TABLES[table]}')" for table in list_partitioned_tables())


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def _dump_schema(url: str) -> dict[str, str]:
    """The statements of schema, indexes, constraints and privileges."""
    with tempfile.TemporaryDirectory() as directory:
        dump = _Dump(Path(directory) / "schema.dump", read_version(url))
        _run_dump(url, "--schema-only", "--format=custom", f"--file={dump.path}")
        entries = [_read_entry(line) for line in dump.list_entries()]
        keys = {entry["tag"].split()[-1] for entry in entries if entry["description"] == "CONSTRAINT"}
        sections: dict[str, list[str]] = {"schema": [], "indexes": [], "constraints": [], "privileges": []}
        for entry in entries:
            section = _choose_section(entry, keys)
            if section:
                sections[section].append(entry.string)
        return {section: dump.write_sql(lines) for section, lines in sections.items()}


def _read_entry(line: str) -> re.Match[str]:
    match = _ENTRY.match(line)
    if match is None:
        raise ValueError(f"pg_restore lists something unknown: {line}")
    return match


def _choose_section(entry: re.Match[str], keys: set[str]) -> str | None:
    """The file of an entry of the table of contents; `keys` are the names of primary keys and unique constraints."""
    description, tag = entry["description"], entry["tag"]
    thing = tag.split()[0]
    if description in _PREPARED or (description in {"COMMENT", "ACL"} and thing in _PREPARED):
        return None
    if description == "INDEX ATTACH" and tag in keys:
        return "constraints"
    return _SECTIONS.get(thing if description == "COMMENT" else description, "schema")


def _dump_data(url: str) -> str:
    """The rows of a database as INSERTs that no trigger answers: what triggers wrote is among the rows."""
    text = _run_dump(
        url,
        "--data-only",
        "--column-inserts",
        "--rows-per-insert=100",
        # Some rows come with the migrations, for those who take that way.
        "--on-conflict-do-nothing",
        "--exclude-table-data=user_mgmt.*",
        "--exclude-table-data=public.procrastinate_*",
    )
    tables = list(dict.fromkeys(re.findall(r"^INSERT INTO (\S+)", text, flags=re.MULTILINE)))
    return "\n".join(
        [
            "BEGIN;",
            *(f"ALTER TABLE {table} DISABLE TRIGGER USER;" for table in tables),
            _EMPTY_TABLE.sub("", _VERSION_BOUND.sub("", text)),
            "SET CONSTRAINTS ALL IMMEDIATE;",
            *(f"ALTER TABLE {table} ENABLE TRIGGER USER;" for table in tables),
            "COMMIT;",
            "",
        ]
    )


def _run_dump(url: str, *arguments: str) -> str:
    # The owner's policy shows it every row.
    return run_program("pg_dump", f"--role={OWNER_ROLE}", "--enable-row-security", *arguments, url=url)
