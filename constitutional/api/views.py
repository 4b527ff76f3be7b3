"""Policies and violations for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.db.models import Prefetch
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from constitutional.api.filters import PolicyFilterSet, ViolationFilterSet
from constitutional.api.serializers import (
    AcknowledgeSerializer,
    BulkAcknowledgeSerializer,
    BulkResolveSerializer,
    ChangeNoteSerializer,
    NoteSerializer,
    PolicySerializer,
    PolicyVersionSerializer,
    ResolveSerializer,
    ReviewedSerializer,
    ViolationDetailSerializer,
    ViolationSerializer,
)
from constitutional.exports import VIOLATIONS
from constitutional.models import ConstitutionalPolicy, Violation, ViolationNote
from constitutional.selectors import list_versions
from constitutional.services import policies, review
from core.api.export import ExportMixin
from core.api.filters import refuse_unknown_parameters
from core.api.views import EditableViewSet, RecordViewSet

if TYPE_CHECKING:
    from accounts.models import User


class PolicyViewSet(EditableViewSet):
    """Policies; every change makes a version, and a policy that violations cite cannot be deleted."""

    queryset = ConstitutionalPolicy.objects.all()
    serializer_class = PolicySerializer
    filterset_class = PolicyFilterSet
    action_permissions: ClassVar[dict[str, str]] = {
        "activate": "constitutional.change_constitutionalpolicy",
        "deactivate": "constitutional.change_constitutionalpolicy",
    }

    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Make the policy."""
        serializer.instance = policies.create_policy(**serializer.validated_data)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Change the policy."""
        policy: ConstitutionalPolicy = serializer.instance  # type: ignore[assignment]  # an update has one
        serializer.instance = policies.update_policy(policy_id=policy.pk, **serializer.validated_data)

    def perform_destroy(self, instance: ConstitutionalPolicy) -> None:
        """Delete the policy."""
        policies.delete_policy(policy_id=instance.pk)

    @extend_schema(responses=PolicyVersionSerializer(many=True))
    @action(detail=True, filterset_class=None, serializer_class=PolicyVersionSerializer)
    def versions(self, request: Request, pk: str) -> Response:
        """Every state the policy was in, newest first."""
        refuse_unknown_parameters(request, set())
        page = self.paginate_queryset(list_versions(self.get_object().pk))
        return self.get_paginated_response(PolicyVersionSerializer(page, many=True).data)

    @extend_schema(request=ChangeNoteSerializer, responses=PolicySerializer)
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, pk: str) -> Response:
        """Let the monitor apply the policy."""
        body = ChangeNoteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        policy = policies.activate_policy(policy_id=int(pk), **body.validated_data)
        return Response(PolicySerializer(policy).data)

    @extend_schema(request=ChangeNoteSerializer, responses=PolicySerializer)
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, pk: str) -> Response:
        """Switch the policy off; a fundamental one stays on."""
        body = ChangeNoteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        policy = policies.deactivate_policy(policy_id=int(pk), **body.validated_data)
        return Response(PolicySerializer(policy).data)


class ViolationViewSet(ExportMixin, RecordViewSet):
    """Violations, written by the monitor, and their review."""

    queryset = Violation.objects.with_names()
    serializer_class = ViolationSerializer
    filterset_class = ViolationFilterSet
    time_field = "detected_at"
    collection = VIOLATIONS
    action_permissions: ClassVar[dict[str, str]] = dict.fromkeys(
        ("acknowledge", "resolve", "acknowledge_many", "resolve_many", "notes"), "constitutional.review_violation"
    )

    @extend_schema(responses=ViolationDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One violation with its notes."""
        return self._show(self.kwargs["pk"])

    @extend_schema(request=AcknowledgeSerializer, responses=ViolationDetailSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Take up a pending violation."""
        body = AcknowledgeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        review.acknowledge_violations(ids=[int(pk)], actor=_user(request), now=timezone.now(), **body.validated_data)
        return self._show(pk)

    @extend_schema(request=ResolveSerializer, responses=ViolationDetailSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """End the review of an acknowledged violation."""
        body = ResolveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        review.resolve_violations(ids=[int(pk)], actor=_user(request), now=timezone.now(), **body.validated_data)
        return self._show(pk)

    @extend_schema(
        operation_id="violations_acknowledge_many", request=BulkAcknowledgeSerializer, responses=ReviewedSerializer
    )
    @action(detail=False, methods=["post"], url_path="acknowledge", filterset_class=None, pagination_class=None)
    def acknowledge_many(self, request: Request) -> Response:
        """Take up several pending violations, all or none."""
        body = BulkAcknowledgeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        count = review.acknowledge_violations(actor=_user(request), now=timezone.now(), **body.validated_data)
        return Response({"count": count})

    @extend_schema(operation_id="violations_resolve_many", request=BulkResolveSerializer, responses=ReviewedSerializer)
    @action(detail=False, methods=["post"], url_path="resolve", filterset_class=None, pagination_class=None)
    def resolve_many(self, request: Request) -> Response:
        """End the review of several acknowledged violations, all or none."""
        body = BulkResolveSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        count = review.resolve_violations(actor=_user(request), now=timezone.now(), **body.validated_data)
        return Response({"count": count})

    @extend_schema(request=NoteSerializer, responses={201: NoteSerializer})
    @action(detail=True, methods=["post"])
    def notes(self, request: Request, pk: str) -> Response:
        """Remark on a violation."""
        body = NoteSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        note = review.add_note(violation_id=int(pk), actor=_user(request), now=timezone.now(), **body.validated_data)
        return Response(NoteSerializer(note).data, status=status.HTTP_201_CREATED)

    def _show(self, pk: str) -> Response:
        notes = Prefetch("notes", ViolationNote.objects.select_related("author"))
        violation = Violation.objects.with_names().prefetch_related(notes).get(pk=pk)
        return Response(ViolationDetailSerializer(violation).data)


def _user(request: Request) -> User:
    return cast("User", request.user)  # nobody comes here unauthenticated
