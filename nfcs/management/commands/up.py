"""`manage.py up`: the whole system with one command, and down again with Ctrl-C."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.db import connections

from accounts.models import User
from core.constants import SEED_FIXTURES
from core.db.role_guard import UnboundRole, require_bound_role
from core.management.arguments import LONGEST_PAST_S, whole
from core.management.base import NfcsCommand, UsageError
from core.models import SystemConfig
from nfcs.supervisor import Process, Supervisor


class Command(NfcsCommand):
    """Bring up database, web server, worker and a live simulation; stop all of it on Ctrl-C or SIGTERM."""

    help = "Start everything: database, migrations, fixtures, partitions, web server, worker and a live simulation."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen and what to leave out."""
        super().add_arguments(parser)
        parser.add_argument(
            "--port", type=whole(0, 65535), default=int(os.environ.get("PORT") or 8000), help="port (PORT, 8000)"
        )
        parser.add_argument("--bind", default=os.environ.get("NFCS_BIND", "127.0.0.1"), help="address (127.0.0.1)")
        parser.add_argument(
            "--backfill",
            type=whole(0, LONGEST_PAST_S),
            default=600,
            help="seconds of past the simulation begins with (600)",
        )
        parser.add_argument("--no-simulation", action="store_true", help="do not simulate")

    def run(self, **options: Any) -> None:
        """Prepare, start, watch, stop."""
        address = f"{options['bind']}:{options['port']}"
        _check_port(options["bind"], options["port"])
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        try:
            self._prepare()
        except UnboundRole as error:
            raise CommandError(str(error)) from error
        password = self._ensure_admin()
        connections.close_all()
        _share_metrics(settings.DATA_DIR / "metrics")
        supervisor = Supervisor(settings.DATA_DIR / "logs", server=settings.DATABASES["default"]["EMBEDDED"])
        try:
            supervisor.start(_list_processes(address, None if options["no_simulation"] else options["backfill"]))
            if not supervisor.wait_until_ready(f"http://{address}/healthz", stop):
                raise CommandError(f"the web server did not answer; see {supervisor.log_directory / 'web.log'}")
            self._announce(address, password)
            supervisor.watch(stop, self.stdout.write)
        finally:
            self.stdout.write("stopping ...")
            supervisor.stop()
        self.stdout.write("stopped")

    def _prepare(self) -> None:
        self._step("database")
        with connections["owner"].cursor() as cursor:
            cursor.execute("SHOW server_version")
            self._done(f"PostgreSQL {cursor.fetchone()[0]}")
        require_bound_role()
        self._step("migrations")
        call_command("migrate", verbosity=0, interactive=False)
        self._done("applied")
        self._step("fixtures")
        if SystemConfig.objects.exists():
            self._done("kept as they are")
        else:
            call_command("loaddata", *SEED_FIXTURES, verbosity=0)
            self._done(", ".join(SEED_FIXTURES))
        self._step("roles")
        call_command("loaddata", "roles", verbosity=0)
        self._done("as this version has them")
        self._step("partitions")
        call_command("partitions", "apply", stdout=open(os.devnull, "w"))  # noqa: SIM115
        self._done("the coming months are covered")

    def _ensure_admin(self) -> str | None:
        """Make the first administrator; the password, where it was generated here."""
        if User.objects.filter(is_superuser=True).exists():
            return None
        given = os.environ.get("NFCS_ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        User.objects.create_superuser("admin", "admin@localhost", password)
        return None if given else password

    def _announce(self, address: str, password: str | None) -> None:
        lines = [
            "",
            f"  admin    http://{address}/admin/",
            f"  API      http://{address}/api/docs/",
            f"  health   http://{address}/readyz",
            f"  logs     {settings.DATA_DIR / 'logs'}",
        ]
        if password:
            lines.append(f"  sign in  admin / {password}   (shown this once)")
        lines += ["", "Ctrl-C stops everything; the data stay."]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

    def _step(self, name: str) -> None:
        self.stdout.write(f"{name:<12}", ending="")
        self.stdout.flush()

    def _done(self, words: str) -> None:
        self.stdout.write(words)


def _list_processes(address: str, backfill_s: int | None) -> list[Process]:
    web = ["-m", "gunicorn", "nfcs.wsgi", "--config", "python:nfcs.web", "--bind", address]
    processes = [
        Process("web", web),
        Process("worker", ["manage.py", "procrastinate", "worker", "--concurrency", "2"]),
    ]
    if backfill_s is not None:
        live = ["manage.py", "simulate", "--live", "--name", "live simulation", "--network", "biosemi64"]
        # A new colleague sees something, whatever the role.
        shares = ["--share", "readonly", "--share", "user"]
        processes.append(Process("simulation", [*live, *shares, "--backfill", str(backfill_s)]))
    return processes


def _share_metrics(directory: Path) -> None:
    """Let the processes to be started count together, from zero, for `/metrics`."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)


def _check_port(bind: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except (TypeError, UnicodeError) as error:
            raise UsageError(f"--bind: {bind!r} is no address") from error
        except OSError as error:
            raise CommandError(f"{bind}:{port} is taken ({error.strerror}); choose another with PORT") from error
