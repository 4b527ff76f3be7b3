"""Archives: exactly the same rows back, and nothing else taken for an archive."""

from __future__ import annotations

import builtins
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from django.db import IntegrityError, connections

from core.archive.columns import Column, RowHash, join_rows, split_row, to_arrow, to_wire
from core.archive.extra import ArrowMissing
from core.archive.manifest import list_manifests, read_manifest
from core.archive.reading import verify_archive
from core.archive.restoring import restore_archive
from core.constants import PARTITIONED_TABLES
from core.exceptions import Conflict, InvalidInput, NotFound
from core.services.retention import archive_partitions
from tests.factories.partitions import PARTITIONS, fill_tables
from tests.schema.conftest import ask, ensure, execute

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def filled(rolled_back: str) -> str:
    fill_tables(rolled_back)
    return rolled_back


def archive(alias: str, root: Path, table: str) -> Path:
    written = archive_partitions([PARTITIONS[table]], now=NOW, root=root, using=alias)
    assert [one.problem for one in written] == [""]
    return Path(written[0].directory)


def read(alias: str, table: str) -> list[tuple[Any, ...]]:
    """Every column as PostgreSQL writes it, all generated ones included."""
    execute(alias, "SET LOCAL extra_float_digits = 1; SET LOCAL timezone = 'UTC'")
    return sorted(ask(alias, f"SELECT t::text, t.* IS NULL FROM {table} t"))


def drop(alias: str, table: str) -> None:
    # What is deferred to the end of the transaction, such as the links of the audit trail, happens now.
    execute(alias, "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    execute(alias, f"ALTER TABLE {table} DETACH PARTITION {PARTITIONS[table]}")
    execute(alias, f"DROP TABLE {PARTITIONS[table]}")


def test_every_partitioned_table_is_looked_at() -> None:
    assert PARTITIONS.keys() == PARTITIONED_TABLES.keys()


@pytest.mark.parametrize("table", PARTITIONS)
@pytest.mark.parametrize("into", [None, "brought_back"])
def test_the_same_rows_come_back(filled: str, tmp_path: Path, table: str, into: str | None) -> None:
    partition = PARTITIONS[table]
    before = read(filled, partition)
    assert len(before) > 5
    directory = archive(filled, tmp_path, table)
    if into is None:
        drop(filled, table)

    restored = restore_archive(directory, into=into, using=filled)

    assert restored.rows == len(before)
    assert read(filled, restored.target) == before
    if into is None:
        assert read(filled, table)
        bound = ask(
            filled,
            "SELECT from_ts, to_ts FROM list_partitions_v1(%s::regclass) WHERE partition_name = %s",
            table,
            partition,
        )
        assert len(bound) == 1


def test_triggers_fire_again_after_a_restore(filled: str, tmp_path: Path) -> None:
    firing = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = %s::regclass ORDER BY 1"
    leaf = PARTITIONS["quantum_neuron_history"]
    before = ask(filled, firing, leaf)
    directory = archive(filled, tmp_path, "quantum_neuron_history")
    drop(filled, "quantum_neuron_history")
    restore_archive(directory, using=filled)
    assert ask(filled, firing, leaf) == before
    assert before


def test_new_rows_are_numbered_past_those_that_came_back(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "nfcs_fields")
    highest = ask(filled, "SELECT max(id) FROM nfcs_fields")[0][0]
    drop(filled, "nfcs_fields")
    execute(filled, "ALTER TABLE nfcs_fields ALTER id RESTART WITH 1")
    restore_archive(directory, using=filled)
    assert ask(filled, "SELECT nextval(pg_get_serial_sequence('nfcs_fields', 'id'))") == [(highest + 1,)]


def test_parquet_has_plain_types(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "kuramoto_oscillators")
    manifest = read_manifest(directory)
    table = pyarrow.parquet.read_table(directory / manifest.files[0].name)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["timestamp"] == "timestamp[us, tz=UTC]"
    assert types["phases"] == "list<element: double>"
    assert types["semantic_embedding"] == "list<element: float>"
    assert types["prediction_horizons"] == "string"
    assert "phase_coherence" not in types
    assert table.num_rows == manifest.rows == 21
    assert table["coupling_strength"].null_count == 10


def test_the_hash_of_the_rows_does_not_depend_on_their_order() -> None:
    there, back = RowHash(), RowHash()
    rows = [b"one", b"two", b"two"]
    for row in rows:
        there.add(row)
    for row in reversed(rows):
        back.add(row)
    assert (there.rows, there.hexdigest()) == (back.rows, back.hexdigest())
    back.add(b"two")
    assert there.hexdigest() != back.hexdigest()


def test_many_row_groups_and_files(filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.archive.writing.GROUP_ROWS", 50)
    monkeypatch.setattr("core.archive.writing.FILE_ROWS", 100)
    monkeypatch.setattr("core.archive.reading.BATCH_ROWS", 7)
    before = read(filled, PARTITIONS["metric_samples"])
    directory = archive(filled, tmp_path, "metric_samples")
    manifest = read_manifest(directory)
    assert len(manifest.files) == 4
    assert sum(file.rows for file in manifest.files) == manifest.rows == len(before)
    drop(filled, "metric_samples")
    restore_archive(directory, using=filled)
    assert read(filled, PARTITIONS["metric_samples"]) == before


def test_an_empty_partition(rolled_back: str, tmp_path: Path) -> None:
    ensure(rolled_back, "nfcs_fields_y2024m05", "2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z", "nfcs_fields")
    directory = archive(rolled_back, tmp_path, "nfcs_fields")
    assert read_manifest(directory).files == ()
    assert restore_archive(directory, into="nothing", using=rolled_back).rows == 0


def test_archiving_again_replaces_the_archive(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "metric_samples")
    first = read_manifest(directory)
    execute(filled, "INSERT INTO metric_samples SELECT run_id, 9, recorded_at, 1 FROM metric_samples LIMIT 1")
    archive(filled, tmp_path, "metric_samples")
    second = read_manifest(directory)
    assert second.rows == first.rows + 1
    assert [path.name for path in directory.glob("*.parquet")] == [second.files[0].name]
    assert [manifest for _, manifest in list_manifests(tmp_path)] == [second]


@pytest.mark.parametrize("offset", [10, -10])
def test_a_flipped_byte_is_refused_by_name(filled: str, tmp_path: Path, offset: int) -> None:
    directory = archive(filled, tmp_path, "nfcs_fields")
    path = next(directory.glob("*.parquet"))
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)
    with pytest.raises(Conflict, match=f"{path.name} is not what was archived"):
        restore_archive(directory, into="x", dry_run=True, using=filled)


def test_a_missing_file_is_refused_by_name(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "nfcs_fields")
    path = next(directory.glob("*.parquet"))
    path.unlink()
    with pytest.raises(Conflict, match=f"{path.name} is missing"):
        restore_archive(directory, into="x", using=filled)
    with pytest.raises(NotFound, match=r"manifest\.json is missing"):
        restore_archive(tmp_path, using=filled)


@pytest.mark.parametrize("key", ["rows", "rows_sha256", "partition", "made_at"])
def test_a_changed_manifest_is_refused(filled: str, tmp_path: Path, key: str) -> None:
    directory = archive(filled, tmp_path, "nfcs_fields")
    path = directory / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: "0"}))
    with pytest.raises(Conflict, match="its checksum differs"):
        restore_archive(directory, using=filled)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "nfcs-archive/1"}', "\x00"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(Conflict, match="is not a manifest"):
        read_manifest(tmp_path)


