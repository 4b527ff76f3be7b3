"""`manage.py simulate`: a simulated system writes telemetry through the same path as every other producer."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
from django.contrib.auth.models import Group
from django.core.management.base import CommandError, CommandParser
from django.db import OperationalError, connection, transaction

from accounts.models import User
from constitutional.services.monitor import end_monitoring
from core.choices import RunKind
from core.constants import MAX_OSCILLATORS, MAX_RESOLUTION
from core.exceptions import InvalidInput
from core.management.arguments import LONGEST_PAST_S, number, whole, words
from core.management.base import NfcsCommand, UsageError, show_progress
from core.models import RealityNetwork, Run
from core.selectors import coupling_matrix
from core.services.runs import end_run, share_run, start_run
from nfcs import __version__
from nfcs.ingest.producers import record_seconds
from nfcs.population import Population, make_population
from nfcs.simulation import Second, SimulationSettings, simulate

BATCH_S = 10
"""Seconds of the past that are recorded at a time."""
RETRY_S = 2.0
MAX_NEURONS = 64


@dataclass(frozen=True)
class Recorder:
    """Where a simulation's seconds go: telemetry of the run, and steps of its neurons."""

    run: Run
    settings: SimulationSettings
    population: Population
    frame_every_s: int

    @transaction.atomic
    def record(self, seconds: Sequence[Second]) -> None:
        """Record seconds of the simulation, all or none."""
        record_seconds(self.run, self.settings, seconds, frame_every_s=self.frame_every_s)
        for second in seconds:
            end = round(float(second.times_s[-1]))
            self.population.drive(end, self.run.started_at + timedelta(seconds=end))


