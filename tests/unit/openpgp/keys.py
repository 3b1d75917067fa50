"""Keys and signatures made once with gpg for these tests; their secret halves were thrown away.

`vendor` (RSA, with a subkey that signs) signed release.txt twice, as itself (armoured) and by its subkey; `other` (RSA)
and `expired` (Ed25519, for January 2020 only) signed it, too. many.gpg holds vendor, other and curve (Ed25519).
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
FINGERPRINTS = dict(line.split() for line in (HERE / "fingerprints.txt").read_text().splitlines())
VENDOR_FINGERPRINT = FINGERPRINTS["vendor"]
MANY = (HERE / "many.gpg").read_bytes()
ARMOURED = (HERE / "vendor.asc").read_bytes()
RELEASE = (HERE / "release.txt").read_bytes()


def signature(name: str) -> bytes:
    return (HERE / name).read_bytes()
