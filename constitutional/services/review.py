"""The review of violations: acknowledge, then resolve or call a false positive; remarks at any time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Greatest

from constitutional.choices import ResolutionStatus
from constitutional.constants import MAX_NOTE_LENGTH
from constitutional.exceptions import ReviewOrder
from constitutional.models import Violation, ViolationNote
from constitutional.services.notes import noting
from core.exceptions import FieldError, InvalidInput, NotFound

if TYPE_CHECKING:
    from accounts.models import User


@transaction.atomic
def acknowledge_violations(*, ids: Collection[int], actor: User | None, note: str = "", now: datetime) -> int:
    """Take up pending violations, all or none.

    Returns:
        How many there were.

    Raises:
        NotFound: naming the ids of violations that do not exist.
        ReviewOrder: naming the ids of those that are not pending.
        InvalidInput: the note is too long.
    """
    _check_note(note)
    _lock_violations(ids, ResolutionStatus.PENDING)
    with noting(note):
        return Violation.objects.filter(pk__in=ids).update(
            resolution_status=ResolutionStatus.ACKNOWLEDGED,
            acknowledged_at=Greatest(Value(now, DateTimeField()), F("detected_at")),
            acknowledged_by=actor,
        )


@transaction.atomic
def resolve_violations(
    *, ids: Collection[int], actor: User | None, note: str, now: datetime, false_positive: bool = False
) -> int:
    """End the review of acknowledged violations, all or none; the note says how it was settled.

    Returns:
        How many there were.

    Raises:
        NotFound: naming the ids of violations that do not exist.
        ReviewOrder: naming the ids of those that are not acknowledged.
        InvalidInput: the note is missing or too long.
    """
    _check_note(note, required=True)
    _lock_violations(ids, ResolutionStatus.ACKNOWLEDGED)
    with noting(note):
        return Violation.objects.filter(pk__in=ids).update(
            resolution_status=ResolutionStatus.FALSE_POSITIVE if false_positive else ResolutionStatus.RESOLVED,
            # The run's clock may be ahead of the wall's.
            resolved_at=Greatest(Value(now, DateTimeField()), F("acknowledged_at")),
            resolved_by=actor,
        )


@transaction.atomic
def add_note(*, violation_id: int, actor: User | None, text: str, now: datetime) -> ViolationNote:
    """Remark on a violation, in whatever status it is.

    Raises:
        NotFound: there is no such violation.
        InvalidInput: the text is missing or too long.
    """
    _check_note(text, required=True, field="text")
    if not Violation.objects.filter(pk=violation_id).exists():
        raise NotFound(f"There is no violation {violation_id}.")
    return ViolationNote.objects.create(violation_id=violation_id, author=actor, text=text, created_at=now)


@transaction.atomic
def add_notes(*, ids: Collection[int], actor: User | None, text: str, now: datetime) -> int:
    """Remark the same on several violations, all or none.

    Returns:
        How many there were.

    Raises:
        NotFound: naming the ids of violations that do not exist.
        InvalidInput: the text is missing or too long.
    """
    _check_note(text, required=True, field="text")
    found = Violation.objects.filter(pk__in=ids).values_list("pk", flat=True)
    _refuse_missing(ids, set(found))
    notes = [ViolationNote(violation_id=pk, author=actor, text=text, created_at=now) for pk in sorted(set(ids))]
    return len(ViolationNote.objects.bulk_create(notes))


def _check_note(text: str, *, required: bool = False, field: str = "note") -> None:
    if required and not text.strip():
        raise InvalidInput.of(field, "A text is needed.", "required")
    if len(text) > MAX_NOTE_LENGTH:
        raise InvalidInput.of(field, f"At most {MAX_NOTE_LENGTH} characters are possible.", "max_length")


def _lock_violations(ids: Collection[int], status: ResolutionStatus) -> None:
    """Lock violations that all have to be in `status`, in the order of their ids, so that bulks do not deadlock."""
    found = dict(
        Violation.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", "resolution_status")
    )
    _refuse_missing(ids, found.keys())
    if wrong := {pk: is_now for pk, is_now in found.items() if is_now != status}:
        listed = ", ".join(f"{pk} is {is_now}" for pk, is_now in wrong.items())
        raise ReviewOrder(
            f"Only {status.label.lower()} violations can be taken this step: {listed}.",
            [FieldError("ids", f"Violation {pk} is {is_now}.", "wrong_status") for pk, is_now in wrong.items()],
        )


def _refuse_missing(ids: Collection[int], found: Collection[int]) -> None:
    if missing := sorted(set(ids).difference(found)):
        raise NotFound(
            f"There is no violation {', '.join(map(str, missing))}.",
            [FieldError("ids", f"There is no violation {pk}.", "not_found") for pk in missing],
        )
