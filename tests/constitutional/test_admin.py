"""Policies, violations and guards in the admin."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.choices import Role
from constitutional.models import ConstitutionalPolicy, RunGuardState, Violation, ViolationNote
from constitutional.services.guard import force_emergency_stop
from constitutional.services.policies import update_policy
from constitutional.services.review import acknowledge_violations, add_note, resolve_violations
from tests.constitutional.database import execute
from tests.factories.accounts import AdminFactory, UserFactory
from tests.factories.constitutional import (
    START,
    FundamentalPolicyFactory,
    PolicyFactory,
    ViolationFactory,
    make_content,
)
from tests.factories.core import RunFactory

pytestmark = pytest.mark.django_db
NOW = START + timedelta(hours=1)
POLICIES = reverse("admin:constitutional_constitutionalpolicy_changelist")
VIOLATIONS = reverse("admin:constitutional_violation_changelist")
GUARDS = reverse("admin:constitutional_runguardstate_changelist")


@pytest.fixture
def user() -> Any:
    return AdminFactory()


@pytest.fixture
def site(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(response: Any) -> str:
    """The page, which carries nothing the content policy forbids."""
    assert response.status_code == 200
    page = response.content.decode()
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\bsrc=)(?![^>]*application/json)", page)
    return page


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def post_policy(site: Client, url: str, **changes: Any) -> Any:
    values = {
        "policy_name": "limit",
        "policy_type": "safety",
        "policy_content": json.dumps(make_content()),
        "priority_level": "5",
        "is_active": "on",
        "change_note": "",
    } | changes
    return site.post(url, {name: value for name, value in values.items() if value is not None}, follow=True)


class TestPolicies:
    ADD = reverse("admin:constitutional_constitutionalpolicy_add")

    def test_the_list_says_each_policy_in_words(self, site: Client) -> None:
        PolicyFactory(policy_name="too much")
        broken = PolicyFactory()
        execute("UPDATE constitutional_policies SET policy_content = '{\"schema\": 1}' WHERE id = %s", broken.pk)
        page = read(site.get(POLICIES))
        assert "ha: value above 2 for 2 s -&gt; alert; clears at or below 1.5" in page
        assert "Not valid, so not applied: /action: is required" in page

    def test_a_policy_is_made_and_changed(self, site: Client, user: Any) -> None:
        post_policy(site, self.ADD, change_note="first")
        policy = ConstitutionalPolicy.objects.get()
        assert (policy.policy_content, policy.version) == (make_content(), 1)
        url = reverse("admin:constitutional_constitutionalpolicy_change", args=[policy.pk])
        page = read(site.get(url))
        assert re.search(r"&quot;op&quot;: &quot;gt&quot;,\n\s+&quot;threshold&quot;: 2,\n", page)
        post_policy(
            site, url, policy_content=json.dumps(make_content(threshold=3)), change_note="looser", is_active=None
        )
        versions = policy.versions.order_by("version")
        assert [(version.author, version.change_note, version.is_active) for version in versions] == [
            (user, "first", True),
            (user, "looser", False),
        ]

    @pytest.mark.parametrize(
        ("changes", "field", "message"),
        [
            ({"policy_content": "{"}, "policy_content", "not JSON"),
            ({"policy_content": ""}, "policy_content", "required"),
            ({"policy_content": "NaN"}, "policy_content", "NaN"),
            ({"policy_content": '{"schema": 1e999}'}, "policy_content", "too large"),
            ({"policy_content": '{"schema": 1, "schema": 1}'}, "policy_content", "twice"),
            ({"policy_content": "[" * 1000 + "]" * 1000}, "policy_content", "deep"),
            ({"policy_content": "[" * 500 + "]" * 500}, "policy_content", "deep"),
            ({"policy_content": '"\x00"'}, "policy_content", ""),
            (
                {"policy_content": json.dumps(make_content(op="ge", dwell_s=-1))},
                "policy_content",
                "/op: must be one of",
            ),
            ({"policy_name": " "}, "policy_name", "required"),
            ({"policy_name": "a\x00b"}, "policy_name", "Null"),
            ({"policy_name": "TAKEN"}, "__all__", "There is a policy of this name"),
            ({"priority_level": "11"}, "priority_level", "10"),
            ({"priority_level": "9" * 30}, "priority_level", "10"),
            ({"policy_type": "governance"}, "policy_type", "valid choice"),
            ({"policy_type": "fundamental"}, "priority_level", "priority 10"),
            ({"policy_type": "fundamental", "priority_level": "10", "is_active": None}, "is_active", "switched off"),
        ],
    )
    def test_errors_stand_at_the_field(self, site: Client, changes: dict, field: str, message: str) -> None:
        PolicyFactory(policy_name="taken")
        response = post_policy(site, self.ADD, **changes)
        read(response)
        assert message in " ".join(response.context["adminform"].form.errors[field])
        assert ConstitutionalPolicy.objects.count() == 1

    def test_what_cannot_be_read_stands_in_the_box_again(self, site: Client) -> None:
        assert "{&quot;schema&quot;: 1," in read(post_policy(site, self.ADD, policy_content='{"schema": 1,'))

    def test_a_fundamental_policy_stays_so(self, site: Client) -> None:
        policy = FundamentalPolicyFactory(policy_name="limit")
        url = reverse("admin:constitutional_constitutionalpolicy_change", args=[policy.pk])
        response = post_policy(site, url, policy_type="safety", priority_level="1")
        assert "stays fundamental" in read(response)
        delete = reverse("admin:constitutional_constitutionalpolicy_delete", args=[policy.pk])
        assert site.post(delete, {"post": "yes"}).status_code == 403

    def test_policies_are_deleted_unless_cited(self, site: Client) -> None:
        free, cited = PolicyFactory(), ViolationFactory().policy
        for policy in (free, cited):
            url = reverse("admin:constitutional_constitutionalpolicy_delete", args=[policy.pk])
            read(site.get(url))
            site.post(url, {"post": "yes"})
        assert list(ConstitutionalPolicy.objects.all()) == [cited]

    def test_switched_on_and_off_together(self, site: Client, user: Any) -> None:
        first, second, fundamental = PolicyFactory(), PolicyFactory(is_active=False), FundamentalPolicyFactory()
        chosen = [first.pk, second.pk, fundamental.pk]
        response = site.post(POLICIES, {"action": "deactivate", "_selected_action": chosen}, follow=True)
        assert told(response) == [
            f"{fundamental}: A fundamental policy cannot be switched off.",
            f"Switched off: {first}, {second}.",
        ]
        assert first.versions.get(version=2).author == user
        execute("UPDATE constitutional_policies SET policy_content = '{\"schema\": 1}' WHERE id = %s", first.pk)
        response = site.post(POLICIES, {"action": "activate", "_selected_action": chosen}, follow=True)
        assert "/metric: is required" in told(response)[0]
        assert ConstitutionalPolicy.objects.get(pk=second.pk).is_active
        assert "delete_selected" not in read(response)

    def test_versions_and_the_difference_of_any_two(self, site: Client, user: Any) -> None:
        policy = PolicyFactory()
        update_policy(policy_id=policy.pk, policy_content=make_content(threshold=3), change_note="<b>looser</b>")
        update_policy(policy_id=policy.pk, policy_name="renamed")
        url = reverse("admin:constitutional_constitutionalpolicy_history", args=[policy.pk])
        page = read(site.get(url))
        assert "From version 2 to version 3" in page
        assert "policy_name" in page
        assert "&lt;b&gt;looser&lt;/b&gt;" in page
        page = read(site.get(url, {"old": 1, "new": 2}))
        assert "From version 1 to version 2" in page
        assert "policy_content/threshold" in page
        assert "They are the same" in read(site.get(url, {"old": 2, "new": 2}))

    @pytest.mark.parametrize("old", ["9", "0", "x", "9" * 30, ""])
    def test_versions_that_are_not_there(self, site: Client, old: str) -> None:
        url = reverse("admin:constitutional_constitutionalpolicy_history", args=[PolicyFactory().pk])
        assert "errornote" in read(site.get(url, {"old": old, "new": "1"}))

    def test_one_version_has_no_other(self, site: Client) -> None:
        url = reverse("admin:constitutional_constitutionalpolicy_history", args=[PolicyFactory().pk])
        assert "nothing to compare with" in read(site.get(url))
        assert site.get(url.replace(str(ConstitutionalPolicy.objects.get().pk), "999999999999")).status_code == 404


class TestViolations:
    def test_the_queue_shows_what_is_open(self, site: Client) -> None:
        pending, taken, done = (ViolationFactory(severity_score=score) for score in (0.3, 0.6, 1))
        acknowledge_violations(ids=[taken.pk, done.pk], actor=None, now=NOW)
        resolve_violations(ids=[done.pk], actor=None, note="x", now=NOW)

        def shown(**parameters: str) -> set[int]:
            response = site.get(VIOLATIONS, parameters)
            read(response)
            return {violation.pk for violation in response.context["cl"].result_list}

        assert shown() == {pending.pk, taken.pk}
        assert shown(review="acknowledged") == {taken.pk}
        assert shown(review="all") == {pending.pk, taken.pk, done.pk}
        assert shown(review="all", type="critical") == {done.pk}
        assert shown(policy__id__exact=str(pending.policy_id)) == {pending.pk}
        assert shown(run=str(taken.run_id)) == {taken.pk}
        assert shown(q=str(pending.policy)) == {pending.pk}
        assert shown(q=str(taken.pk)) >= {taken.pk}

    @pytest.mark.parametrize(
        "parameters", [{"run": "x"}, {"run": "9" * 30}, {"review": "x"}, {"type": "x"}, {"policy__id__exact": "x"}]
    )
    def test_bad_filters_find_nothing(self, site: Client, parameters: dict) -> None:
        response = site.get(VIOLATIONS, parameters, follow=True)
        assert response.status_code == 200

    def test_severity_is_a_bar(self, site: Client) -> None:
        ViolationFactory(severity_score=0.6)
        page = read(site.get(VIOLATIONS))
        assert 'class="severity-fill severity-moderate" width="60.0"' in page
        assert "moderate 0.60" in page

    def test_only_a_critical_severity_is_shown_as_one(self, site: Client) -> None:
        ViolationFactory(severity_score=0.9999)
        assert "major 0.99" in read(site.get(VIOLATIONS))

    def test_systemic_trouble_is_marked(self, site: Client) -> None:
        policy, run = PolicyFactory(), RunFactory()
        for _ in range(4):
            ViolationFactory(policy=policy, run=run)
        assert "systemic</span>" not in read(site.get(VIOLATIONS))
        ViolationFactory(policy=policy, run=run)
        assert read(site.get(VIOLATIONS)).count("systemic</span>") == 5

    def test_the_number_of_queries_does_not_grow(self, site: Client) -> None:
        def count(url: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                read(site.get(url))
            return len(queries)

        violation = ViolationFactory()
        add_note(violation_id=violation.pk, actor=UserFactory(), text="x", now=NOW)
        detail = reverse("admin:constitutional_violation_change", args=[violation.pk])
        lists = [VIOLATIONS, detail, POLICIES]
        count(detail)  # content types are read once a process
        before = [count(url) for url in lists]
        for _ in range(8):
            ViolationFactory()
            add_note(violation_id=violation.pk, actor=UserFactory(), text="x", now=NOW)
        assert [count(url) for url in lists] == before

    def test_evidence_is_readable(self, site: Client, user: Any) -> None:
        violation = ViolationFactory(
            violation_data={
                "rule": "ha: value above 2 -> alert",
                "value": 3.25,
                "high": 2,
                "low": None,
                "site": {"rack": "<3>"},
                "policy_version": 1,
            },
            cleared_at=START + timedelta(seconds=90),
            cleared_reason="calm",
        )
        acknowledge_violations(ids=[violation.pk], actor=user, note="on <it>", now=NOW)
        page = read(site.get(reverse("admin:constitutional_violation_change", args=[violation.pk])))
        assert "<dt>Rule</dt><dd>ha: value above 2 -&gt; alert</dd>" in page
        assert "<dt>Breached above</dt><dd>2</dd>" in page
        assert "Breached below" not in page
        assert "{&quot;rack&quot;: &quot;&lt;3&gt;&quot;}" in page
        assert "1 min 30 s" in page
        assert f"2026-01-01 01:00:00 by {user}" in page
        assert "on &lt;it&gt;" in page

    def test_nobody_adds_changes_or_deletes(self, site: Client) -> None:
        violation = ViolationFactory()
        url = reverse("admin:constitutional_violation_change", args=[violation.pk])
        assert site.post(url, {"severity_score": "1"}).status_code == 403
        assert site.post(reverse("admin:constitutional_violation_delete", args=[violation.pk])).status_code == 403
        assert site.get(reverse("admin:constitutional_violation_add")).status_code == 403

    @pytest.mark.parametrize(
        ("step", "before", "after"),
        [
            ("acknowledge", "pending", "acknowledged"),
            ("resolve", "acknowledged", "resolved"),
            ("false_positive", "acknowledged", "false_positive"),
        ],
    )
    def test_a_step_for_many_asks_why(self, site: Client, user: Any, step: str, before: str, after: str) -> None:
        ready = [ViolationFactory().pk for _ in range(2)]
        other = ViolationFactory().pk
        late = ready if before == "acknowledged" else [other]
        acknowledge_violations(ids=late, actor=None, now=NOW)
        page = read(site.post(VIOLATIONS, {"action": step, "_selected_action": [*ready, other]}))
        assert "1 of those chosen cannot take this step and is left out." in page
        assert re.findall(r'name="ids" value="(\d+)"', page) == [str(pk) for pk in reversed(ready)]
        assert set(Violation.objects.filter(pk__in=ready).values_list("resolution_status", flat=True)) == {before}
        url = reverse("admin:constitutional_violation_step", args=[step])
        response = site.post(url, {"ids": ready, "note": "looked at it", "confirm": "yes"}, follow=True)
        assert told(response)[0].endswith(": 2.")
        assert set(Violation.objects.filter(pk__in=ready).values_list("resolution_status", flat=True)) == {after}
        notes = ViolationNote.objects.filter(to_status=after, violation__in=ready)
        assert {(note.author, note.text) for note in notes} == {(user, "looked at it")}
        assert len(notes) == 2

    def test_a_note_for_many(self, site: Client, user: Any) -> None:
        ids = [ViolationFactory().pk for _ in range(2)]
        url = reverse("admin:constitutional_violation_step", args=["note"])
        site.post(url, {"ids": ids, "note": "same sensor", "confirm": "yes"})
        assert set(ViolationNote.objects.values_list("violation_id", "text", "author_id")) == {
            (pk, "same sensor", user.pk) for pk in ids
        }

    @pytest.mark.parametrize("note", ["", "  ", "x" * 10_001, "a\x00b"])
    def test_a_reason_is_needed(self, site: Client, note: str) -> None:
        violation = ViolationFactory()
        acknowledge_violations(ids=[violation.pk], actor=None, now=NOW)
        url = reverse("admin:constitutional_violation_step", args=["resolve"])
        response = site.post(url, {"ids": [violation.pk], "note": note, "confirm": "yes"})
        assert "errorlist" in read(response)
        violation.refresh_from_db()
        assert violation.resolution_status == "acknowledged"

    def test_one_violation_is_reviewed_from_its_page(self, site: Client) -> None:
        violation = ViolationFactory()
        detail = reverse("admin:constitutional_violation_change", args=[violation.pk])
        page = read(site.get(detail))
        (step,) = re.findall(r'href="([^"]*step/acknowledge/[^"]*)"', page)
        assert "step/resolve" not in page
        assert f"{violation.policy}: moderate (0.60)" in read(site.get(step))
        response = site.post(step.split("?")[0], {"ids": violation.pk, "note": "", "confirm": "yes"})
        assert response.url == detail
        assert "step/resolve" in read(site.get(detail))

    @pytest.mark.parametrize("ids", [[], ["x"], ["9" * 30], ["9" * 18], ["\u0663"]])
    def test_ids_that_are_not_there(self, site: Client, ids: list[str]) -> None:
        url = reverse("admin:constitutional_violation_step", args=["acknowledge"])
        assert told(site.post(url, {"ids": ids, "confirm": "yes"}, follow=True)) == ["None of them can take this step."]
        assert site.get(url, {"ids": ids}).status_code == 302

    def test_too_many_at_once(self, site: Client) -> None:
        url = reverse("admin:constitutional_violation_step", args=["acknowledge"])
        response = site.post(url, {"ids": list(range(1, 502))}, follow=True)
        assert "At most 500 at once are possible." in told(response)

    def test_there_is_no_such_step(self, site: Client) -> None:
        assert site.get(reverse("admin:constitutional_violation_step", args=["reopen"])).status_code == 404

    def test_reviewing_needs_its_permission(self) -> None:
        violation = ViolationFactory()
        reader = UserFactory(role=Role.OPERATOR)
        reader.user_permissions.set(Permission.objects.filter(codename="view_violation"))
        client = Client()
        client.force_login(reader)
        page = read(client.get(reverse("admin:constitutional_violation_change", args=[violation.pk])))
        url = reverse("admin:constitutional_violation_step", args=["acknowledge"])
        may = reader.has_perm("constitutional.review_violation")
        assert ("step/acknowledge" in page) == may
        assert client.get(url, {"ids": violation.pk}).status_code == (200 if may else 403)


class TestGuards:
    def test_stop_and_release(self, site: Client, user: Any) -> None:
        runs = [RunFactory(), RunFactory()]
        for run in runs:
            RunGuardState.objects.create(run=run)
        read(site.get(GUARDS))
        chosen = [run.pk for run in runs]
        read(site.post(GUARDS, {"action": "stop", "_selected_action": chosen}))
        stop = reverse("admin:constitutional_runguardstate_step", args=["stop"])
        site.post(stop, {"ids": chosen, "note": "smoke", "confirm": "yes"})
        assert list(RunGuardState.objects.values_list("level", "reason", "actor_id").distinct()) == [
            ("emergency", "smoke", user.pk)
        ]
        page = read(site.get(reverse("admin:constitutional_runguardstate_change", args=[chosen[0]])))
        assert "guard-emergency" in page
        release = reverse("admin:constitutional_runguardstate_step", args=["release"])
        site.post(release, {"ids": chosen[:1], "note": "cleared", "confirm": "yes"})
        assert RunGuardState.objects.get(pk=chosen[0]).level == "recovery"
        assert RunGuardState.objects.get(pk=chosen[1]).level == "emergency"

    def test_what_has_not_stopped_is_not_released(self, site: Client, user: Any) -> None:
        run = RunFactory()
        RunGuardState.objects.create(run=run)
        release = reverse("admin:constitutional_runguardstate_step", args=["release"])
        assert told(site.get(release, {"ids": run.pk}, follow=True)) == ["None of them can take this step."]
        force_emergency_stop(run_id=run.pk, actor=user, reason="x", now=NOW)
        assert site.get(release, {"ids": run.pk}).status_code == 200
