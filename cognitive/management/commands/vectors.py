"""`manage.py vectors`: the graphs of embeddings behind similar states and memories."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from cognitive.graphs import list_graphs, measure_recall
from core.db.closing import close_partitions
from core.management.arguments import number, whole
from core.management.base import FindingsError, NfcsCommand
from core.vectors import MOST_NEIGHBOURS
from kuramoto.similar import TABLE

MOST_SAMPLES = 10_000


class Command(NfcsCommand):
    """Say which graphs there are, build those that are missing, and measure what they find."""

    help = "Graphs of embeddings."

    def add_arguments(self, parser: CommandParser) -> None:
        """Three verbs."""
        verbs = self.add_verbs(parser)
        self.add_verb(verbs, self.status)
        self.add_verb(verbs, self.build, changes_data=True)
        recall = self.add_verb(verbs, self.recall)
        recall.add_argument("--k", type=whole(1, MOST_NEIGHBOURS), default=10, help="neighbours asked for (default 10)")
        recall.add_argument(
            "--samples", type=whole(1, MOST_SAMPLES), default=100, help="embeddings asked about (default 100)"
        )
        recall.add_argument("--at-least", type=number(0, 1), default=0.99, help="exit code 3 below (default 0.99)")

    def status(self, **_: Any) -> None:
        """List the graphs with their size, and partitions that have none."""
        graphs = list_graphs(using="owner")
        self.answer(
            [asdict(graph) for graph in graphs],
            (
                f"{graph.name}  {graph.from_at or '':<20}  {graph.to_at or '':<20}  {graph.state}"
                f"  {graph.bytes} bytes  ~{graph.embeddings} embeddings"
                for graph in graphs
            ),
        )

    def build(self, *, dry_run: bool, **_: Any) -> None:
        """Build the graphs of closed partitions, beside readers and writers; exit code 3 for what could not be."""
        built = close_partitions(now=timezone.now(), table=TABLE, dry_run=dry_run)
        words = {"build": "built", "rebuild": "rebuilt", "keep": "there"}
        self.answer(
            [asdict(index) for index in built],
            (
                f"{index.partition}  {index.problem or ('would be ' if dry_run else '') + words[index.action]}"
                for index in built
            ),
        )
        if problems := [index.partition for index in built if index.problem]:
            raise FindingsError(f"Not built: {', '.join(problems)}")

    def recall(self, *, k: int, samples: int, at_least: float, **_: Any) -> None:
        """Compare what the graphs find with the exact answers; exit code 3 where they find too little."""
        recalls = measure_recall(k=k, samples=samples)
        self.answer(
            [asdict(recall) for recall in recalls],
            (
                f"{recall.name}  recall@{recall.k} {recall.recall:.4f} (worst {recall.worst:.2f})"
                f" of {recall.samples} samples, {recall.ms:.2f} ms against {recall.exact_ms:.2f} ms exact"
                for recall in recalls
            ),
        )
        if low := [recall.name for recall in recalls if recall.recall < at_least]:
            raise FindingsError(f"Below {at_least}: {', '.join(low)}")
