"""Who reaches which rows of which table: what is declared, and what the database does.

The database is a skeleton: the real tables and policies, without the checks and keys that have nothing to do with
them, so that a row of every kind can be put into every table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql

from core.db.prepare import SCHEMAS

PROBE = f"row_probe_{os.getpid()}"
"""A role that holds every right on every table and is bound by policies alone."""
ACTORS = {
    "nobody": None,
    "stranger": 11,
    "owner": 12,
    "member": 13,
    "readonly owner": 14,
    "readonly": 15,
    "operator": 16,
    "admin": 17,
    "inactive admin": 18,
    "system": 0,
}
ROLES = {11: "user", 12: "user", 13: "user", 14: "readonly", 15: "readonly", 16: "operator", 17: "admin", 18: "admin"}
OWNED, READONLYS, SYSTEMS, SHARED, NONE = "owner's", "readonly owner's", "nobody's", "shared", "of no run"
RUNS = {OWNED: 101, READONLYS: 102, SYSTEMS: 103, SHARED: 104}
COMMANDS = ("select", "insert", "update", "delete")
PLANTED = 1_000_000
"""Ids of planted rows begin here."""

Reach = Mapping[str, set[str]]
"""By actor the kinds of rows."""


def everything(kinds: set[str], *actors: str) -> dict[str, set[str]]:
    return dict.fromkeys(("system", *actors), kinds)


@dataclass(frozen=True)
class Table:
    """One table: what its planted rows are called, what sets them apart, and who reaches which.

    Attributes:
        rows: by kind, the columns that make a row of that kind.
        reach: by command, the kinds that each actor reaches; who is not named reaches none.
    """

    rows: Mapping[str, Mapping[str, object]]
    reach: Mapping[str, Reach]


def of_runs(*, null: bool = False, derived: bool = False) -> Table:
    rows: dict[str, dict[str, object]] = {kind: {"run_id": run} for kind, run in RUNS.items()}
    free = {NONE} if null else set()
    if null:
        rows[NONE] = {"run_id": None}
    return Table(rows, _reach_of_runs(set(rows), free, derived))


def _reach_of_runs(kinds: set[str], free: set[str], derived: bool) -> dict[str, Reach]:
    read = everything(kinds, "operator", "admin") | {
        "stranger": free,
        "owner": free | {OWNED},
        "member": free | {SHARED},
        "readonly owner": free | {READONLYS},
        "readonly": free,
    }
    write = everything(kinds, "operator", "admin")
    if not derived:
        write |= {"stranger": free, "owner": free | {OWNED}, "member": free}
    return {"select": read, "insert": write, "update": write, "delete": write}


def of_system(
    read: tuple[str, ...] = ("stranger", "owner", "member", "readonly owner", "readonly"),
    write: Mapping[str, tuple[str, ...]] | None = None,
) -> Table:
    """Rows of no run: who besides operators reads them, and who besides operators does what."""
    kinds = {"any"}
    staff = everything(kinds, "operator", "admin")
    reach = {"select": staff | dict.fromkeys(read, kinds)}
    for command in COMMANDS[1:]:
        reach[command] = staff | dict.fromkeys((write or {}).get(command, ()), kinds)
    return Table({"any": {}}, reach)


def of_persons(
    column: str,
    *,
    readers: tuple[str, ...] = ("admin",),
    writers: tuple[str, ...] = ("admin",),
    writes_own: bool = True,
    **others: object,
) -> Table:
    """Rows of one person each."""
    rows = {OWNED: {column: 12, **others}, READONLYS: {column: 14, **others}}
    own = {"owner": {OWNED}, "readonly owner": {READONLYS}}
    write = everything(set(rows), *writers) | (own if writes_own else {})
    return Table(
        rows,
        {"select": everything(set(rows), *readers) | own, "insert": write, "update": write, "delete": write},
    )


def _of_neurons(columns: tuple[str, ...], *, appended: bool) -> Table:
    """Rows of the neurons that are planted for every kind of run."""
    kinds = [OWNED, READONLYS, SYSTEMS, SHARED, NONE]
    rows: dict[str, dict[str, object]] = {
        kind: dict.fromkeys(columns, PLANTED + number) for number, kind in enumerate(kinds)
    }
    reach = dict(_reach_of_runs(set(kinds), {NONE}, derived=False))
    if appended:
        reach["update"] = reach["delete"] = everything(set(kinds), "operator", "admin")
    return Table(rows, reach)


def _of_runs_themselves() -> Table:
    owners = {OWNED: 12, READONLYS: 14, SYSTEMS: None, SHARED: None}
    rows = {kind: {"id": RUNS[kind], "owner_id": owner} for kind, owner in owners.items()}
    reach = dict(_reach_of_runs(set(rows), set(), derived=False))
    reach["delete"] = everything(set(rows), "operator", "admin")
    return Table(rows, reach)


def _of_users() -> Table:
    kinds = {"themselves", "another"}
    rows = {"themselves": {"id": 12, "role": "user", "is_active": True, "is_superuser": False}}
    rows["another"] = {"id": 11, "role": "user", "is_active": True, "is_superuser": False}
    administer = everything(kinds, "admin")
    own = {"owner": {"themselves"}, "stranger": {"another"}}
    return Table(
        rows,
        {
            "select": everything(kinds, "operator", "admin") | own,
            "insert": administer,
            "update": administer | own,
            "delete": administer,
        },
    )


def _of_notes() -> Table:
    kinds = list(RUNS)
    rows: dict[str, dict[str, object]] = {kind: {"violation_id": PLANTED + n} for n, kind in enumerate(kinds)}
    return Table(rows, _reach_of_runs(set(kinds), set(), derived=True))


def _of_requests() -> Table:
    rows: dict[str, dict[str, object]] = {OWNED: {"user_id": 12}, READONLYS: {"user_id": 14}}
    own = everything(set(rows)) | {"owner": {OWNED}, "readonly owner": {READONLYS}}
    return Table(rows, {"select": own, "insert": own, "update": {}, "delete": own})


ANY = {"any"}
ADMINISTERED = Table({"any": {}}, dict.fromkeys(COMMANDS, everything(ANY, "admin")))
INSPECTED = of_system(read=("readonly", "readonly owner"))
PROGRAMS = ("stranger", "owner", "member")
TABLES: dict[str, Table] = {
    "nfcs_core.runs": _of_runs_themselves(),
    "nfcs_core.run_shares": of_runs(),
    "nfcs_core.nfcs_fields": of_runs(),
    "nfcs_core.quantum_neurons": of_runs(null=True),
    "nfcs_core.quantum_neuron_history": _of_neurons(("neuron_id",), appended=True),
    "nfcs_core.quantum_entanglements": _of_neurons(("neuron_a_id", "neuron_b_id"), appended=False),
    "nfcs_core.reality_networks": of_system(),
    "nfcs_core.reality_nodes": of_system(),
    "nfcs_core.reality_edges": of_system(),
    "nfcs_core.system_config": of_system(),
    "nfcs_core.system_config_history": of_system(),
    "nfcs_core.idempotency_keys": _of_requests(),
    "nfcs_core.named_secrets": ADMINISTERED,
    "nfcs_core.golden_dag_audit": Table(
        {"any": {}}, {"select": everything(ANY, "operator", "admin"), "insert": {}, "update": {}, "delete": {}}
    ),
    "user_mgmt.users": _of_users(),
    "user_mgmt.users_groups": of_persons("user_id", readers=("admin", "operator"), writes_own=False, group_id=601),
    "user_mgmt.users_user_permissions": of_persons("user_id", readers=("admin", "operator"), writes_own=False),
    "user_mgmt.user_sessions": of_persons("user_id"),
    "user_mgmt.api_keys": of_persons("owner_id"),
    "user_mgmt.second_factors": of_persons("user_id"),
    "user_mgmt.recovery_codes": of_persons("user_id"),
    "user_mgmt.login_attempts": ADMINISTERED,
    "user_mgmt.api_key_uses": Table(
        {OWNED: {"key_id": PLANTED}, READONLYS: {"key_id": PLANTED + 1}},
        {
            "select": everything({OWNED, READONLYS}, "admin") | {"owner": {OWNED}, "readonly owner": {READONLYS}},
            **{key: {} for key in COMMANDS[1:]},
        },
    ),
    "user_mgmt.rate_limits": Table(
        {"any": {}}, {"select": everything(ANY, "admin"), **{key: {} for key in COMMANDS[1:]}}
    ),
    "user_mgmt.partner_configs": of_persons(
        "owner_id", readers=("admin", "operator"), writers=("admin", "operator"), writes_own=False
    ),
    "kuramoto.kuramoto_oscillators": of_runs(),
    "kuramoto.synchronization_events": of_runs(),
    "kuramoto.synchronization_states": of_runs(),
    "constitutional.constitutional_policies": of_system(),
    "constitutional.constitutional_policy_versions": of_system(),
    "constitutional.constitutional_violations": of_runs(derived=True),
    "constitutional.policy_monitor_states": of_runs(derived=True),
    "constitutional.run_guard_states": of_runs(derived=True),
    "constitutional.violation_notes": _of_notes(),
    "cognitive.cognitive_sessions": of_runs(null=True),
    "cognitive.consciousness_records": of_runs(),
    "cognitive.consciousness_snapshots": of_runs(),
    "cognitive.memory_experiences": of_system(write={"insert": PROGRAMS, "update": PROGRAMS}),
    "cognitive.memory_strengths": of_system(write=dict.fromkeys(COMMANDS[1:], PROGRAMS)),
    "cognitive.memory_retrievals": of_system(write={"insert": PROGRAMS}),
    "validation.metric_series": of_runs(),
    "validation.metric_samples": of_runs(),
    "validation.metric_days": of_runs(derived=True),
    "validation.metric_latest": of_runs(derived=True),
    "validation.metric_rollups": of_runs(derived=True),
    "validation.metric_rollup_log": of_runs(derived=True),
    "validation.validation_runs": of_runs(null=True),
    "validation.alert_rules": of_runs(null=True, derived=True),
    "validation.monitoring_alerts": of_runs(derived=True),
    "validation.alert_memories": of_runs(derived=True),
    "validation.alert_channels": INSPECTED,
    "validation.alert_rule_channels": INSPECTED,
    "validation.alert_deliveries": INSPECTED,
}
"""Every table with policies, and who reaches which of its rows by which command."""


def reach_of(table: Table, command: str, actor: str) -> set[str]:
    """The kinds of rows that are declared for an actor."""
    return set(table.reach[command].get(actor, set()))


class World:
    """The planted rows, and the question which of them an actor reaches."""

    def __init__(self, admin: psycopg.Connection) -> None:
        self.admin = admin
        self.places: dict[str, dict[str, str]] = {}
        self.columns: dict[str, dict[str, str]] = {}

    def build(self) -> None:
        """Take away what is in the way, then plant users, groups, runs and a row of every kind."""
        self.admin.execute("SET session_replication_role = replica")
        for schema, table, name in self.admin.execute(
            "SELECT n.nspname, c.relname, x.conname FROM pg_constraint x JOIN pg_class c ON c.oid = x.conrelid"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (%s) AND x.conparentid = 0"
            " AND (x.contype IN ('c', 'f') OR x.contype = 'u') AND x.coninhcount = 0 ORDER BY x.contype DESC",
            [list(SCHEMAS)],
        ).fetchall():
            drop = sql.SQL("ALTER TABLE {}.{} DROP CONSTRAINT {} CASCADE")
            self.admin.execute(drop.format(*map(sql.Identifier, (schema, table, name))))
        for schema, name in self.admin.execute(
            "SELECT n.nspname, x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid"
            " JOIN pg_namespace n ON n.oid = x.relnamespace"
            " WHERE n.nspname = ANY (%s) AND i.indisunique AND NOT i.indisprimary AND NOT x.relispartition",
            [list(SCHEMAS)],
        ).fetchall():
            self.admin.execute(sql.SQL("DROP INDEX {}.{}").format(*map(sql.Identifier, (schema, name))))
        self.admin.execute(f"CREATE ROLE {PROBE}")
        for schema in SCHEMAS:
            self.admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {PROBE}")
            self.admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {PROBE}")
            self.admin.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {PROBE}")
        for name in TABLES:
            self.columns[name] = self._read_columns(name)
        for user, role in ROLES.items():
            values = {"id": user, "role": role, "is_active": user != 18, "is_superuser": False}
            self._insert("user_mgmt.users", values)
        self.admin.execute("INSERT INTO public.auth_group (id, name) VALUES (501, 'laboratory')")
        self._insert("user_mgmt.users_groups", {"id": 1, "user_id": 13, "group_id": 501})
        self._insert("nfcs_core.run_shares", {"id": 1, "run_id": RUNS[SHARED], "group_id": 501})
        for name, table in TABLES.items():
            self.places[name] = {}
            for number, (kind, values) in enumerate(table.rows.items()):
                if name == "user_mgmt.users":
                    place = self.admin.execute("SELECT ctid FROM user_mgmt.users WHERE id = %s", [values["id"]])
                    self.places[name][kind] = str(place.fetchone()[0])  # type: ignore[index]
                else:
                    self.places[name][kind] = self._insert(name, self._identify(name, number, values))

    def probe(self, name: str, command: str, actor: str) -> set[str]:
        """The kinds of planted rows of a table that the actor reaches by a command."""
        with self._acting(actor):
            if command == "insert":
                return {
                    kind
                    for number, (kind, values) in enumerate(TABLES[name].rows.items())
                    if self._passes(self._write_insert(name, self._identify(name, 100 + number, values, keep="id")))
                }
            return {
                kind
                for kind, place in self.places[name].items()
                if self._passes(self._write(name, command), place, check_alone=command == "update")
            }

    def probe_moves(self, name: str, actor: str) -> set[str]:
        """The kinds to which the actor can turn the rows within reach: the check of an update, apart from its reach.

        The statement reads no column: one that did would have to be allowed to read the new row as well.
        """
        moved = set()
        with self._acting(actor):
            for kind, values in TABLES[name].rows.items():
                assignments = [
                    sql.SQL("{} = {}").format(sql.Identifier(column), sql.Literal(value))
                    for column, value in values.items()
                    if column != "id"
                ]
                statement = sql.SQL("UPDATE {} SET {}").format(self._relation(name), sql.SQL(", ").join(assignments))
                if self._passes(statement):
                    moved.add(kind)
        return moved

    @contextmanager
    def _acting(self, actor: str) -> Iterator[None]:
        user = ACTORS[actor]
        with self.admin.transaction(force_rollback=True):
            self.admin.execute("SELECT set_config('nfcs.user_id', %s, true)", ["" if user is None else str(user)])
            self.admin.execute(f"SET LOCAL ROLE {PROBE}")
            yield

    def _passes(self, statement: sql.Composable, place: str | None = None, *, check_alone: bool = False) -> bool:
        try:
            with self.admin.transaction(force_rollback=True):
                return bool(self.admin.execute(statement, None if place is None else [place]).rowcount)
        except errors.UniqueViolation:
            # Indexes are asked after policies.
            return True
        except errors.InsufficientPrivilege as error:
            if "row-level security" not in str(error):
                raise
            # An update that changes nothing has reached the row when its new version is refused.
            return check_alone

    def _write(self, name: str, command: str) -> sql.Composed:
        column = next(iter(TABLES[name].rows.values())) or self.columns[name]
        texts = {
            "select": "SELECT 1 FROM {0} WHERE ctid = %s",
            "update": "UPDATE {0} SET {1} = {1} WHERE ctid = %s",
            "delete": "DELETE FROM {0} WHERE ctid = %s",
        }
        return sql.SQL(texts[command]).format(self._relation(name), sql.Identifier(next(iter(column))))

    def _identify(
        self, name: str, number: int, values: Mapping[str, object], keep: str | None = None
    ) -> dict[str, object]:
        identified = dict(values)
        if "id" in self.columns[name] and (keep is not None or "id" not in identified):
            identified["id"] = PLANTED + number
        return identified

    def _insert(self, name: str, values: Mapping[str, object]) -> str:
        row = self.admin.execute(self._write_insert(name, values) + sql.SQL(" RETURNING ctid")).fetchone()
        assert row is not None
        return str(row[0])

    def _write_insert(self, name: str, values: Mapping[str, object]) -> sql.Composed:
        filled = {column: text for column, text in self.columns[name].items() if column not in values}
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self._relation(name),
            sql.SQL(", ").join(map(sql.Identifier, (*filled, *values))),
            sql.SQL(", ").join([*map(sql.SQL, filled.values()), *map(sql.Literal, values.values())]),  # type: ignore[arg-type]
        )

    def _relation(self, name: str) -> sql.Identifier:
        return sql.Identifier(*name.split("."))

    def _read_columns(self, name: str) -> dict[str, str]:
        """Of the columns that must have a value, and of `id`: something of their type."""
        rows = self.admin.execute(
            "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a"
            " WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''"
            " AND (a.attname = 'id' OR a.attnotnull AND a.attidentity = '' AND NOT a.atthasdef)",
            [name],
        ).fetchall()
        return {column: f"{fill_value(kind)}::{kind}" for column, kind in rows}


def fill_value(kind: str) -> str:
    """Some value of a type, as SQL."""
    return "'{}'" if kind.endswith("[]") else FILLERS.get(kind, "'1'")


FILLERS = {
    "date": "'2026-01-01'",
    "uuid": "gen_random_uuid()",
    "jsonb": "'{}'",
    "boolean": "true",
    "timestamp with time zone": "'2026-01-01 00:00:00+00'",
    "bytea": "''",
}
