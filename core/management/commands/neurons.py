"""`manage.py neurons`: are the histories of the neurons what their events give."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from core.management.base import FindingsError, NfcsCommand, UsageError, show_progress
from core.models import QuantumNeuron, Run
from core.services.neurons import replay_history


class Command(NfcsCommand):
    """Verify the histories of neurons."""

    help = "Neurons: verify that their histories replay."

    def add_arguments(self, parser: CommandParser) -> None:
        """One verb."""
        verify = self.add_verb(self.add_verbs(parser), self.verify)
        verify.add_argument("--neuron", type=int, help="one neuron instead of all, by id")
        verify.add_argument("--run-id", type=int, help="the neurons of one run, by its id")

    def verify(self, *, neuron: int | None, run_id: int | None, **_: Any) -> None:
        """Compute every event again and compare it with the record; exit code 3 where they disagree."""
        neurons = QuantumNeuron.objects.order_by("pk")
        if neuron is not None:
            neurons = neurons.filter(pk=neuron)
            if not neurons.exists():
                raise UsageError(f"--neuron: there is no neuron {neuron}")
        if run_id is not None:
            neurons = neurons.filter(run_id=run_id)
            if not Run.objects.filter(pk=run_id).exists():
                raise UsageError(f"--run-id: there is no run {run_id}")
        ids = list(neurons.values_list("pk", flat=True))
        found = {
            pk: disagreements
            for pk in show_progress(ids, total=len(ids), label="neurons")
            if (disagreements := replay_history(neuron_id=pk))
        }
        self.answer(
            {
                "verified": len(ids),
                "disagreements": [{"neuron": pk, **asdict(one)} for pk, listed in found.items() for one in listed],
            },
            [f"neuron {pk}, {one}" for pk, listed in found.items() for one in listed]
            or [f"{len(ids)} neurons: histories and events agree"],
        )
        if found:
            raise FindingsError(f"{len(found)} of {len(ids)} neurons disagree with their histories")