class Command(NfcsCommand):
    """Run a simulation and record it."""

    help = "Simulate coupled oscillators and a complex field, and record them as a run."

    def add_arguments(self, parser: CommandParser) -> None:
        """What is simulated, and for how long."""
        super().add_arguments(parser)
        usual = SimulationSettings()
        parser.add_argument("--name", type=words(200), default="simulation", help="name of the run")
        parser.add_argument("--network", help="coupling graph by name, such as biosemi64; without it all-to-all")
        parser.add_argument(
            "--oscillators", type=whole(1, MAX_OSCILLATORS), help="number of oscillators without a network (64)"
        )
        parser.add_argument(
            "--sigma", type=number(1e-6, 1e6), default=usual.sigma, help="spread of natural frequencies, rad/s"
        )
        parser.add_argument("--coupling", type=number(-1e6, 1e6), default=usual.coupling_ratio, help="mean of K / Kc")
        parser.add_argument(
            "--swing", type=number(-1e6, 1e6), default=usual.coupling_swing, help="how far K / Kc swings"
        )
        parser.add_argument("--noise", type=number(0, 1e6), default=usual.noise, help="phase noise D, rad^2/s")
        parser.add_argument(
            "--resolution", type=whole(4, MAX_RESOLUTION), default=usual.resolution, help="points per side of the field"
        )
        parser.add_argument("--length", type=number(1e-3, 1e6), default=usual.length, help="side of the field's domain")
        parser.add_argument("--c1", type=number(-100, 100), default=usual.c1, help="linear dispersion while calm")
        parser.add_argument("--c3", type=number(-100, 100), default=usual.c3, help="nonlinear dispersion while calm")
        parser.add_argument(
            "--rate", type=number(1, 10_000), default=usual.rate_hz, help="oscillator rows a second, Hz"
        )
        parser.add_argument(
            "--frame-every", type=whole(1), default=10, help="keep the field itself every so many seconds"
        )
        parser.add_argument(
            "--neurons", type=whole(0, MAX_NEURONS), default=8, help="neurons that live beside the field; 0 for none"
        )
        parser.add_argument("--seed", type=whole(0), default=usual.seed, help="seed of the random generator")
        parser.add_argument(
            "--seconds", type=whole(1, LONGEST_PAST_S), default=60, help="simulated time (not with --live)"
        )
        parser.add_argument(
            "--share", action="append", default=[], metavar="GROUP", help="let this group read the run; may be repeated"
        )
        parser.add_argument("--live", action="store_true", help="go on in real time until stopped")
        parser.add_argument(
            "--backfill", type=whole(0, LONGEST_PAST_S), default=0, help="with --live: begin so many seconds ago"
        )

    def run(self, **options: Any) -> None:
        """Simulate, second by second."""
        if options["backfill"] and not options["live"]:
            raise UsageError("--backfill goes with --live")
        for name in ("seconds", "frame_every", "resolution", "rate"):
            if not options[name] > 0:
                raise UsageError(f"--{name.replace('_', '-')} must be above 0")
        if not (options["neurons"] == 0 or 2 <= options["neurons"] <= MAX_NEURONS):
            raise UsageError(f"--neurons must be 0, or 2 to {MAX_NEURONS}")
        network = self._find_network(options["network"])
        if network is not None and options["oscillators"] not in (None, network.n_nodes):
            raise UsageError(f"--oscillators: network {network.name} has {network.n_nodes} vertices")
        settings = SimulationSettings(
            n_oscillators=network.n_nodes if network else options["oscillators"] or 64,
            weights=coupling_matrix(network) if network else None,
            sigma=options["sigma"],
            coupling_ratio=options["coupling"],
            coupling_swing=options["swing"],
            noise=options["noise"],
            rate_hz=options["rate"],
            resolution=options["resolution"],
            length=options["length"],
            c1=options["c1"],
            c3=options["c3"],
            seed=options["seed"],
        )
        live = options["live"]
        length_s = options["backfill"] if live else options["seconds"]
        started_at = datetime.now(UTC) - timedelta(seconds=length_s)
        groups = self._find_groups(options["share"])
        run = self._open_run(options["name"], settings, network, started_at, live=live)
        for group in groups:
            share_run(run=run, group=group, shared_by=run.owner)
        self.note(f"run {run.pk} ({run.name})")
        stop = _stop_on_signal()
        try:
            recorder = Recorder(run, settings, make_population(run, options["neurons"]), options["frame_every"])
            recorded = self._record(recorder, simulate(settings), options, stop)
        except ValueError as error:
            raise CommandError(str(error)) from error
        finally:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            _end(run, datetime.now(UTC) if live else started_at + timedelta(seconds=length_s))
        self.answer(
            {"run": run.pk, "seconds": recorded, "rows": recorded * round(settings.rate_hz)},
            [f"run {run.pk}: {recorded} s, {recorded * round(settings.rate_hz)} oscillator rows"],
        )

    def _record(self, recorder: Recorder, seconds: Any, options: dict[str, Any], stop: threading.Event) -> int:
        past = options["backfill"] if options["live"] else options["seconds"]
        count = 0
        with_bar = show_progress(islice(seconds, past), total=past, label="simulating")
        for batch in iter(lambda: list(islice(with_bar, BATCH_S)), []):
            if stop.is_set():
                return count
            recorder.record(batch)
            count += len(batch)
        while options["live"] and not stop.is_set():
            second = next(seconds)
            stop.wait(max(0.0, recorder.run.started_at.timestamp() + count + 1 - time.time()))
            if not stop.is_set():
                self._record_patiently(recorder, second, stop)
                count += 1
        return count

    def _record_patiently(self, recorder: Recorder, second: Second, stop: threading.Event) -> None:
        """Record a second; while the database is away, try again: a live source does not lose what it measured."""
        while not stop.is_set():
            try:
                recorder.record([second])
            except OperationalError as error:
                self.note(f"the database is away, trying again: {str(error).strip().splitlines()[0]}")
                connection.close()
                stop.wait(RETRY_S)
            else:
                return

    def _find_network(self, name: str | None) -> RealityNetwork | None:
        if name is None:
            return None
        network = RealityNetwork.objects.filter(name=name).first()
        if network is None:
            known = ", ".join(RealityNetwork.objects.values_list("name", flat=True)) or "none; loaddata biosemi64"
            raise UsageError(f"--network: there is no network {name!r} (known: {known})")
        return network

    def _find_groups(self, names: Sequence[str]) -> list[Group]:
        groups = {group.name: group for group in Group.objects.filter(name__in=names)}
        for name in names:
            if name not in groups:
                raise UsageError(f"--share: there is no group {name!r}")
        return list(groups.values())

    def _open_run(
        self,
        name: str,
        settings: SimulationSettings,
        network: RealityNetwork | None,
        started_at: datetime,
        *,
        live: bool,
    ) -> Run:
        parameters = {key: value for key, value in asdict(settings).items() if key not in ("weights", "seed")}
        if live:
            # Whatever a killed simulation left open has ended: only one of a name is live.
            for left_open in Run.objects.ongoing().filter(name=name, kind=RunKind.SIMULATION):
                _end(left_open, max(started_at, left_open.started_at))
        try:
            return start_run(
                name=name,
                kind=RunKind.SIMULATION,
                owner=User.objects.get_declared(),
                started_at=started_at,
                parameters=parameters,
                seed=settings.seed,
                code_version=__version__,
                network=network,
                n_oscillators=settings.n_oscillators,
                natural_frequencies=settings.natural_frequencies.tolist(),
                coupling_norm=settings.coupling_norm,
                critical_coupling=float(np.asarray(settings.critical_coupling)),
            )
        except (ValueError, OverflowError) as error:
            raise InvalidInput(str(error)) from error


def _end(run: Run, ended_at: datetime) -> None:
    if Run.objects.filter(pk=run.pk, ended_at=None).exists():
        end_run(run=run, ended_at=max(ended_at, run.started_at))
        end_monitoring(run_id=run.pk)


def _stop_on_signal() -> threading.Event:
    """An event that SIGINT and SIGTERM set, so that the run is ended and not torn off."""
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    return stop
