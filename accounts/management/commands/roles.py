"""`manage.py roles`: the fixture of the role groups, and whether the database agrees with it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from accounts.roles import FIXTURE, find_differences, render_fixture
from core.management.base import FindingsError, NfcsCommand


class Command(NfcsCommand):
    """Write the fixture of the role groups from accounts/roles.py, or compare the database with it."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """The verbs."""
        verbs = self.add_verbs(parser)
        self.add_verb(verbs, self.write, changes_data=True)
        self.add_verb(verbs, self.check_groups)

    def write(self, **options: Any) -> None:
        """Write accounts/fixtures/roles.json, which `loaddata roles` reads."""
        text = render_fixture()
        changed = not FIXTURE.exists() or FIXTURE.read_text() != text
        if changed and not options["dry_run"]:
            FIXTURE.write_text(text)
        self.answer({"path": str(FIXTURE), "changed": changed}, [f"{FIXTURE} {'changed' if changed else 'unchanged'}"])

    def check_groups(self, **options: Any) -> None:
        """Compare the groups in the database with accounts/roles.py; exit code 3 where they differ."""
        differences = find_differences()
        self.answer({"differences": differences}, differences or ["The groups hold what accounts/roles.py says."])
        if differences:
            raise FindingsError(f"{len(differences)} differences; `manage.py loaddata roles` mends them")
