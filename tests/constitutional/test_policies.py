"""What a policy promises: versions of every state it was in, and what stays as it is."""

from __future__ import annotations

import json

import pytest
from django.db import ProgrammingError, transaction
from django.db.models import ProtectedError

from constitutional.exceptions import PolicyInUse, PolicyIsFundamental
from constitutional.models import ConstitutionalPolicy, PolicyVersion
from constitutional.selectors import ValueChange, compare_versions, list_versions
from constitutional.services.policies import (
    activate_policy,
    create_policy,
    deactivate_policy,
    delete_policy,
    update_policy,
)
from core.db.identity import set_actor
from core.exceptions import InvalidInput, NotFound
from tests.constitutional.database import execute, violated
from tests.factories.accounts import OperatorFactory
from tests.factories.constitutional import (
    FundamentalPolicyFactory,
    PolicyFactory,
    ViolationFactory,
    make_content,
)

pytestmark = pytest.mark.django_db


class TestConstraints:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"policy_name": " "}, "constitutional_policies_name_ck"),
            ({"policy_type": "governance"}, "constitutional_policies_type_ck"),
            ({"policy_content": {"schema": 2}}, "constitutional_policies_content_ck"),
            ({"policy_content": {}}, "constitutional_policies_content_ck"),
            ({"policy_content": []}, "constitutional_policies_content_ck"),
            ({"policy_content": 1}, "constitutional_policies_content_ck"),
            ({"priority_level": 0}, "chk_priority_level"),
            ({"priority_level": 11}, "chk_priority_level"),
            (
                {"policy_type": "fundamental", "priority_level": 9},
                "constitutional_policies_fundamental_priority_ck",
            ),
            (
                {"policy_type": "fundamental", "priority_level": 10, "is_active": False},
                "constitutional_policies_fundamental_active_ck",
            ),
        ],
    )
    def test_a_policy_that_makes_no_sense_is_refused_by_name(self, fields: dict, constraint: str) -> None:
        assert violated(lambda: PolicyFactory(**fields)) == constraint

    def test_names_that_differ_by_case_alone_are_one(self) -> None:
        PolicyFactory(policy_name="Coherence")
        assert violated(lambda: PolicyFactory(policy_name="coherence")) == "constitutional_policies_name_uq"

    @pytest.mark.parametrize(
        ("assignment", "constraint"),
        [
            ("is_active = false", "constitutional_policies_fundamental_active_ck"),
            ("priority_level = 1", "constitutional_policies_fundamental_priority_ck"),
            ("policy_type = 'safety'", "constitutional_policies_fundamental_kept"),
        ],
    )
    def test_a_fundamental_policy_stays_in_force(self, assignment: str, constraint: str) -> None:
        policy = FundamentalPolicyFactory()
        statement = f"UPDATE constitutional_policies SET {assignment} WHERE id = %s"
        assert violated(lambda: execute(statement, policy.pk)) == constraint

    def test_a_fundamental_policy_is_not_deleted(self) -> None:
        policy = FundamentalPolicyFactory()
        statement = "DELETE FROM constitutional_policies WHERE id = %s"
        assert violated(lambda: execute(statement, policy.pk)) == "constitutional_policies_fundamental_kept"

    def test_a_cited_policy_is_not_deleted(self) -> None:
        policy = ViolationFactory().policy
        statement = "DELETE FROM constitutional_policies WHERE id = %s"
        assert violated(lambda: execute(statement, policy.pk)) == "constitutional_policies_cited"
        with pytest.raises(ProtectedError):
            policy.delete()


