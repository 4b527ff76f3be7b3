"""Classes of data that are agreed with partners: which tables each opens, and which permissions that leaves."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from django.apps import apps

DATA_CLASSES: dict[str, frozenset[str]] = {
    "alerts": frozenset({"validation.alertrule", "validation.monitoringalert"}),
    "complexity": frozenset(
        {
            "cognitive.complexityrecord",
            "cognitive.complexitysnapshot",
            "cognitive.complexitysummary",
            "cognitive.dailycomplexity",
        }
    ),
    "configuration": frozenset({"core.systemconfig"}),
    "events": frozenset({"constitutional.runguardstate", "kuramoto.synchronizationevent"}),
    "fields": frozenset({"core.fieldstate"}),
    "memories": frozenset({"cognitive.memoryexperience", "cognitive.memoryretrieval", "cognitive.memorystrength"}),
    "metrics": frozenset({"validation.metricsample", "validation.metricseries", "validation.systemmetric"}),
    "networks": frozenset({"core.realityedge", "core.realitynetwork", "core.realitynode"}),
    "neurons": frozenset({"core.entanglement", "core.neuronevent", "core.quantumneuron", "core.statetransition"}),
    "oscillators": frozenset({"kuramoto.oscillatorstate"}),
    "policies": frozenset({"constitutional.constitutionalpolicy", "constitutional.policyversion"}),
    "runs": frozenset({"core.run", "core.runshare", "core.summaryrefresh"}),
    "sessions": frozenset({"cognitive.cognitivesession"}),
    "validation": frozenset({"validation.validationrun"}),
    "violations": frozenset({"constitutional.violation", "constitutional.violationnote"}),
}
"""By class the models it opens. What stands in none, such as users and keys, no partner sees."""


def find_unknown_classes(names: Collection[str]) -> list[str]:
    """The names that are no class."""
    return sorted(set(names) - DATA_CLASSES.keys())


@cache
def list_permissions_of(data_class: str) -> frozenset[str]:
    """The permissions on the models of a class; none for a name that is no class."""
    permissions = set()
    for label in DATA_CLASSES.get(data_class, ()):
        options = apps.get_model(label)._meta
        codenames = [f"{action}_{options.model_name}" for action in options.default_permissions]
        codenames += [codename for codename, _ in options.permissions]
        permissions |= {f"{options.app_label}.{codename}" for codename in codenames}
    return frozenset(permissions)


def bound_scopes(scopes: Collection[str], *, allowed: Collection[str], data_classes: Collection[str]) -> frozenset[str]:
    """What is left of the scopes of a partner's key: those allowed to the partner, on its classes of data."""
    opened: frozenset[str] = frozenset().union(*(list_permissions_of(name) for name in data_classes))
    return frozenset(scopes) & frozenset(allowed) & opened
