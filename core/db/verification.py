"""`verify_schema.sql`: is a database what the migrations make, asked by psql alone."""

from __future__ import annotations

from django.db import connections
from psycopg import sql

from core.db.sql import ROOT

_HEAD = """\
-- What the database lacks, what it has beside, and what differs from the migrations: no rows mean that all is there.
-- Definitions are compared as PostgreSQL {version} writes them; run it on the same major version.
SET search_path TO pg_catalog;
WITH expected (kind, name, definition) AS (VALUES
{expected}
), found AS (
{found}
)
SELECT CASE WHEN f.name IS NULL THEN 'missing' WHEN e.name IS NULL THEN 'unexpected' ELSE 'differs' END AS finding,
       kind, name, e.definition AS expected, f.definition AS found
FROM expected e FULL JOIN found f USING (kind, name)
WHERE e.definition IS DISTINCT FROM f.definition
ORDER BY 1, 2, 3;
RESET search_path;
"""


def write_verification(using: str) -> str:
    """The script that compares any database with the freshly migrated one behind the connection `using`."""
    query = (ROOT / "core" / "sql" / "verification.sql").read_text().split("-- name: list_objects\n", 1)[1].strip()
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        path = cursor.fetchone()[0]
        cursor.execute("SET search_path TO pg_catalog")
        cursor.execute(query)
        rows = sorted(cursor.fetchall())
        cursor.execute("SELECT set_config('search_path', %s, false), current_setting('server_version_num')", [path])
        version = int(cursor.fetchone()[1]) // 10_000
    values = ",\n".join(
        "    (" + ", ".join(sql.Literal(part).as_string(connection.connection) for part in row) + ")" for row in rows
    )
    return _HEAD.format(version=version, expected=values, found=query)
