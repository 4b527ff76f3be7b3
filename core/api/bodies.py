"""The bytes of a request as they arrive: decompressed, counted against a limit, and told apart by a digest."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any

import zstandard
from django.http import HttpRequest
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType

PIECE = 1 << 18
"""Bytes read at a time."""
_ZSTD_PIECE = 1 << 11
"""Compressed bytes decompressed at a time: zstd may blow up 4 bytes to 128 KiB."""
_ZSTD_WINDOW = 1 << 27


class BodyTooLarge(APIException):
    """The body is larger than the server takes."""

    status_code = 413
    default_code = "too_large"
    default_detail = "The body is larger than the server takes."

    @classmethod
    def beyond(cls, limit: int, what: str = "bytes, decompressed") -> BodyTooLarge:
        """The refusal that names its limit."""
        return cls(f"The body holds more than {limit} {what}.")


class Body:
    """The decompressed body of a request, read piece by piece.

    Attributes:
        size: bytes read so far, decompressed.
    """

    def __init__(self, request: HttpRequest, *, limit: int, prefix: bytes | None = None) -> None:
        """Read `request` once.

        Args:
            limit: most bytes, decompressed.
            prefix: what the digest begins with; None where none is wanted.

        Raises:
            UnsupportedMediaType: it is compressed by something other than gzip or zstd.
        """
        self.limit = limit
        self.size = 0
        self._digest = None if prefix is None else hashlib.sha256(prefix)
        self._rest = b""
        encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in _DECODERS:
            raise UnsupportedMediaType("", detail=f"The Content-Encoding {encoding[:40]!a} is not taken.")
        self._pieces = _DECODERS[encoding](_read_raw(request))

    def __iter__(self) -> Iterator[bytes]:
        """The pieces of what has not been read.

        Raises:
            BodyTooLarge: it is longer than the limit.
            ParseError: it is not compressed as it says, or ends before its end.
        """
        if self._rest:
            rest, self._rest = self._rest, b""
            yield rest
        for piece in self._pieces:
            self.size += len(piece)
            if self.size > self.limit:
                raise BodyTooLarge.beyond(self.limit)
            if self._digest is not None:
                self._digest.update(piece)
            yield piece

    def read_all(self) -> bytes:
        """What has not been read."""
        return b"".join(self)

    def read_exactly(self, size: int) -> bytes:
        """The next `size` bytes; fewer at the end."""
        parts, found = [], 0
        for piece in self:
            parts.append(piece)
            found += len(piece)
            if found >= size:
                break
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]

    def read_digest(self) -> bytes:
        """SHA-256 over prefix and whole body; reads it to its end."""
        for _ in self:
            pass
        return b"" if self._digest is None else self._digest.digest()


def _read_raw(request: HttpRequest) -> Iterator[bytes]:
    """The pieces as they were sent; a body without length (chunked) is read to its end where the server marks that."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower() and request.META.get("wsgi.input_terminated"):
        stream: Any = request.META["wsgi.input"]
        while piece := stream.read(PIECE):
            yield piece
        return
    expected = int(request.META.get("CONTENT_LENGTH") or 0)
    found = 0
    while piece := request.read(PIECE):
        found += len(piece)
        yield piece
    if found < expected:
        raise ParseError("The body ended before its end.")


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(31)
    for piece in pieces:
        data = piece
        while data:
            if member.eof:
                member = zlib.decompressobj(31)
            try:
                yield member.decompress(data, PIECE)
            except zlib.error as error:
                raise ParseError(f"The body is not gzip: {error}") from error
            data = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        raise ParseError("The gzip body ended before its end.")


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = decompressor.decompressobj()
    begun = False
    for piece in pieces:
        for start in range(0, len(piece), _ZSTD_PIECE):
            data = piece[start : start + _ZSTD_PIECE]
            while data:
                if frame.eof:
                    frame = decompressor.decompressobj()
                try:
                    yield frame.decompress(data)
                except zstandard.ZstdError as error:
                    raise ParseError(f"The body is not zstd: {error}") from error
                begun = True
                data = frame.unused_data if frame.eof else b""
    if not (begun and frame.eof):
        raise ParseError("The zstd body ended before its end.")


_DECODERS = {"identity": lambda pieces: pieces, "": lambda pieces: pieces, "gzip": _gunzip, "zstd": _unzstd}
