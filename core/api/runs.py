"""`runs/`: what produced the telemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import django_filters
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.filters import FlagFilter, IdFilter, TimeWindowFilterSet
from core.api.permissions import ModelPermissions, may_change
from core.api.serializers import StrictModelSerializer, StrictSerializer
from core.api.views import RecordViewSet
from core.choices import RunKind
from core.models import Run, RunShare
from core.selectors import list_shares
from core.services.runs import end_run, rename_run, share_run, start_run, unshare_run

if TYPE_CHECKING:
    from accounts.models import User


class RunSerializer(StrictModelSerializer):
    """A run."""

    started_at = serializers.DateTimeField(required=False, help_text="When the run began; now, where it is absent.")

    class Meta:
        model = Run
        fields: tuple[str, ...] = (
            "id",
            "run_uuid",
            "name",
            "kind",
            "owner",
            "parameters",
            "seed",
            "code_version",
            "network",
            "n_oscillators",
            "natural_frequencies",
            "coupling_norm",
            "critical_coupling",
            "defect_density_ref",
            "ha_weights",
            "started_at",
            "ended_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("run_uuid", "owner", "ended_at", "created_at", "updated_at")


class RunListSerializer(RunSerializer):
    """A run in a list: without the natural frequencies, of which there may be 65536."""

    class Meta(RunSerializer.Meta):
        fields = tuple(name for name in RunSerializer.Meta.fields if name != "natural_frequencies")


class RunNameSerializer(StrictModelSerializer):
    """What can be changed about a run."""

    class Meta:
        model = Run
        fields = ("name",)
        extra_kwargs = {"name": {"required": True}}


class RunEndSerializer(StrictSerializer):
    """The end of a run."""

    ended_at = serializers.DateTimeField(required=False, help_text="When the run ended; now, where it is absent.")


class RunShareSerializer(StrictModelSerializer):
    """A group whose members may read the run."""

    group = serializers.SlugRelatedField(
        slug_field="name", queryset=Group.objects.all(), help_text="Name of the group; roles are groups as well."
    )

    class Meta:
        model = RunShare
        fields = ("group", "shared_by", "created_at")
        read_only_fields = ("shared_by", "created_at")


class RunFilterSet(TimeWindowFilterSet):
    """Which runs."""

    time_field = "started_at"

    kind = django_filters.ChoiceFilter(choices=RunKind.choices)
    owner = IdFilter(field_name="owner_id", label="Runs of this user.")
    network = IdFilter(field_name="network_id", label="Runs on this network.")
    ongoing = FlagFilter(method="filter_ongoing", label="Whether the run has not ended.")

    def filter_ongoing(self, queryset: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Runs that go on, or those that ended."""
        return queryset.filter(ended_at__isnull=value)


class MayChangeRun(BasePermission):
    """A run is changed by its owner, and by who may change any run."""

    def has_object_permission(self, request: Request, view: Any, run: Run) -> bool:
        """Whether the user may change this run."""
        return request.method in SAFE_METHODS or may_change(
            request.user, owner_id=run.owner_id, anybodys="core.change_run", own="core.add_run"
        )


class RunViewSet(mixins.CreateModelMixin, mixins.UpdateModelMixin, RecordViewSet):
    """Runs of simulators, live systems and imports."""

    takes_keys = True
    queryset = Run.objects.all()
    serializer_class = RunSerializer
    filterset_class = RunFilterSet
    time_field = "started_at"
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    permission_classes = [ModelPermissions, MayChangeRun]
    action_permissions = dict.fromkeys(("partial_update", "end", "shares", "unshare"), "core.view_run")

    def get_queryset(self) -> QuerySet[Run]:
        """Runs; in a list without what it does not show."""
        runs: QuerySet[Run] = super().get_queryset()
        return runs.defer("natural_frequencies") if self.action == "list" else runs

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Any]]:
        """The serializer of the action."""
        serializers_by_action: dict[str, type[serializers.BaseSerializer[Any]]] = {
            "list": RunListSerializer,
            "end": RunEndSerializer,
            "partial_update": RunNameSerializer,
            "shares": RunShareSerializer,
        }
        return serializers_by_action.get(self.action, RunSerializer)

    def perform_create(self, serializer: serializers.BaseSerializer[Any]) -> None:
        """Open a run of the caller's."""
        values = {"started_at": timezone.now(), **serializer.validated_data}
        serializer.instance = start_run(owner=cast("User", self.request.user), **values)

    @extend_schema(request=RunNameSerializer, responses=RunSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Rename a run; what defines it is fixed."""
        run = self.get_object()
        serializer = self.get_serializer(run, data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(RunSerializer(rename_run(run=run, **serializer.validated_data)).data)

    @extend_schema(request=RunEndSerializer, responses=RunSerializer)
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        """Close a run."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        ended_at = serializer.validated_data.get("ended_at") or timezone.now()
        return Response(RunSerializer(end_run(run=self.get_object(), ended_at=ended_at)).data)

    @extend_schema(methods=["get"], responses=RunShareSerializer(many=True), filters=False)
    @extend_schema(methods=["post"], request=RunShareSerializer, responses={201: RunShareSerializer})
    @action(detail=True, methods=["get", "post"], pagination_class=None)
    def shares(self, request: Request, pk: str) -> Response:
        """The groups whose members may read the run; POST adds one."""
        run = self.get_object()
        if request.method in SAFE_METHODS:
            return Response(self.get_serializer(list_shares(run), many=True).data)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        share = share_run(run=run, shared_by=cast("User", request.user), **serializer.validated_data)
        return Response(self.get_serializer(share).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["delete"], url_path=r"shares/(?P<group>[^/]{1,150})")
    def unshare(self, request: Request, pk: str, group: str) -> Response:
        """Take the run back from a group."""
        unshare_run(run=self.get_object(), group=get_object_or_404(Group, name=group))
        return Response(status=status.HTTP_204_NO_CONTENT)
