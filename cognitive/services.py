"""Every write of the cognitive app."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from cognitive.assessment import assess_memory
from cognitive.constants import INITIAL_DIFFICULTY, INITIAL_STABILITY_S
from cognitive.forgetting import strengthen
from cognitive.models import CognitiveSession, MemoryExperience, MemoryRetrieval
from core.exceptions import Conflict, FieldError, InvalidInput
from core.models import Run
from core.vectors import read_vector
from kuramoto.constants import EMBEDDING_DIMENSIONS

MAX_COUNT = 9 * 10**15
MAX_LATENCY_MS = 1e308


@transaction.atomic
def open_session(
    *,
    module_type: str,
    session_data: dict[str, Any],
    started_at: datetime,
    worker: str = "",
    run: Run | None = None,
    performance_metrics: Mapping[str, Any] | None = None,
) -> CognitiveSession:
    """Begin a session of a module in a worker.

    Raises:
        Conflict: the module has an open session in this worker.
        InvalidInput: the metrics make no sense.
        IntegrityError: another `cognitive_sessions_*` constraint.
    """
    _check_performance(performance_metrics)
    try:
        with transaction.atomic():
            return CognitiveSession.objects.create(
                module_type=module_type,
                session_data=session_data,
                started_at=started_at,
                worker=worker,
                run=run,
                performance_metrics=performance_metrics,
            )
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != "cognitive_sessions_open_uq":
            raise
        raise Conflict(f"The module {module_type} has an open session in worker {worker!r}.") from error


@transaction.atomic
def record_performance(*, session_id: int, performance_metrics: Mapping[str, Any] | None) -> CognitiveSession:
    """Replace the metrics of an open session.

    Raises:
        CognitiveSession.DoesNotExist: there is no such session.
        Conflict: it has ended.
        InvalidInput: the metrics make no sense.
    """
    session = _lock_open_session(session_id)
    _check_performance(performance_metrics)
    session.performance_metrics = performance_metrics
    session.save(update_fields=["performance_metrics"])
    return session


@transaction.atomic
def close_session(
    *, session_id: int, ended_at: datetime, performance_metrics: Mapping[str, Any] | None = None
) -> CognitiveSession:
    """End a session; the metrics it has stay where no last ones are given.

    Raises:
        CognitiveSession.DoesNotExist: there is no such session.
        Conflict: it has ended before.
        InvalidInput: the metrics make no sense, or it would end before it starts.
    """
    session = _lock_open_session(session_id)
    if ended_at <= session.started_at:
        raise InvalidInput.of("ended_at", f"The session began at {session.started_at.isoformat()}.", "too_early")
    if performance_metrics is not None:
        _check_performance(performance_metrics)
        session.performance_metrics = performance_metrics
    session.ended_at = ended_at
    session.save(update_fields=["ended_at", "performance_metrics"])
    return session


@transaction.atomic
def store_experience(
    *,
    experience_type: str,
    context_data: dict[str, Any],
    stored_at: datetime,
    arousal: float = 0.0,
    valence: float = 0.0,
    difficulty: float = INITIAL_DIFFICULTY,
    stability_s: float | None = None,
    embedding: Sequence[float] | None = None,
) -> MemoryExperience:
    """Store something to be remembered.

    Args:
        arousal: 0 to 1.
        valence: -1 to 1.
        difficulty: 1 to 10.
        stability_s: time after which nine of ten recalls still succeed; by type where it is not given.
        embedding: finite, of EMBEDDING_DIMENSIONS, not zero.

    Raises:
        InvalidInput: the embedding is none of these, or the type is unknown.
        IntegrityError: a `memory_experiences_*` constraint.
    """
    if experience_type not in INITIAL_STABILITY_S:
        raise InvalidInput.of("experience_type", f"The type is none of {', '.join(INITIAL_STABILITY_S)}.")
    if stability_s is None:
        stability_s = INITIAL_STABILITY_S[experience_type]
    return MemoryExperience.objects.create(
        experience_type=experience_type,
        context_data=context_data,
        stored_at=stored_at,
        arousal=arousal,
        valence=valence,
        difficulty=difficulty,
        stability_s=stability_s,
        embedding=None if embedding is None else read_vector(embedding, EMBEDDING_DIMENSIONS, "embedding").tolist(),
    )


@transaction.atomic
def recall_experience(
    *, experience_id: int, now: datetime, success: bool = True, latency_ms: float | None = None
) -> MemoryRetrieval:
    """Recall a memory: write the retrieval, and make the memory firmer when it succeeded.

    A failed recall leaves the stability and the clock of forgetting as they are. Recalls of one memory take turns.

    Raises:
        MemoryExperience.DoesNotExist: there is no such memory.
        IntegrityError: `memory_retrievals_latency_ck`.
    """
    memory = MemoryExperience.objects.select_for_update().defer("embedding").get(pk=experience_id)
    before = memory.retrievability_at(now)
    retrieval = MemoryRetrieval.objects.create(
        experience=memory, retrieved_at=now, success=success, latency_ms=latency_ms, retrievability_before=before
    )
    if success:
        memory.stability_s = float(strengthen(memory.stability_s, memory.difficulty, before, memory.arousal))
        memory.save(update_fields=["stability_s"])
    memory.refresh_from_db()
    assess_memory(memory=memory, now=now)
    return retrieval


def _lock_open_session(session_id: int) -> CognitiveSession:
    session = CognitiveSession.objects.select_for_update(of=("self",)).get(pk=session_id)
    if session.ended_at is not None:
        raise Conflict(f"The session ended at {session.ended_at.isoformat()}.")
    return session


def _check_performance(metrics: Mapping[str, Any] | None) -> None:
    if metrics is not None and (errors := list(_find_performance_faults(metrics))):
        raise InvalidInput(errors=errors)


def _find_performance_faults(metrics: Mapping[str, Any]) -> Iterator[FieldError]:
    if not isinstance(metrics, Mapping):
        yield FieldError("performance_metrics", "An object is needed.", "type")
        return
    numbers = {}
    for name, limit in (
        ("calls", MAX_COUNT),
        ("errors", MAX_COUNT),
        ("p50_ms", MAX_LATENCY_MS),
        ("p95_ms", MAX_LATENCY_MS),
    ):
        if name not in metrics:
            continue
        value = metrics[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value < limit or (limit == MAX_COUNT and value != math.floor(value)):
            kind = "count" if limit == MAX_COUNT else "time in ms"
            yield FieldError(f"performance_metrics.{name}", f"A {kind} of at least 0 is needed.", "range")
        else:
            numbers[name] = value
    if numbers.get("errors", 0) > numbers.get("calls", math.inf):
        yield FieldError("performance_metrics.errors", "No more calls can fail than were made.", "more_than_calls")
    if numbers.get("p50_ms", 0) > numbers.get("p95_ms", math.inf):
        yield FieldError("performance_metrics.p50_ms", "The median lies below the 95th percentile.", "above_p95")
    source = metrics.get("phase_source", "-")
    if not isinstance(source, str) or not source:
        yield FieldError("performance_metrics.phase_source", "A text is needed.", "type")
