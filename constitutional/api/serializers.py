"""How policies and violations look to programs."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from constitutional.choices import ClearedReason
from constitutional.constants import MAX_BULK_IDS, MAX_NOTE_LENGTH
from constitutional.models import ConstitutionalPolicy, PolicyVersion, Violation, ViolationNote
from constitutional.policy_content import PolicyContentError, validate_policy_content


@extend_schema_field(OpenApiTypes.OBJECT)
class PolicyContentField(serializers.Field[Any, Any, Any, Any]):
    """A policy's content; every problem of it is an error of the field."""

    def to_internal_value(self, data: Any) -> Any:
        """The content as it came."""
        try:
            validate_policy_content(data)
        except PolicyContentError as error:
            raise serializers.ValidationError(
                [f"{path or 'The document'}: {text}" for path, text in error.problems]
            ) from error
        return data

    def to_representation(self, value: Any) -> Any:
        """The content as it is."""
        return value


class PolicySerializer(serializers.ModelSerializer[ConstitutionalPolicy]):
    """A policy as it stands."""

    policy_content = PolicyContentField(help_text="What is measured, when it is breached, what follows.")
    change_note = serializers.CharField(
        max_length=MAX_NOTE_LENGTH,
        write_only=True,
        required=False,
        allow_blank=True,
        help_text="Why; kept with the version.",
    )

    class Meta:
        model = ConstitutionalPolicy
        fields: ClassVar[list[str]] = [
            "id",
            "policy_name",
            "policy_type",
            "policy_content",
            "priority_level",
            "is_active",
            "version",
            "change_note",
            "created_at",
            "updated_at",
        ]
        read_only_fields: ClassVar[list[str]] = ["version"]


class ChangeNoteSerializer(serializers.Serializer[Any]):
    """Why a policy is switched on or off."""

    change_note = serializers.CharField(
        max_length=MAX_NOTE_LENGTH, default="", allow_blank=True, help_text="Why; kept with the version."
    )


class PolicyVersionSerializer(serializers.ModelSerializer[PolicyVersion]):
    """One state a policy was in."""

    author = serializers.CharField(
        source="author.username",
        default=None,
        allow_null=True,
        help_text="Who made it so; null where nobody was named.",
    )

    class Meta:
        model = PolicyVersion
        fields: ClassVar[list[str]] = [
            "id",
            "policy",
            "version",
            "policy_name",
            "policy_type",
            "policy_content",
            "priority_level",
            "is_active",
            "valid_from",
            "valid_to",
            "author",
            "change_note",
        ]
        read_only_fields = fields


class ViolationSerializer(serializers.ModelSerializer[Violation]):
    """One violation."""

    policy_name = serializers.CharField(source="policy.policy_name", read_only=True)
    policy_version = serializers.IntegerField(
        source="policy_version.version", read_only=True, help_text="Number of the policy's version that was breached."
    )
    cleared_reason = serializers.ChoiceField(
        choices=ClearedReason.choices,
        allow_blank=True,
        read_only=True,
        help_text="Why the episode ended; '' before.",
    )

    class Meta:
        model = Violation
        fields: ClassVar[list[str]] = [
            "id",
            "run",
            "policy",
            "policy_name",
            "policy_version",
            "violation_type",
            "severity_score",
            "ha_value",
            "peak_value",
            "peak_at",
            "sample_count",
            "first_crossing_at",
            "detected_at",
            "cleared_at",
            "cleared_reason",
            "resolution_status",
            "acknowledged_at",
            "acknowledged_by",
            "resolved_at",
            "resolved_by",
            "violation_data",
        ]
        read_only_fields = fields


class NoteSerializer(serializers.ModelSerializer[ViolationNote]):
    """A remark on a violation, or a step of its review."""

    author = serializers.CharField(
        source="author.username", default=None, read_only=True, help_text="Who; null where nobody was named."
    )
    from_status = serializers.CharField(read_only=True, help_text="Status before the step; '' for a remark.")
    to_status = serializers.CharField(read_only=True, help_text="Status after the step; '' for a remark.")
    text = serializers.CharField(max_length=MAX_NOTE_LENGTH, help_text="What is said.")

    class Meta:
        model = ViolationNote
        fields: ClassVar[list[str]] = ["id", "author", "action", "from_status", "to_status", "text", "created_at"]
        read_only_fields: ClassVar[list[str]] = ["id", "action", "created_at"]


class ViolationDetailSerializer(ViolationSerializer):
    """One violation with what was noted about it, oldest first."""

    notes = NoteSerializer(many=True, read_only=True)

    class Meta(ViolationSerializer.Meta):
        fields: ClassVar[list[str]] = [*ViolationSerializer.Meta.fields, "notes"]
        read_only_fields = fields


class AcknowledgeSerializer(serializers.Serializer[Any]):
    """Taking up violations."""

    note = serializers.CharField(max_length=MAX_NOTE_LENGTH, default="", allow_blank=True, help_text="What is known.")


class ResolveSerializer(serializers.Serializer[Any]):
    """Ending the review of violations."""

    note = serializers.CharField(max_length=MAX_NOTE_LENGTH, help_text="How it was settled.")
    false_positive = serializers.BooleanField(default=False, help_text="Whether nothing was wrong after all.")


class IdsSerializer(serializers.Serializer[Any]):
    """The violations of a bulk."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        min_length=1,
        max_length=MAX_BULK_IDS,
        help_text="Violations, all of which have to be ready for the step.",
    )


class BulkAcknowledgeSerializer(IdsSerializer, AcknowledgeSerializer):
    """Taking up several violations."""


class BulkResolveSerializer(IdsSerializer, ResolveSerializer):
    """Ending the review of several violations."""


class ReviewedSerializer(serializers.Serializer[Any]):
    """How many violations took the step."""

    count = serializers.IntegerField(help_text="Violations that took the step.")
