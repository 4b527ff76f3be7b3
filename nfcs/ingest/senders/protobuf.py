"""The wire format of protocol buffers: just enough to read messages of known shape, and to write small ones."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

MAX_DEPTH = 32
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class ProtobufError(ValueError):
    """The bytes are not the message that they should be."""


class Field(NamedTuple):
    """A field of a message.

    Attributes:
        kind: string, bytes, bool, int64, uint32, double, fixed64, sfixed64, or the name of a message.
    """

    name: str
    kind: str
    is_repeated: bool = False


Shapes = Mapping[str, Mapping[int, Field]]


def decode_message(data: bytes, shape: str, shapes: Shapes, depth: int = 0) -> dict[str, Any]:
    """The fields of a message by name; those that are not of the shape are passed over.

    Raises:
        ProtobufError: it is cut off, or a field has another type.
    """
    if depth > MAX_DEPTH:
        raise ProtobufError("the messages are nested too deeply")
    found: dict[str, Any] = {}
    fields = shapes[shape]
    for number, wire, value in _split(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.kind in shapes:
            if wire != _BYTES:
                raise ProtobufError(f"{field.name}: a message is needed")
            read: Any = decode_message(value, field.kind, shapes, depth + 1)
        elif field.is_repeated and wire == _BYTES and field.kind in _PACKED:
            found.setdefault(field.name, []).extend(_unpack(field, value))
            continue
        else:
            read = _read_scalar(field, wire, value)
        if field.is_repeated:
            found.setdefault(field.name, []).append(read)
        else:
            found[field.name] = read
    return found


def encode_field(number: int, value: str | int | bytes) -> bytes:
    """One field: a string, bytes or message, or a number of at least 0 as varint."""
    if isinstance(value, int):
        return _encode_varint(number << 3 | _VARINT) + _encode_varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _encode_varint(number << 3 | _BYTES) + _encode_varint(len(data)) + data


def _split(data: bytes) -> Iterator[tuple[int, int, Any]]:
    position, end = 0, len(data)
    while position < end:
        tag, position = _read_varint(data, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _read_varint(data, position)
            yield number, wire, value
            continue
        if wire == _BYTES:
            length, position = _read_varint(data, position)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ProtobufError(f"there is no wire type {wire}")
        if number == 0 or position + length > end:
            raise ProtobufError("the message is cut off")
        yield number, wire, data[position : position + length]
        position += length


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise ProtobufError("the message is cut off")
        octet = data[position]
        value |= (octet & 0x7F) << shift
        position += 1
        if octet < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position
        shift += 7


def _encode_varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


_PACKED = {"double": "<d", "fixed64": "<Q", "sfixed64": "<q"}


def _unpack(field: Field, value: bytes) -> list[Any]:
    if len(value) % 8:
        raise ProtobufError(f"{field.name}: the list is cut off")
    return [one for (one,) in struct.iter_unpack(_PACKED[field.kind], value)]


def _read_scalar(field: Field, wire: int, value: Any) -> Any:
    if field.kind in _PACKED and wire == _FIXED64:
        return struct.unpack(_PACKED[field.kind], value)[0]
    if wire == _BYTES and field.kind == "bytes":
        return value
    if wire == _BYTES and field.kind == "string":
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise ProtobufError(f"{field.name}: the text is not UTF-8") from error
    if wire == _VARINT and field.kind == "int64":
        return value - 2**64 if value >= 2**63 else value
    if wire == _VARINT and field.kind in ("bool", "uint32"):
        return bool(value) if field.kind == "bool" else value & 0xFFFF_FFFF
    raise ProtobufError(f"{field.name}: it has another type")