def test_rows_that_the_manifest_does_not_speak_of_are_found(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "metric_samples")
    manifest = read_manifest(directory)
    for change in ({"rows": manifest.rows - 1}, {"rows_sha256": "0" * 64}):
        wrong = type(manifest)(**{**manifest.__dict__, **change})
        with pytest.raises(Conflict, match="does not hold the rows"):
            verify_archive(directory, wrong)


def test_a_partition_with_rows_is_left_alone(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "metric_samples")
    before = read(filled, "metric_samples")
    with pytest.raises(Conflict, match="metric_samples_y2024m05 holds rows already"):
        restore_archive(directory, using=filled)
    assert read(filled, "metric_samples") == before


@pytest.mark.parametrize(
    ("into", "message"), [("runs", "There is a nfcs_core.runs already"), ("a b", "no name"), ("x" * 64, "no name")]
)
def test_a_table_that_cannot_be_made_is_refused(filled: str, tmp_path: Path, into: str, message: str) -> None:
    directory = archive(filled, tmp_path, "nfcs_fields")
    with pytest.raises(InvalidInput) as error:
        restore_archive(directory, into=into, using=filled)
    assert message in error.value.errors[0].detail


def test_a_run_that_is_gone_keeps_its_rows_from_coming_back(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "nfcs_fields")
    drop(filled, "nfcs_fields")
    execute(
        filled,
        "DELETE FROM kuramoto_oscillators; DELETE FROM consciousness_snapshots;"
        " DELETE FROM consciousness_records; DELETE FROM runs WHERE name = 'archived'",
    )
    with pytest.raises(IntegrityError, match="nfcs_fields_run_id_fk"):
        restore_archive(directory, using=filled)


def test_a_column_that_is_gone_is_named(filled: str, tmp_path: Path) -> None:
    directory = archive(filled, tmp_path, "nfcs_fields")
    execute(filled, "ALTER TABLE nfcs_fields RENAME COLUMN quartic_energy TO quartic")
    with pytest.raises(Conflict, match="nfcs_fields has no column quartic_energy any more"):
        restore_archive(directory, into="x", using=filled)


