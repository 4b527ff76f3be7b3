"""Policies: made, changed, switched on and off, deleted; the database keeps a version of each state."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from constitutional.choices import PolicyType
from constitutional.exceptions import PolicyInUse, PolicyIsFundamental
from constitutional.models import ConstitutionalPolicy, Violation
from constitutional.services.notes import noting
from core.exceptions import FieldError, InvalidInput, NotFound


@transaction.atomic
def create_policy(
    *,
    policy_name: str,
    policy_type: str,
    policy_content: Any,
    priority_level: int = 1,
    is_active: bool = True,
    change_note: str = "",
) -> ConstitutionalPolicy:
    """Make a policy; its version 1 records who and why.

    Raises:
        InvalidInput: a value is not allowed, with every problem of the content.
    """
    policy = ConstitutionalPolicy(
        policy_name=policy_name,
        policy_type=policy_type,
        policy_content=policy_content,
        priority_level=priority_level,
        is_active=is_active,
    )
    return _save(policy, change_note)


@transaction.atomic
def update_policy(
    *,
    policy_id: int,
    policy_name: str | None = None,
    policy_type: str | None = None,
    policy_content: Any = None,
    priority_level: int | None = None,
    is_active: bool | None = None,
    change_note: str = "",
) -> ConstitutionalPolicy:
    """Change a policy; None leaves a value as it is, and no version is made where nothing changed.

    Raises:
        InvalidInput: a value is not allowed, with every problem of the content.
        PolicyIsFundamental: it would be switched off or become another type.
        NotFound: there is no such policy.
    """
    policy = _lock_policy(policy_id)
    if policy.policy_type == PolicyType.FUNDAMENTAL:
        if is_active is False:
            raise PolicyIsFundamental("A fundamental policy cannot be switched off.")
        if policy_type not in (None, PolicyType.FUNDAMENTAL):
            raise PolicyIsFundamental("A fundamental policy stays fundamental.")
    changes = {
        "policy_name": policy_name,
        "policy_type": policy_type,
        "policy_content": policy_content,
        "priority_level": priority_level,
        "is_active": is_active,
    }
    for name, value in changes.items():
        if value is not None:
            setattr(policy, name, value)
    return _save(policy, change_note)


@transaction.atomic
def activate_policy(*, policy_id: int, change_note: str = "") -> ConstitutionalPolicy:
    """Let the monitor apply a policy, whose content has to be valid.

    Raises:
        InvalidInput: the content is not valid.
        NotFound: there is no such policy.
    """
    return update_policy(policy_id=policy_id, is_active=True, change_note=change_note)


@transaction.atomic
def deactivate_policy(*, policy_id: int, change_note: str = "") -> ConstitutionalPolicy:
    """Switch a policy off, whatever its content; the monitor ends its episodes with the next batch.

    Raises:
        PolicyIsFundamental: it cannot be switched off.
        NotFound: there is no such policy.
    """
    policy = _lock_policy(policy_id)
    if policy.policy_type == PolicyType.FUNDAMENTAL:
        raise PolicyIsFundamental("A fundamental policy cannot be switched off.")
    policy.is_active = False
    with noting(change_note):
        policy.save(update_fields=["is_active"])
    policy.refresh_from_db()
    return policy


@transaction.atomic
def delete_policy(*, policy_id: int) -> None:
    """Delete a policy that no violation cites; its versions stay.

    Raises:
        PolicyIsFundamental, PolicyInUse: it has to stay.
        NotFound: there is no such policy.
    """
    policy = _lock_policy(policy_id)
    if policy.policy_type == PolicyType.FUNDAMENTAL:
        raise PolicyIsFundamental("A fundamental policy cannot be deleted.")
    if Violation.objects.filter(policy=policy).exists():
        raise PolicyInUse
    policy.delete()


def _lock_policy(policy_id: int) -> ConstitutionalPolicy:
    policy = ConstitutionalPolicy.objects.select_for_update().filter(pk=policy_id).first()
    if policy is None:
        raise NotFound(f"There is no policy {policy_id}.")
    return policy


def _save(policy: ConstitutionalPolicy, change_note: str) -> ConstitutionalPolicy:
    try:
        # The content first, because Django's own look at a document recurses into it.
        policy.clean()
        policy.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise InvalidInput(
            errors=[FieldError(field, text) for field, texts in error.message_dict.items() for text in texts]
        ) from error
    with noting(change_note):
        policy.save()
    # Triggers set the version and the times.
    policy.refresh_from_db()
    return policy
