"""A small population of neurons beside a simulation: prepared, turned, left to relax, swept, entangled, measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction

from core.choices import NeuronType
from core.exceptions import Conflict
from core.models import Run
from core.services.neurons import apply_event, create_neuron

STEP_S = 5
"""Simulated seconds from one step to the next; every other step is a neuron's turn."""
RELAX = ("relax", {"elapsed_s": 2.0 * STEP_S})
PROGRAMME: tuple[tuple[tuple[str, dict[str, Any]], ...], ...] = (
    (("prepare", {}), ("gate", {"gate": "h"})),
    (RELAX,),
    (RELAX,),
    (RELAX,),
    (("measure", {}),),
    (("prepare", {"bloch": [0.6, 0.0, 0.8]}), ("sweep_start", {"start_bias": -6.0, "rate": 2.0})),
    (("sweep_end", {"end_bias": 6.0}),),
    (("measure", {}),),
    (RELAX,),
)
"""What a neuron goes through, turn by turn; each begins elsewhere."""
PAIR_STEPS = 12
"""Steps from one entangling of the last two neurons to the next; they are measured half-way."""


@dataclass(frozen=True)
class Population:
    """Neurons of one run, by id; the last two are the pair."""

    ids: tuple[int, ...]
    seed: int

    def drive(self, second: int, now: datetime) -> None:
        """Take the programme's step of a simulated second, if one is due; all of it or nothing."""
        step, rest = divmod(second, STEP_S)
        if rest or not self.ids:
            return
        *single, control, target = self.ids
        with transaction.atomic():
            for index, neuron_id in list(enumerate(single))[step % 2 :: 2]:
                for event, parameters in PROGRAMME[(step // 2 + index) % len(PROGRAMME)]:
                    self._apply(neuron_id, event, parameters, now, step)
            match step % PAIR_STEPS:
                case 0:
                    self._apply(control, "prepare", {}, now, step)
                    self._apply(target, "prepare", {}, now, step)
                    self._apply(control, "gate", {"gate": "h"}, now, step)
                    self._apply(control, "gate2", {"gate": "cnot", "partner": target}, now, step)
                case 6:
                    self._apply(control, "measure", {}, now, step)
                case 9:
                    self._apply(control, *RELAX, now, step)
                    self._apply(target, *RELAX, now, step)

    def _apply(self, neuron_id: int, event: str, parameters: dict[str, Any], now: datetime, step: int) -> None:
        # From the run's seed, so that the same simulation finds the same outcomes.
        drawn = int(np.random.default_rng([self.seed, 3, self.ids.index(neuron_id), step]).integers(2**31))
        seed = drawn if event == "measure" else None
        try:
            apply_event(neuron_id=neuron_id, event=event, parameters=parameters, now=now, seed=seed)
        except Conflict:
            # Somebody else changed the neuron; the programme's next preparation brings it back.
            return


def make_population(run: Run, size: int) -> Population:
    """Make `size` neurons of a run, 0 or at least 2, at the first vertices of its network where it has one."""
    rng = np.random.default_rng([run.seed or 0, 2])
    nodes = list(run.network.nodes.order_by("layer", "node_index")[:size]) if run.network else []
    kinds = list(NeuronType)
    with transaction.atomic():
        ids = tuple(
            create_neuron(
                name=f"neuron {index}",
                neuron_type=kinds[index % len(kinds)],
                node=nodes[index] if index < len(nodes) else None,
                run=run,
                now=run.started_at,
                t1_s=float(rng.uniform(20.0, 60.0)),
                t2_s=float(rng.uniform(10.0, 30.0)),
                omega=float(rng.normal(0.0, 1.0)),
                delta=float(rng.uniform(0.4, 1.2)),
                p_eq=0.05,
            ).pk
            for index in range(size)
        )
    return Population(ids, run.seed or 0)
