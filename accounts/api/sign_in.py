"""Tokens and sessions: `/api/v1/auth/`."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth import SESSION_KEY, logout
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import REALM
from accounts.api.base import StandingView
from accounts.api.refusals import refusal_of
from accounts.choices import EndReason
from accounts.exceptions import (
    CodeNeeded,
    CodeRefused,
    FactorNeeded,
    SignInRefused,
    TokenRefused,
    TooManyAttempts,
)
from accounts.models import User, UserSession
from accounts.services.sessions import Tokens, end_session, end_sessions, refresh_session, sign_in
from core.api.filters import refuse_unknown_parameters
from core.api.permissions import IsSignedIn
from core.api.serializers import StrictModelSerializer, StrictSerializer, TextField
from core.api.views import ActorMixin
from core.client_address import read_client_address
from core.exceptions import InvalidInput

REFUSALS = (TooManyAttempts, SignInRefused, CodeNeeded, CodeRefused, FactorNeeded, TokenRefused)


class CredentialsSerializer(StrictSerializer):
    """Who signs in."""

    username = TextField(max_length=150, help_text="Name, in whatever case.")
    password = TextField(
        max_length=4096, trim_whitespace=False, write_only=True, style={"input_type": "password"}, help_text="Password."
    )
    code = TextField(
        max_length=40,
        required=False,
        allow_blank=True,
        default="",
        write_only=True,
        help_text="One-time code of the second factor, or a recovery code; needed where the user has a second factor.",
    )


class RefreshSerializer(StrictSerializer):
    """A refresh token to be traded."""

    refresh_token = TextField(max_length=200, write_only=True, help_text="It works once.")


class TokensSerializer(serializers.Serializer[Any]):
    """The tokens of a session, shown this once."""

    access_token = serializers.CharField(help_text="For `Authorization: Bearer`; a JWT.")
    token_type = serializers.CharField(help_text="Bearer.")
    expires_in = serializers.IntegerField(help_text="How long the access token works, s.")
    refresh_token = serializers.CharField(help_text="For `auth/refresh/`, once.")
    session = serializers.UUIDField(help_text="The session, `sid` in the access token.")
    session_expires_at = serializers.DateTimeField(help_text="When somebody has to sign in again.")


class LogoutSerializer(StrictSerializer):
    """What ends."""

    all = serializers.BooleanField(
        required=False, default=False, help_text="Every session of the user, those of the admin too."
    )


class SessionSerializer(StrictModelSerializer):
    """A session, without its tokens."""

    current = serializers.SerializerMethodField(help_text="Whether this request came by it.")
    user_agent = serializers.SerializerMethodField(help_text="What the client calls itself.")

    class Meta:
        model = UserSession
        fields = (
            "id",
            "session_uuid",
            "current",
            "created_at",
            "last_seen_at",
            "expires_at",
            "user_agent",
            "address",
            "generation",
        )
        read_only_fields = fields

    def get_user_agent(self, session: UserSession) -> str | None:
        """What the client calls itself."""
        return session.user_agent.reveal() if session.user_agent else None

    def get_current(self, session: UserSession) -> bool:
        """Whether this request came by it."""
        return session == self.context["request"].auth


class PublicView(StandingView):
    """A view for who is not signed in."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def get_authenticate_header(self, request: Request) -> str:
        """How to sign in."""
        return REALM


class TokenView(PublicView):
    """Signing in."""

    @extend_schema(
        operation_id="auth_token",
        summary="Sign in: name and password for tokens",
        request=CredentialsSerializer,
        responses=TokensSerializer,
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """Open a session, and answer its tokens."""
        refuse_unknown_parameters(request, set())
        body = CredentialsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            tokens = sign_in(
                **body.validated_data,
                address=read_client_address(request._request),
                user_agent=request.headers.get("User-Agent", ""),
                now=timezone.now(),
            )
        except REFUSALS as error:
            raise refusal_of(error) from error
        return Response(_show(tokens))


class RefreshView(PublicView):
    """Renewing the tokens of a session."""

    @extend_schema(
        operation_id="auth_refresh",
        summary="Trade a refresh token for new tokens, once",
        request=RefreshSerializer,
        responses=TokensSerializer,
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """New tokens; a token that comes a second time ends its session."""
        refuse_unknown_parameters(request, set())
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            tokens = refresh_session(
                token=body.validated_data["refresh_token"],
                address=read_client_address(request._request),
                now=timezone.now(),
            )
        except REFUSALS as error:
            raise refusal_of(error) from error
        return Response(_show(tokens))


class LogoutView(ActorMixin):
    """Signing out."""

    permission_classes = [IsSignedIn]

    @extend_schema(
        operation_id="auth_logout",
        summary="Sign out: end this session, or all of the user's",
        request=LogoutSerializer,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """End this session, or all."""
        refuse_unknown_parameters(request, set())
        body = LogoutSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        now = timezone.now()
        if body.validated_data["all"]:
            end_sessions(user=cast(User, request.user), now=now)
        elif isinstance(request.auth, UserSession):
            end_session(session=request.auth, reason=EndReason.LOGOUT, now=now)
        elif SESSION_KEY in request._request.session:
            logout(request._request)
        else:
            raise InvalidInput.of("all", "This request came without a session; only all of them can be ended.")
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionsView(ActorMixin):
    """One's own sessions."""

    permission_classes = [IsSignedIn]
    queryset = UserSession.objects.all()

    @extend_schema(operation_id="auth_sessions_list", responses=SessionSerializer(many=True), filters=False)
    def get(self, request: Request) -> Response:
        """One's own sessions that go on, newest first."""
        refuse_unknown_parameters(request, set())
        rows = list_live_sessions(cast(User, request.user))
        return Response(SessionSerializer(rows, many=True, context={"request": request}).data)


class SessionView(ActorMixin):
    """One of one's own sessions."""

    permission_classes = [IsSignedIn]
    queryset = UserSession.objects.all()

    @extend_schema(operation_id="auth_session_end", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """End a session of one's own."""
        session = list_live_sessions(cast(User, request.user)).get(pk=pk)
        end_session(
            session=session,
            reason=EndReason.LOGOUT if session == request.auth else EndReason.ENDED,
            now=timezone.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


def list_live_sessions(user: User) -> Any:
    """The sessions of a user that go on."""
    return UserSession.objects.filter(user=user, revoked_at=None, expires_at__gt=timezone.now())


def _show(tokens: Tokens) -> Any:
    return TokensSerializer(
        {
            "access_token": tokens.access,
            "token_type": "Bearer",
            "expires_in": tokens.expires_in_s,
            "refresh_token": tokens.refresh,
            "session": tokens.session_uuid,
            "session_expires_at": tokens.session_expires_at,
        }
    ).data
