"""Encrypted columns: sealed in the database, bound to their place, closed where anything is amiss, and never shown."""

from __future__ import annotations

import copy
import io
import json
import pickle
import uuid
from collections.abc import Iterator

import pytest
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from core.api.serializers import SecretField, StrictModelSerializer
from core.checks import check_sealing_keys
from core.db.encryption import EncryptedTextField, Secret, list_encrypted_columns
from core.key_ring import EncryptionError, SealBrokenError, UnknownKeyError, make_key, write_key_ring
from core.models import NamedSecret
from core.named_secrets import SecretMissing, read_named_secret
from core.services.secrets import set_named_secret
from tests.factories.core import NamedSecretFactory

pytestmark = pytest.mark.django_db
TEXT = "tr\u00e8s secret \U0001f511"


@pytest.fixture
def row() -> NamedSecret:
    return NamedSecret.objects.get(pk=NamedSecretFactory(name="hook", value=TEXT).pk)


def stored(pk: int, column: str = "value") -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM named_secrets WHERE id = %s", [pk])
        return bytes(cursor.fetchone()[0])


def store(pk: int, value: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE named_secrets SET value = %s WHERE id = %s", [value, pk])


def test_a_text_comes_back_and_is_not_in_the_column(row: NamedSecret) -> None:
    assert row.value.reveal() == TEXT
    assert row.value == Secret(TEXT) != Secret("other")
    assert TEXT.encode() not in stored(row.pk)
    assert stored(row.pk)[:6] == b"\x01\x04test"


def test_it_is_sealed_anew_with_every_save(row: NamedSecret) -> None:
    before = stored(row.pk)
    row.save()
    assert stored(row.pk) != before
    row.value = "another"
    row.save(update_fields=["value"])
    assert NamedSecret.objects.get(pk=row.pk).value.reveal() == "another"


def test_many_rows_are_sealed_at_once() -> None:
    NamedSecret.objects.bulk_create([NamedSecret(name=f"n{number}", value=f"v{number}") for number in range(3)])
    assert [row.value.reveal() for row in NamedSecret.objects.order_by("name")] == ["v0", "v1", "v2"]


def test_a_deferred_value_is_read_when_it_is_asked_for(row: NamedSecret) -> None:
    assert NamedSecret.objects.defer("value").get().value.reveal() == TEXT
    assert NamedSecret.objects.only("value").get().value.reveal() == TEXT


class TestClosed:
    def test_moved_to_another_row(self, row: NamedSecret) -> None:
        other = NamedSecretFactory()
        store(other.pk, stored(row.pk))
        with pytest.raises(SealBrokenError, match=r"named_secrets\.value: .*moved"):
            NamedSecret.objects.get(pk=other.pk).value  # noqa: B018

    def test_the_row_renamed(self, row: NamedSecret) -> None:
        NamedSecret.objects.update(name="another")
        with pytest.raises(SealBrokenError):
            NamedSecret.objects.get(pk=row.pk).value  # noqa: B018

    @isolate_apps("core")
    def test_moved_to_another_table_or_column(self, row: NamedSecret) -> None:
        class Elsewhere(models.Model):  # noqa: DJ008
            name = models.CharField(unique=True)
            value = EncryptedTextField(bound_to="name")
            other = EncryptedTextField(bound_to="name")

            class Meta:
                app_label = "core"

        place = NamedSecret._meta.get_field("value").name_place(["hook"])
        places = [Elsewhere._meta.get_field(name).name_place(["hook"]) for name in ("value", "other")]
        assert len({place, *places}) == 3
        for field in ("value", "other"):
            moved = Elsewhere.from_db("default", ["name", field], ["hook", None])
            moved.__dict__[field] = row.__dict__["value"]
            with pytest.raises(SealBrokenError):
                getattr(moved, field)

    @pytest.mark.parametrize("cut", [1, 16, 20])
    def test_cut_off(self, row: NamedSecret, cut: int) -> None:
        store(row.pk, stored(row.pk)[:-cut]) if cut < 16 else None
        row.__dict__["value"].data = row.__dict__["value"].data[:-cut]
        with pytest.raises(SealBrokenError):
            row.value  # noqa: B018

    def test_the_key_gone(self, row: NamedSecret, settings) -> None:
        settings.ENCRYPTION_KEYS = write_key_ring(make_key("other"))
        with pytest.raises(UnknownKeyError, match="'test'"):
            row.value  # noqa: B018
        with pytest.raises(SecretMissing, match="cannot be opened"):
            read_named_secret("hook")
        (found,) = check_sealing_keys(["default"])
        assert (found.id, "1 rows were sealed by the key 'test'" in found.msg) == ("core.E012", True)

    def test_another_key_of_the_same_id(self, row: NamedSecret, settings) -> None:
        settings.ENCRYPTION_KEYS = write_key_ring(make_key("test"))
        with pytest.raises(SealBrokenError):
            row.value  # noqa: B018

    def test_one_that_does_not_open_is_not_written_over(self, row: NamedSecret, settings) -> None:
        settings.ENCRYPTION_KEYS = write_key_ring(make_key("other"))
        before = stored(row.pk)
        with pytest.raises(UnknownKeyError), transaction.atomic():
            row.save()
        row.save(update_fields=["changed_by"])
        assert stored(row.pk) == before

    def test_the_database_refuses_what_is_not_sealed(self, row: NamedSecret) -> None:
        for text in (b"", b"plain", b"plain" * 20, b"\x01\x04test" + b"x" * 27, b"\x01\x04TEST" + b"x" * 40):
            with pytest.raises(IntegrityError, match="named_secrets_value_ck"), transaction.atomic():
                store(row.pk, text)

    def test_nothing_reaches_the_database_unsealed(self, row: NamedSecret) -> None:
        with pytest.raises(EncryptionError, match="save the row"):
            NamedSecret.objects.update(value=TEXT)
        with pytest.raises(EncryptionError, match="save the row"):
            NamedSecret.objects.bulk_update([row], ["value"])
        with pytest.raises(TypeError):
            row.value = TEXT.encode()

    @pytest.mark.parametrize("lookup", ["value", "value__contains", "value__in", "value__gt", "value__startswith"])
    def test_no_row_is_looked_up_by_it(self, lookup: str) -> None:
        with pytest.raises(FieldError):
            NamedSecret.objects.filter(**{lookup: TEXT})

    def test_but_whether_there_is_one(self, row: NamedSecret) -> None:
        assert NamedSecret.objects.filter(value__isnull=False).count() == 1

    def test_a_ring_with_every_key_is_no_finding(self, row: NamedSecret) -> None:
        assert check_sealing_keys(["default"]) == []
        assert check_sealing_keys(None) == []


class TestNeverShown:
    def texts(self, row: NamedSecret) -> Iterator[str]:
        for value in (row.__dict__["value"], row.value):
            yield from (str(value), repr(value), f"{value}", f"{value:>3}", f"{value!r}")
        (values,) = NamedSecret.objects.values()
        yield repr(values)
        yield json.dumps(values, default=str)
        yield repr(NamedSecret.objects.values_list("value", flat=True)[0])
        for form in ("json", "python"):
            yield str(serializers.serialize(form, NamedSecret.objects.all()))
        out = io.StringIO()
        call_command("dumpdata", "core.NamedSecret", stdout=out)
        yield out.getvalue()
        yield str(modelform_factory(NamedSecret, fields=["name", "value"])(instance=row))

    def test_in_any_text(self, row: NamedSecret) -> None:
        sealed = stored(row.pk).hex()
        assert [text for text in self.texts(row) if TEXT in text or "secret \\u" in text or sealed in text] == []
        assert TEXT in f"{row.value.reveal()}", "the search finds what is shown"

    def test_nor_pickled(self, row: NamedSecret) -> None:
        row.value  # noqa: B018
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(row)
        assert copy.deepcopy(row).value == row.value
        with pytest.raises(TypeError):
            hash(row.value)

    def test_by_the_api(self, row: NamedSecret) -> None:
        class Serializer(StrictModelSerializer):
            class Meta:
                model = NamedSecret
                fields = ["name", "value"]

        assert isinstance(Serializer().fields["value"], SecretField)
        assert Serializer(row).data == {"name": "hook"}
        changed = Serializer(row, data={"value": " new "}, partial=True)
        assert changed.is_valid()
        assert changed.save().value.reveal() == " new "

    def test_a_form_takes_it_and_an_empty_box_keeps_it(self, row: NamedSecret) -> None:
        form_class = modelform_factory(NamedSecret, fields=["name", "value"])
        assert 'type="password"' in str(form_class(instance=row))
        form = form_class({"name": "hook", "value": ""}, instance=row)
        assert form.is_valid()
        assert form.changed_data == []
        assert form.save().value.reveal() == TEXT
        form = form_class({"name": "hook", "value": "typed"}, instance=row)
        assert form.is_valid()
        form.save()
        assert NamedSecret.objects.get().value.reveal() == "typed"

    @pytest.mark.parametrize("text", ["x" * 4097, "\ud800"])
    def test_what_the_column_does_not_hold_is_refused(self, text: str) -> None:
        with pytest.raises(ValidationError):
            NamedSecret(name="x", value=text).full_clean()
        with pytest.raises(ValidationError):
            NamedSecret(name="x", value=text).save()


@isolate_apps("core")
def test_a_row_is_named_by_what_is_unique_and_known_beforehand() -> None:
    class Bound(models.Model):  # noqa: DJ008
        own = models.UUIDField(unique=True, default=uuid.uuid4)
        name = models.CharField()
        part = models.IntegerField()
        maybe = models.IntegerField(null=True, unique=True)
        by_own = EncryptedTextField(bound_to="own", null=True)
        by_two = EncryptedTextField(bound_to=("name", "part"), null=True)
        by_id = EncryptedTextField(bound_to="id", null=True)
        by_name = EncryptedTextField(bound_to="name", null=True)
        by_null = EncryptedTextField(bound_to="maybe", null=True)
        by_nothing = EncryptedTextField(bound_to="nothing", null=True)
        indexed = EncryptedTextField(bound_to="own", null=True, db_index=True)

        class Meta:
            app_label = "core"
            constraints = [models.UniqueConstraint(fields=["name", "part"], name="two")]

    found = {
        field.name: [error.id for error in field.check()]
        for field in Bound._meta.fields
        if isinstance(field, EncryptedTextField)
    }
    assert found == {
        "by_own": [],
        "by_two": [],
        "by_id": ["core.E010"],
        "by_name": ["core.E010"],
        "by_null": ["core.E010"],
        "by_nothing": ["core.E010", "core.E010"],
        "indexed": ["core.E010"],
    }
    sealed = Bound(name="a", part=1).by_own
    assert sealed is None
    with pytest.raises(EncryptionError, match="part names the row"):
        Bound._meta.get_field("by_two").name_place(["a", None])
    places = [Bound._meta.get_field("by_two").name_place(bound) for bound in (["a", 1], ["a1", 1], ["a", 11])]
    assert len(set(places)) == 3


def test_columns_are_found() -> None:
    assert (NamedSecret, NamedSecret._meta.get_field("value")) in list_encrypted_columns()


def test_a_secret_of_the_database_stands_behind_environment_and_directory(
    monkeypatch: pytest.MonkeyPatch, settings, tmp_path
) -> None:
    set_named_secret(name="hook.key", value=Secret(" from the database\n"))
    assert read_named_secret("hook.key") == b"from the database"
    monkeypatch.setenv("NFCS_SECRET_HOOK_KEY", "from the environment")
    assert read_named_secret("hook.key") == b"from the environment"
    (tmp_path / "hook.key").write_text("from the directory")
    settings.SECRETS_DIR = str(tmp_path)
    assert read_named_secret("hook.key") == b"from the directory"
