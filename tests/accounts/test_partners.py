"""Partners: what is agreed with them, and the order of their states."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.choices import PartnerStatus
from accounts.data_classes import DATA_CLASSES, bound_scopes, list_permissions_of
from accounts.models import PartnerConfig
from accounts.roles import READERS
from accounts.services import (
    change_partner,
    change_partner_status,
    create_api_key,
    create_partner,
    delete_partner,
)
from core.exceptions import Conflict, InvalidInput
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
    if (before, after) in STEPS:
        assert change_partner_status(partner=partner, status=after).status == after
        return
    with pytest.raises(Conflict, match=f"is {before}, which"):
        change_partner_status(partner=partner, status=after)
    if before != after:
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            PartnerConfig.objects.filter(pk=partner.pk).update(status=after)
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


@pytest.mark.parametrize("endpoint", ["https://10.0.0.1/", "https://localhost/", "https://ada:word@example.org/"])
def test_an_endpoint_is_screened_like_a_webhook(endpoint: str) -> None:
    partner = PartnerFactory(endpoint="https://partner.example.org/in")
    for write in (
        lambda: create_partner(partner="other", owner=partner.owner, endpoint=endpoint),
        lambda: change_partner(partner_id=partner.pk, endpoint=endpoint),
    ):
        with pytest.raises(InvalidInput) as refused:
            write()
        assert refused.value.errors[0].field == "endpoint"
    partner.refresh_from_db()
    assert partner.endpoint == "https://partner.example.org/in"


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


@pytest.mark.parametrize(
    ("agreed", "field", "words"),
    [
        ({"data_classes": ["runs", "dreams"]}, "data_classes", "dreams"),
        ({"allowed_scopes": ["core.view_run", "core.dream"]}, "allowed_scopes", "core.dream"),
    ],
)
def test_what_is_agreed_names_what_there_is(agreed: dict[str, Any], field: str, words: str) -> None:
    partner = PartnerFactory()
    for write in (
        lambda: create_partner(partner="new", owner=partner.owner, **agreed),
        lambda: change_partner(partner_id=partner.pk, **agreed),
    ):
        with pytest.raises(InvalidInput) as refused:
            write()
        assert [error.field for error in refused.value.errors] == [field]
        assert words in refused.value.errors[0].detail
    assert PartnerConfig.objects.count() == 1


def test_a_closed_partner_stays_as_it_was_and_only_a_draft_is_deleted() -> None:
    draft, active, closed = (PartnerFactory(status=status) for status in ("draft", "active", "closed"))
    assert change_partner(partner_id=active.pk, licences=["CC0"]).licences == ["CC0"]
    with pytest.raises(Conflict):
        change_partner(partner_id=closed.pk, licences=["CC0"])
    with pytest.raises(TypeError):
        change_partner(partner_id=active.pk, status="closed")
    for partner in (active, closed):
        with pytest.raises(Conflict):
            delete_partner(partner=partner)
    create_api_key(owner=draft.owner, partner=draft, name="x", scopes=[])
    with pytest.raises(Conflict, match="has keys"):
        delete_partner(partner=draft)
    delete_partner(partner=PartnerFactory())
    assert PartnerConfig.objects.count() == 3


def test_every_table_that_roles_read_is_in_one_class_of_data() -> None:
    labels = [label for opened in DATA_CLASSES.values() for label in opened]
    assert len(labels) == len(set(labels))
    assert {apps.get_model(label)._meta.label_lower for label in labels} == set(labels)
    ours = {label for label in READERS if not label.startswith("accounts.")}
    assert ours - set(labels) == set(), "put the model into a class of accounts/data_classes.py"


def test_a_class_opens_every_permission_on_its_tables_and_no_other() -> None:
    rows = list(Permission.objects.values_list("content_type__app_label", "content_type__model", "codename"))
    for data_class, labels in DATA_CLASSES.items():
        wanted = {f"{app}.{codename}" for app, model, codename in rows if f"{app}.{model}" in labels}
        assert wanted
        assert list_permissions_of(data_class) == wanted
    assert list_permissions_of("dreams") == frozenset()
    assert bound_scopes(["core.view_run"], allowed=["core.view_run"], data_classes=["dreams"]) == frozenset()
