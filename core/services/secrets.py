"""Named secrets: set, replaced and removed."""

from __future__ import annotations

from django.db import transaction

from core.db.encryption import MAX_LENGTH, Secret
from core.exceptions import InvalidInput, NotFound
from core.models import NamedSecret
from core.named_secrets import NAME

LINE_ENDS = str.maketrans("", "", "\r\n\t")
"""What a secret of several lines, such as a key in PEM, may hold besides what is printable."""


@transaction.atomic
def set_named_secret(*, name: str, value: Secret, changed_by_id: int | None = None) -> NamedSecret:
    """Keep a secret under a name, in place of the one that is there.

    Args:
        changed_by_id: the user; None for the system.

    Raises:
        InvalidInput: the name is none, or the value is empty, too long, or no text.
    """
    text = value.reveal()
    if not NAME.match(name):
        raise InvalidInput.of("name", "A name has 1 to 100 of a-z, 0-9, '.', '_' and '-', and begins with a-z.")
    if not text.strip():
        raise InvalidInput.of("value", "A secret is needed.")
    if len(text) > MAX_LENGTH:
        raise InvalidInput.of("value", f"A secret has at most {MAX_LENGTH} characters.")
    if not text.translate(LINE_ENDS).isprintable():
        raise InvalidInput.of("value", "A secret is printable text.")
    secret, _ = NamedSecret.objects.update_or_create(
        name=name, defaults={"value": value, "changed_by_id": changed_by_id}
    )
    return secret


@transaction.atomic
def remove_named_secret(*, name: str) -> None:
    """Forget a secret.

    Raises:
        NotFound: there is none of this name in the database.
    """
    deleted, _ = NamedSecret.objects.filter(name=name).delete()
    if not deleted:
        raise NotFound(f"There is no secret {name} in the database.")
