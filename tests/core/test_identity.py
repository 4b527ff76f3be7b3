"""On whose behalf statements run, in every transaction and outside of all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from procrastinate.contrib.django import app as jobs
from rest_framework.test import APIClient

from accounts.choices import Role
from accounts.models import User
from core.db.identity import SYSTEM, acting_as, declare_actor, declared_actor, on_behalf_of, set_actor
from core.management.base import NfcsCommand
from nfcs.middleware import ActorMiddleware
from tests.factories.accounts import AdminFactory, OperatorFactory, UserFactory
from tests.factories.core import RunFactory


def ask(expression: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression}")
        return cursor.fetchone()[0]


def named() -> str:
    return ask("coalesce(current_setting('nfcs.user_id', true), '')")


@pytest.mark.django_db
class TestWithinATransaction:
    def test_a_test_acts_for_the_system(self) -> None:
        assert (declared_actor(), named()) == (SYSTEM, "0")

    def test_the_name_is_as_before_afterwards(self) -> None:
        with on_behalf_of(7):
            assert named() == "7"
            with acting_as(None):
                assert (declared_actor(), named()) == (None, "")
            assert named() == "7"
        assert named() == "0"

    def test_what_was_set_by_hand_comes_back_as_well(self) -> None:
        set_actor(7)
        with on_behalf_of(8):
            assert named() == "8"
        assert named() == "7"

    def test_an_error_takes_the_name_with_it(self) -> None:
        with pytest.raises(ZeroDivisionError), acting_as(7):
            _ = 1 / 0
        assert named() == "0"

    def test_a_refused_statement_leaves_the_name_as_it_was(self) -> None:
        with pytest.raises(Exception, match="division by zero"), acting_as(7):
            ask("1/0")
        assert named() == "0"

    def test_a_later_declaration_holds_until_the_end_of_the_stretch(self) -> None:
        with on_behalf_of(None):
            declare_actor(7)
            assert (declared_actor(), named()) == (7, "7")
        assert (declared_actor(), named()) == (SYSTEM, "0")


@pytest.mark.django_db(transaction=True)
class TestOutsideOfTransactions:
    def test_every_transaction_is_told(self) -> None:
        with on_behalf_of(7):
            for _ in range(2):
                with transaction.atomic():
                    assert named() == "7"

    def test_a_single_statement_is_a_transaction_of_its_own(self) -> None:
        with on_behalf_of(7):
            assert named() == "7"
            assert connection.get_autocommit()
            assert list(User.objects.iterator(chunk_size=1)) == []

    def test_nothing_is_left_on_the_connection(self) -> None:
        with on_behalf_of(7):
            assert named() == "7"
        with on_behalf_of(None):
            assert named() == ""
            with transaction.atomic():
                assert named() == ""

    def test_set_actor_needs_a_transaction(self) -> None:
        with pytest.raises(transaction.TransactionManagementError):
            set_actor(7)

    def test_another_thread_begins_as_nobody(self) -> None:
        seen: list[Any] = []

        def look() -> None:
            seen.extend([declared_actor(), named()])
            connection.close()

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert seen == [None, ""]

    def test_statements_that_no_transaction_may_hold_run(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM nfcs_core.summary_refreshes")


@pytest.mark.django_db
class TestFunctions:
    @pytest.mark.parametrize(
        "text", ["", "nobody", "-1", "2147483648", "9999999999", "99999999999999", "1 OR 1=1", "00"]
    )
    def test_an_unknown_name_is_nobody(self, text: str) -> None:
        ask(f"set_config('nfcs.user_id', '{text}', true)")
        assert ask("user_mgmt.actor_v1()") is None
        assert ask("user_mgmt.actor_role_v1()") is None
        for name in ("is_signed_in_v1", "sees_everything_v1", "administers_v1", "may_write_v1"):
            assert ask(f"user_mgmt.{name}()") is False
        assert ask("(SELECT count(*) FROM user_mgmt.visible_runs_v1())") == 0

    def test_somebody_inactive_is_nobody(self, acting: Callable[[Any], Any]) -> None:
        user = AdminFactory(is_active=False)
        with acting(user):
            assert ask("user_mgmt.actor_v1()") is None
            assert ask("user_mgmt.sees_everything_v1()") is False

    @pytest.mark.parametrize(
        ("role", "superuser", "expected"),
        [
            (Role.ADMIN, False, ("admin", True, True, True)),
            (Role.OPERATOR, False, ("operator", True, False, True)),
            (Role.USER, False, ("user", False, False, True)),
            (Role.READONLY, False, ("readonly", False, False, False)),
            (Role.READONLY, True, ("admin", True, True, True)),
        ],
    )
    def test_what_each_role_may(
        self, role: Role, superuser: bool, expected: tuple[Any, ...], acting: Callable[[Any], Any]
    ) -> None:
        with acting(UserFactory(role=role, is_superuser=superuser)):
            assert expected == (
                ask("user_mgmt.actor_role_v1()"),
                ask("user_mgmt.sees_everything_v1()"),
                ask("user_mgmt.administers_v1()"),
                ask("user_mgmt.may_write_v1()"),
            )

    def test_the_system_sees_and_writes_everything_and_is_no_user(self) -> None:
        assert ask("user_mgmt.actor_v1()") == 0
        assert ask("user_mgmt.sees_everything_v1() AND user_mgmt.administers_v1() AND user_mgmt.may_write_v1()")
        assert ask("nfcs_core.current_actor_v1()") is None


class TestRequests:
    @pytest.mark.django_db
    def test_each_request_acts_for_its_user_and_the_test_for_the_system_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        monkeypatch.setattr("nfcs.api.root.RootView.get", lambda *_: (seen.append(named()), HttpResponse())[1])
        user, other = UserFactory(), OperatorFactory()
        session, token = Client(), APIClient()
        session.force_login(user)
        token.force_authenticate(other)
        for client in (session, token, APIClient()):
            assert client.get("/api/v1/").status_code == 200
            assert (declared_actor(), named()) == (SYSTEM, "0")
        assert seen == [str(user.pk), str(other.pk), ""]

    @pytest.mark.django_db
    def test_credentials_in_the_header_win_over_the_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[str] = []
        monkeypatch.setattr("nfcs.api.root.RootView.get", lambda *_: (seen.append(named()), HttpResponse())[1])
        user, other = UserFactory(), OperatorFactory()
        client = APIClient()
        client.force_login(user)
        client.force_authenticate(other)
        client.get("/api/v1/")
        assert seen == [str(other.pk)]

    @pytest.mark.django_db
    def test_what_is_streamed_later_is_read_for_the_same_user(self) -> None:
        user = UserFactory()

        def parts() -> Iterator[bytes]:
            yield named().encode()
            yield named().encode()

        request = RequestFactory().get("/")
        request.user = user
        response = ActorMiddleware(lambda _: StreamingHttpResponse(parts()))(request)
        assert named() == "0"
        assert list(response) == [str(user.pk).encode()] * 2
        assert named() == "0"

    @pytest.mark.django_db
    def test_the_right_password_names_the_user_a_wrong_one_nobody(self) -> None:
        user = UserFactory(username="Ada")
        request = HttpRequest()
        with on_behalf_of(None):
            assert authenticate(request, username="ada", password="wrong") is None
            assert declared_actor() is None
            assert authenticate(request, username="nobody", password="password") is None
            assert declared_actor() is None
            assert authenticate(request, username="ada", password="password") == user
            assert (declared_actor(), named()) == (user.pk, str(user.pk))

    @pytest.mark.django_db
    def test_somebody_inactive_does_not_sign_in(self) -> None:
        user = UserFactory(is_active=False)
        assert authenticate(HttpRequest(), username=user.username, password="password") is None
        client = Client()
        client.force_login(user)
        assert client.get("/admin/").status_code == 302


class Naming(NfcsCommand):
    def run(self, **options: Any) -> None:
        self.answer({}, [named()])


@pytest.mark.django_db
class TestCommandsAndJobs:
    def run_command(self, capsys: pytest.CaptureFixture, *arguments: str) -> str:
        call_command(Naming(), *arguments)
        return capsys.readouterr().out.strip()

    def test_a_command_acts_for_the_system_or_for_a_user(self, capsys: pytest.CaptureFixture) -> None:
        user = UserFactory(username="Grace")
        with on_behalf_of(None):
            assert self.run_command(capsys) == "0"
            assert self.run_command(capsys, "--as-user", "grace") == str(user.pk)
            assert named() == ""

    def test_an_unknown_user_is_a_mistake_in_the_options(self) -> None:
        command = Naming()
        with pytest.raises(CommandError) as refused:
            command.handle(as_user="nobody")
        assert refused.value.returncode == 2

    def test_every_job_acts_for_the_system(self) -> None:
        ours = [task for task in jobs.tasks.values() if task.name.startswith("nfcs.")]
        plain = [task.name for task in ours if not hasattr(task.func, "__wrapped__")]
        # It moves jobs and touches no row of ours.
        assert plain == ["nfcs.resume_deliveries"]
        seen: list[str] = []
        job = on_behalf_of(SYSTEM)(lambda: seen.append(named()))
        with on_behalf_of(None):
            job()
        assert seen == ["0"]


@pytest.mark.django_db
def test_owned_and_shared_runs_are_visible_and_only_owned_ones_writable(acting: Callable[[Any], Any]) -> None:
    from django.contrib.auth.models import Group

    from core.services.runs import share_run

    user, reader = UserFactory(), UserFactory(role=Role.READONLY)
    own, shared, _ = RunFactory(owner=user), RunFactory(), RunFactory()
    group = Group.objects.create(name="laboratory")
    share_run(run=shared, group=group)
    user.groups.add(group)
    share_run(run=own, group=Group.objects.get_or_create(name="readonly")[0])
    with acting(user):
        assert ask("array(SELECT user_mgmt.visible_runs_v1() ORDER BY 1)") == sorted([own.pk, shared.pk])
        assert ask("array(SELECT user_mgmt.writable_runs_v1())") == [own.pk]
    with acting(reader):
        assert ask("array(SELECT user_mgmt.visible_runs_v1())") == [own.pk]
        assert ask("array(SELECT user_mgmt.writable_runs_v1())") == []
