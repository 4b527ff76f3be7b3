"""Neurons, their pairs and their history in the admin."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin_base import (
    EditableAdmin,
    ReadOnlyAdmin,
    TelemetryAdmin,
    TimeWindowFilter,
    number_column,
    show_json,
    time_column,
)
from core.models import Entanglement, NeuronEvent, QuantumNeuron, StateTransition
from core.neuron_pictures import draw_coherence, draw_state_timeline
from core.services.neurons import CALIBRATION, DESCRIPTION, create_neuron, describe_neuron

EVENTS_DRAWN = 400
CHART_WIDTH = 860


def show_state(state: str) -> SafeString:
    """A state as a badge in its colour."""
    return format_html('<span class="neuron-state {0}">{0}</span>', state)


@admin.register(QuantumNeuron)
class QuantumNeuronAdmin(EditableAdmin):
    """Neurons: described and calibrated here; their state changes by events."""

    list_display = (
        "name",
        "id",
        "badge",
        "neuron_type",
        "run",
        "coherence",
        "excitation",
        "last_event",
        "happened",
    )
    list_filter = ("state", "neuron_type", "network")
    list_select_related = ("run",)
    search_fields = ("name",)
    raw_id_fields = ("node", "run")
    fieldsets = (
        (None, {"fields": ("name", "neuron_type", "layer_index", "network", "node", "run")}),
        ("Over time", {"fields": ("timeline", "coherence_chart", "history")}),
        (
            "State",
            {
                "fields": (
                    ("badge", "bloch"),
                    ("coherence", "purity_shown", "phase", "excitation"),
                    ("sweep_bias", "sweep_rate"),
                    ("measurement_count", "event_seq"),
                    ("last_event", "last_event_at", "last_outcome", "last_partner"),
                    "shown_parameters",
                )
            },
        ),
        ("Calibration", {"fields": (("omega", "t1_s", "t2_s"), ("p_eq", "delta", "kappa"))}),
        (
            "Membrane",
            {
                "fields": (
                    ("v_rest_mv", "v_th_mv"),
                    ("tau_m_ms", "r_mohm", "refractory_ms"),
                    ("v_mv", "spike_rate_hz"),
                )
            },
        ),
    )
    coherence = number_column("coherence_l1", "coherence")
    purity_shown = number_column("purity", "purity")
    phase = number_column("phase_rad", "phase, rad")
    excitation = number_column("p1", "p1")
    happened = time_column("last_event_at")

    class Media:
        css = {"all": ("core/charts.css", "core/neurons.css")}

    def has_delete_permission(self, request: HttpRequest, obj: QuantumNeuron | None = None) -> bool:
        """Nobody: the history refers to its neuron."""
        return False

    def get_fieldsets(self, request: HttpRequest, obj: QuantumNeuron | None = None) -> Any:
        """All of a neuron; of a new one what can be given."""
        shown = super().get_fieldsets(request, obj)
        return shown if obj else [part for part in shown if part[0] not in ("State", "Over time")]

    def get_readonly_fields(self, request: HttpRequest, obj: QuantumNeuron | None = None) -> tuple[str, ...]:
        """What events and triggers write."""
        entries = [entry for _, part in self.fieldsets for entry in part["fields"]]
        names = [name for entry in entries for name in ([entry] if isinstance(entry, str) else entry)]
        editable = {*DESCRIPTION, *CALIBRATION, *(() if obj else ("run",))}
        return tuple(name for name in names if name not in editable)

    def save_model(self, request: HttpRequest, obj: QuantumNeuron, form: Any, change: bool) -> None:
        """Make the neuron, or describe and calibrate it."""
        values = {name: getattr(obj, name) for name in (*DESCRIPTION, *CALIBRATION)}
        if change:
            describe_neuron(neuron=obj, now=timezone.now(), **values)
        else:
            obj.pk = create_neuron(now=timezone.now(), run=obj.run, **values).pk

    @admin.display(description="state", ordering="state")
    def badge(self, neuron: QuantumNeuron) -> SafeString:
        """The state."""
        return show_state(neuron.state)

    @admin.display(description="Bloch vector")
    def bloch(self, neuron: QuantumNeuron) -> str:
        """The three components."""
        return f"({neuron.bloch_x:.6g}, {neuron.bloch_y:.6g}, {neuron.bloch_z:.6g})"

    @admin.display(description="parameters of the last event")
    def shown_parameters(self, neuron: QuantumNeuron) -> SafeString:
        """What the last event depended on."""
        return show_json(neuron.last_parameters)

    @admin.display(description="states")
    def timeline(self, neuron: QuantumNeuron) -> SafeString:
        """Which state held when."""
        until = (neuron.run and neuron.run.ended_at) or timezone.now()
        return format_html("{}", draw_state_timeline(self._list_events(neuron), until, CHART_WIDTH))

    @admin.display(description="coherence")
    def coherence_chart(self, neuron: QuantumNeuron) -> SafeString:
        """The coherence over time."""
        return format_html("{}", draw_coherence(self._list_events(neuron), CHART_WIDTH))

    @admin.display(description="history")
    def history(self, neuron: QuantumNeuron) -> SafeString:
        """Where all events are listed."""
        address = reverse("admin:core_neuronevent_changelist")
        return format_html(
            '<a href="{}?neuron__id__exact={}&amp;within=all">{} events</a>', address, neuron.pk, neuron.event_seq
        )

    def _list_events(self, neuron: QuantumNeuron) -> list[NeuronEvent]:
        """The latest events in order of time."""
        latest = NeuronEvent.objects.for_neuron(neuron.pk).defer("parameters").order_by("-ts", "-seq")
        return list(latest[:EVENTS_DRAWN])[::-1]


@admin.register(NeuronEvent)
class NeuronEventAdmin(TelemetryAdmin):
    """What happened to neurons, newest first."""

    time_field = "ts"
    list_display = ("time", "neuron", "seq", "event", "before", "after", "c_before", "c_after", "outcome", "partner")
    list_display_links = ("time",)
    list_filter: ClassVar[Any] = (TimeWindowFilter, "event", "to_state")
    list_select_related: ClassVar[Any] = ("neuron", "partner")
    ordering = ("-ts", "-id")
    time = time_column("ts")

    class Media:
        css = {"all": ("core/charts.css", "core/neurons.css")}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The events of one neuron, besides the filters."""
        return lookup == "neuron__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description="from")
    def before(self, event: NeuronEvent) -> SafeString:
        """The state before."""
        return show_state(event.from_state)

    @admin.display(description="to")
    def after(self, event: NeuronEvent) -> SafeString:
        """The state after."""
        return show_state(event.to_state)


