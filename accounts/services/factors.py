"""Second factors: set up, checked, removed."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import datetime

from django.db import transaction
from django_otp.oath import TOTP

from accounts.exceptions import CodeRefused
from accounts.models import RecoveryCode, SecondFactor, User
from core.exceptions import Conflict
from core.services.audit import record_event

STEP_S = 30
DIGITS = 6
TOLERANCE = 1
"""Time steps that a device's clock may be off."""
SEED_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
TABLE = "user_mgmt.second_factors"


def find_factor(*, user: User) -> SecondFactor | None:
    """The second factor that a user has confirmed."""
    return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).first()


@transaction.atomic
def begin_enrolment(*, user: User) -> SecondFactor:
    """Make a seed, to be confirmed by a first code.

    Raises:
        Conflict: the user has a second factor.
    """
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    if find_factor(user=user) is not None:
        raise Conflict("There is a second factor already.")
    SecondFactor.objects.filter(user=user).delete()
    seed = base64.b32encode(secrets.token_bytes(SEED_BYTES)).decode()
    return SecondFactor.objects.create(user=user, seed=seed)


@transaction.atomic
def confirm_enrolment(*, user: User, code: str, now: datetime) -> list[str]:
    """Put the seed into force with a first code, and return the recovery codes, which are never to be had again.

    It ends the user's sessions, which knew no second factor.

    Raises:
        Conflict: no seed was made, or it is in force already.
        CodeRefused: the code is not one of the seed's now.
    """
    factor = SecondFactor.objects.select_for_update(of=("self",)).filter(user=user, confirmed_at=None).first()
    if factor is None:
        raise Conflict("There is no second factor to confirm.")
    if not verify_code(factor=factor, code=code, now=now):
        raise CodeRefused
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now)
    User.objects.filter(pk=user.pk).update(sessions_ended_at=now)
    _record("factor.enrolled", "create", factor)
    return _make_recovery_codes(factor)


@transaction.atomic
def renew_recovery_codes(*, factor: SecondFactor) -> list[str]:
    """Ten new recovery codes; those before work no more."""
    RecoveryCode.objects.filter(user_id=factor.user_id).delete()
    _record("factor.codes_renewed", "update", factor)
    return _make_recovery_codes(factor)


@transaction.atomic
def remove_factor(*, user: User, now: datetime) -> None:
    """Take a user's second factor away, and end the user's sessions.

    Raises:
        Conflict: there is none.
    """
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        raise Conflict("There is no second factor.")
    _record("factor.removed", "delete", factor)
    RecoveryCode.objects.filter(user=user).delete()
    factor.delete()
    User.objects.filter(pk=user.pk).update(sessions_ended_at=now)


@transaction.atomic
def verify_code(*, factor: SecondFactor, code: str, now: datetime) -> bool:
    """Whether a code is the device's now, or a recovery code; either works once, however many try."""
    text = re.sub(r"[\s-]", "", code).upper()
    if re.fullmatch(rf"[0-9]{{{DIGITS}}}", text):
        step = _find_step(factor, int(text), now)
        taken = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step) if step else 0
    else:
        digest = _hash_recovery_code(text)
        codes = RecoveryCode.objects.filter(user_id=factor.user_id, code_hash=digest, used_at=None)
        taken = codes.update(used_at=now)
        if taken:
            _record("factor.recovery_code_used", "execute", factor)
    return taken == 1


def _find_step(factor: SecondFactor, code: int, now: datetime) -> int:
    """The time step whose code this is, newer than the last that was taken; 0 where there is none."""
    totp = TOTP(base64.b32decode(factor.seed.reveal()), step=STEP_S, digits=DIGITS)
    totp.time = now.timestamp()
    return totp.t() if totp.verify(code, tolerance=TOLERANCE, min_t=factor.last_step + 1) else 0


def _make_recovery_codes(factor: SecondFactor) -> list[str]:
    codes = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(user_id=factor.user_id, code_hash=_hash_recovery_code(code)) for code in codes]
    )
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)).lower() for code in codes]


def _hash_recovery_code(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def _record(event: str, action: str, factor: SecondFactor) -> None:
    record_event(event=event, action=action, table_name=TABLE, row_key=factor.pk, details={"user": factor.user_id})
