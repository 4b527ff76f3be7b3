"""`manage.py migrate`, as the owner of the tables."""

from __future__ import annotations

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as MigrateCommand


class Command(MigrateCommand):
    """Django's migrate; without --database it runs on the owner's connection."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's arguments, another default."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")
