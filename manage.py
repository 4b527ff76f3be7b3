#!/usr/bin/env python
"""Django's command line for NFCS."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nfcs.settings")
    if sys.argv[1:2] in (["up"], ["runserver"]):
        # They speak plain HTTP, on the loopback address unless told otherwise.
        os.environ.setdefault("NFCS_HTTPS", "false")
    import django
    from django.core.management import execute_from_command_line

    from core.db.identity import SYSTEM, on_behalf_of
    from core.db.role_guard import require_bound_role

    with on_behalf_of(SYSTEM):
        if sys.argv[1:3] == ["procrastinate", "worker"]:
            # Its own command knows nothing of roles.
            django.setup()
            require_bound_role()
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
