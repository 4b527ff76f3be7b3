"""Writes of signal-complexity records: analyses of runs, at once or as the run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import Q

from cognitive.choices import AnalysisStatus
from cognitive.complexity import METHOD_VERSIONS
from cognitive.models import ComplexityRecord, ComplexitySnapshot
from cognitive.windows import WindowMeasures, measure_window, slide_windows
from core.db.copy import insert_rows
from core.exceptions import Conflict, InvalidInput
from core.models import Run
from kuramoto.models import OscillatorState

WINDOW_S = 30.0
STEP_S = 10.0
CHANNELS = 8
BATCH = 200
"""Snapshots written at a time."""
PAGE = 500
"""Rows read at a time."""
COLUMNS = {
    "ts": "timestamptz",
    "run_id": "bigint",
    "record_id": "bigint",
    "r_mean": "float8",
    "r_std": "float8",
    "metastability_shanahan": "float8",
    "chimera": "float8",
    "lzc_norm": "float8",
    "total_correlation": "float8",
    "n_samples": "integer",
}
Progress = Callable[[Iterable[tuple[float, WindowMeasures]]], Iterator[tuple[float, WindowMeasures]]]


def start_analysis(
    *,
    run: Run,
    window_s: float = WINDOW_S,
    step_s: float = STEP_S,
    communities: Sequence[int] | None = None,
    seed: int = 1,
    created_by_id: int | None = None,
) -> ComplexityRecord:
    """Open an analysis of a run; one a run is open at a time.

    Args:
        communities: a label for each oscillator; without them the two halves by index.

    Raises:
        InvalidInput: the run has no oscillators, or the labels are not one each.
        Conflict: an analysis of the run is open.
        IntegrityError: a `consciousness_records_*` constraint.
    """
    n = run.n_oscillators
    if n is None:
        raise InvalidInput.of("run", "The run has no oscillators.")
    labels = list(communities) if communities is not None else [int(index >= n / 2) for index in range(n)]
    if len(labels) != n:
        raise InvalidInput.of("communities", f"A label for each of the {n} oscillators is needed.")
    if ComplexityRecord.objects.filter(run=run, status=AnalysisStatus.RUNNING).exists():
        raise Conflict(f"An analysis of run {run.pk} is open.")
    channels = np.unique(np.linspace(0, n - 1, min(CHANNELS, n)).round().astype(int))
    return ComplexityRecord.objects.create(
        run=run,
        window_s=window_s,
        step_s=step_s,
        communities=labels,
        channels=channels.tolist(),
        seed=seed,
        method_versions=dict(METHOD_VERSIONS),
        created_by_id=created_by_id,
    )


@transaction.atomic
def extend_analysis(*, record: ComplexityRecord, until: datetime, follow: Progress | None = None) -> int:
    """Measure the windows that end after what is covered and not after `until`; all of them or none.

    Reads the run's rows page by page, in memory that holds one window, and answers the number of snapshots.
    """
    locked = ComplexityRecord.objects.select_for_update(of=("self",)).select_related("run").get(pk=record.pk)
    if locked.status != AnalysisStatus.RUNNING:
        raise Conflict(f"The analysis is {locked.status}.")
    start = locked.run.started_at
    step = timedelta(seconds=locked.step_s)
    first_end = locked.covered_until + step if locked.covered_until else start + timedelta(seconds=locked.window_s)
    if first_end > until:
        return 0
    communities, channels = np.array(locked.communities), np.array(locked.channels)
    windows = slide_windows(
        _read_rows(locked.run_id, first_end - timedelta(seconds=locked.window_s), until),
        first_end_s=first_end.timestamp(),
        last_end_s=until.timestamp(),
        window_s=locked.window_s,
        step_s=locked.step_s,
    )
    # Surrogates of a window depend on the seed and its time alone, not on how the analysis was cut.
    measured = (
        (end, measure_window(phases, communities, channels, np.random.default_rng([locked.seed, round(end * 1000)])))
        for end, phases in windows
    )
    count = _write(locked, (follow or iter)(measured))
    steps = int((until - first_end) / step)
    locked.covered_until = first_end + steps * step
    locked.n_snapshots += count
    locked.save(update_fields=["covered_until", "n_snapshots"])
    return count


def finish_analysis(*, record: ComplexityRecord, now: datetime, message: str = "") -> ComplexityRecord:
    """Close an analysis: finished, or failed where `message` says why."""
    record.refresh_from_db()
    record.status = AnalysisStatus.FAILED if message else AnalysisStatus.FINISHED
    record.message, record.finished_at = message, now
    record.save(update_fields=["status", "message", "finished_at"])
    return record


def analyse_run(
    *,
    run: Run,
    now: datetime,
    window_s: float = WINDOW_S,
    step_s: float = STEP_S,
    communities: Sequence[int] | None = None,
    seed: int = 1,
    created_by_id: int | None = None,
    follow: Progress | None = None,
) -> ComplexityRecord:
    """Analyse a run from its start to its last row, and close the analysis.

    A failure leaves a record that says why, and no snapshot.
    """
    record = start_analysis(
        run=run,
        window_s=window_s,
        step_s=step_s,
        communities=communities,
        seed=seed,
        created_by_id=created_by_id,
    )
    last = _find_last_row(run)
    try:
        if last is not None:
            extend_analysis(record=record, until=last, follow=follow)
    except (ValueError, ArithmeticError) as error:
        return finish_analysis(record=record, now=now, message=str(error) or type(error).__name__)
    return finish_analysis(record=record, now=now)


def follow_runs(*, now: datetime) -> int:
    """Bring the analyses of all runs that go on up to date and close those of runs that ended; answers snapshots.

    A run that ended without an analysis is analysed once.
    """
    count = 0
    analysed = ComplexityRecord.objects.values("run_id")
    for run in Run.objects.filter(n_oscillators__isnull=False, ended_at=None).order_by("pk"):
        record = ComplexityRecord.objects.filter(run=run, status=AnalysisStatus.RUNNING).first()
        record = record or start_analysis(run=run)
        # Not beyond the rows there are: a producer may be behind, and a window is looked at once.
        last = _find_last_row(run)
        if last is not None:
            count += extend_analysis(record=record, until=min(now, last))
    for record in ComplexityRecord.objects.filter(
        status=AnalysisStatus.RUNNING, run__ended_at__isnull=False
    ).select_related("run"):
        count += extend_analysis(record=record, until=record.run.ended_at or now)
        finish_analysis(record=record, now=now)
    left = Run.objects.filter(n_oscillators__isnull=False, ended_at__isnull=False).exclude(pk__in=analysed)
    for run in left.order_by("pk")[:1]:
        count += analyse_run(run=run, now=now).n_snapshots
    return count


def _find_last_row(run: Run) -> datetime | None:
    rows = OscillatorState.objects.for_run(run.pk).within(run.started_at, None).newest_first()
    return rows.values_list("timestamp", flat=True).first()


def _read_rows(run_id: int, after: datetime, until: datetime) -> Iterator[tuple[float, list[float]]]:
    """Times and phases of a run's rows in (after, until], in order of time, page by page."""
    rows = OscillatorState.objects.for_run(run_id).filter(timestamp__gt=after, timestamp__lte=until)
    ordered = rows.order_by("timestamp", "id").values_list("timestamp", "id", "phases")
    page = list(ordered[:PAGE])
    while page:
        for at, _, phases in page:
            yield at.timestamp(), phases
        last_at, last_id, _ = page[-1]
        beyond = Q(timestamp__gt=last_at) | Q(timestamp=last_at, id__gt=last_id)
        page = list(ordered.filter(beyond, timestamp__gte=last_at)[:PAGE])


def _write(record: ComplexityRecord, measured: Iterable[tuple[float, WindowMeasures]]) -> int:
    count = 0
    batch: list[tuple[object, ...]] = []
    with connection.cursor() as cursor:
        table, names, types = ComplexitySnapshot._meta.db_table, list(COLUMNS), list(COLUMNS.values())
        for end, one in measured:
            batch.append(
                (
                    datetime.fromtimestamp(end, UTC),
                    record.run_id,
                    record.pk,
                    one.r_mean,
                    one.r_std,
                    one.metastability_shanahan,
                    one.chimera,
                    one.lzc_norm,
                    one.total_correlation,
                    one.n_samples,
                )
            )
            if len(batch) == BATCH:
                count += insert_rows(cursor, table, names, types, batch)
                batch = []
        return count + insert_rows(cursor, table, names, types, batch)
