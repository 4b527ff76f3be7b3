"""Pages on which people import graphs, take them out, and end networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from core.choices import NetworkStatus
from core.db.errors import translate_database_error
from core.exceptions import DomainError
from core.graph_formats import MEDIA_TYPES, guess_format, write_graph
from core.models import RealityNetwork
from core.selectors import get_graph
from core.services.networks import describe_network, import_graph_file

MOST_NETWORKS = 100
TEMPLATE = "admin/core/realitynetwork/form.html"
FORMATS = (
    ("", "By the end of its name"),
    ("edges", "Edge list, CSV"),
    ("matrix", "Matrix, CSV"),
    ("graphml", "GraphML"),
    ("json", "JSON"),
)
DIRECTIONS = (("", "As the file says, else undirected"), ("undirected", "Undirected"), ("directed", "Directed"))
WIDE = {"class": "vTextField"}


class ImportForm(forms.Form):
    """A graph to import; what is empty, the file says."""

    file = forms.FileField(
        help_text="An edge list has lines src,dst[,weight[,delay_s[,lag_rad]]], by index from 0 or by label. "
        "In a matrix line i, column j is the coupling of vertex j onto vertex i."
    )
    format = forms.ChoiceField(choices=FORMATS, required=False, help_text="A name that ends in .csv is an edge list.")
    name = forms.CharField(max_length=200, required=False, widget=forms.TextInput(attrs=WIDE))
    directed = forms.ChoiceField(label="Edges", choices=DIRECTIONS, required=False)
    weight_unit = forms.CharField(max_length=20, required=False, help_text="Of the edge weights, UCUM.")
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}))
    source = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs=WIDE))
    licence = forms.CharField(max_length=200, required=False, widget=forms.TextInput(attrs=WIDE))

    def clean_file(self) -> Any:
        """The file, which is not too large."""
        file = self.cleaned_data["file"]
        if file.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise forms.ValidationError("The file is larger than the server takes.", "too_large")
        return file

    def clean(self) -> dict[str, Any]:
        """The values, with the format that the file's name stands for."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("file") and not cleaned.get("format"):
            cleaned["format"] = guess_format(cleaned["file"].name)
            if cleaned["format"] is None:
                self.add_error("format", "The end of the file's name stands for no format.")
        return cleaned


class CollapseForm(forms.Form):
    """Nothing more is asked."""


class MergeForm(forms.Form):
    """What the networks are merged into."""

    target = forms.ModelChoiceField(RealityNetwork.objects.none(), help_text="The network that takes their place.")


def import_network_file(request: HttpRequest) -> HttpResponse:
    """Ask for a file, and store its graph or say what is wrong with each line."""
    if not request.user.has_perm("core.add_realitynetwork"):
        raise PermissionDenied
    form = ImportForm(request.POST or None, request.FILES or None)
    refusal = None
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        directed = {"directed": True, "undirected": False}.get(given.pop("directed"))
        try:
            network = import_graph_file(body=given.pop("file").read(), directed=directed, **given)
        except (DomainError, IntegrityError) as error:
            refusal = _read_refusal(error)
        else:
            messages.success(request, f"{network} was imported: {network.n_nodes} vertices.")
            return HttpResponseRedirect(reverse("admin:core_realitynetwork_change", args=[network.pk]))
    words = "A graph is imported whole or not at all. What is left empty here, the file says."
    return _render(request, "Import a graph", "Import", words, form=form, refusal=refusal)


def export_network_file(request: HttpRequest, network_id: int, format: str) -> HttpResponse:
    """The graph as a file."""
    if format not in MEDIA_TYPES:
        raise Http404
    if not request.user.has_perm("core.view_realityedge"):
        raise PermissionDenied
    network = get_object_or_404(RealityNetwork, pk=network_id)
    return HttpResponse(
        write_graph(get_graph(network), format),
        content_type=MEDIA_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="network-{network.pk}.{format}"'},
    )


def collapse_networks(request: HttpRequest) -> HttpResponse:
    """Ask whether the networks collapse, as they stay so."""
    words = "A collapsed network stays collapsed. Its graph and its runs are kept."
    return _end(request, "Collapse networks", words, CollapseForm, NetworkStatus.COLLAPSED)


def merge_networks(request: HttpRequest) -> HttpResponse:
    """Ask what the networks are merged into."""
    words = "A merged network stays merged: the other takes its place. Its graph and its runs are kept."
    return _end(request, "Merge networks", words, MergeForm, NetworkStatus.MERGED)


def _end(
    request: HttpRequest, title: str, words: str, make_form: Callable[..., forms.Form], status: NetworkStatus
) -> HttpResponse:
    if not request.user.has_perm("core.change_realitynetwork"):
        raise PermissionDenied
    ids = request.GET.get("networks", "").split(",")
    if len(ids) > MOST_NETWORKS or not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in ids):
        raise Http404
    networks = list(RealityNetwork.objects.filter(pk__in=ids))
    form = make_form(request.POST or None)
    if "target" in form.fields:
        living = RealityNetwork.objects.filter(status__in=(NetworkStatus.ACTIVE, NetworkStatus.DORMANT))
        form.fields["target"].queryset = living.exclude(pk__in=ids)  # type: ignore[attr-defined]
    refusal = None
    if request.method == "POST" and (form.is_valid() or not form.fields):
        try:
            change_status(networks, status, form.cleaned_data.get("target") if form.fields else None)
        except (DomainError, IntegrityError) as error:
            refusal = _read_refusal(error)
        else:
            messages.success(request, f"{len(networks)} networks are {status}.")
            return HttpResponseRedirect(reverse("admin:core_realitynetwork_changelist"))
    return _render(request, title, title, words, form=form, refusal=refusal, networks=networks)


@transaction.atomic
def change_status(networks: list[RealityNetwork], status: str, target: RealityNetwork | None = None) -> None:
    """Change the status of all these networks or of none.

    Raises:
        InvalidInput: the target does not fit.
        IntegrityError: `reality_networks_status_terminal`, one of them is merged or collapsed.
    """
    for network in networks:
        describe_network(network=network, status=status, target=target)


def _read_refusal(error: Exception) -> DomainError:
    if isinstance(error, DomainError):
        return error
    refusal = translate_database_error(error) if isinstance(error, IntegrityError) else None
    if refusal is None:
        raise error
    return refusal


def _render(request: HttpRequest, title: str, submit: str, explanation: str, **context: Any) -> HttpResponse:
    context |= {"title": title, "submit": submit, "explanation": explanation}
    return TemplateResponse(request, TEMPLATE, {**admin.site.each_context(request), **context})
