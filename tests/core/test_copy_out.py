"""Columns of numbers and times out of binary COPY."""

from __future__ import annotations

import numpy as np
import pytest
from django.db import connection, transaction

from core.db.copy_out import read_columns

pytestmark = pytest.mark.django_db
KINDS = {"n": "int8", "x": "float8", "at": "timestamptz"}


def read(statement: str, kinds: dict[str, str] = KINDS, **parameters: object) -> dict[str, np.ndarray]:
    with transaction.atomic(), connection.cursor() as cursor:
        return read_columns(cursor, statement, parameters, kinds)


def test_values_come_as_they_are() -> None:
    found = read(
        "SELECT * FROM (VALUES (9223372036854775807, -0.1::float8, '1900-01-01 00:00:00.000001+00'::timestamptz),"
        " (-9223372036854775808, 1e-300, '8999-12-31 23:59:59.999999+00'), (%(n)s, 'NaN', '2000-01-01 01:00+01')) v",
        n=7,
    )
    assert found["n"].tolist() == [2**63 - 1, -(2**63), 7]
    assert found["x"].tolist()[:2] == [-0.1, 1e-300]
    assert np.isnan(found["x"][2])
    assert found["at"].astype(str).tolist() == [
        "1900-01-01T00:00:00.000001",
        "8999-12-31T23:59:59.999999",
        "2000-01-01T00:00:00.000000",
    ]


def test_no_row() -> None:
    assert [len(column) for column in read("SELECT 1::int8, 1::float8, now() LIMIT 0").values()] == [0, 0, 0]


@pytest.mark.parametrize("statement", ["SELECT NULL::int8", "SELECT 1::int4", "SELECT 1::int8, 2"])
def test_what_is_not_of_its_kind_is_refused(statement: str) -> None:
    with pytest.raises(ValueError, match="null, or not one of int8"):
        read(statement, {"n": "int8"})
