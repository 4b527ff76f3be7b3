"""`manage.py export_network`: a coupling graph as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from core.exceptions import NotFound
from core.graph_formats import WRITERS, guess_format, write_graph
from core.management.base import NfcsCommand, UsageError
from core.models import RealityNetwork
from core.selectors import get_graph


class Command(NfcsCommand):
    """Export a coupling graph; imported again it is the same graph."""

    help = "Write a coupling graph to a file, as GraphML or JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        """The network and the file."""
        super().add_arguments(parser)
        parser.add_argument("name", help="name of the network")
        parser.add_argument("file", help="the file to write; - for stdout")
        parser.add_argument("--format", choices=WRITERS, help="what to write; without it by the end of its name")

    def run(self, **options: Any) -> None:
        """Write the graph."""
        name, file = options["name"], options["file"]
        format = options["format"] or guess_format(file)
        if format not in WRITERS:
            raise UsageError(f"--format: one of {', '.join(WRITERS)} is needed")
        network = RealityNetwork.objects.filter(name=name).first()
        if network is None:
            raise NotFound(f"There is no network {name!r}.")
        body = write_graph(get_graph(network), format)
        if file == "-":
            self.stdout.write(body.decode(), ending="")
            return
        try:
            Path(file).write_bytes(body)
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}") from error
        self.answer({"network": network.pk, "file": file, "bytes": len(body)}, [f"{file}: {len(body)} bytes"])
