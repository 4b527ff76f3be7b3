"""Policies and violations through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from constitutional.models import ConstitutionalPolicy, Violation
from tests.factories.accounts import OperatorFactory
from tests.factories.constitutional import (
    START,
    FundamentalPolicyFactory,
    PolicyFactory,
    ViolationFactory,
    make_content,
)

pytestmark = pytest.mark.django_db
POLICIES, VIOLATIONS = "/api/v1/policies/", "/api/v1/violations/"
BAD_TEXTS = ["\x00", "\ud800"]


def named(response: Any) -> set[str]:
    return {error["field"] for error in response.json()["errors"]}


class TestPolicies:
    def test_made_changed_and_deleted(self, admin_api: Any) -> None:
        body = {"policy_name": "limit", "policy_type": "safety", "policy_content": make_content(), "change_note": "new"}
        made = admin_api.post(POLICIES, body)
        assert made.status_code == 201
        assert (made.json()["version"], made.json()["priority_level"], made.json()["is_active"]) == (1, 1, True)
        url = f"{POLICIES}{made.json()['id']}/"
        changed = admin_api.patch(url, {"policy_content": make_content(threshold=3), "change_note": "looser"})
        assert changed.status_code == 200
        assert changed.json()["version"] == 2
        assert admin_api.get(url).json() == changed.json()
        (newer, older) = admin_api.get(f"{url}versions/").json()["results"]
        assert (newer["version"], newer["change_note"], newer["policy_content"]["threshold"]) == (2, "looser", 3)
        assert (older["valid_to"], older["author"]) == (
            newer["valid_from"],
            ConstitutionalPolicy.objects.get().versions.first().author.username,
        )
        assert admin_api.delete(url).status_code == 204
        assert admin_api.get(url).status_code == 404

    def test_a_content_that_is_not_valid_is_explained(self, admin_api: Any) -> None:
        body = {"policy_name": "x", "policy_type": "safety", "policy_content": make_content(op="ge", dwell_s=-1)}
        response = admin_api.post(POLICIES, body)
        assert response.status_code == 400
        assert [(error["field"], error["detail"].split(":")[0]) for error in response.json()["errors"]] == [
            ("policy_content", "/dwell_s"),
            ("policy_content", "/op"),
        ]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"policy_name": ""}, "policy_name"),
            ({"policy_name": None}, "policy_name"),
            ({"policy_name": "x" * 256}, "policy_name"),
            ({"policy_name": ["x"]}, "policy_name"),
            ({"policy_name": "Taken"}, "policy_name"),
            ({"policy_type": "governance"}, "policy_type"),
            ({"policy_type": {}}, "policy_type"),
            ({"priority_level": 11}, "priority_level"),
            ({"priority_level": 10**30}, "priority_level"),
            ({"priority_level": "high"}, "priority_level"),
            ({"is_active": "maybe"}, "is_active"),
            ({"policy_content": None}, "policy_content"),
            ({"policy_content": []}, "policy_content"),
            ({"policy_content": "ha"}, "policy_content"),
            ({"policy_content": make_content(threshold=10**90)}, "policy_content"),
            ({"policy_type": "fundamental"}, "priority_level"),
            ({"change_note": 5.5e300, "policy_name": ""}, "policy_name"),
            ({"change_note": []}, "change_note"),
            ({"change_note": "x" * 10_001}, "change_note"),
        ],
    )
    @pytest.mark.parametrize("method", ["post", "patch"])
    def test_bad_values_are_named(self, admin_api: Any, method: str, changes: dict, field: str) -> None:
        PolicyFactory(policy_name="taken")
        if method == "post":
            body = {"policy_name": "new", "policy_type": "safety", "policy_content": make_content()} | changes
            response = admin_api.post(POLICIES, body)
        else:
            response = admin_api.patch(f"{POLICIES}{PolicyFactory().pk}/", changes)
        assert response.status_code == 400
        assert field in named(response)

    @pytest.mark.parametrize("text", ['"a\\u0000"', '"\\ud800"', "1e999", "NaN", "[" * 900 + "]" * 900])
    def test_poison_is_refused(self, admin_api: Any, text: str) -> None:
        body = '{"policy_name": "x", "policy_type": "safety", "policy_content": {"schema": 1, "source": ' + text + "}}"
        response = admin_api.post(POLICIES, body.encode(), content_type="application/json")
        assert response.status_code == 400

    def test_deep_content_is_refused(self, admin_api: Any) -> None:
        for depth in (100, 400, 900, 990):
            body = b'{"policy_content": ' + b"[" * depth + b"]" * depth + b"}"
            response = admin_api.patch(f"{POLICIES}{PolicyFactory().pk}/", body, content_type="application/json")
            assert response.status_code == 400

    def test_switched_off_and_on(self, admin_api: Any) -> None:
        policy = PolicyFactory()
        url = f"{POLICIES}{policy.pk}/"
        assert admin_api.post(f"{url}deactivate/", {"change_note": "noisy"}).json()["is_active"] is False
        assert admin_api.post(f"{url}activate/").json()["version"] == 3
        assert [version.change_note for version in policy.versions.order_by("version")] == ["", "noisy", ""]

    def test_what_has_to_stay_stays(self, admin_api: Any) -> None:
        fundamental = f"{POLICIES}{FundamentalPolicyFactory().pk}/"
        cited = f"{POLICIES}{ViolationFactory().policy_id}/"
        answers = [
            admin_api.post(f"{fundamental}deactivate/"),
            admin_api.patch(fundamental, {"is_active": False}),
            admin_api.delete(fundamental),
            admin_api.delete(cited),
        ]
        assert [answer.status_code for answer in answers] == [409] * 4
        assert "cite" in answers[3].json()["detail"]

    def test_lists_are_filtered(self, admin_api: Any) -> None:
        PolicyFactory(is_active=False)
        ethical = PolicyFactory(policy_type="ethical")
        rows = admin_api.get(POLICIES, {"policy_type": "ethical", "is_active": "true"}).json()["results"]
        assert [row["id"] for row in rows] == [ethical.pk]

    @pytest.mark.parametrize(
        ("parameters", "field"),
        [
            ({"policy_type": "x"}, "policy_type"),
            ({"is_active": "maybe"}, "is_active"),
            ({"color": "red"}, "color"),
        ],
    )
    def test_bad_parameters_are_named(self, admin_api: Any, parameters: dict, field: str) -> None:
        response = admin_api.get(POLICIES, parameters)
        assert response.status_code == 400
        assert named(response) == {field}

    @pytest.mark.parametrize("pk", ["9" * 18, "2147483648", "0"])
    def test_there_is_no_such_policy(self, admin_api: Any, pk: str) -> None:
        assert admin_api.get(f"{POLICIES}{pk}/").status_code == 404
        assert admin_api.get(f"{POLICIES}{pk}/versions/").status_code == 404
        assert admin_api.post(f"{POLICIES}{pk}/activate/").status_code == 404
        assert admin_api.delete(f"{POLICIES}{pk}/").status_code == 404

    def test_versions_know_no_parameters(self, admin_api: Any) -> None:
        response = admin_api.get(f"{POLICIES}{PolicyFactory().pk}/versions/", {"old": 1})
        assert response.status_code == 400


class TestViolations:
    def test_list_and_detail(self, admin_api: Any, django_assert_num_queries: Any) -> None:
        for _ in range(3):
            ViolationFactory()
        # The savepoint of the request is two of them.
        with django_assert_num_queries(3):
            rows = admin_api.get(VIOLATIONS).json()["results"]
        assert len(rows) == 3
        violation = Violation.objects.with_names().get(pk=rows[0]["id"])
        assert rows[0]["policy_name"] == violation.policy.policy_name
        assert (rows[0]["policy_version"], rows[0]["violation_type"]) == (1, "moderate")
        with django_assert_num_queries(4):
            detail = admin_api.get(f"{VIOLATIONS}{violation.pk}/").json()
        assert detail == rows[0] | {"notes": []}

    def test_lists_are_filtered(self, admin_api: Any) -> None:
        early = ViolationFactory(severity_score=0.3)
        late = ViolationFactory(severity_score=0.8, detected_at=START + timedelta(hours=1), run=early.run)
        other = ViolationFactory(severity_score=1, policy=late.policy)

        def ids(**parameters: Any) -> list[int]:
            return [row["id"] for row in admin_api.get(VIOLATIONS, parameters).json()["results"]]

        assert ids() == [late.pk, other.pk, early.pk]
        assert ids(run=early.run_id) == [late.pk, early.pk]
        assert ids(policy=late.policy_id) == [late.pk, other.pk]
        assert ids(violation_type="critical") == [other.pk]
        assert ids(severity_min=0.8) == [late.pk, other.pk]
        assert ids(since="2026-01-01T00:30:00Z") == [late.pk]
        assert ids(until="2026-01-01T01:00:00Z") == [other.pk, early.pk]
        assert ids(resolution_status="acknowledged") == []

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("run", "x"),
            ("run", "1.5"),
            ("run", str(2**63)),
            ("run", "1e999"),
            ("policy", str(2**31)),
            ("policy", "-1"),
            ("violation_type", "systemic"),
            ("resolution_status", "open"),
            ("severity_min", "1.1"),
            ("severity_min", "NaN"),
            ("severity_min", "Infinity"),
            ("since", "yesterday"),
            ("until", "2026-02-30T00:00:00Z"),
            ("limit", "0"),
            ("cursor", "x"),
            ("color", "red"),
        ],
    )
    def test_bad_parameters_are_named(self, admin_api: Any, parameter: str, value: str) -> None:
        response = admin_api.get(VIOLATIONS, {parameter: value})
        assert response.status_code == 400
        assert named(response) == {parameter}

    def test_review(self, admin_api: Any) -> None:
        violation = ViolationFactory()
        url = f"{VIOLATIONS}{violation.pk}/"
        user = admin_api.handler._force_user
        taken = admin_api.post(f"{url}acknowledge/", {"note": "on it"})
        assert taken.status_code == 200
        assert (taken.json()["resolution_status"], taken.json()["acknowledged_by"]) == ("acknowledged", user.pk)
        assert admin_api.post(f"{url}notes/", {"text": "looks like noise"}).status_code == 201
        done = admin_api.post(f"{url}resolve/", {"note": "noise", "false_positive": True}).json()
        assert (done["resolution_status"], done["resolved_by"]) == ("false_positive", user.pk)
        assert [(note["action"], note["text"], note["author"]) for note in done["notes"]] == [
            ("acknowledge", "on it", user.username),
            ("note", "looks like noise", user.username),
            ("false_positive", "noise", user.username),
        ]
        refused = admin_api.post(f"{url}resolve/", {"note": "again"})
        assert refused.status_code == 409
        assert f"{violation.pk} is false_positive" in refused.json()["detail"]

    def test_bulks_are_all_or_none(self, admin_api: Any) -> None:
        ids = [ViolationFactory().pk for _ in range(3)]
        assert admin_api.post(f"{VIOLATIONS}acknowledge/", {"ids": ids[:2]}).json() == {"count": 2}
        refused = admin_api.post(f"{VIOLATIONS}acknowledge/", {"ids": ids})
        assert refused.status_code == 409
        assert [error["detail"] for error in refused.json()["errors"]] == [
            f"Violation {pk} is acknowledged." for pk in ids[:2]
        ]
        assert admin_api.post(f"{VIOLATIONS}resolve/", {"ids": ids[:2], "note": "x"}).json() == {"count": 2}
        assert admin_api.post(f"{VIOLATIONS}acknowledge/", {"ids": [ids[2], 2**63 - 1]}).status_code == 404
        assert Violation.objects.get(pk=ids[2]).resolution_status == "pending"

    @pytest.mark.parametrize(
        ("step", "body", "field"),
        [
            ("resolve", {}, "note"),
            ("resolve", {"note": " "}, "note"),
            ("resolve", {"note": "x", "false_positive": "perhaps"}, "false_positive"),
            ("acknowledge", {"note": "x" * 10_001}, "note"),
            ("acknowledge", {"note": {}}, "note"),
            ("notes", {}, "text"),
            ("notes", {"text": ""}, "text"),
            ("notes", {"text": 10**80 * 1.0, "x": 1}, None),
        ],
    )
    def test_bad_notes_are_named(self, admin_api: Any, step: str, body: dict, field: str | None) -> None:
        response = admin_api.post(f"{VIOLATIONS}{ViolationFactory().pk}/{step}/", body)
        if field is None:
            assert response.status_code == 201
        else:
            assert response.status_code == 400
            assert named(response) == {field}

    @pytest.mark.parametrize(
        "ids", [None, [], "1", [0], [-1], [2**63], [10**40], ["x"], [1.5], [[1]], {"a": 1}, list(range(1, 1002))]
    )
    @pytest.mark.parametrize("step", ["acknowledge", "resolve"])
    def test_bad_ids_are_named(self, admin_api: Any, step: str, ids: Any) -> None:
        response = admin_api.post(f"{VIOLATIONS}{step}/", {"ids": ids, "note": "x"})
        assert response.status_code == 400
        assert {field.split(".")[0] for field in named(response)} == {"ids"}

    @pytest.mark.parametrize("body", ["[]", "1", "null", '"x"'])
    def test_a_body_is_an_object(self, admin_api: Any, body: str) -> None:
        url = f"{VIOLATIONS}{ViolationFactory().pk}/resolve/"
        assert admin_api.post(url, body.encode(), content_type="application/json").status_code == 400

    @pytest.mark.parametrize("step", ["acknowledge", "resolve", "notes"])
    def test_there_is_no_such_violation(self, admin_api: Any, step: str) -> None:
        url = f"{VIOLATIONS}{'9' * 18}/{step}/"
        assert admin_api.post(url, {"note": "x", "text": "x"}).status_code == 404

    def test_violations_are_neither_made_nor_changed_here(self, admin_api: Any) -> None:
        url = f"{VIOLATIONS}{ViolationFactory().pk}/"
        for answer in (admin_api.post(VIOLATIONS, {}), admin_api.patch(url, {}), admin_api.delete(url)):
            assert answer.status_code == 405


class TestPermissions:
    def grant(self, api: Any, *codenames: str) -> None:
        # The rows of every run are an operator's; what may be done with them is a matter of permissions.
        user = OperatorFactory()
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        api.force_authenticate(user)

    def test_nobody_is_asked_to_sign_in(self, api: Any) -> None:
        for url in (POLICIES, VIOLATIONS):
            assert api.get(url).status_code == 401

    def test_reading_is_not_reviewing(self, api: Any) -> None:
        pk = ViolationFactory().pk
        self.grant(api, "view_violation", "change_violation")
        assert api.get(f"{VIOLATIONS}{pk}/").status_code == 200
        for step in ("acknowledge", "resolve", "notes"):
            assert api.post(f"{VIOLATIONS}{pk}/{step}/", {"note": "x", "text": "x"}).status_code == 403
        for step in ("acknowledge", "resolve"):
            assert api.post(f"{VIOLATIONS}{step}/", {"ids": [pk], "note": "x"}).status_code == 403

    def test_reviewers_review(self, api: Any) -> None:
        pk = ViolationFactory().pk
        self.grant(api, "review_violation")
        assert api.post(f"{VIOLATIONS}{pk}/acknowledge/").status_code == 200
        assert api.get(f"{VIOLATIONS}{pk}/").status_code == 403

    def test_policies_are_changed_by_those_who_may(self, api: Any) -> None:
        url = f"{POLICIES}{PolicyFactory().pk}/"
        self.grant(api, "view_constitutionalpolicy")
        assert api.get(f"{url}versions/").status_code == 200
        assert api.patch(url, {"priority_level": 2}).status_code == 403
        assert api.post(f"{url}deactivate/").status_code == 403
        assert api.delete(url).status_code == 403
        self.grant(api, "change_constitutionalpolicy")
        assert api.post(f"{url}deactivate/").status_code == 200
