"""The page on which people set up their second factor, renew its recovery codes, or remove it."""

from __future__ import annotations

from typing import Any, cast

import segno
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.exceptions import CodeRefused, TooManyAttempts
from accounts.models import SecondFactor, User
from accounts.second_factor import mark_session
from accounts.services.attempts import give_back_attempt, take_attempt
from accounts.services.factors import (
    begin_enrolment,
    confirm_enrolment,
    remove_factor,
    renew_recovery_codes,
    verify_code,
)
from accounts.services.sign_in import needs_factor
from core.client_address import read_client_address
from core.exceptions import Conflict

ISSUER = "NFCS"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_second_factor(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The state of one's second factor, and what can be done about it.

    Args:
        context: what every page of the admin has.
    """
    user = cast(User, request.user)
    codes: list[str] = []
    problem = ""
    if request.method == "POST":
        try:
            codes = _act(request, user)
        except (CodeRefused, Conflict, TooManyAttempts) as error:
            problem = error.detail
        if not codes and not problem:
            return HttpResponseRedirect(request.path)
    factor = SecondFactor.objects.filter(user=user).first()
    confirmed = factor is not None and factor.confirmed_at is not None
    seed = factor.seed.reveal() if factor is not None and not confirmed else ""
    page = {
        **context,
        "title": "Second factor",
        "factor": factor if confirmed else None,
        "codes": codes,
        "codes_left": user.recovery_codes.filter(used_at=None).count() if confirmed else 0,
        "problem": problem,
        "required": needs_factor(user),
        "seed": " ".join(seed[start : start + 4] for start in range(0, len(seed), 4)),
        "picture": draw_seed(username=user.username, seed=seed) if seed else "",
    }
    return TemplateResponse(request, "admin/accounts/second_factor.html", page)


def _act(request: HttpRequest, user: User) -> list[str]:
    """Do what was asked for; recovery codes that are to be shown, once."""
    now = timezone.now()
    act, code = request.POST.get("act", ""), request.POST.get("code", "")[:40].replace("\x00", "")
    if act == "begin":
        begin_enrolment(user=user)
        return []
    if act not in ("confirm", "renew", "remove"):
        raise Conflict("There is nothing of this kind to be done.")
    attempt = take_attempt(username=user.username, address=read_client_address(request), now=now)
    if act == "confirm":
        codes = confirm_enrolment(user=user, code=code, now=now)
    else:
        factor = SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).first()
        if factor is None or not verify_code(factor=factor, code=code, now=now):
            raise CodeRefused
        codes = renew_recovery_codes(factor=factor) if act == "renew" else []
        if act == "remove":
            remove_factor(user=user, now=now)
            messages.warning(request, "Your second factor is removed.")
    give_back_attempt(attempt=attempt)
    if act != "renew":
        # All sessions end here, and this one begins again.
        user.refresh_from_db(fields=["sessions_ended_at"])
        update_session_auth_hash(request, user)
        mark_session(request, shown=act == "confirm")
    return codes


def draw_seed(*, username: str, seed: str) -> SafeString:
    """The seed as a QR code that authenticator apps read, SVG without styles."""
    label = f"{ISSUER}:{username}"
    address = f"otpauth://totp/{_quote(label)}?{urlencode({'secret': seed, 'issuer': ISSUER})}"
    code = segno.make(address, error="m", micro=False)
    picture = code.svg_inline(
        scale=5, border=4, dark="#000", light="#fff", svgclass="nfcs-qr", lineclass=None, omitsize=False
    )
    return mark_safe(picture)  # noqa: S308 - drawn here, from an address that is quoted


def _quote(label: str) -> str:
    return urlencode({"": label})[1:].replace("+", "%20")
