"""`api-keys/`: keys of programs."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.choices import KeyOutcome, KeyState
from accounts.models import ApiKey, ApiKeyUse, PartnerConfig, User
from accounts.services import change_api_key, create_api_key, revoke_api_key, rotate_api_key
from accounts.services.keys import MOST_GRACE_MINUTES
from core.api.filters import FlagFilter, IdFilter, TimeWindowFilterSet, refuse_unknown_parameters
from core.api.permissions import may_change
from core.api.serializers import RowSerializer, StrictModelSerializer, StrictSerializer, TextField, WholeNumberField
from core.api.views import RecordViewSet
from core.exceptions import InvalidInput

MANAGE = "accounts.manage_apikey"


class ApiKeySerializer(StrictModelSerializer):
    """A key without its secret."""

    state = serializers.SerializerMethodField(help_text="live, revoked or expired.")

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "owner",
            "partner",
            "scopes",
            "allowed_networks",
            "rate_limit_per_min",
            "burst",
            "state",
            "expires_at",
            "revoked_at",
            "rotated_at",
            "previous_until",
            "last_used_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=KeyState.choices))
    def get_state(self, key: ApiKey) -> str:
        """Whether the key works by itself; its owner and partner have to be active too."""
        return key.state_at(timezone.now())


class NewKeySerializer(ApiKeySerializer):
    """A key with its text, which is shown this once."""

    key = serializers.SerializerMethodField(help_text="The key, `nfcs_<prefix>_<secret>`; never to be had again.")

    class Meta(ApiKeySerializer.Meta):
        fields = (*ApiKeySerializer.Meta.fields, "key")
        read_only_fields = fields

    def get_key(self, key: ApiKey) -> str:
        """The text."""
        return str(self.context["text"])


class KeyCreateSerializer(StrictModelSerializer):
    """A key to be made."""

    scopes = serializers.ListField(
        child=TextField(max_length=200),
        max_length=500,
        help_text="Permissions it carries, such as core.view_run; the owner holds them.",
    )
    allowed_networks = serializers.ListField(
        child=TextField(max_length=43),
        max_length=100,
        required=False,
        help_text="Networks it may come from, CIDR, IPv4 or IPv6; any, where there is none.",
    )

    class Meta:
        model = ApiKey
        fields = (
            "name",
            "owner",
            "partner",
            "scopes",
            "allowed_networks",
            "rate_limit_per_min",
            "burst",
            "expires_at",
        )
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "owner": {"required": False, "help_text": "The caller, where it is absent; another's by administrators."},
        }


class KeyChangeSerializer(KeyCreateSerializer):
    """What can be changed about a key."""

    class Meta:
        model = ApiKey
        fields = ("name", "allowed_networks", "rate_limit_per_min", "burst")

    scopes = None  # type: ignore[assignment]


class RotateSerializer(StrictSerializer):
    """How a key changes its secret."""

    grace_minutes = WholeNumberField(
        default=0,
        min_value=0,
        max_value=MOST_GRACE_MINUTES,
        help_text="Minutes for which the secret before works too.",
    )


class ApiKeyUseSerializer(RowSerializer):
    """An address from which a key was used on a day, or refused."""

    class Meta:
        model = ApiKeyUse
        fields = ("id", "day", "address", "outcome", "first_at")


class ApiKeyFilterSet(TimeWindowFilterSet):
    """Which keys."""

    time_field = "created_at"

    owner = IdFilter(field_name="owner_id", label="Keys of this user.")
    partner = IdFilter(field_name="partner_id", label="Keys of this partner.")
    revoked = FlagFilter(method="filter_revoked", label="Whether the key was revoked.")

    def filter_revoked(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Keys that were revoked, or were not."""
        return queryset.filter(revoked_at__isnull=not value)


class ApiKeyUseFilterSet(TimeWindowFilterSet):
    """Which uses."""

    time_field = "first_at"

    outcome = django_filters.ChoiceFilter(choices=KeyOutcome.choices)


class ApiKeyViewSet(RecordViewSet):
    """Keys with which programs sign in: one's own, and for administrators everybody's."""

    queryset = ApiKey.objects.all()
    serializer_class = ApiKeySerializer
    filterset_class = ApiKeyFilterSet
    time_field = "created_at"
    http_method_names = ["get", "post", "patch", "head", "options"]
    action_permissions: ClassVar[dict[str, str]] = {
        "revoke": "accounts.change_apikey",
        "rotate": "accounts.change_apikey",
        "uses": "accounts.view_apikeyuse",
    }

    def get_queryset(self) -> QuerySet[ApiKey]:
        """The keys the caller manages."""
        keys: QuerySet[ApiKey] = super().get_queryset()
        user = cast("User", self.request.user)
        return keys if user.has_perm(MANAGE) else keys.filter(owner_id=user.pk)

    @extend_schema(request=KeyCreateSerializer, responses={201: NewKeySerializer})
    def create(self, request: Request) -> Response:
        """Make a key; the answer shows it this once."""
        body = KeyCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = cast("User", request.user)
        values = {"owner": user, **body.validated_data}
        if values["owner"].pk == user.pk:
            values["owner"] = user
        elif not user.has_perm(MANAGE):
            raise InvalidInput.of("owner", "The key of somebody else is made by administrators.", "not_own")
        partner: PartnerConfig | None = values.get("partner")
        if partner is not None and not may_change(
            user, owner_id=partner.owner_id, anybodys="accounts.change_partnerconfig", own="accounts.add_apikey"
        ):
            raise InvalidInput.of("partner", "You do not answer for this partner.", "not_own")
        return self._show_once(*create_api_key(**values, actor=user, now=timezone.now()), status.HTTP_201_CREATED)

    @extend_schema(request=KeyChangeSerializer, responses=ApiKeySerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the name, the networks or the limits of a key; its scopes are fixed."""
        key = self.get_object()
        body = KeyChangeSerializer(key, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return Response(ApiKeySerializer(change_api_key(key=key, **body.validated_data)).data)

    @extend_schema(request=None, responses=ApiKeySerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End a key for good, from the next request on."""
        refuse_unknown_parameters(request, set())
        StrictSerializer(data=request.data or {}).is_valid(raise_exception=True)
        return Response(ApiKeySerializer(revoke_api_key(key=self.get_object(), now=timezone.now())).data)

    @extend_schema(request=RotateSerializer, responses=NewKeySerializer)
    @action(detail=True, methods=["post"])
    def rotate(self, request: Request, pk: str) -> Response:
        """Give a key a new secret; the answer shows it this once."""
        body = RotateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        key = self.get_object()
        return self._show_once(*rotate_api_key(key=key, now=timezone.now(), **body.validated_data), status.HTTP_200_OK)

    @extend_schema(responses=ApiKeyUseSerializer(many=True))
    @action(
        detail=True, time_field="first_at", filterset_class=ApiKeyUseFilterSet, serializer_class=ApiKeyUseSerializer
    )
    def uses(self, request: Request, pk: str) -> Response:
        """Where a key was used from, day by day, and where it was refused."""
        keys = self.get_queryset()
        key = keys.get(pk=pk)
        rows: QuerySet[Any, dict[str, Any]] = ApiKeyUse.objects.filter(key=key).values(*ApiKeyUseSerializer.columns())
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _show_once(self, key: ApiKey, text: str, status_code: int) -> Response:
        key.refresh_from_db()
        body = NewKeySerializer(key, context={"text": text}).data
        return Response(body, status=status_code, headers={"Cache-Control": "no-store"})
