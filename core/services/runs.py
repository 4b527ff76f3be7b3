"""Runs: opened, renamed, shared, ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction

from core.choices import CouplingNorm, NetworkStatus, RunKind
from core.exceptions import Conflict, InvalidInput, NotFound
from core.frame_policy import read_frame_policy
from core.models import RealityNetwork, Run, RunShare
from core.models.runs import default_ha_weights

if TYPE_CHECKING:
    from django.contrib.auth.models import Group

    from accounts.models import User


@transaction.atomic
def start_run(
    *,
    name: str,
    kind: str = RunKind.SIMULATION,
    owner: User | None = None,
    started_at: datetime,
    parameters: Mapping[str, Any] | None = None,
    seed: int | None = None,
    code_version: str = "",
    network: RealityNetwork | None = None,
    n_oscillators: int | None = None,
    natural_frequencies: Sequence[float] | None = None,
    coupling_norm: str = CouplingNorm.PER_N,
    critical_coupling: float | None = None,
    defect_density_ref: float = 0.0036,
    ha_weights: Sequence[float] | None = None,
) -> Run:
    """Open a run.

    Args:
        n_oscillators: taken from the network or the natural frequencies where it is not given.
        natural_frequencies: rad/s, one an oscillator.
        critical_coupling: Kc, rad/s.
        ha_weights: of the defect, forecast and drift components; they sum to 1.

    Raises:
        InvalidInput: the network has another number of vertices, or lives no more; the policy of frames among the
            parameters makes no sense.
        IntegrityError: a `runs_*` constraint.
    """
    read_frame_policy(parameters or {})
    if network is not None:
        if network.status in (NetworkStatus.COLLAPSED, NetworkStatus.MERGED):
            raise InvalidInput.of("network", f"The network is {network.status}.", "network_ended")
        if n_oscillators is None:
            n_oscillators = network.n_nodes
        elif n_oscillators != network.n_nodes:
            raise InvalidInput.of(
                "n_oscillators", f"The network has {network.n_nodes} vertices, not {n_oscillators}.", "network_size"
            )
    if n_oscillators is None and natural_frequencies is not None:
        n_oscillators = len(natural_frequencies)
    return Run.objects.create(
        name=name,
        kind=kind,
        owner=owner,
        started_at=started_at,
        parameters={} if parameters is None else parameters,
        seed=seed,
        code_version=code_version,
        network=network,
        n_oscillators=n_oscillators,
        natural_frequencies=None if natural_frequencies is None else [float(omega) for omega in natural_frequencies],
        coupling_norm=coupling_norm,
        critical_coupling=critical_coupling,
        defect_density_ref=defect_density_ref,
        ha_weights=default_ha_weights() if ha_weights is None else [float(weight) for weight in ha_weights],
    )


@transaction.atomic
def end_run(*, run: Run, ended_at: datetime) -> Run:
    """Close a run.

    Raises:
        Conflict: it ended before.
        IntegrityError: `runs_times_ck`, it would end before it starts.
    """
    locked = Run.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if locked.ended_at is not None:
        raise Conflict(f"The run ended at {locked.ended_at.isoformat()}.")
    locked.ended_at = ended_at
    locked.save(update_fields=["ended_at"])
    return locked


@transaction.atomic
def rename_run(*, run: Run, name: str) -> Run:
    """Give a run another name."""
    run.name = name
    run.save(update_fields=["name"])
    return run


@transaction.atomic
def share_run(*, run: Run, group: Group, shared_by: User | None = None) -> RunShare:
    """Let the members of a group read a run and all that was recorded in it.

    Raises:
        IntegrityError: `run_shares_run_group_uq`, it is shared with the group already.
    """
    return RunShare.objects.create(run=run, group=group, shared_by=shared_by)


@transaction.atomic
def unshare_run(*, run: Run, group: Group) -> None:
    """Take a run back from a group.

    Raises:
        NotFound: it is not shared with the group.
    """
    deleted, _ = RunShare.objects.filter(run=run, group=group).delete()
    if not deleted:
        raise NotFound(f"The run is not shared with {group}.")
