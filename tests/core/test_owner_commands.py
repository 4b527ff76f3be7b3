"""Django's commands that only the owner of the tables may run do so by themselves."""

from __future__ import annotations

import pytest
from django.core.management import load_command_class


@pytest.mark.parametrize("name", ["migrate", "flush"])
def test_the_owners_connection_is_the_default(name: str) -> None:
    parser = load_command_class("core", name).create_parser("manage.py", name)
    assert parser.parse_args([]).database == "owner"
    assert parser.parse_args(["--database", "default"]).database == "default"
