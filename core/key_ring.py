"""The keys that encrypt columns: where they lie, how they are read, and the sealing of one value.

A ring holds keys by id. The first one encrypts; all of them decrypt. A sealed value is binary:

    version (1 octet, 0x01) | length of the key id (1) | key id | nonce (12) | AES-256-GCM ciphertext | tag (16)

What stands before the nonce, and the place the value belongs to, are authenticated with it.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


class EncryptionError(Exception):
    """A value cannot be sealed or opened."""


class KeyRingError(EncryptionError):
    """The key ring cannot be read, or holds something that is no key."""


class UnknownKeyError(EncryptionError):
    """The key that sealed the value is not on the ring.

    Attributes:
        key_id: which one.
    """

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(f"The key {key_id!r} that sealed this value is not on the key ring.")


class SealBrokenError(EncryptionError):
    """The value was changed, cut, moved from another place, or sealed by another key of the same id."""


@dataclass(frozen=True)
class KeyRing:
    """Keys by id, the one that encrypts first.

    Attributes:
        keys: 32 octets each; never shown.
    """

    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def primary(self) -> str:
        """The id of the key that encrypts."""
        return next(iter(self.keys))

    def seal(self, text: bytes, place: bytes) -> bytes:
        """The text encrypted by the first key, for this place alone."""
        head = _write_head(self.primary)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return head + nonce + AESGCM(self.keys[self.primary]).encrypt(nonce, text, head + place)

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """The text of a sealed value.

        Raises:
            UnknownKeyError: its key is not on the ring.
            SealBrokenError: it is not what was sealed for this place.
        """
        key_id = read_key_id(sealed)
        if key_id not in self.keys:
            raise UnknownKeyError(key_id)
        head = _write_head(key_id)
        nonce, text = sealed[len(head) : len(head) + NONCE_BYTES], sealed[len(head) + NONCE_BYTES :]
        if len(text) < TAG_BYTES:
            raise SealBrokenError("The sealed value is cut off.")
        try:
            return AESGCM(self.keys[key_id]).decrypt(nonce, text, head + place)
        except InvalidTag:
            raise SealBrokenError(
                f"The sealed value was changed, moved here from another place, or sealed by another key {key_id!r}."
            ) from None


def read_key_id(sealed: bytes) -> str:
    """The id of the key that sealed a value.

    Raises:
        SealBrokenError: it has not the form of a sealed value.
    """
    if len(sealed) < 2:
        raise SealBrokenError("The sealed value is cut off.")
    if sealed[0] != VERSION:
        raise SealBrokenError(f"The sealed value has the unknown version {sealed[0]}.")
    key_id = sealed[2 : 2 + sealed[1]]
    text = key_id.decode("ascii", "replace")
    if len(key_id) != sealed[1] or not KEY_ID.fullmatch(text):
        raise SealBrokenError("The sealed value names no key.")
    return text


def _write_head(key_id: str) -> bytes:
    return bytes((VERSION, len(key_id))) + key_id.encode("ascii")


def parse_key_ring(text: str) -> KeyRing:
    """The ring of lines `id:base64`; commas separate as well, and a line that begins with # is a remark.

    Raises:
        KeyRingError: it holds no key, one that is none, or an id twice. The message holds no part of a key.
    """
    keys: dict[str, bytes] = {}
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for number, entry in enumerate(re.split(r"[\s,]+", "\n".join(lines).strip()), 1):
        key_id, colon, encoded = entry.partition(":")
        if not colon or not KEY_ID.fullmatch(key_id):
            raise KeyRingError(
                f"Key {number} of the ring is not written id:base64, with an id of a-z, 0-9, '.', '_' and '-'."
            )
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise KeyRingError(f"Key {key_id!r} of the ring is not base64.") from None
        if len(key) != KEY_BYTES:
            raise KeyRingError(f"Key {key_id!r} of the ring has {len(key)} octets, {KEY_BYTES} are needed.")
        if key_id in keys:
            raise KeyRingError(f"Key {key_id!r} stands on the ring twice.")
        keys[key_id] = key
    return KeyRing(keys)


def write_key_ring(ring: KeyRing) -> str:
    """The ring as text, one key a line."""
    return "".join(f"{key_id}:{base64.b64encode(key).decode()}\n" for key_id, key in ring.keys.items())


def make_key(key_id: str) -> KeyRing:
    """A ring of one new key.

    Raises:
        KeyRingError: this is no id of a key.
    """
    if not KEY_ID.fullmatch(key_id):
        raise KeyRingError("An id of a key has 1 to 32 of a-z, 0-9, '.', '_' and '-', and begins with none of these.")
    return KeyRing({key_id: secrets.token_bytes(KEY_BYTES)})


class KeyRingFile:
    """A ring in a file, read again when the file changed, so that every process learns of a new key.

    Args:
        makes: whether a first read makes the file, with one key.
    """

    def __init__(self, path: Path, *, makes: bool) -> None:
        self.path = path
        self.makes = makes
        self._seen: tuple[int, int, int] | None = None
        self._ring: KeyRing | None = None
        self._lock = threading.Lock()

    def read(self) -> KeyRing:
        """The ring as it is now.

        Raises:
            KeyRingError: the file cannot be read, or holds no ring.
        """
        with self._lock:
            try:
                state = self._look()
                if self._ring is None or state != self._seen:
                    self._ring, self._seen = parse_key_ring(self.path.read_text("ascii")), state
            except OSError as error:
                raise KeyRingError(f"The key ring {self.path} cannot be read: {error.strerror}.") from error
            except UnicodeDecodeError:
                raise KeyRingError(f"The key ring {self.path} is not ASCII.") from None
            return self._ring

    @contextmanager
    def change(self) -> Iterator[KeyRing]:
        """The ring, while no other process changes it by this method."""
        try:
            with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield self.read()
        except OSError as error:
            raise KeyRingError(f"The key ring {self.path} cannot be changed: {error.strerror}.") from error

    def replace(self, ring: KeyRing) -> None:
        """Write another ring in its place: whole or not at all, readable by its owner alone."""
        draft = self._write_draft(ring)
        os.replace(draft, self.path)
        _sync_directory(self.path.parent)

    def _look(self) -> tuple[int, int, int]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            if not self.makes:
                raise
            self._make()
            found = self.path.stat()
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _make(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # An id like no other: a ring made in place of a lost one is told from it.
        draft = self._write_draft(make_key(f"k{secrets.token_hex(4)}"))
        try:
            os.link(draft, self.path)
        except FileExistsError:
            pass  # another process made it first
        finally:
            draft.unlink()
        _sync_directory(self.path.parent)

    def _write_draft(self, ring: KeyRing) -> Path:
        draft = self.path.with_name(f".{self.path.name}.{os.getpid()}.{threading.get_ident()}")
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(write_key_ring(ring))
            file.flush()
            os.fsync(file.fileno())
        return draft


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


_files: dict[Path, KeyRingFile] = {}


def get_key_ring_file() -> KeyRingFile:
    """The file of the ring, where no environment variable holds it."""
    path = Path(settings.ENCRYPTION_KEYS_FILE or settings.DATA_DIR / "encryption_keys")
    return _files.setdefault(path, KeyRingFile(path, makes=not settings.ENCRYPTION_KEYS_FILE))


def get_key_ring() -> KeyRing:
    """The ring: of `NFCS_ENCRYPTION_KEYS`, of the file `NFCS_ENCRYPTION_KEYS_FILE`, else of the data directory.

    Raises:
        KeyRingError: it cannot be read.
    """
    if settings.ENCRYPTION_KEYS:
        return parse_key_ring(settings.ENCRYPTION_KEYS)
    return get_key_ring_file().read()
