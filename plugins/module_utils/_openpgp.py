# Private to awsome.training: its API may change without notice.
"""OpenPGP keys, as far as one must read them to know whose they are: no gpg program is needed. Pure; runs on nodes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

PUBLIC_KEY = 6  # the tag of the packet that begins a public key; what follows up to the next one belongs to it
BEGIN, END = b"-----BEGIN PGP PUBLIC KEY BLOCK-----", b"-----END PGP PUBLIC KEY BLOCK-----"


class KeyFileError(ValueError):
    """Not the key that was asked for; the text tells why, and whoever fetched it puts the place in front."""


@dataclass(frozen=True)
class Packet:
    tag: int
    body: bytes
    raw: bytes  # header and body


def pick(data: bytes, fingerprint: str) -> bytes:
    """The packets of the one key with this fingerprint, binary, out of an armoured or binary file of several."""
    found = keys(data)
    wanted = fingerprint.replace(" ", "").upper()
    if wanted not in found:
        held = ", ".join(found) if found else "no key of version 4"
        raise KeyFileError(f"it holds {held}, expected the key {wanted}")
    return found[wanted]


def keys(data: bytes) -> dict[str, bytes]:
    """Every public key of a file, by its fingerprint."""
    found: dict[str, bytes] = {}
    current = ""
    for packet in (packet for block in blocks(data) for packet in packets(block)):
        if packet.tag == PUBLIC_KEY:
            current = fingerprint_of(packet.body)
            if current:
                found[current] = b""
        if current:
            found[current] += packet.raw
    return found


def fingerprint_of(body: bytes) -> str:
    """The fingerprint of a public key's packet (RFC 4880, 12.2); empty for other versions than 4."""
    if body[:1] != b"\x04":
        return ""
    framed = b"\x99" + len(body).to_bytes(2, "big") + body
    return hashlib.new("sha1", framed, usedforsecurity=False).hexdigest().upper()


def blocks(data: bytes) -> Iterator[bytes]:
    """The binary content of a file: of each armoured block, or the file itself."""
    if BEGIN not in data:
        if data[:1] < b"\x80":
            raise KeyFileError(f"it is no OpenPGP key: it begins with {data[:40]!r}")
        yield data
        return
    for part in data.replace(b"\r\n", b"\n").split(BEGIN)[1:]:
        text, end, _ = part.partition(END)
        if not end:
            raise KeyFileError("the key breaks off in the middle")
        # Headers such as Version end with an empty line; a line that begins with '=' is the checksum.
        lines = text.split(b"\n\n", 1)[-1].split()
        try:
            content = base64.b64decode(b"".join(line for line in lines if not line.startswith(b"=")), validate=True)
        except binascii.Error as error:
            raise KeyFileError(f"its armour is damaged: {error}") from None
        sums = [base64.b64decode(line[1:]) for line in lines if re.fullmatch(rb"=[A-Za-z0-9+/]{4}", line)]
        if sums and sums[0] != _crc24(content):
            raise KeyFileError("its armour is damaged: the checksum does not fit")
        yield content


def packets(data: bytes) -> Iterator[Packet]:
    """Every packet of a binary file; lengths that keys never have are refused."""
    at = 0
    while at < len(data):
        first = data[at]
        if not first & 0x80:
            raise KeyFileError(f"it is no OpenPGP key: byte {at} begins no packet")
        tag, size, header = _new_header(data, at) if first & 0x40 else _old_header(data, at)
        end = at + header + size
        if end > len(data):
            raise KeyFileError("the key breaks off in the middle")
        yield Packet(tag, data[at + header : end], data[at:end])
        at = end


def _new_header(data: bytes, at: int) -> tuple[int, int, int]:
    tag, length = data[at] & 0x3F, data[at + 1 : at + 6]
    if not length or (length[0] >= 192 and len(length) < 2):
        raise KeyFileError("the key breaks off in the middle")
    if length[0] < 192:
        return tag, length[0], 2
    if length[0] < 224:
        return tag, ((length[0] - 192) << 8) + length[1] + 192, 3
    if length[0] == 255:
        return tag, int.from_bytes(length[1:5], "big"), 6
    raise KeyFileError(f"it is no OpenPGP key: the packet at byte {at} comes in parts")


def _old_header(data: bytes, at: int) -> tuple[int, int, int]:
    kind = data[at] & 0x03
    if kind == 3:
        raise KeyFileError(f"it is no OpenPGP key: the packet at byte {at} has no length")
    width = 1 << kind
    return (data[at] & 0x3C) >> 2, int.from_bytes(data[at + 1 : at + 1 + width], "big"), 1 + width


def armour(content: bytes) -> bytes:
    """The text form of a key, which is the only one that rpm reads."""
    lines = textwrap.wrap(base64.b64encode(content).decode(), 64)
    checksum = "=" + base64.b64encode(_crc24(content)).decode()
    return BEGIN + b"\n\n" + "\n".join([*lines, checksum]).encode() + b"\n" + END + b"\n"


def _crc24(content: bytes) -> bytes:
    """The checksum of an armoured block (RFC 4880, 6.1)."""
    crc = 0xB704CE
    for byte in content:
        crc ^= byte << 16
        for _ in range(8):
            crc = (crc << 1) ^ (0x1864CFB if crc & 0x800000 else 0)
    return crc.to_bytes(3, "big")
