"""`manage.py secrets`: what other rows refer to by name."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from core.db.encryption import Secret
from core.db.identity import declared_actor
from core.key_ring import EncryptionError
from core.management.base import NfcsCommand
from core.models import NamedSecret
from core.services.secrets import remove_named_secret, set_named_secret


class Command(NfcsCommand):
    """Set, list and remove named secrets of the database."""

    help = "Named secrets, kept encrypted in the database. Nothing shows a value."

    def add_arguments(self, parser: CommandParser) -> None:
        """Three verbs."""
        verbs = self.add_verbs(parser)
        self.add_verb(verbs, self.set, changes_data=True).add_argument("name", help="such as alerts.pager")
        self.add_verb(verbs, self.list)
        self.add_verb(verbs, self.remove, changes_data=True).add_argument("name")

    def set(self, *, name: str, dry_run: bool, **_: Any) -> None:
        """Keep the secret on standard input under a name; a terminal asks for it and does not show it."""
        try:
            text = getpass.getpass("secret: ") if sys.stdin.isatty() else sys.stdin.read()
        except UnicodeDecodeError as error:
            raise CommandError("standard input is no UTF-8 text") from error
        with transaction.atomic():
            is_there = NamedSecret.objects.filter(name=name).exists()
            try:
                set_named_secret(name=name, value=Secret(text.strip()), changed_by_id=declared_actor() or None)
            except EncryptionError as error:
                raise CommandError(str(error)) from error
            if dry_run:
                transaction.set_rollback(True)
        done = "replaced" if is_there else "set"
        self.answer(
            {"name": name, "done": None if dry_run else done, "dry_run": dry_run},
            [f"would be {done}: {name}" if dry_run else f"{done}: {name}"],
        )

    def list(self, **_: Any) -> None:
        """Show names, and when and by whom they were set."""
        rows = [
            {
                "name": row.name,
                "created_at": row.created_at,
                "updated_at": row.updated_at,
                "changed_by": row.changed_by and row.changed_by.get_username(),
            }
            for row in NamedSecret.objects.select_related("changed_by").defer("value")
        ]
        self.answer(
            rows,
            [f"{row['name']:<30} {row['updated_at']:%Y-%m-%d %H:%M} {row['changed_by'] or 'a command'}" for row in rows]
            or ["there are none"],
        )

    def remove(self, *, name: str, dry_run: bool, **_: Any) -> None:
        """Forget a secret; what refers to it fails from then on."""
        with transaction.atomic():
            remove_named_secret(name=name)
            if dry_run:
                transaction.set_rollback(True)
        self.answer({"name": name, "dry_run": dry_run}, [f"would remove {name}" if dry_run else f"removed {name}"])