def test_a_dry_run_writes_nothing(filled: str, tmp_path: Path) -> None:
    archive_partitions(["nfcs_fields_y2024m05"], now=NOW, root=tmp_path, dry_run=True, using=filled)
    assert list(tmp_path.iterdir()) == []
    directory = archive(filled, tmp_path, "nfcs_fields")
    restore_archive(directory, into="x", dry_run=True, using=filled)
    assert ask(filled, "SELECT to_regclass('nfcs_core.x')") == [(None,)]


def test_what_cannot_be_kept_exactly_is_refused(filled: str, tmp_path: Path) -> None:
    execute(filled, "ALTER TABLE nfcs_fields ADD grid float8[] DEFAULT '{{1,2},{3,4}}'")
    written = archive_partitions(["nfcs_fields_y2024m05"], now=NOW, root=tmp_path, using=filled)
    assert "grid holds an array that is not a plain list" in written[0].problem
    assert list((tmp_path / "nfcs_fields" / "nfcs_fields_y2024m05").iterdir()) == []


def test_an_unknown_partition_is_refused(filled: str, tmp_path: Path) -> None:
    for name in ("nfcs_fields_default", "runs", "nfcs_fields_y1999m01"):
        with pytest.raises(NotFound, match=f"no partition {name}"):
            archive_partitions([name], now=NOW, root=tmp_path, using=filled)


def test_archiving_leaves_an_audit_entry(filled: str, tmp_path: Path) -> None:
    archive(filled, tmp_path, "nfcs_fields")
    entries = ask(
        filled,
        "SELECT convert_from(payload, 'UTF8')::jsonb FROM golden_dag_audit WHERE row_key = 'nfcs_fields_y2024m05'",
    )
    assert [json.loads(entry)["event"] for (entry,) in entries] == ["partition.archived"]


def test_without_pyarrow_the_extra_is_named(filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = builtins.__import__

    def refuse(name: str, *arguments: Any, **named: Any) -> Any:
        if name.split(".")[0] == "pyarrow":
            raise ImportError(name)
        return honest(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", refuse)
    written = archive_partitions(["nfcs_fields_y2024m05"], now=NOW, root=tmp_path, using=filled)
    assert "install the extra `arrow`" in written[0].problem
    assert ArrowMissing.code == "arrow_missing"


@pytest.mark.parametrize(
    "kind",
    [
        "bool",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "timestamptz",
        "vector",
        "_float8",
        "_timestamptz",
        "text",
        "jsonb",
        "bytea",
        "numeric",
    ],
)
def test_the_wire_image_survives(rolled_back: str, kind: str) -> None:
    """Values that are easily lost, from PostgreSQL's own bytes to Arrow and back."""
    literals = {
        "bool": ["true", "false"],
        "int2": ["-32768", "32767"],
        "int4": ["-2147483648", "2147483647"],
        "int8": ["-9223372036854775808", "9223372036854775807"],
        "float4": ["NaN", "-0", "1e-45", "-Infinity"],
        "float8": ["NaN", "-0", "5e-324", "Infinity", "0.1"],
        "timestamptz": ["infinity", "-infinity", "0001-01-01 00:00:00.000001+00", "9999-12-31 23:59:59.999999+00"],
        "vector": ["[1,-0,3.5]", "[1e-38]"],
        "_float8": ["{}", "{NaN,-0,1e-308}", "{1}"],
        "_timestamptz": ["{}", "{infinity,-infinity}", "{1999-12-31 23:59:59.999999+00,2024-02-29 00:00:00.000001+00}"],
        "text": ["", 'ü\\n\\t"', "NULL"],
        "jsonb": ["null", '{"a": [1, 2.50, "ü"]}', "1e400"],
        "bytea": ["", "\\x00ff0a"],
        "numeric": ["1.50", "NaN", "1e100"],
    }[kind]
    execute(rolled_back, f"CREATE TEMPORARY TABLE kept (v {'public.vector' if kind == 'vector' else kind})")
    for literal in [*literals, None]:
        execute(rolled_back, "INSERT INTO kept VALUES (%s)", literal)
    with connections[rolled_back].cursor() as cursor, cursor.copy("COPY kept TO STDOUT (FORMAT binary)") as copy:
        rows = [bytes(data) for data in copy][:-1]
    rows[0] = rows[0][19:]
    column = Column("v", kind, kind)
    values = [split_row(row)[0] for row in rows]
    assert len(values) == len(literals) + 1
    back = to_wire(column, to_arrow(column, values))
    assert back == values
    assert to_wire(column, to_arrow(column, values)[1:]) == values[1:]
    assert list(join_rows([back])) == rows
