"""`manage.py import_network`: a coupling graph from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError

from core.db.errors import translate_database_error
from core.graph_formats import READERS, guess_format
from core.management.base import NfcsCommand, UsageError
from core.services.networks import import_graph_file

ABOUT = {
    "description": "what its vertices and edges are",
    "weight-unit": "unit of the edge weights, UCUM",
    "source": "where the graph comes from",
    "licence": "terms under which it may be used",
}


class Command(NfcsCommand):
    """Import a coupling graph, whole or not at all."""

    help = "Import a coupling graph: an edge list or a matrix (CSV), GraphML or JSON. What is not given, the file says."

    def add_arguments(self, parser: CommandParser) -> None:
        """The file and what is said about it."""
        super().add_arguments(parser)
        parser.add_argument("file", help="the file; - for stdin")
        parser.add_argument("--format", choices=READERS, help="what it is; without it by the end of its name")
        parser.add_argument("--name", default="", help="name of the network")
        direction = parser.add_mutually_exclusive_group()
        direction.add_argument("--directed", action="store_true", default=None, help="an edge couples one way only")
        direction.add_argument("--undirected", action="store_false", dest="directed", help="an edge couples both ways")
        for name, words in ABOUT.items():
            parser.add_argument(f"--{name}", default="", help=words)

    def run(self, **options: Any) -> None:
        """Read the file and store its graph."""
        format = options["format"] or guess_format(options["file"])
        if format is None:
            raise UsageError(f"--format: one of {', '.join(READERS)} is needed")
        try:
            body = sys.stdin.buffer.read() if options["file"] == "-" else Path(options["file"]).read_bytes()
        except OSError as error:
            raise UsageError(f"{options['file']}: {error.strerror}") from error
        about = {name.replace("-", "_"): options[name.replace("-", "_")] for name in ABOUT}
        try:
            network = import_graph_file(
                body=body, format=format, name=options["name"], directed=options["directed"], **about
            )
        except IntegrityError as error:
            refusal = translate_database_error(error)
            words = "; ".join(f"{wrong.field}: {wrong.detail}" for wrong in refusal.errors) if refusal else str(error)
            raise CommandError(words) from error
        edges = network.edges.count()
        answer = {"network": network.pk, "name": network.name, "nodes": network.n_nodes, "edges": edges}
        self.answer(answer, [f"network {network.pk}: {network.name}, {network.n_nodes} vertices, {edges} edges"])
