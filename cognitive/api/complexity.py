"""Signal complexity for programs."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from cognitive.analysis import start_analysis
from cognitive.choices import AnalysisStatus
from cognitive.models import ComplexityRecord, ComplexitySnapshot, ComplexitySummary, DailyComplexity
from core.api.filters import TimeWindowFilterSet
from core.api.views import RecordViewSet
from core.exceptions import InvalidInput
from core.models import Run, SummaryRefresh


class ComplexityRecordSerializer(serializers.ModelSerializer[ComplexityRecord]):
    """One analysis."""

    class Meta:
        model = ComplexityRecord
        fields = "__all__"
        read_only_fields: ClassVar[list[str]] = [field.name for field in ComplexityRecord._meta.fields]


class AnalysisRequestSerializer(serializers.Serializer[Any]):
    """An analysis that the worker is asked for."""

    run = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="The run.")
    window_s = serializers.FloatField(min_value=0.1, max_value=1e6, default=30.0, help_text="Length of a window, s.")
    step_s = serializers.FloatField(min_value=0.1, max_value=1e6, default=10.0, help_text="From window to window, s.")
    seed = serializers.IntegerField(min_value=0, max_value=2**63 - 1, default=1, help_text="Seed of the surrogates.")
    communities = serializers.ListField(
        child=serializers.IntegerField(min_value=-(2**31), max_value=2**31 - 1),
        required=False,
        max_length=65_536,
        help_text="A label for each oscillator; without them the two halves by index.",
    )


class ComplexitySnapshotSerializer(serializers.ModelSerializer[ComplexitySnapshot]):
    """One window."""

    class Meta:
        model = ComplexitySnapshot
        fields = "__all__"


class ComplexitySummarySerializer(serializers.ModelSerializer[ComplexitySummary]):
    """A run's latest analysis with its means."""

    class Meta:
        model = ComplexitySummary
        fields = "__all__"


class DailyComplexitySerializer(serializers.ModelSerializer[DailyComplexity]):
    """A run and day, with the age of the summary."""

    as_of = serializers.SerializerMethodField(help_text="When the summary was refreshed; null where it never was.")

    class Meta:
        model = DailyComplexity
        fields = "__all__"

    def get_as_of(self, row: DailyComplexity) -> str | None:
        """The time of the last refresh."""
        return self.context.get("as_of")


class ComplexityRecordFilterSet(django_filters.FilterSet):
    """Analyses by run and state."""

    run = django_filters.NumberFilter(field_name="run_id", min_value=1, max_value=2**63 - 1, decimal_places=0)
    status = django_filters.ChoiceFilter(choices=AnalysisStatus.choices)

    class Meta:
        model = ComplexityRecord
        fields: ClassVar[list[str]] = []


class ComplexitySnapshotFilterSet(TimeWindowFilterSet):
    """Snapshots by run, analysis and time."""

    time_field = "ts"

    run = django_filters.NumberFilter(field_name="run_id", min_value=1, max_value=2**63 - 1, decimal_places=0)
    record = django_filters.NumberFilter(field_name="record_id", min_value=1, max_value=2**63 - 1, decimal_places=0)

    class Meta:
        model = ComplexitySnapshot
        fields: ClassVar[list[str]] = []


class ComplexityRecordViewSet(RecordViewSet):
    """Analyses of signal complexity; a POST asks the worker for one."""

    takes_keys = True
    queryset = ComplexityRecord.objects.all()
    serializer_class = ComplexityRecordSerializer
    filterset_class = ComplexityRecordFilterSet

    @extend_schema(request=AnalysisRequestSerializer, responses={202: ComplexityRecordSerializer})
    def create(self, request: Request) -> Response:
        """Open an analysis; the worker carries it out within a minute."""
        body = AnalysisRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        run = Run.objects.filter(pk=asked.pop("run")).first()
        if run is None:
            raise InvalidInput.of("run", "There is no such run.", "not_found")
        record = start_analysis(run=run, created_by_id=request.user.pk, **asked)
        record.refresh_from_db()
        return Response(self.get_serializer(record).data, status=status.HTTP_202_ACCEPTED)


class ComplexitySnapshotViewSet(RecordViewSet):
    """Complexity window by window."""

    queryset = ComplexitySnapshot.objects.all()
    serializer_class = ComplexitySnapshotSerializer
    filterset_class = ComplexitySnapshotFilterSet
    time_field = "ts"


class ComplexitySummaryViewSet(RecordViewSet):
    """A run's latest analysis with the means of its snapshots."""

    queryset = ComplexitySummary.objects.all()
    serializer_class = ComplexitySummarySerializer


class DailyComplexityViewSet(RecordViewSet):
    """Complexity a run and day, from the materialized summary; `as_of` says how old it is."""

    queryset = DailyComplexity.objects.all()
    serializer_class = DailyComplexitySerializer

    def get_serializer_context(self) -> dict[str, Any]:
        """The context, with the age of the summary."""
        context: dict[str, Any] = dict(super().get_serializer_context())
        refresh = SummaryRefresh.objects.filter(pk="consciousness_daily_summary").first()
        return context | {"as_of": refresh.refreshed_at.isoformat() if refresh else None}
