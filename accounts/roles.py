"""What each role may do: one table, from which the fixture `roles` is written and against which it is tested.

A permission is named `app.model: action ...`; an action is view, add, change or delete, or a codename of the model's
own `Meta.permissions`. A new model is seen by nobody but administrators until a line here says otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path

from django.apps import apps
from django.contrib.auth.models import Group
from django.db.models import Model

from accounts.choices import Role

FIXTURE = Path(__file__).parent / "fixtures" / "roles.json"
EVERYTHING = ("view", "add", "change", "delete")

RECORDED = {
    "validation.alertdelivery",
    "validation.alertmemory",
    "validation.monitoringalert",
    "admin.logentry",
    "auth.group",
    "constitutional.policymonitorstate",
    "constitutional.policyversion",
    "constitutional.violation",
    "constitutional.violationnote",
    "core.entanglement",
    "core.idempotencykey",
    "core.neuronevent",
    "core.schemamigration",
    "core.statetransition",
    "core.systemconfigchange",
    "kuramoto.synchronizationstate",
}
"""What nobody writes by hand; administrators see it."""

READERS = {
    "accounts.apikey",
    "accounts.apikeyuse",
    "cognitive.cognitivesession",
    "cognitive.memoryexperience",
    "cognitive.memoryretrieval",
    "cognitive.memorystrength",
    "cognitive.complexityrecord",
    "cognitive.complexitysnapshot",
    "cognitive.complexitysummary",
    "cognitive.dailycomplexity",
    "constitutional.constitutionalpolicy",
    "constitutional.policyversion",
    "constitutional.runguardstate",
    "constitutional.violation",
    "constitutional.violationnote",
    "core.entanglement",
    "core.fieldstate",
    "core.neuronevent",
    "core.quantumneuron",
    "core.realityedge",
    "core.realitynetwork",
    "core.realitynode",
    "core.run",
    "core.runshare",
    "core.statetransition",
    "core.summaryrefresh",
    "core.systemconfig",
    "kuramoto.oscillatorstate",
    "kuramoto.synchronizationevent",
    "validation.alertrule",
    "validation.metricsample",
    "validation.metricseries",
    "validation.monitoringalert",
    "validation.systemmetric",
    "validation.validationrun",
}
"""What every role sees."""

PRODUCERS = {
    "accounts.apikey": "add change",
    "cognitive.complexityrecord": "add",
    "cognitive.cognitivesession": "add change",
    "cognitive.memoryexperience": "add change",
    "cognitive.memoryretrieval": "add",
    "core.fieldstate": "add",
    "core.quantumneuron": "add",
    "core.run": "add",
    "kuramoto.oscillatorstate": "add",
    "validation.metricsample": "add",
    "validation.metricseries": "add",
    "validation.systemmetric": "add",
    "validation.validationrun": "add",
}
"""What programs write with the rights of their user."""

INSPECTORS = {
    "constitutional.policymonitorstate": "view",
    "core.schemamigration": "view",
    "core.systemconfig": "read_server_metrics",
    "core.systemconfigchange": "view",
    "kuramoto.synchronizationstate": "view",
    "validation.alertchannel": "view",
    "validation.alertdelivery": "view",
    "validation.alertmemory": "view",
}
"""How the system itself is doing."""

GRANTS: dict[Role, list[dict[str, str]]] = {
    Role.READONLY: [INSPECTORS],
    Role.USER: [PRODUCERS],
    Role.OPERATOR: [
        PRODUCERS,
        INSPECTORS,
        {
            "core.auditcheckpoint": "view",
            "accounts.partnerconfig": "view add change",
            "constitutional.constitutionalpolicy": "add change",
            "constitutional.runguardstate": "change",
            "constitutional.violation": "review_violation",
            "core.quantumneuron": "change",
            "core.realitynetwork": "change",
            "core.run": "change",
            "core.systemconfig": "add change",
            "kuramoto.synchronizationevent": "add",
            "validation.monitoringalert": "acknowledge_alert silence_alert",
        },
    ],
}
"""What a role may do besides seeing READERS; an administrator may do all, a run's owner change it and its neurons."""


def list_actions(model: type[Model], role: Role) -> set[str]:
    """The actions of `role` on `model`, among those the model has."""
    label = model._meta.label_lower
    if not model._meta.default_permissions:
        return set()
    if role is Role.ADMIN:
        named = {codename for codename, _ in model._meta.permissions}
        if label in RECORDED or getattr(model, "read_only", False):
            return named | {"view"}
        # The database refuses to change what is append-only.
        return named | set(EVERYTHING[:2] if getattr(model, "append_only", False) else EVERYTHING)
    seen = {"view"} if label in READERS else set()
    return seen.union(*(grants.get(label, "").split() for grants in GRANTS[role]))


def list_permissions(role: Role) -> list[tuple[str, str, str]]:
    """The permissions of `role` as natural keys: codename, app, model; sorted."""
    keys = []
    for model in apps.get_models():
        options = model._meta
        if options.label_lower in RECORDED or hasattr(apps.get_app_config(options.app_label), "db_schema"):
            for action in list_actions(model, role):
                codename = f"{action}_{options.model_name}" if action in EVERYTHING else action
                keys.append((codename, options.app_label, str(options.model_name)))
    return sorted(keys, key=lambda key: (key[1], key[2], key[0]))


def render_fixture() -> str:
    """The fixture as JSON: one group a role, one permission a line."""
    groups = []
    for role in Role:
        lines = ",\n".join(f"      {json.dumps(key)}" for key in list_permissions(role))
        groups.append(f'  {{"model": "auth.group", "fields": {{"name": "{role}", "permissions": [\n{lines}\n  ]}}}}')
    return "[\n" + ",\n".join(groups) + "\n]\n"


def find_differences() -> list[str]:
    """One line for each role and permission in which this table and the database's groups disagree."""
    lines = []
    for role in Role:
        wanted = set(list_permissions(role))
        group = Group.objects.filter(name=role.value).first()
        held = (
            {permission.natural_key() for permission in group.permissions.select_related("content_type")}
            if group
            else set()
        )
        lines += [f"{role}: lacks {app}.{codename}" for codename, app, _ in sorted(wanted - held)]
        lines += [
            f"{role}: holds {app}.{codename} without being meant to" for codename, app, _ in sorted(held - wanted)
        ]
    return lines