class TestVersions:
    def test_every_change_of_substance_is_a_version(self) -> None:
        policy = PolicyFactory(priority_level=5)
        policy.priority_level = 6
        policy.save()
        execute("UPDATE constitutional_policies SET is_active = false WHERE id = %s", policy.pk)
        ConstitutionalPolicy.objects.filter(pk=policy.pk).update(policy_name="renamed")
        policy.refresh_from_db()
        versions = list(policy.versions.order_by("version"))
        assert policy.version == 4
        assert [(v.version, v.priority_level, v.is_active) for v in versions] == [
            (1, 5, True),
            (2, 6, True),
            (3, 6, False),
            (4, 6, False),
        ]
        assert versions[3].policy_name == "renamed"
        assert [v.valid_to for v in versions] == [*(v.valid_from for v in versions[1:]), None]
        assert all(v.valid_from <= v.valid_to for v in versions[:3])

    def test_a_save_that_changes_nothing_is_no_version(self) -> None:
        policy = PolicyFactory()
        policy.refresh_from_db()
        before = policy.updated_at
        policy.save()
        execute("UPDATE constitutional_policies SET version = 7, created_at = now() WHERE id = %s", policy.pk)
        again = ConstitutionalPolicy.objects.get(pk=policy.pk)
        assert again.version == 1
        assert again.created_at == policy.created_at
        assert again.updated_at > before
        assert policy.versions.count() == 1

    def test_a_version_says_who_and_why(self) -> None:
        operator = OperatorFactory()
        set_actor(operator.pk)
        policy = create_policy(
            policy_name="limit", policy_type="safety", policy_content=make_content(), change_note="first"
        )
        policy.priority_level = 2
        policy.save()
        first, second = policy.versions.order_by("version")
        assert (first.author, first.change_note, second.author, second.change_note) == (operator, "first", operator, "")
        assert first.database_role

    def test_a_statement_of_many_rows_versions_each(self) -> None:
        policies = [PolicyFactory() for _ in range(3)]
        execute("UPDATE constitutional_policies SET priority_level = priority_level + 1")
        assert [policy.versions.count() for policy in policies] == [2, 2, 2]

    def test_the_runtime_role_cannot_change_versions(self) -> None:
        version = PolicyFactory().versions.get()
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(change_note="x")

    @pytest.mark.owner
    @pytest.mark.parametrize(
        "assignment",
        ["policy_content = '{}'", "valid_from = now()", "author_id = NULL, change_note = 'x'", "policy_id = NULL"],
    )
    def test_nobody_changes_versions(self, assignment: str) -> None:
        version = PolicyFactory().versions.get()
        statement = f"UPDATE constitutional_policy_versions SET {assignment} WHERE id = %s"
        assert violated(lambda: execute(statement, version.pk)) == "constitutional_policy_versions_append_only"

    @pytest.mark.owner
    def test_a_version_ends_once(self) -> None:
        policy = PolicyFactory()
        update_policy(policy_id=policy.pk, priority_level=9)
        second, first = policy.versions.order_by("-version")
        statement = "UPDATE constitutional_policy_versions SET valid_to = %s WHERE id = %s"
        assert (
            violated(lambda: execute(statement, "2100-01-01", first.pk)) == "constitutional_policy_versions_append_only"
        )
        assert (
            violated(lambda: execute(statement, "2000-01-01", second.pk)) == "constitutional_policy_versions_times_ck"
        )

    @pytest.mark.owner
    def test_nobody_deletes_versions(self) -> None:
        version = PolicyFactory().versions.get()
        statement = "DELETE FROM constitutional_policy_versions WHERE id = %s"
        assert violated(lambda: execute(statement, version.pk)) == "constitutional_policy_versions_append_only"

    def test_nobody_invents_versions(self) -> None:
        version = PolicyFactory().versions.get()
        version.pk = None
        assert violated(version.save) == "constitutional_policy_versions_uq"
        version.version = 2
        assert violated(version.save) == "constitutional_policy_versions_copy"

    @pytest.mark.owner
    def test_a_policy_has_one_current_version(self) -> None:
        policy = PolicyFactory()
        execute("ALTER TABLE constitutional_policies DISABLE TRIGGER constitutional_policies_versions")
        execute("UPDATE constitutional_policies SET priority_level = 7 WHERE id = %s", policy.pk)
        version = policy.versions.get()
        version.pk, version.version, version.priority_level = None, 2, 7
        assert violated(version.save) == "constitutional_policy_versions_current_uq"

    def test_versions_outlive_their_policy(self) -> None:
        policy = PolicyFactory(policy_name="short-lived")
        policy.delete()
        version = PolicyVersion.objects.get(policy_name="short-lived")
        assert version.policy_id is None
        assert version.valid_to is not None


