"""The review of violations: in order, all or none, with who and why; the queue and its counts."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from constitutional.constants import MAX_NOTE_LENGTH
from constitutional.exceptions import ReviewOrder
from constitutional.models import Violation, ViolationNote
from constitutional.selectors import (
    count_open_violations,
    list_notes,
    list_open_violations,
    list_systemic_runs,
)
from constitutional.services.review import acknowledge_violations, add_note, add_notes, resolve_violations
from core.exceptions import InvalidInput, NotFound
from tests.factories.accounts import OperatorFactory
from tests.factories.constitutional import START, PolicyFactory, ViolationFactory, make_reviewed
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db
NOW = START + timedelta(hours=1)


class TestReview:
    def test_acknowledge_and_resolve(self) -> None:
        first, second = OperatorFactory(), OperatorFactory()
        violations = [ViolationFactory() for _ in range(3)]
        ids = [violation.pk for violation in violations]
        assert acknowledge_violations(ids=ids, actor=first, note="on it", now=NOW) == 3
        later = NOW + timedelta(minutes=1)
        assert resolve_violations(ids=ids[:2], actor=second, note="fixed", now=later) == 2
        assert resolve_violations(ids=ids[2:], actor=second, note="noise", now=later, false_positive=True) == 1
        violation = Violation.objects.get(pk=ids[2])
        assert (violation.resolution_status, violation.resolved_at, violation.resolved_by) == (
            "false_positive",
            later,
            second,
        )
        assert (violation.acknowledged_at, violation.acknowledged_by) == (NOW, first)
        assert [(n.text, n.author) for n in list_notes(ids[0])] == [("on it", first), ("fixed", second)]

    def test_all_or_none_and_the_ids_are_named(self) -> None:
        pending, taken, done = (make_reviewed(status) for status in ("pending", "acknowledged", "resolved"))
        with pytest.raises(ReviewOrder, match=rf"{taken.pk} is acknowledged, {done.pk} is resolved") as error:
            acknowledge_violations(ids=[pending.pk, taken.pk, done.pk], actor=None, now=NOW)
        assert len(error.value.errors) == 2
        with pytest.raises(ReviewOrder, match=f"{pending.pk} is pending"):
            resolve_violations(ids=[pending.pk, taken.pk], actor=None, note="x", now=NOW)
        with pytest.raises(NotFound, match=f"no violation {done.pk + 1}, {done.pk + 2}"):
            acknowledge_violations(ids=[pending.pk, done.pk + 2, done.pk + 1], actor=None, now=NOW)
        pending.refresh_from_db()
        assert pending.resolution_status == "pending"

    def test_a_runs_clock_may_be_ahead(self) -> None:
        violation = ViolationFactory(detected_at=NOW + timedelta(days=1))
        acknowledge_violations(ids=[violation.pk], actor=None, now=NOW)
        resolve_violations(ids=[violation.pk], actor=None, note="x", now=NOW)
        violation.refresh_from_db()
        assert violation.acknowledged_at == violation.resolved_at == violation.detected_at

    def test_notes_have_text(self) -> None:
        violation = make_reviewed("acknowledged")
        with pytest.raises(InvalidInput) as error:
            resolve_violations(ids=[violation.pk], actor=None, note=" ", now=NOW)
        assert error.value.errors[0].field == "note"
        with pytest.raises(InvalidInput):
            add_note(violation_id=violation.pk, actor=None, text="", now=NOW)
        with pytest.raises(InvalidInput):
            acknowledge_violations(ids=[violation.pk], actor=None, note="x" * (MAX_NOTE_LENGTH + 1), now=NOW)
        with pytest.raises(NotFound):
            add_note(violation_id=violation.pk + 1, actor=None, text="x", now=NOW)

    def test_a_remark_at_any_time(self) -> None:
        violation = make_reviewed("resolved")
        add_note(violation_id=violation.pk, actor=None, text="seen again", now=NOW)
        assert list_notes(violation.pk).filter(action="note").get().created_at == NOW

    def test_the_same_remark_on_many(self) -> None:
        ids = [ViolationFactory().pk for _ in range(2)]
        assert add_notes(ids=ids, actor=None, text="same sensor", now=NOW) == 2
        with pytest.raises(NotFound, match=f"no violation {ids[1] + 1}"):
            add_notes(ids=[*ids, ids[1] + 1], actor=None, text="x", now=NOW)
        assert ViolationNote.objects.count() == 2

    def test_a_bulk_takes_few_queries(self, django_assert_max_num_queries: Any) -> None:
        ids = [ViolationFactory().pk for _ in range(20)]
        with django_assert_max_num_queries(6):
            acknowledge_violations(ids=ids, actor=None, now=NOW)


class TestSelectors:
    def test_the_queue_and_its_counts(self, django_assert_num_queries: Any) -> None:
        make_reviewed("resolved")
        taken = make_reviewed("acknowledged")
        severe = ViolationFactory(severity_score=1, run=taken.run, detected_at=NOW)
        other = ViolationFactory(detected_at=NOW + timedelta(hours=1))
        assert list(list_open_violations()) == [other, severe, taken]
        assert list(list_open_violations(run_id=taken.run_id)) == [severe, taken]
        with django_assert_num_queries(1):
            counts = count_open_violations()
        assert counts.by_status == {"pending": 2, "acknowledged": 1}
        assert counts.by_type == {"minor": 0, "moderate": 2, "major": 0, "critical": 1}
        assert (counts.total, count_open_violations(run_id=taken.run_id).total) == (3, 2)

    def test_five_open_violations_of_a_run_are_systemic(self) -> None:
        policy, run = PolicyFactory(), RunFactory()
        violations = [ViolationFactory(policy=policy, run=run) for _ in range(5)]
        for _ in range(4):
            ViolationFactory(policy=policy, run=RunFactory())
        assert list_systemic_runs() == list_systemic_runs([run.pk]) == {run.pk}
        assert list_systemic_runs([run.pk + 1]) == set()
        acknowledge_violations(ids=[violations[0].pk], actor=None, now=NOW)
        assert list_systemic_runs() == {run.pk}
        resolve_violations(ids=[violations[0].pk], actor=None, note="fixed", now=NOW)
        assert list_systemic_runs() == set()


@pytest.mark.django_db(transaction=True)
def test_one_of_two_who_acknowledge_at_once_is_told() -> None:
    ids = [ViolationFactory().pk for _ in range(5)]
    barrier = threading.Barrier(2)
    answers: list[Any] = []

    def acknowledge(order: list[int]) -> None:
        try:
            barrier.wait(10)
            answers.append(acknowledge_violations(ids=order, actor=None, now=NOW))
        except ReviewOrder as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=acknowledge, args=[order]) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 5 in answers
    (refused,) = [answer for answer in answers if answer != 5]
    assert isinstance(refused, ReviewOrder)
    assert len(refused.errors) == 5
    assert ViolationNote.objects.count() == 5
