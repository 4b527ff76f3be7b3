"""Partners: what is agreed with them, and the order of their states."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.choices import PartnerStatus
from accounts.models import PartnerConfig
from accounts.services import change_partner_status
from tests.factories.accounts import PartnerFactory

pytestmark = pytest.mark.django_db

STEPS = {
    ("draft", "active"),
    ("draft", "closed"),
    ("active", "suspended"),
    ("active", "closed"),
    ("suspended", "active"),
    ("suspended", "closed"),
}


@pytest.mark.parametrize(("before", "after"), list(product(PartnerStatus.values, repeat=2)))
def test_every_step_is_allowed_or_refused(before: str, after: str) -> None:
    partner = PartnerFactory(status=before)
    if before == after or (before, after) in STEPS:
        assert change_partner_status(partner=partner, status=after).status == after
    else:
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            change_partner_status(partner=partner, status=after)
        assert error.value.__cause__.diag.constraint_name == "partner_configs_status_order"


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"endpoint": "http://example.org"}, "partner_configs_endpoint_ck"),
        ({"auth_kind": "magic"}, "partner_configs_auth_kind_ck"),
        ({"auth_kind": "hmac"}, "partner_configs_secret_ref_ck"),
        ({"secret_ref": "S3cret with spaces=="}, "partner_configs_refs_ck"),
        ({"webhook_key_ref": "x" * 100 + "!"}, None),
        ({"retention_days": 0}, "partner_configs_retention_ck"),
        ({"status": "gone"}, "partner_configs_status_ck"),
        ({"allowed_scopes": ["core.dream"]}, "partner_configs_scopes_known"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(fields: dict[str, Any], constraint: str | None) -> None:
    from django.db import DataError

    with pytest.raises((IntegrityError, DataError)) as error, transaction.atomic():
        PartnerFactory(**fields)
    assert error.value.__cause__.diag.constraint_name == constraint


def test_a_partner_is_there_once_whatever_the_case() -> None:
    PartnerFactory(partner="Acme")
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        PartnerFactory(partner="ACME")
    assert error.value.__cause__.diag.constraint_name == "partner_configs_partner_uq"


def test_who_answers_for_a_partner_is_not_deleted() -> None:
    partner = PartnerFactory()
    with pytest.raises(ProtectedError):
        partner.owner.delete()
    assert PartnerConfig.objects.exists()
