"""The second factor: enrolled, asked for, used once, replaced by recovery codes, required, removed."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.choices import Role
from accounts.exceptions import CodeRefused
from accounts.middleware import POLLED
from accounts.models import RecoveryCode, SecondFactor, User, UserSession
from accounts.services.factors import begin_enrolment, confirm_enrolment, remove_factor, verify_code
from core.exceptions import Conflict
from core.models import AuditEntry
from tests.accounts.signing import ME, TOKEN, client_of, code_at, enrol, get_tokens
from tests.factories.accounts import AdminFactory, OperatorFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE, LOGIN, USERS = "/admin/second-factor/", "/admin/login/", "/api/v1/users/"


def sign_in(user: User, code: str | None = None) -> Any:
    body = {"username": user.username, "password": "password"} | ({} if code is None else {"code": code})
    return APIClient().post(TOKEN, body)


def log_in(user: User, code: str = "") -> Client:
    client = Client()
    client.post(LOGIN, {"username": user.username, "password": "password", "code": code})
    return client


def test_codes_are_those_of_rfc_6238() -> None:
    factor = SecondFactor(seed=base64.b32encode(b"12345678901234567890").decode())
    expected = {59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"}
    assert {at: code_at(factor, datetime.fromtimestamp(at, UTC)) for at in expected} == expected


def test_a_seed_counts_once_a_code_confirmed_it() -> None:
    user, now = UserFactory(), timezone.now()
    factor = begin_enrolment(user=user)
    assert sign_in(user).status_code == 200
    with pytest.raises(CodeRefused):
        confirm_enrolment(user=user, code="12345", now=now)
    codes = confirm_enrolment(user=user, code=code_at(factor, now), now=now)
    assert len(set(codes)) == 10
    assert sign_in(user).json()["code"] == "code_required"
    for again in (lambda: begin_enrolment(user=user), lambda: confirm_enrolment(user=user, code="1", now=now)):
        with pytest.raises(Conflict):
            again()


def test_enrolling_ends_the_sessions_that_knew_no_factor() -> None:
    user = UserFactory()
    tokens = get_tokens(user)
    enrol(user)
    assert client_of(tokens).get(ME).status_code == 401


@pytest.mark.parametrize(("seconds", "taken"), [(-61, False), (-30, True), (0, True), (30, True), (61, False)])
def test_a_clock_may_be_off_by_one_step(seconds: int, taken: bool) -> None:
    user = UserFactory()
    factor, _ = enrol(user, steps_ago=10)
    now = datetime.fromtimestamp(int(timezone.now().timestamp()) // 30 * 30 + 15, UTC)
    code = code_at(factor, now + timedelta(seconds=seconds))
    assert verify_code(factor=SecondFactor.objects.get(), code=code, now=now) is taken


def test_a_code_works_once_and_none_before_it_does() -> None:
    user, now = UserFactory(), timezone.now()
    factor, _ = enrol(user)
    before, code = code_at(factor, now - timedelta(seconds=30)), code_at(factor, now)
    # Read before either was used, as by two requests at the same time.
    first, second = SecondFactor.objects.get(), SecondFactor.objects.get()
    assert verify_code(factor=first, code=f" {code[:3]} {code[3:]}", now=now)
    assert not verify_code(factor=second, code=code, now=now)
    assert not verify_code(factor=second, code=before, now=now)
    assert sign_in(user, code).json()["code"] == "code_refused"


def test_recovery_codes_work_once_each_in_whatever_form() -> None:
    user = UserFactory()
    _, codes = enrol(user)
    assert all(re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
    for code in (codes[0], codes[1].upper(), codes[2].replace("-", "")):
        assert sign_in(user, code).status_code == 200
        assert sign_in(user, code).status_code == 401
    assert RecoveryCode.objects.filter(used_at=None).count() == 7
    assert not RecoveryCode.objects.filter(code_hash__icontains=codes[0].replace("-", "")).exists()


@pytest.mark.parametrize(
    "code", ["0", "1234567", "\u0661\u0662\u0663\u0664\u0665\u0666", "-", "' OR 1", "\u202e123456"]
)
def test_what_is_no_code_is_refused(code: str) -> None:
    user = UserFactory()
    enrol(user)
    assert sign_in(user, code).json()["code"] in ("code_refused", "code_required")


def test_codes_of_one_user_do_not_let_another_in() -> None:
    user, other = UserFactory(), UserFactory()
    enrol(user)
    factor, codes = enrol(other)
    assert sign_in(user, codes[0]).status_code == 401
    assert sign_in(user, code_at(factor)).status_code == 401


def test_basic_is_refused_with_a_factor_and_where_it_is_switched_off(settings: Any) -> None:
    user = UserFactory(username="ada")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Basic " + base64.b64encode(b"ada:password").decode())
    assert client.get(ME).status_code == 200
    settings.API_BASIC = False
    assert client.get(ME).json()["code"] == "basic_off"
    settings.API_BASIC = True
    enrol(user)
    answer = client.get(ME)
    assert (answer.status_code, answer.json()["code"]) == (401, "code_required")
    assert "auth/token/" in answer.json()["detail"]


@pytest.mark.parametrize("role", list(Role))
def test_the_setting_asks_operators_and_administrators_for_a_factor(role: Role, settings: Any) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    user = UserFactory(role=role, username="ada")
    basic = APIClient()
    basic.credentials(HTTP_AUTHORIZATION="Basic " + base64.b64encode(b"ada:password").decode())
    asked = role in (Role.ADMIN, Role.OPERATOR)
    answer = sign_in(user)
    assert answer.status_code == (403 if asked else 200)
    assert basic.get(ME).status_code == (401 if asked else 200)
    if asked:
        assert answer.json()["code"] == "second_factor_required"
        factor, _ = enrol(user)
        assert sign_in(user, code_at(factor)).status_code == 200


def test_the_page_is_all_that_is_open_until_the_factor_is_there(settings: Any) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    page = log_in(OperatorFactory(username="ada"))
    for address in ("/admin/", "/admin/core/run/", "/admin/password_change/"):
        answer = page.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, PAGE), address
    refused = page.get(ME)
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    text = page.get(PAGE).content.decode()
    assert "Your role needs one" in text
    page.post(PAGE, {"act": "begin"})
    text = page.get(PAGE).content.decode()
    factor = SecondFactor.objects.get()
    assert "<svg" in text
    assert "style=" not in text.split("<svg", 1)[1].split("</svg>")[0]
    assert factor.seed.reveal() in text.replace(" ", "")
    assert "wrong" in page.post(PAGE, {"act": "confirm", "code": "000000"}).content.decode()
    text = page.post(PAGE, {"act": "confirm", "code": code_at(factor)}).content.decode()
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", text)
    assert len(codes) == 10
    assert page.get("/admin/").status_code == 200
    assert page.get(ME).status_code == 200
    text = page.get(PAGE).content.decode()
    assert "10 recovery" in text
    assert not any(code in text for code in codes)
    assert factor.seed.reveal() not in text.replace(" ", "")
    assert 'value="remove"' not in text


def test_the_admin_asks_for_the_code() -> None:
    user = AdminFactory()
    factor, codes = enrol(user)
    page = Client()
    form = {"username": user.username, "password": "password"}
    assert "A one-time code of the second factor is needed." in page.post(LOGIN, form).content.decode()
    assert "wrong" in page.post(LOGIN, form | {"code": "000000"}).content.decode()
    assert page.get("/admin/").status_code == 302
    # With a wrong password nobody learns whether there is a factor.
    refused = page.post(LOGIN, form | {"password": "wrong", "code": "000000"}).content.decode()
    assert "one-time code is" not in refused
    assert page.post(LOGIN, form | {"code": code_at(factor)}).status_code == 302
    assert page.get("/admin/").status_code == 200
    assert log_in(user, codes[0]).get("/admin/").status_code == 200
    documents = [json.loads(bytes(entry.payload)) for entry in AuditEntry.objects.all()]
    events = [document.get("event") for document in documents]
    assert events.count("signin") == 2
    assert events.count("signin.code_refused") == 1
    assert events.count("signin.refused") == 1
    assert events.count("factor.recovery_code_used") == 1


def test_new_recovery_codes_replace_the_old_ones_and_want_a_code() -> None:
    user = AdminFactory()
    factor, codes = enrol(user)
    page = log_in(user, codes[0])
    assert "wrong" in page.post(PAGE, {"act": "renew", "code": "000000"}).content.decode()
    text = page.post(PAGE, {"act": "renew", "code": code_at(factor)}).content.decode()
    new = re.findall(r"<code>([a-z2-7-]{19})</code>", text)
    assert len(new) == 10
    assert sign_in(user, codes[1]).status_code == 401
    assert sign_in(user, new[0]).status_code == 200


def test_a_factor_is_removed_with_a_code_and_the_sessions_end() -> None:
    user = AdminFactory()
    factor, codes = enrol(user)
    page, other = log_in(user, codes[0]), log_in(user, codes[1])
    assert "wrong" in page.post(PAGE, {"act": "remove", "code": codes[0]}).content.decode()
    assert page.post(PAGE, {"act": "remove", "code": code_at(factor)}).status_code == 302
    assert not SecondFactor.objects.exists()
    assert page.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302


@pytest.mark.parametrize("act", ["", "nonsense", "begin"])
def test_the_page_refuses_what_makes_no_sense(act: str) -> None:
    user = AdminFactory()
    _, codes = enrol(user)
    answer = log_in(user, codes[0]).post(PAGE, {"act": act, "code": "x\x00"})
    assert answer.status_code == 200
    assert "errornote" in answer.content.decode()


def test_an_administrator_removes_the_factor_of_who_lost_it() -> None:
    user = UserFactory()
    enrol(user)
    client = APIClient()
    client.force_authenticate(AdminFactory())
    address = f"{USERS}{user.pk}/second-factor/"
    assert client.get(f"{USERS}{user.pk}/").json()["second_factor"] is True
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 409
    assert sign_in(user).status_code == 200
    documents = [json.loads(bytes(entry.payload)) for entry in AuditEntry.objects.all()]
    assert any(document.get("event") == "factor.removed" for document in documents)


def test_the_seed_is_found_in_no_column_and_no_audit_entry() -> None:
    user = UserFactory()
    factor, codes = enrol(user)
    seed = SecondFactor.objects.get().seed.reveal()
    assert seed == factor.seed.reveal()
    stored = SecondFactor.objects.extra(select={"raw": "second_factors::text"}).values_list("raw", flat=True)[0]
    audited = b"".join(bytes(entry.payload) for entry in AuditEntry.objects.all()).decode()
    for secret in (seed, seed.encode().hex(), codes[0], codes[0].replace("-", "").upper()):
        assert secret not in stored + audited


def test_an_idle_session_of_the_admin_ends(settings: Any) -> None:
    page = log_in(AdminFactory())
    assert page.get("/admin/").status_code == 200
    session = page.session
    session["seen_at"] -= settings.ADMIN_IDLE_S - 5
    session.save()
    # What an open page asks for by itself does not count as use.
    assert resolve(f"{POLLED}now/").view_name == "admin:nfcs_panel"
    page.get(f"{POLLED}now/")
    session = page.session
    session["seen_at"] -= 6
    session.save()
    assert page.get("/admin/").status_code == 302


def test_use_keeps_a_session_of_the_admin_alive_until_its_longest_age(settings: Any) -> None:
    page = log_in(AdminFactory())
    session = page.session
    session["seen_at"] -= settings.ADMIN_IDLE_S - 5
    session.save()
    assert page.get("/admin/").status_code == 200
    session = page.session
    assert session["seen_at"] > timezone.now().timestamp() - 60
    session["begun_at"] -= settings.SESSION_COOKIE_AGE + 1
    session.save()
    assert page.get("/admin/").status_code == 302


def test_a_sign_in_gets_a_session_of_another_key_and_a_guarded_cookie() -> None:
    page = Client()
    page.get(LOGIN)
    session = page.session
    session["planted"] = True
    session.save()
    page.cookies["sessionid"] = session.session_key
    AdminFactory(username="ada")
    answer = page.post(LOGIN, {"username": "ada", "password": "password"})
    cookie = answer.cookies["sessionid"]
    assert cookie.value != session.session_key
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize("change", ["role", "password", "is_active"])
def test_a_changed_user_is_out_of_the_admin_at_once(change: str) -> None:
    user = OperatorFactory()
    page = log_in(user)
    assert page.get("/admin/").status_code == 200
    if change == "role":
        user.role = Role.READONLY
    elif change == "password":
        user.set_password("another-one-entirely")
    else:
        user.is_active = False
    user.save()
    assert page.get("/admin/").status_code == 302


def test_removing_ends_api_sessions_too() -> None:
    user, now = UserFactory(), timezone.now()
    factor, _ = enrol(user)
    tokens = get_tokens(user, code=code_at(factor))
    remove_factor(user=user, now=now)
    assert client_of(tokens).get(ME).status_code == 401
    assert UserSession.objects.get().revoked_reason == "ended"
