"""What a violation promises: fixed evidence, a type that follows the severity, and a review in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import ProgrammingError, transaction

from constitutional.choices import ResolutionStatus
from constitutional.models import Violation
from constitutional.selectors import list_notes
from constitutional.services.review import add_note
from core.constants import SYSTEM_RUN_UUID
from core.db.identity import set_actor
from tests.constitutional.database import execute, violated
from tests.factories.accounts import OperatorFactory
from tests.factories.constitutional import START, PolicyFactory, ViolationFactory, make_reviewed
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db
NOW = START + timedelta(hours=1)
NOTE_CHANGES = ["UPDATE violation_notes SET text = 'x' WHERE id = %s", "DELETE FROM violation_notes WHERE id = %s"]


def update(violation: Violation, assignments: str) -> None:
    execute(f"UPDATE constitutional_violations SET {assignments} WHERE id = %s", violation.pk)


class TestRows:
    @pytest.mark.parametrize(
        ("severity", "kind"),
        [
            (0, "minor"),
            (0.4999, "minor"),
            (0.5, "moderate"),
            (0.7499, "moderate"),
            (0.75, "major"),
            (0.9999, "major"),
            (1, "critical"),
        ],
    )
    def test_the_type_follows_the_severity(self, severity: float, kind: str) -> None:
        violation = ViolationFactory(severity_score=severity)
        assert Violation.objects.get(pk=violation.pk).violation_type == kind

    def test_the_type_cannot_be_written(self) -> None:
        violation = ViolationFactory()
        with pytest.raises(ProgrammingError, match="can only be updated to DEFAULT"), transaction.atomic():
            update(violation, "violation_type = 'minor'")

    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"severity_score": 1.01}, "constitutional_violations_severity_ck"),
            ({"severity_score": -0.01}, "constitutional_violations_severity_ck"),
            ({"severity_score": float("nan")}, "constitutional_violations_severity_ck"),
            ({"ha_value": 10.1}, "constitutional_violations_ha_ck"),
            ({"ha_value": float("nan")}, "constitutional_violations_ha_ck"),
            ({"peak_value": float("nan")}, "constitutional_violations_peak_ck"),
            ({"peak_value": float("-inf")}, "constitutional_violations_peak_ck"),
            ({"sample_count": 0}, "constitutional_violations_samples_ck"),
            ({"violation_data": []}, "constitutional_violations_data_ck"),
            ({"detected_at": START - timedelta(seconds=1)}, "constitutional_violations_detected_at_ck"),
            ({"cleared_at": NOW}, "constitutional_violations_cleared_ck"),
            ({"cleared_reason": "calm"}, "constitutional_violations_cleared_ck"),
            ({"cleared_at": NOW, "cleared_reason": "bored"}, "constitutional_violations_cleared_ck"),
            (
                {"cleared_at": START - timedelta(seconds=1), "cleared_reason": "calm"},
                "constitutional_violations_cleared_ck",
            ),
            ({"acknowledged_at": NOW}, "constitutional_violations_acknowledged_ck"),
            ({"resolved_at": NOW}, "constitutional_violations_resolved_ck"),
            ({"resolution_status": "acknowledged"}, "constitutional_violations_workflow"),
            ({"resolution_status": "resolved", "resolved_at": NOW}, "constitutional_violations_workflow"),
            ({"resolution_status": "open"}, "constitutional_violations_workflow"),
        ],
    )
    def test_a_violation_that_makes_no_sense_is_refused_by_name(self, fields: dict, constraint: str) -> None:
        assert violated(lambda: ViolationFactory(**fields)) == constraint

    def test_the_version_is_one_of_the_policy(self) -> None:
        other = PolicyFactory().versions.get()
        assert violated(lambda: ViolationFactory(policy_version=other)) == "constitutional_violations_version"

    def test_an_insert_with_the_seeds_columns(self) -> None:
        policy = PolicyFactory()
        run = RunFactory(run_uuid=SYSTEM_RUN_UUID)
        execute(
            "INSERT INTO constitutional_violations (policy_id, violation_data, severity_score, ha_value)"
            " VALUES (%s, '{}', 0.8, 4.1)",
            policy.pk,
        )
        violation = Violation.objects.get()
        assert (violation.run, violation.policy_version) == (run, policy.versions.get())
        assert (violation.violation_type, violation.resolution_status) == ("major", "pending")
        assert violation.first_crossing_at == violation.detected_at

    def test_violations_are_not_deleted(self) -> None:
        violation = ViolationFactory()
        assert (
            violated(lambda: execute("DELETE FROM constitutional_violations WHERE id = %s", violation.pk))
            == "constitutional_violations_append_only"
        )


class TestEvidence:
    @pytest.mark.parametrize(
        "assignment",
        [
            "violation_data = '{\"value\": 1}'",
            "violation_data = '1'",
            "ha_value = 1",
            "ha_value = NULL",
            "detected_at = now()",
            "first_crossing_at = first_crossing_at - interval '1 second'",
            "run_id = run_id + 1",
            "policy_id = policy_id + 1",
            "policy_version_id = policy_version_id + 1",
        ],
    )
    def test_it_does_not_change(self, assignment: str) -> None:
        violation = ViolationFactory()
        assert violated(lambda: update(violation, assignment)) == "constitutional_violations_evidence"

    def test_severity_rises_while_the_episode_lasts(self) -> None:
        violation = ViolationFactory(severity_score=0.6)
        update(violation, "severity_score = 0.8, peak_value = 4.4")
        assert violated(lambda: update(violation, "severity_score = 0.7")) == "constitutional_violations_severity_rises"

    def test_an_episode_under_review_goes_on(self) -> None:
        violation = make_reviewed("resolved")
        update(violation, "severity_score = 1, cleared_at = detected_at, cleared_reason = 'calm'")
        violation.refresh_from_db()
        assert violation.violation_type == "critical"

    @pytest.mark.parametrize(
        "assignment",
        [
            "severity_score = 1",
            "peak_value = 9",
            "sample_count = 9",
            "cleared_at = NULL, cleared_reason = ''",
            "cleared_reason = 'run_ended'",
        ],
    )
    def test_an_episode_that_ended_does_not_change(self, assignment: str) -> None:
        violation = ViolationFactory(cleared_at=NOW, cleared_reason="calm")
        assert violated(lambda: update(violation, assignment)) == "constitutional_violations_episode_ended"


class TestWorkflow:
    STEPS = [
        ("pending", "acknowledged"),
        ("acknowledged", "resolved"),
        ("acknowledged", "false_positive"),
    ]

    @pytest.mark.parametrize("before", ResolutionStatus.values)
    @pytest.mark.parametrize("after", [*ResolutionStatus.values, "reopened"])
    def test_only_the_steps_of_the_review_are_taken(self, before: str, after: str) -> None:
        violation = make_reviewed(before)
        statement = f"resolution_status = '{after}'"
        if before == after or (before, after) in self.STEPS:
            update(violation, statement)
        else:
            assert violated(lambda: update(violation, statement)) == "constitutional_violations_workflow"

    def test_plain_sql_is_signed_and_noted(self) -> None:
        operator = OperatorFactory()
        violation = ViolationFactory()
        set_actor(operator.pk)
        update(violation, "resolution_status = 'acknowledged'")
        execute("SELECT set_config('nfcs.change_note', 'sensor fault', true)")
        update(violation, "resolution_status = 'false_positive'")
        violation.refresh_from_db()
        assert violation.acknowledged_by == violation.resolved_by == operator
        assert START < violation.acknowledged_at <= violation.resolved_at
        assert [
            (n.action, n.from_status, n.to_status, n.text, n.author, n.created_at) for n in list_notes(violation.pk)
        ] == [
            ("acknowledge", "pending", "acknowledged", "", operator, violation.acknowledged_at),
            ("false_positive", "acknowledged", "false_positive", "sensor fault", operator, violation.resolved_at),
        ]

    @pytest.mark.parametrize(
        ("status", "assignment", "constraint"),
        [
            ("pending", "acknowledged_at = now()", "constitutional_violations_review_fixed"),
            ("acknowledged", "acknowledged_at = now()", "constitutional_violations_review_fixed"),
            ("resolved", "resolved_at = resolved_at + interval '1 s'", "constitutional_violations_review_fixed"),
            (
                "acknowledged",
                "resolution_status = 'resolved', acknowledged_at = now()",
                "constitutional_violations_workflow",
            ),
            (
                "acknowledged",
                "resolution_status = 'resolved', resolved_at = acknowledged_at - interval '1 s'",
                "constitutional_violations_resolved_ck",
            ),
            (
                "pending",
                "resolution_status = 'acknowledged', acknowledged_at = detected_at - interval '1 s'",
                "constitutional_violations_acknowledged_ck",
            ),
            (
                "pending",
                "resolution_status = 'acknowledged', resolved_at = now()",
                "constitutional_violations_resolved_ck",
            ),
        ],
    )
    def test_who_and_when_are_fixed(self, status: str, assignment: str, constraint: str) -> None:
        violation = make_reviewed(status)
        assert violated(lambda: update(violation, assignment)) == constraint

    @pytest.mark.owner
    @pytest.mark.parametrize(
        ("before", "after", "constraint"),
        [
            ("pending", "acknowledged", "constitutional_violations_acknowledged_ck"),
            ("pending", "resolved", "constitutional_violations_acknowledged_ck"),
            ("acknowledged", "pending", "constitutional_violations_acknowledged_ck"),
            ("acknowledged", "resolved", "constitutional_violations_resolved_ck"),
            ("resolved", "acknowledged", "constitutional_violations_resolved_ck"),
            ("acknowledged", "reopened", "constitutional_violations_status_ck"),
        ],
    )
    def test_checks_hold_without_the_trigger(self, before: str, after: str, constraint: str) -> None:
        violation = make_reviewed(before)
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        execute("ALTER TABLE constitutional_violations DISABLE TRIGGER constitutional_violations_review")
        assert violated(lambda: update(violation, f"resolution_status = '{after}'")) == constraint


class TestNotes:
    @pytest.mark.parametrize("statement", NOTE_CHANGES)
    def test_they_do_not_change(self, statement: str) -> None:
        note = add_note(violation_id=ViolationFactory().pk, actor=None, text="seen before", now=NOW)
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            execute(statement, note.pk)

    @pytest.mark.owner
    @pytest.mark.parametrize("statement", NOTE_CHANGES)
    def test_not_even_for_the_owner(self, statement: str) -> None:
        note = add_note(violation_id=ViolationFactory().pk, actor=None, text="seen before", now=NOW)
        assert violated(lambda: execute(statement, note.pk)) == "violation_notes_append_only"

    def test_a_step_is_noted_where_it_was_taken(self) -> None:
        violation = make_reviewed("acknowledged")
        step = {"action": "resolve", "from_status": "acknowledged", "to_status": "resolved"}
        assert violated(lambda: violation.notes.create(**step)) == "violation_notes_step"
        step = {"action": "acknowledge", "from_status": "pending", "to_status": "acknowledged"}
        assert violated(lambda: violation.notes.create(**step)) == "violation_notes_step_uq"

    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"text": " "}, "violation_notes_content_ck"),
            ({"text": "x", "to_status": "pending"}, "violation_notes_content_ck"),
            ({"text": "x", "action": "acknowledge", "to_status": "pending"}, "violation_notes_content_ck"),
            (
                {"text": "x", "action": "reopen", "from_status": "resolved", "to_status": "pending"},
                "violation_notes_action_ck",
            ),
        ],
    )
    def test_a_note_that_makes_no_sense_is_refused_by_name(self, fields: dict, constraint: str) -> None:
        violation = ViolationFactory()
        assert violated(lambda: violation.notes.create(**fields)) == constraint

    def test_an_insert_in_plain_sql_is_signed(self) -> None:
        operator = OperatorFactory()
        set_actor(operator.pk)
        violation = ViolationFactory()
        execute(
            "INSERT INTO violation_notes (violation_id, action, text) VALUES (%s, 'note', 'looked at it')",
            violation.pk,
        )
        note = violation.notes.get()
        assert note.author == operator
        assert note.database_role