@admin.register(Entanglement)
class EntanglementAdmin(ReadOnlyAdmin):
    """Pairs that are entangled now."""

    list_display = ("id", "neuron_a", "neuron_b", "concurrence", "since")
    list_select_related = ("neuron_a", "neuron_b")
    fields = ("neuron_a", "neuron_b", "concurrence", "amplitudes", "since")
    readonly_fields = ("amplitudes",)

    @admin.display(description="amplitudes of 00, 01, 10, 11")
    def amplitudes(self, pair: Entanglement) -> str:
        """The state of the pair."""
        return ", ".join(f"{amplitude:.4g}" for amplitude in pair.read_state())


@admin.register(StateTransition)
class StateTransitionAdmin(ReadOnlyAdmin):
    """The steps that a neuron may take."""

    list_display = ("id", "before", "event", "after")
    list_filter = ("event", "from_state", "to_state")

    class Media:
        css = {"all": ("core/charts.css", "core/neurons.css")}

    @admin.display(description="from", ordering="from_state")
    def before(self, transition: StateTransition) -> SafeString:
        """The state before."""
        return show_state(transition.from_state)

    @admin.display(description="to", ordering="to_state")
    def after(self, transition: StateTransition) -> SafeString:
        """The state after."""
        return show_state(transition.to_state)
