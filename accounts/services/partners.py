"""Partners: what is agreed with them, and the states they go through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.choices import PARTNER_STEPS, PartnerStatus
from accounts.data_classes import DATA_CLASSES, find_unknown_classes
from accounts.models import ApiKey, PartnerConfig, User
from accounts.selectors import find_unknown_scopes
from core.exceptions import Conflict, FieldError, InvalidInput
from core.webhook import WebhookRefused, check_target

CHANGEABLE = (
    "partner",
    "owner",
    "endpoint",
    "auth_kind",
    "secret_ref",
    "webhook_key_ref",
    "allowed_scopes",
    "data_classes",
    "licences",
    "retention_days",
)


@transaction.atomic
def create_partner(*, partner: str, owner: User, **agreed: Any) -> PartnerConfig:
    """Begin with a partner, as a draft.

    Args:
        agreed: columns of the partner but its status.

    Raises:
        InvalidInput: a scope that is no permission, a class of data that is none, an endpoint that no webhook would be
            sent to.
        IntegrityError: a `partner_configs_*` constraint.
    """
    values = {"partner": partner, "owner": owner, **agreed}
    _check(values)
    return PartnerConfig.objects.create(**values)


@transaction.atomic
def change_partner(*, partner_id: int, **changes: Any) -> PartnerConfig:
    """Change what is agreed with a partner; its keys are bound by it from their next request on.

    Raises:
        Conflict: the partner is closed.
        InvalidInput, IntegrityError: as for `create_partner`.
    """
    _check(changes)
    locked = _lock(partner_id)
    if locked.status == PartnerStatus.CLOSED:
        raise Conflict(f"{locked} is closed; what was agreed with it does not change any more.")
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(changes))
    return locked


@transaction.atomic
def change_partner_status(*, partner: PartnerConfig, status: PartnerStatus) -> PartnerConfig:
    """Move a partner along draft, active, suspended, closed; its keys work only while it is active.

    Raises:
        Conflict: the partner cannot go from its status to that one.
    """
    locked = _lock(partner.pk)
    steps = PARTNER_STEPS[PartnerStatus(locked.status)]
    if status not in steps:
        leads = f"leads to {' or '.join(steps)}" if steps else "is the end"
        raise Conflict(f"{locked} is {locked.status}, which {leads}; not to {PartnerStatus(status)}.")
    locked.status = status
    locked.save(update_fields=["status"])
    return locked


@transaction.atomic
def delete_partner(*, partner: PartnerConfig) -> None:
    """Remove a draft that has no keys; whatever was active once is closed instead.

    Raises:
        Conflict: it is no draft, or has keys.
    """
    locked = _lock(partner.pk)
    if locked.status != PartnerStatus.DRAFT:
        raise Conflict(f"{locked} is {locked.status}; only a draft is deleted. Close it instead.")
    if ApiKey.objects.filter(partner=locked).exists():
        raise Conflict(f"{locked} has keys; close it instead.")
    locked.delete()


def _lock(partner_id: int) -> PartnerConfig:
    return PartnerConfig.objects.select_for_update(of=("self",)).get(pk=partner_id)


def _check(values: Mapping[str, Any]) -> None:
    if unknown := set(values) - set(CHANGEABLE):
        raise TypeError(f"{', '.join(sorted(unknown))} of a partner is not set so")
    errors = [
        FieldError("allowed_scopes", f"There is no permission {scope}.", "unknown")
        for scope in find_unknown_scopes(values.get("allowed_scopes", ()))
    ]
    errors += [
        FieldError("data_classes", f"There is no class {name}. Known: {', '.join(sorted(DATA_CLASSES))}.", "unknown")
        for name in find_unknown_classes(values.get("data_classes", ()))
    ]
    try:
        if values.get("endpoint"):
            check_target(values["endpoint"], allowed=settings.WEBHOOK_ALLOW_PRIVATE)
    except WebhookRefused as error:
        errors.append(FieldError("endpoint", str(error), "refused"))
    if errors:
        raise InvalidInput(errors=errors)
