"""`neurons/`: two-level systems, what happens to them, and what happened."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.export import PARAMETERS_OF_EXPORTS, RESPONSES, answer_export
from core.api.filters import IdFilter, TimeWindowFilterSet
from core.api.permissions import ModelPermissions, may_change
from core.api.renderers import AnyAccept
from core.api.serializers import RowSerializer, StrictModelSerializer, StrictSerializer, WholeNumberField
from core.api.views import RecordViewSet
from core.choices import NeuronEventKind, NeuronState, NeuronType
from core.exports import NEURON_HISTORY
from core.models import NeuronEvent, QuantumNeuron, Run
from core.services.neuron_parameters import EVENTS, MAX_ID
from core.services.neurons import CALIBRATION, DESCRIPTION, apply_event, create_neuron, describe_neuron

DERIVED = (
    "state",
    "bloch_x",
    "bloch_y",
    "bloch_z",
    "coherence_l1",
    "purity",
    "phase_rad",
    "p1",
    "sweep_bias",
    "sweep_rate",
    "measurement_count",
    "event_seq",
    "last_event",
    "last_event_at",
    "last_parameters",
    "last_outcome",
    "last_partner",
    "created_at",
    "updated_at",
)


class NeuronSerializer(StrictModelSerializer):
    """A neuron; its state changes by events alone."""

    class Meta:
        model = QuantumNeuron
        fields = ("id", "run", *DESCRIPTION, *CALIBRATION, *DERIVED)
        read_only_fields = DERIVED


class NeuronChangeSerializer(StrictModelSerializer):
    """What can be changed about a neuron; a new calibration is kept in its history."""

    class Meta:
        model = QuantumNeuron
        fields = (*DESCRIPTION, *CALIBRATION)


class NeuronEventSerializer(RowSerializer):
    """One event with the numbers before and after."""

    class Meta:
        model = NeuronEvent
        fields = (
            "id",
            "neuron",
            "seq",
            "ts",
            "event",
            "from_state",
            "to_state",
            "c_before",
            "c_after",
            "bloch_before",
            "bloch_after",
            "outcome",
            "parameters",
            "partner",
            "actor_id",
            "database_role",
        )


class NeuronActSerializer(StrictSerializer):
    """Something to happen to a neuron.

    Parameters of prepare: `bloch`, level 0 where absent; gate: `gate`, with `angle_rad` for rx, ry and rz, with
    `duration_s` and `bias` (the membrane's, where absent) for drive; gate2: `gate` cnot and `partner`, the target;
    measure: none; relax: `elapsed_s`; sweep_start: `start_bias` and `rate`; sweep_end: `end_bias`.
    """

    event = serializers.ChoiceField(choices=tuple(EVENTS))
    parameters = serializers.DictField(required=False, default=dict, help_text="What the event takes.")
    seed = WholeNumberField(
        required=False,
        min_value=0,
        max_value=MAX_ID,
        help_text="Seed of a measurement's outcome; secret, where absent.",
    )


class NeuronFilterSet(django_filters.FilterSet):
    """Which neurons."""

    run = IdFilter(field_name="run_id", label="Neurons of this run.")
    network = IdFilter(field_name="network_id", label="Neurons of this network.")
    state = django_filters.ChoiceFilter(choices=NeuronState.choices)
    neuron_type = django_filters.ChoiceFilter(choices=NeuronType.choices)


class NeuronEventFilterSet(TimeWindowFilterSet):
    """Which events."""

    time_field = "ts"

    event = django_filters.ChoiceFilter(choices=NeuronEventKind.choices)
    to_state = django_filters.ChoiceFilter(choices=NeuronState.choices)


class MayChangeNeuron(BasePermission):
    """A neuron is changed by who may change any, and by the owner of its run."""

    def has_object_permission(self, request: Request, view: Any, neuron: QuantumNeuron) -> bool:
        """Whether the user may change this neuron."""
        return request.method in SAFE_METHODS or _may_change_neurons(request.user, neuron.run)


def _may_change_neurons(user: Any, run: Run | None) -> bool:
    return may_change(
        user,
        owner_id=run.owner_id if run else None,
        anybodys="core.change_quantumneuron",
        own="core.add_quantumneuron",
    )


class NeuronViewSet(mixins.CreateModelMixin, RecordViewSet):
    """Neurons: two-level systems (qubits) with calibration, derived state and history."""

    takes_keys = True
    queryset = QuantumNeuron.objects.all()
    serializer_class = NeuronSerializer
    filterset_class = NeuronFilterSet
    http_method_names = ["get", "post", "patch", "head", "options"]
    query_parameters = {"export": {"blobs"}}
    permission_classes = [ModelPermissions, MayChangeNeuron]
    action_permissions: ClassVar[dict[str, str]] = {
        "partial_update": "core.view_quantumneuron",
        "events": "core.view_quantumneuron",
        "history": "core.view_neuronevent",
        "export": "core.view_neuronevent",
    }

    def perform_create(self, serializer: serializers.BaseSerializer[Any]) -> None:
        """Make a neuron, prepared in level 0."""
        run, user = serializer.validated_data.get("run"), self.request.user
        if run is not None and not _may_change_neurons(user, run):
            raise PermissionDenied("The run is another user's.")
        serializer.instance = create_neuron(now=timezone.now(), **serializer.validated_data)

    @extend_schema(request=NeuronChangeSerializer, responses=NeuronSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Describe or calibrate a neuron; its state changes by events."""
        neuron = self.get_object()
        body = NeuronChangeSerializer(neuron, data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = describe_neuron(neuron=neuron, now=timezone.now(), **body.validated_data)
        return Response(self.get_serializer(changed).data)

    @extend_schema(request=NeuronActSerializer, responses={201: NeuronEventSerializer})
    @action(detail=True, methods=["post"])
    def events(self, request: Request, pk: str) -> Response:
        """Let something happen to a neuron; the answer is its entry in the history."""
        neuron = self.get_object()
        body = NeuronActSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        partner = body.validated_data["parameters"].get("partner")
        if type(partner) is int and 0 <= partner <= MAX_ID:
            for other in QuantumNeuron.objects.filter(pk=partner):
                self.check_object_permissions(request, other)
        event = apply_event(neuron_id=neuron.pk, now=timezone.now(), **body.validated_data)
        row = NeuronEvent.objects.for_neuron(neuron.pk).values(*NeuronEventSerializer.columns())
        return Response(row.get(ts=event.ts, seq=event.seq), status=status.HTTP_201_CREATED)

    @extend_schema(parameters=PARAMETERS_OF_EXPORTS, responses=RESPONSES)
    @action(
        detail=False,
        url_path="history/export",
        filterset_class=NeuronEventFilterSet,
        content_negotiation_class=AnyAccept,
        pagination_class=None,
    )
    def export(self, request: Request) -> HttpResponseBase:
        """The events of all neurons, oldest first, never truncated, with their count and checksum at the end."""
        return answer_export(request, NEURON_HISTORY, self.filter_queryset(NeuronEvent.objects.all()))

    @extend_schema(responses=NeuronEventSerializer(many=True))
    @action(detail=True, time_field="ts", filterset_class=NeuronEventFilterSet, serializer_class=NeuronEventSerializer)
    def history(self, request: Request, pk: str) -> Response:
        """The events of a neuron, newest first."""
        neuron = get_object_or_404(QuantumNeuron, pk=pk)
        rows: QuerySet[Any, dict[str, Any]] = NeuronEvent.objects.for_neuron(neuron.pk).values(
            *NeuronEventSerializer.columns()
        )
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
