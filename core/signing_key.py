"""The Ed25519 key that signs audit checkpoints: from the environment, or made once in the data directory."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

FILE_NAME = "audit_signing_key"


class SigningKeyError(Exception):
    """The signing key of the audit is no key."""


def get_signing_key() -> Ed25519PrivateKey:
    """The key of `NFCS_AUDIT_SIGNING_KEY`, else that of the data directory, which a first use makes.

    Raises:
        SigningKeyError: what stands there is not 64 hex digits.
    """
    text = settings.AUDIT_SIGNING_KEY or _read_or_make(Path(settings.DATA_DIR) / FILE_NAME)
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise SigningKeyError("The signing key of the audit is 64 hex digits: 32 random octets.")
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text))


def get_public_key() -> bytes:
    """The public key of the signing key, 32 octets."""
    return get_signing_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def list_trusted_keys() -> list[bytes]:
    """Public keys whose signatures count: the signing key's, and those it replaced (`NFCS_AUDIT_TRUSTED_KEYS`).

    Raises:
        SigningKeyError: one of them is not 64 hex digits.
    """
    texts: list[str] = [text.strip() for text in settings.AUDIT_TRUSTED_KEYS]
    if not all(re.fullmatch("[0-9a-fA-F]{64}", text) for text in texts):
        raise SigningKeyError("Each of NFCS_AUDIT_TRUSTED_KEYS is 64 hex digits.")
    return [get_public_key(), *(bytes.fromhex(text) for text in texts)]


def _read_or_make(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process made it first
        finally:
            draft.unlink()
    return path.read_text().strip()
