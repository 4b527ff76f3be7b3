"""Models, migrations, manifest and database say the same."""

from __future__ import annotations

from django.db import connections

from core.db.catalogue import diff, read_catalogue
from core.db.drift.manifest import load_manifest, reduce_catalogue
from core.db.drift.models import find_table_drift
from core.db.prepare import SCHEMAS


def test_tables_are_what_their_models_say(scratch: str) -> None:
    assert [str(finding) for finding in find_table_drift(using=scratch)] == []


def test_the_committed_manifest_is_what_the_migrations_make(scratch: str) -> None:
    differences = diff(load_manifest(), reduce_catalogue(read_catalogue(using=scratch)))
    assert [str(difference) for difference in differences] == [], "run: manage.py schema manifest --write"


def test_everything_of_ours_is_commented(scratch: str) -> None:
    catalogue = read_catalogue(using=scratch, schemas=SCHEMAS)
    relations = {
        name: relation for name, relation in catalogue["relations"].items() if not relation.get("partition_of")
    }
    bare = [name for name, thing in (relations | catalogue["functions"]).items() if not thing.get("comment")]
    bare += [
        f"{name}.{column}"
        for name, relation in relations.items()
        for column, thing in relation["columns"].items()
        if not thing.get("comment")
    ]
    assert bare == []


def test_every_foreign_key_begins_an_index(scratch: str) -> None:
    with connections[scratch].cursor() as cursor:
        cursor.execute(
            """
            SELECT con.conrelid::regclass::text, con.conname
            FROM pg_constraint con
            JOIN pg_class c ON c.oid = con.conrelid
            WHERE con.contype = 'f' AND NOT c.relispartition
              AND c.relnamespace::regnamespace::text = ANY (%s)
              AND NOT EXISTS (
                  SELECT FROM pg_index i
                  WHERE i.indrelid = con.conrelid AND i.indisvalid
                    AND coalesce(pg_get_expr(i.indpred, i.indrelid), '') ~ '^(\\(\\w+ IS NOT NULL\\))?$'
                    AND (SELECT array_agg(k ORDER BY k) FROM unnest(con.conkey) k)
                        = (SELECT array_agg(k ORDER BY k)
                           FROM unnest((i.indkey::smallint[])[0:cardinality(con.conkey) - 1]) k))
            ORDER BY 1, 2
            """,
            [list(SCHEMAS)],
        )
        assert cursor.fetchall() == []
