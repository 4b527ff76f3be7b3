"""The catalogue depends on the schema alone, and a difference says where it is."""

from __future__ import annotations

import json

import pytest

from core.db.catalogue import Difference, diff, read_catalogue
from tests.schema.conftest import execute

TABLE = {"kind": "table", "columns": {"id": {"type": "bigint"}}, "grants": {"nfcs_app": "SELECT"}}


def catalogue(**relations: object) -> dict:
    return {"relations": relations}


def test_it_is_plain_data_and_the_same_at_every_reading(scratch: str) -> None:
    first = read_catalogue(using=scratch)
    assert json.loads(json.dumps(first)) == first == read_catalogue(using=scratch)


@pytest.mark.parametrize(
    "settings",
    [
        "SET LOCAL search_path = nfcs_core, public",
        "SET LOCAL timezone = 'Asia/Kathmandu'; SET LOCAL datestyle = 'German'",
        "SET LOCAL quote_all_identifiers = on",
        "SET LOCAL intervalstyle = 'iso_8601'",
    ],
)
def test_settings_of_the_session_do_not_show_and_stay(rolled_back: str, settings: str) -> None:
    execute(rolled_back, "SELECT create_monthly_partition('nfcs_fields', '2031-05-05')")
    before = read_catalogue(using=rolled_back)
    execute(rolled_back, settings)
    assert read_catalogue(using=rolled_back) == before
    name = settings.split()[2]
    with_settings = read_catalogue(using=rolled_back)
    assert with_settings == before
    execute(rolled_back, f"DO $$ BEGIN ASSERT current_setting('{name}') <> '', 'lost'; END $$")


def test_it_holds_what_the_issue_names(scratch: str) -> None:
    found = read_catalogue(using=scratch)
    fields = found["relations"]["nfcs_core.nfcs_fields"]
    assert fields["kind"] == "partitioned table"
    assert fields["partition_key"] == 'RANGE ("timestamp")'
    assert fields["grants"] == {"nfcs_app": "INSERT, SELECT"}
    assert fields["columns"]["frame"] == {
        "type": "bytea",
        "storage": "external",
        "comment": fields["columns"]["frame"]["comment"],
    }
    assert fields["constraints"]["nfcs_fields_pkey"]["definition"] == 'PRIMARY KEY (run_id, "timestamp", id)'
    assert fields["indexes"]["idx_nfcs_fields_time_brin"]["definition"] == 'USING brin ("timestamp")'
    assert "this table" in fields["triggers"]["nfcs_fields_append_only"]["definition"]
    leaf = found["relations"]["nfcs_core.nfcs_fields_default"]
    assert (leaf["partition_of"], leaf["bound"]) == ("nfcs_core.nfcs_fields", "DEFAULT")
    assert "grants" not in leaf
    assert "SELECT nullif" in found["functions"]["nfcs_core.current_actor_v1()"]["definition"]
    assert found["relations"]["validation.system_metrics"]["options"] == "security_invoker=true"
    assert found["sequences"]["nfcs_core.runs_id_seq"]["owned_by"] == "nfcs_core.runs.id"
    assert found["schemas"]["nfcs_core"]["grants"] == {"nfcs_app": "USAGE"}
    assert found["extensions"] == {"vector": {"schema": "public"}}
    assert not any(name.startswith("public.vector") for name in found["functions"])


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        (catalogue(a=TABLE), catalogue(a=TABLE), []),
        (catalogue(a=TABLE), catalogue(), ["table a: missing"]),
        (catalogue(), catalogue(a=TABLE), ["table a: unexpected"]),
        (catalogue(a=TABLE), catalogue(a=TABLE | {"columns": {}}), ["table a, column id: missing"]),
        (
            catalogue(a=TABLE),
            catalogue(a=TABLE | {"columns": {"id": {"type": "integer"}}}),
            ["table a, column id: type should be 'bigint', is 'integer'"],
        ),
        (
            catalogue(a=TABLE),
            catalogue(a=TABLE | {"grants": {"nfcs_app": "INSERT"}}),
            ["table a, grant to nfcs_app: privileges should be 'SELECT', is 'INSERT'"],
        ),
        (
            catalogue(a=TABLE),
            catalogue(a={"kind": "table", "columns": TABLE["columns"], "row_security": "on"}),
            ["table a, grant to nfcs_app: missing", "table a: row security should be absent, is 'on'"],
        ),
        (
            {"functions": {"f()": {"definition": "BEGIN\n  a;\n  b;\nEND"}}},
            {"functions": {"f()": {"definition": "BEGIN\n  a;\n  c;\nEND"}}},
            ["function f(): definition differs\n    -  b;\n    +  c;"],
        ),
    ],
)
def test_differences_are_named(expected: dict, found: dict, words: list[str]) -> None:
    assert [str(difference) for difference in diff(expected, found)] == words


def test_a_difference_carries_both_sides() -> None:
    (difference,) = diff(catalogue(a=TABLE), catalogue(a=TABLE | {"kind": "view"}))
    assert difference == Difference(("relations", "a", "kind"), "changed", "table", "view")
