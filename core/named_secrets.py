"""Secrets by name: rows keep the name, a file or the environment the secret."""

from __future__ import annotations

import os
import re
from pathlib import Path

from django.conf import settings

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,99}\Z")
"""How a secret may be called; no path leads out of the directory."""


class SecretMissing(Exception):
    """There is no secret of this name."""


def read_named_secret(name: str) -> bytes:
    """The content of the file `name` in `NFCS_SECRETS_DIR`, else of the environment variable `NFCS_SECRET_<NAME>`.

    White space around it is left out. In the variable's name every dot and dash is an underscore.

    Raises:
        SecretMissing: there is neither, the file cannot be read, it is empty, or the name is none.
    """
    if not NAME.match(name):
        raise SecretMissing("This is not the name of a secret.")
    variable = "NFCS_SECRET_" + re.sub(r"[.-]", "_", name).upper()
    path = Path(settings.SECRETS_DIR) / name if settings.SECRETS_DIR else None
    try:
        secret = path.read_bytes() if path is not None and path.is_file() else os.environb.get(variable.encode(), b"")
    except OSError as error:
        raise SecretMissing(f"The secret {name} cannot be read: {error.strerror}.") from error
    if not (secret := secret.strip()):
        raise SecretMissing(f"There is no secret {name}: neither a file in NFCS_SECRETS_DIR nor {variable}.")
    return secret
