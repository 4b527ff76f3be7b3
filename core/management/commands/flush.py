"""`manage.py flush`, as the owner of the tables."""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.core.management.commands.flush import Command as FlushCommand


class Command(FlushCommand):
    """Django's flush; without --database it runs on the owner's connection."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's arguments, another default."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
