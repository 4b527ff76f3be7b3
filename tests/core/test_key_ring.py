"""Key rings: read, made once, told of changes; and what they seal opens in its place alone."""

from __future__ import annotations

import base64
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.checks import check_key_ring
from core.key_ring import (
    KeyRing,
    KeyRingError,
    KeyRingFile,
    SealBrokenError,
    UnknownKeyError,
    get_key_ring,
    make_key,
    parse_key_ring,
    read_key_id,
    write_key_ring,
)

KEY = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()
RING = parse_key_ring(f"new:{KEY}\nold:{OTHER}")


@given(text=st.binary(max_size=200), place=st.binary(max_size=50))
def test_what_is_sealed_opens_in_its_place(text: bytes, place: bytes) -> None:
    sealed = RING.seal(text, place)
    assert RING.open(sealed, place) == text
    assert read_key_id(sealed) == "new"
    assert RING.seal(text, place) != sealed
    with pytest.raises(SealBrokenError):
        RING.open(sealed, place + b"x")


def test_every_changed_or_missing_octet_is_found() -> None:
    sealed = RING.seal(b"text", b"place")
    for index in range(len(sealed)):
        for bit in (1, 128):
            broken = bytearray(sealed)
            broken[index] ^= bit
            with pytest.raises((SealBrokenError, UnknownKeyError)):
                RING.open(bytes(broken), b"place")
        with pytest.raises(SealBrokenError):
            RING.open(sealed[:index], b"place")
    with pytest.raises(SealBrokenError):
        RING.open(sealed + b"\0", b"place")


def test_an_old_key_opens_and_does_not_seal() -> None:
    sealed = KeyRing({"old": RING.keys["old"]}).seal(b"text", b"place")
    assert RING.open(sealed, b"place") == b"text"
    assert RING.primary == "new"


def test_another_key_of_the_same_id_is_told_from_a_missing_one() -> None:
    sealed = RING.seal(b"text", b"place")
    with pytest.raises(SealBrokenError, match="another key 'new'"):
        parse_key_ring(f"new:{OTHER}").open(sealed, b"place")
    with pytest.raises(UnknownKeyError, match="'new'") as error:
        parse_key_ring(f"old:{OTHER}").open(sealed, b"place")
    assert error.value.key_id == "new"


@pytest.mark.parametrize(
    "sealed", [b"", b"\x01", b"\x02\x03new", b"\x01\x00", b"\x01\x05new", b"\x01\x03NEW" + b"x" * 40]
)
def test_what_was_never_sealed_is_refused(sealed: bytes) -> None:
    with pytest.raises(SealBrokenError):
        RING.open(sealed, b"place")


@pytest.mark.parametrize(
    "text",
    [f"a:{KEY}", f"# remark\n\na:{KEY}\n", f"a:{KEY},b:{OTHER}", f"  a:{KEY}  b:{OTHER} "],
)
def test_a_ring_is_read(text: str) -> None:
    ring = parse_key_ring(text)
    assert (ring.primary, ring.keys["a"]) == ("a", b"k" * 32)
    assert parse_key_ring(write_key_ring(ring)) == ring


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Key 1 of the ring is not written"),
        (KEY, "Key 1 of the ring is not written"),
        (f"a:{KEY}\nA:{OTHER}", "Key 2 of the ring is not written"),
        (f"{'a' * 33}:{KEY}", "Key 1 of the ring is not written"),
        ("a:!!!!", "not base64"),
        (f"a:{KEY[:-4]}", "octets, 32 are needed"),
        (f"a:{KEY}\na:{OTHER}", "twice"),
    ],
)
def test_what_is_no_ring_is_refused_without_showing_it(text: str, words: str) -> None:
    with pytest.raises(KeyRingError, match=words) as error:
        parse_key_ring(text)
    assert KEY[:8] not in str(error.value)


def test_no_ring_shows_its_keys() -> None:
    assert KEY[:8] not in repr(RING)
    assert "kkkk" not in repr(RING)


class TestFile:
    def test_it_is_made_once_and_only_its_owner_reads_it(self, tmp_path: Path) -> None:
        path = tmp_path / "data" / "keys"
        with ThreadPoolExecutor(8) as pool:
            rings = list(pool.map(lambda _: KeyRingFile(path, makes=True).read(), range(8)))
        assert len({write_key_ring(ring) for ring in rings}) == 1
        assert path.stat().st_mode & 0o777 == 0o600
        assert [file.name for file in path.parent.iterdir()] == ["keys"]

    def test_one_that_is_named_is_never_made(self, tmp_path: Path) -> None:
        with pytest.raises(KeyRingError, match="No such file"):
            KeyRingFile(tmp_path / "keys", makes=False).read()

    def test_a_change_reaches_who_has_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "keys"
        mine, others = KeyRingFile(path, makes=True), KeyRingFile(path, makes=False)
        before = mine.read()
        with others.change() as ring:
            others.replace(KeyRing({**make_key("second").keys, **ring.keys}))
        assert list(mine.read().keys) == ["second", *before.keys]
        assert path.stat().st_mode & 0o777 == 0o600

    def test_what_is_no_text_is_told(self, tmp_path: Path) -> None:
        path = tmp_path / "keys"
        path.write_bytes(secrets.token_bytes(8) + b"\xff")
        with pytest.raises(KeyRingError, match="not ASCII"):
            KeyRingFile(path, makes=False).read()


class TestChecks:
    def test_a_ring_that_cannot_be_read_is_an_error(self, settings, tmp_path: Path) -> None:
        assert check_key_ring() == []
        settings.ENCRYPTION_KEYS, settings.ENCRYPTION_KEYS_FILE = "", str(tmp_path / "missing")
        assert [found.id for found in check_key_ring()] == ["core.E011"]
        settings.ENCRYPTION_KEYS = "nonsense"
        assert [found.id for found in check_key_ring()] == ["core.E011"]

    def test_a_file_that_others_may_open_is_a_warning(self, settings, tmp_path: Path) -> None:
        settings.ENCRYPTION_KEYS, settings.DATA_DIR = "", tmp_path
        assert check_key_ring() == []
        os.chmod(tmp_path / "encryption_keys", 0o640)
        assert [found.id for found in check_key_ring()] == ["core.W011"]
        assert get_key_ring().primary.startswith("k")