class TestServices:
    def test_an_update_leaves_what_is_not_named(self) -> None:
        policy = PolicyFactory(priority_level=3)
        changed = update_policy(policy_id=policy.pk, policy_content=make_content(threshold=3), change_note="too strict")
        assert (changed.policy_name, changed.priority_level, changed.version) == (policy.policy_name, 3, 2)
        assert changed.policy_content["threshold"] == 3
        assert list_versions(policy.pk)[0].change_note == "too strict"

    def test_every_problem_of_the_content_is_named(self) -> None:
        policy = PolicyFactory()
        with pytest.raises(InvalidInput) as error:
            update_policy(policy_id=policy.pk, policy_content=make_content(op="ge", dwell_s=-1))
        assert [(e.field, e.detail.split(":")[0]) for e in error.value.errors] == [
            ("policy_content", "/dwell_s"),
            ("policy_content", "/op"),
        ]

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"policy_name": " "}, "policy_name"),
            ({"policy_name": "x" * 256}, "policy_name"),
            ({"policy_type": "governance"}, "policy_type"),
            ({"priority_level": 11}, "priority_level"),
            ({"priority_level": 2**40}, "priority_level"),
            ({"policy_type": "fundamental"}, "priority_level"),
            ({"policy_type": "fundamental", "priority_level": 10, "is_active": False}, "is_active"),
            ({"policy_content": {}}, "policy_content"),
            ({"policy_content": None}, "policy_content"),
        ],
    )
    def test_bad_values_are_named(self, fields: dict, field: str) -> None:
        values = {"policy_name": "new", "policy_type": "safety", "policy_content": make_content()} | fields
        with pytest.raises(InvalidInput) as error:
            create_policy(**values)
        assert {e.field for e in error.value.errors} == {field}

    def test_switching_off_and_on(self) -> None:
        policy = PolicyFactory()
        assert deactivate_policy(policy_id=policy.pk, change_note="noisy").is_active is False
        assert deactivate_policy(policy_id=policy.pk).version == 2
        assert activate_policy(policy_id=policy.pk).version == 3

    def test_only_a_valid_policy_is_switched_on(self) -> None:
        policy = PolicyFactory(is_active=False, policy_content={"schema": 1})
        with pytest.raises(InvalidInput):
            activate_policy(policy_id=policy.pk)
        execute("UPDATE constitutional_policies SET is_active = true WHERE id = %s", policy.pk)
        assert deactivate_policy(policy_id=policy.pk).is_active is False

    def test_fundamental_policies_are_kept(self) -> None:
        policy = FundamentalPolicyFactory()
        for refused in (
            lambda: deactivate_policy(policy_id=policy.pk),
            lambda: update_policy(policy_id=policy.pk, is_active=False),
            lambda: update_policy(policy_id=policy.pk, policy_type="safety", priority_level=1),
            lambda: delete_policy(policy_id=policy.pk),
        ):
            with pytest.raises(PolicyIsFundamental):
                refused()

    def test_deleting(self) -> None:
        policy = PolicyFactory()
        delete_policy(policy_id=policy.pk)
        with pytest.raises(NotFound):
            delete_policy(policy_id=policy.pk)
        with pytest.raises(PolicyInUse):
            delete_policy(policy_id=ViolationFactory().policy_id)

    def test_two_versions_compare_value_by_value(self) -> None:
        policy = PolicyFactory(policy_content=make_content(severity={"breakpoints": [[1, 0], [2, 1]]}))
        update_policy(
            policy_id=policy.pk,
            priority_level=9,
            policy_content=make_content(threshold=3, clear_threshold=None, severity={"scale": "ha"}, source="a/b"),
        )
        newer, older = list_versions(policy.pk)
        assert sorted(compare_versions(older, newer), key=lambda change: change.field) == [
            ValueChange("policy_content/clear_threshold", "1.5", ""),
            ValueChange("policy_content/severity/breakpoints/0/0", "1", ""),
            ValueChange("policy_content/severity/breakpoints/0/1", "0", ""),
            ValueChange("policy_content/severity/breakpoints/1/0", "2", ""),
            ValueChange("policy_content/severity/breakpoints/1/1", "1", ""),
            ValueChange("policy_content/severity/scale", "", json.dumps("ha")),
            ValueChange("policy_content/source", "", json.dumps("a/b")),
            ValueChange("policy_content/threshold", "2", "3"),
            ValueChange("priority_level", "5", "9"),
        ]
        assert compare_versions(older, older) == []

    def test_natural_keys_find_policies_in_any_case(self) -> None:
        policy = PolicyFactory(policy_name="Order")
        assert ConstitutionalPolicy.objects.get_by_natural_key("order") == policy
        assert policy.natural_key() == ("Order",)
