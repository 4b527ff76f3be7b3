"""Every table leaves an audit entry for every change, or stands in one list with its reason."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connections, transaction

from tests.schema.audited import BY_STATEMENT, EXEMPT
from tests.schema.conftest import execute

ROWS = {"audit_change", "audit_truncate"}
STATEMENTS = {"audit_insert", "audit_update", "audit_delete", "audit_truncate"}


def list_triggers(alias: str) -> dict[str, set[str]]:
    """By table that is no leaf: its enabled audit triggers, as the catalogue has them."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            """
            SELECT format('%s.%s', n.nspname, c.relname),
                   array(SELECT t.tgname::text FROM pg_trigger t
                         WHERE t.tgrelid = c.oid AND t.tgenabled IN ('O', 'A') AND t.tgname LIKE 'audit\\_%'
                           AND CASE t.tgname
                               WHEN 'audit_change' THEN t.tgfoid::regproc::text ~ 'audit_change_v2$' AND t.tgtype = 29
                               WHEN 'audit_truncate' THEN t.tgfoid::regproc::text ~ 'refuse_truncate_v1$'
                                                          AND t.tgtype = 34
                               WHEN 'audit_insert' THEN t.tgfoid::regproc::text ~ 'audit_statement_v1$' AND t.tgtype = 4
                               WHEN 'audit_delete' THEN t.tgfoid::regproc::text ~ 'audit_statement_v1$' AND t.tgtype = 8
                               ELSE t.tgfoid::regproc::text ~ 'audit_statement_v1$' AND t.tgtype = 16 END)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_'
              AND n.nspname <> 'information_schema' AND c.relpersistence = 'p'
            """
        )
        return {table: set(triggers) for table, triggers in cursor.fetchall()}


def find_unaudited(triggers: dict[str, set[str]]) -> list[str]:
    """One line for each table that is neither audited whole nor exempt, and for each stale line of the lists."""
    lines = []
    for table, found in triggers.items():
        wanted = set() if table in EXEMPT else STATEMENTS if table in BY_STATEMENT else ROWS
        if found - {"audit_links_append_only", "audit_checkpoints_append_only"} != wanted:
            lines.append(f"{table}: has {sorted(found)}, needs {sorted(wanted)}")
    lines += [f"{table}: is in a list and not in the database" for table in {*EXEMPT, *BY_STATEMENT} - triggers.keys()]
    return sorted(lines)


def test_every_table_is_audited_or_exempt(scratch: str) -> None:
    assert find_unaudited(list_triggers(scratch)) == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TRIGGER audit_change ON nfcs_core.runs", "nfcs_core.runs: has ['audit_truncate']"),
        ("ALTER TABLE user_mgmt.users DISABLE TRIGGER audit_change", "user_mgmt.users: has ['audit_truncate']"),
        ("DROP TRIGGER audit_delete ON validation.metric_samples", "validation.metric_samples: has ['audit_insert'"),
        ("CREATE TABLE nfcs_core.novelties (id integer)", "nfcs_core.novelties: has []"),
        ("DROP TABLE nfcs_core.summary_refreshes", "nfcs_core.summary_refreshes: is in a list"),
        (
            "CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE ON nfcs_core.runs FOR EACH ROW"
            " EXECUTE FUNCTION nfcs_core.audit_change_v2()",
            "nfcs_core.runs: has ['audit_truncate']",
        ),
    ],
)
def test_what_is_not_audited_is_named(rolled_back: str, statement: str, words: str) -> None:
    execute(rolled_back, statement)
    lines = find_unaudited(list_triggers(rolled_back))
    assert len(lines) == 1
    assert lines[0].startswith(words)


def test_no_audited_table_is_truncated(rolled_back: str) -> None:
    for table in sorted(list_triggers(rolled_back).keys() - EXEMPT.keys()):
        with pytest.raises(IntegrityError) as error, transaction.atomic(using=rolled_back):
            execute(rolled_back, f"TRUNCATE {table} CASCADE")
        assert error.value.__cause__.diag.constraint_name == "audited_never_truncated"


def test_nobody_who_serves_requests_reaches_a_leaf(rolled_back: str) -> None:
    with connections[rolled_back].cursor() as cursor:
        cursor.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"
            " AND has_table_privilege('nfcs_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"
        )
        assert cursor.fetchall() == []
