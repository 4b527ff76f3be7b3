"""Users: all of them for administrators, oneself for everybody."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import django_filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import StandingView
from accounts.api.refusals import refusal_of
from accounts.api.sign_in import SessionSerializer, list_live_sessions
from accounts.choices import Role
from accounts.exceptions import TooManyAttempts
from accounts.models import SecondFactor, User, UserSession
from accounts.services.factors import remove_factor
from accounts.services.sessions import end_sessions
from accounts.services.users import change_own_password, change_user, create_user
from core.api.filters import FlagFilter, refuse_unknown_parameters
from core.api.permissions import IsSignedIn
from core.api.serializers import StrictModelSerializer, StrictSerializer, TextField
from core.api.views import RecordViewSet
from core.client_address import read_client_address
from core.db.identity import SYSTEM, acting_as
from core.exceptions import InvalidInput

PASSWORD: dict[str, Any] = {
    "max_length": 4096,
    "trim_whitespace": False,
    "write_only": True,
    "style": {"input_type": "password"},
}


class UserSerializer(StrictModelSerializer):
    """A user, as administrators see it; of the password nothing is ever shown."""

    password = TextField(**PASSWORD, required=False, help_text="A new password; it ends the user's sessions.")
    second_factor = serializers.BooleanField(
        read_only=True, source="has_factor", help_text="Whether a second factor is set up."
    )

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "role",
            "is_active",
            "is_superuser",
            "second_factor",
            "last_login",
            "created_at",
            "updated_at",
            "password",
        )
        read_only_fields: tuple[str, ...] = (
            "id",
            "is_superuser",
            "second_factor",
            "last_login",
            "created_at",
            "updated_at",
        )


class UserChangeSerializer(UserSerializer):
    """What of a user can be changed."""

    class Meta(UserSerializer.Meta):
        read_only_fields = (*UserSerializer.Meta.read_only_fields, "username")


class MeSerializer(serializers.ModelSerializer[User]):
    """The user who asks."""

    permissions = serializers.SerializerMethodField(help_text="What the user may do, such as core.add_run.")
    second_factor = serializers.SerializerMethodField(help_text="Whether a second factor is set up.")
    session = serializers.SerializerMethodField(help_text="The session of the token; null without one.")

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "email",
            "role",
            "is_superuser",
            "second_factor",
            "session",
            "last_login",
            "created_at",
            "permissions",
        )

    def get_permissions(self, user: User) -> list[str]:
        """What the user may do."""
        return sorted(user.get_all_permissions())

    def get_second_factor(self, user: User) -> bool:
        """Whether a second factor is set up."""
        return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).exists()

    def get_session(self, user: User) -> str | None:
        """The session of the token."""
        auth = self.context["request"].auth
        return str(auth.session_uuid) if isinstance(auth, UserSession) else None


class MeChangeSerializer(StrictSerializer):
    """What users change of their own."""

    email = serializers.EmailField(max_length=255, required=False, help_text="Address for notices.")
    password = TextField(**PASSWORD, required=False, help_text="A new password; it ends all other sessions.")
    current_password = TextField(**PASSWORD, required=False, help_text="The password so far; needed with a new one.")


class UserFilterSet(django_filters.FilterSet):
    """Which users."""

    role = django_filters.ChoiceFilter(choices=Role.choices)
    is_active = FlagFilter()

    class Meta:
        model = User
        fields: ClassVar[list[str]] = []


class UserViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, RecordViewSet):
    """Who signs in, for administrators."""

    queryset = User.objects.all()
    serializer_class = UserSerializer
    filterset_class = UserFilterSet
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    action_permissions = {
        "sessions": "accounts.view_usersession",
        "end_sessions": "accounts.delete_usersession",
        "second_factor": "accounts.change_user",
    }

    def get_queryset(self) -> QuerySet[User]:
        """Users, with whether they have a second factor."""
        confirmed = SecondFactor.objects.filter(user=OuterRef("pk")).exclude(confirmed_at=None)
        return super().get_queryset().annotate(has_factor=Exists(confirmed))

    def get_serializer_class(self) -> type[Any]:
        """What can be set differs."""
        return UserChangeSerializer if self.action == "partial_update" else UserSerializer

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make a user."""
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        return self._show(create_user(**body.validated_data), status.HTTP_201_CREATED)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a user; a new role, password or disabling ends the user's sessions at once."""
        user = self._get_touchable()
        body = self.get_serializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return self._show(change_user(user=user, **body.validated_data))

    @extend_schema(responses=SessionSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def sessions(self, request: Request, pk: str) -> Response:
        """The sessions of a user that go on."""
        rows = list_live_sessions(self.get_object())
        return Response(SessionSerializer(rows, many=True, context={"request": request}).data)

    @extend_schema(responses={204: None})
    @sessions.mapping.delete
    def end_sessions(self, request: Request, pk: str) -> Response:
        """End every session of a user, those of the admin too."""
        end_sessions(user=self._get_touchable(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path="second-factor")
    def second_factor(self, request: Request, pk: str) -> Response:
        """Take a user's second factor away, for who lost it; it ends the user's sessions."""
        remove_factor(user=self._get_touchable(), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _get_touchable(self) -> User:
        """The user of the address; superusers are for superusers alone."""
        user: User = self.get_object()
        if user.is_superuser and not getattr(self.request.user, "is_superuser", False):
            raise PermissionDenied("A superuser is changed by superusers alone.")
        return user

    def _show(self, user: User, status_code: int = status.HTTP_200_OK) -> Response:
        # Who disabled or demoted himself sees no users any more.
        with acting_as(SYSTEM):
            return Response(UserSerializer(self.get_queryset().get(pk=user.pk)).data, status=status_code)


class MeView(StandingView):
    """The user who asks."""

    permission_classes = [IsSignedIn]

    @extend_schema(operation_id="users_me", responses=MeSerializer, filters=False)
    def get(self, request: Request) -> Response:
        """Name, role, permissions."""
        refuse_unknown_parameters(request, set())
        return self._show(request)

    @extend_schema(operation_id="users_me_change", request=MeChangeSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change the address, or the password with the one so far, which ends all other sessions."""
        body = MeChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        user = cast(User, request.user)
        if ("password" in given) != ("current_password" in given):
            missing = "current_password" if "password" in given else "password"
            raise InvalidInput.of(missing, "The password so far and the new one come together.", "required")
        try:
            if "password" in given:
                change_own_password(
                    user=user,
                    current=given["current_password"],
                    new=given["password"],
                    address=read_client_address(request._request),
                    now=timezone.now(),
                    keep=request.auth if isinstance(request.auth, UserSession) else None,
                )
        except TooManyAttempts as error:
            raise refusal_of(error) from error
        if "email" in given:
            change_user(user=user, email=given["email"])
        return self._show(request)

    def _show(self, request: Request) -> Response:
        user = User.objects.get(pk=cast(User, request.user).pk)
        return Response(MeSerializer(user, context={"request": request}).data)
