"""`audit/`: entries, checkpoints, and whether the chain holds."""

from __future__ import annotations

import json
from typing import Any

import django_filters
from django.db.models import F
from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import TimeWindowFilterSet, refuse_unknown_parameters
from core.api.serializers import StrictModelSerializer, StrictSerializer
from core.api.views import ActorMixin, RecordViewSet
from core.audit_selectors import get_chain_status
from core.audit_verifier import name_key
from core.models import AuditCheckpoint, AuditEntry


class AuditEntrySerializer(StrictModelSerializer):
    """An audit entry."""

    payload = serializers.SerializerMethodField(help_text="What changed, or what happened.")
    payload_sha256 = serializers.SerializerMethodField(help_text="SHA-256 of the stored payload, hex.")

    class Meta:
        model = AuditEntry
        fields = (
            "id",
            "ts",
            "actor_id",
            "database_role",
            "action",
            "table_name",
            "row_key",
            "payload",
            "payload_sha256",
        )
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_payload(self, entry: AuditEntry) -> Any:
        """The payload read as JSON; null where it is none, which `status/` then says."""
        try:
            return json.loads(bytes(entry.payload))
        except ValueError:
            return None

    def get_payload_sha256(self, entry: AuditEntry) -> str:
        """The digest as hex."""
        return bytes(entry.payload_sha256).hex()


class AuditEntryFilterSet(TimeWindowFilterSet):
    """Which entries."""

    time_field = "ts"

    table = django_filters.CharFilter(field_name="table_name", label="About this schema and table.")
    row_key = django_filters.CharFilter(label="About the row of this primary key.")
    actor = django_filters.NumberFilter(
        field_name="actor_id", min_value=0, max_value=2**31 - 1, label="By this user; 0 for the system."
    )
    action = django_filters.ChoiceFilter(
        choices=[(name, name) for name in ("create", "update", "delete", "read", "execute")]
    )


class AuditEntryViewSet(RecordViewSet):
    """Entries of the audit, newest first. Bound the time."""

    queryset = AuditEntry.objects.all()
    serializer_class = AuditEntrySerializer
    filterset_class = AuditEntryFilterSet
    time_field = "ts"


class AuditCheckpointSerializer(StrictModelSerializer):
    """A signed checkpoint; `document`, `signature` and `public_key` are what the verifier takes."""

    document = serializers.SerializerMethodField(help_text="The signed text.")
    signature = serializers.SerializerMethodField(help_text="Ed25519 signature of the document, hex.")
    public_key = serializers.SerializerMethodField(help_text="The public key, hex.")
    key_id = serializers.SerializerMethodField(help_text="Start of the key's SHA-256, hex.")

    class Meta:
        model = AuditCheckpoint
        fields = ("number", "made_at", "reason", "entries", "document", "signature", "public_key", "key_id")
        read_only_fields = fields

    def get_document(self, checkpoint: AuditCheckpoint) -> str:
        """The document as text."""
        return bytes(checkpoint.document).decode(errors="replace")

    def get_signature(self, checkpoint: AuditCheckpoint) -> str:
        """The signature as hex."""
        return bytes(checkpoint.signature).hex()

    def get_public_key(self, checkpoint: AuditCheckpoint) -> str:
        """The public key as hex."""
        return bytes(checkpoint.public_key).hex()

    def get_key_id(self, checkpoint: AuditCheckpoint) -> str:
        """The id of the key."""
        return name_key(bytes(checkpoint.public_key))


class AuditCheckpointViewSet(RecordViewSet):
    """Signed checkpoints of the audit, newest first."""

    queryset = AuditCheckpoint.objects.annotate(id=F("number"))
    serializer_class = AuditCheckpointSerializer


class ChainStatusSerializer(StrictSerializer):
    """Whether the chain holds."""

    state = serializers.ChoiceField(
        choices=["ok", "broken", "unverified"], help_text="Outcome of the last verification."
    )
    words = serializers.CharField(help_text="The same for people; names the first bad entry.")
    links = serializers.IntegerField(help_text="Entries linked.")
    last_checkpoint = serializers.IntegerField(allow_null=True, help_text="Number of the last checkpoint.")
    last_checkpoint_at = serializers.DateTimeField(allow_null=True, help_text="When it was made.")
    verified_at = serializers.DateTimeField(allow_null=True, help_text="When the chain was last verified.")
    first_bad_entry = serializers.IntegerField(allow_null=True, help_text="Id of the first bad entry.")


class AuditStatusViewSet(ActorMixin, viewsets.GenericViewSet[Any]):
    """The state of the chain."""

    queryset = AuditEntry.objects.none()
    serializer_class = ChainStatusSerializer
    filter_backends = ()
    pagination_class = None

    @extend_schema(responses=forced_singular_serializer(ChainStatusSerializer))  # type: ignore[no-untyped-call]
    def list(self, request: Request) -> Response:
        """Whether the chain of the audit holds, as of its last verification."""
        refuse_unknown_parameters(request, set())
        return Response(ChainStatusSerializer(get_chain_status()).data)
