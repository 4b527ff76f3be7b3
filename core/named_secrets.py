"""Secrets by name: rows keep the name; a file, the environment or an encrypted row keeps the secret."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from django.conf import settings

from core.db.identity import SYSTEM, acting_as
from core.key_ring import EncryptionError
from core.models import NamedSecret

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,99}\Z")
"""How a secret may be called; no path leads out of the directory."""

PLACE = re.compile(r"\{secret:([a-z][a-z0-9_.-]{0,99})\}")
"""Where a secret is filled in."""


class SecretMissing(Exception):
    """There is no secret of this name."""


def read_named_secret(name: str) -> bytes:
    """The secret of this name, without white space around it.

    It is the content of the file `name` in `NFCS_SECRETS_DIR`, else of the environment variable `NFCS_SECRET_<NAME>`
    (every dot and dash an underscore), else of the row of `named_secrets`.

    Raises:
        SecretMissing: there is none, the file cannot be read, the row does not open, or the name is none.
    """
    if not NAME.match(name):
        raise SecretMissing("This is not the name of a secret.")
    variable = "NFCS_SECRET_" + re.sub(r"[.-]", "_", name).upper()
    path = Path(settings.SECRETS_DIR) / name if settings.SECRETS_DIR else None
    try:
        secret = path.read_bytes() if path is not None and path.is_file() else os.environb.get(variable.encode(), b"")
    except OSError as error:
        raise SecretMissing(f"The secret {name} cannot be read: {error.strerror}.") from error
    if not (secret := secret.strip() or _read_row(name).strip()):
        raise SecretMissing(
            f"There is no secret {name}: neither a file in NFCS_SECRETS_DIR, nor {variable}, nor one in the database."
        )
    return secret


def fill_in_secrets(address: str) -> tuple[str, list[str]]:
    """An address with the named secrets in place of `{secret:NAME}`, and these as they stand in it.

    Raises:
        SecretMissing: there is none of a name.
    """
    used: list[str] = []

    def fill_in(place: re.Match[str]) -> str:
        used.append(quote(read_named_secret(place[1]), safe="/~"))
        return used[-1]

    return PLACE.sub(fill_in, address), used


def _read_row(name: str) -> bytes:
    try:
        with acting_as(SYSTEM):
            row = NamedSecret.objects.filter(name=name).first()
        return row.value.reveal().encode() if row is not None else b""
    except EncryptionError as error:
        raise SecretMissing(f"The secret {name} cannot be opened: {error}") from error
