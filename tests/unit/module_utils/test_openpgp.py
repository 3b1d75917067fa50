"""Whose a key is, read from real keys without gpg."""

from __future__ import annotations

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp
from unit.openpgp.keys import ARMOURED, FINGERPRINTS, MANY, VENDOR_FINGERPRINT, signature


def test_the_fingerprints_of_real_keys_are_computed() -> None:
    """Two RSA keys and one of a curve, one of them with a subkey, as gpg itself tells them."""
    assert list(openpgp.keys(MANY)) == [FINGERPRINTS[name] for name in ("vendor", "other", "curve")]
    assert list(openpgp.keys(ARMOURED)) == [VENDOR_FINGERPRINT]
    assert list(openpgp.keys(signature("expired.gpg"))) == [FINGERPRINTS["expired"]]


def test_only_the_wanted_key_is_kept_of_many() -> None:
    key = openpgp.pick(MANY, VENDOR_FINGERPRINT)
    assert key == openpgp.pick(ARMOURED, VENDOR_FINGERPRINT) and key in MANY and len(key) < len(MANY)
    assert list(openpgp.keys(key)) == [VENDOR_FINGERPRINT]
    assert openpgp.pick(MANY, FINGERPRINTS["curve"]) == MANY[-len(openpgp.pick(MANY, FINGERPRINTS["curve"])) :]
    tags = [packet.tag for packet in openpgp.packets(key)]
    assert tags == [6, 13, 2, 14, 2]  # the key, its name, what it says of itself, its subkey, and what it says of that


def test_a_fingerprint_may_be_written_with_spaces_and_in_lower_case() -> None:
    spaced = " ".join([VENDOR_FINGERPRINT[at : at + 4].lower() for at in range(0, 40, 4)])
    assert openpgp.pick(ARMOURED, spaced)


def test_armour_is_what_gpg_writes() -> None:
    assert openpgp.armour(openpgp.pick(ARMOURED, VENDOR_FINGERPRINT)) == ARMOURED


def test_several_armoured_blocks_in_one_file_are_read() -> None:
    both = ARMOURED.replace(b"\n", b"\r\n") + b"words between\n" + openpgp.armour(signature("expired.gpg"))
    assert list(openpgp.keys(both)) == [VENDOR_FINGERPRINT, FINGERPRINTS["expired"]]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (signature("expired.gpg"), f"it holds {FINGERPRINTS['expired']}, expected the key {VENDOR_FINGERPRINT}"),
        (b"<html>Not Found</html>", "it is no OpenPGP key: it begins with b'<html>"),
        (b"", "it is no OpenPGP key"),
        (ARMOURED[:900], "breaks off in the middle"),
        (MANY[:900], "breaks off in the middle"),
        (MANY[:1], "breaks off in the middle"),
        (ARMOURED[:90] + b"A" + ARMOURED[91:], "its armour is damaged"),
        (ARMOURED[:90] + b"!" + ARMOURED[91:], "its armour is damaged"),
        (signature("other.sig"), "it holds no key of version 4, expected"),
        (b"\xc6\xe1" + b"x" * 9, "comes in parts"),
        (b"\x9b" + b"x" * 9, "has no length"),
        (MANY + b"junk", "begins no packet"),
    ],
)
def test_another_key_and_what_is_no_key_are_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(openpgp.KeyFileError, match=sentence):
        openpgp.pick(data, VENDOR_FINGERPRINT)


def test_a_subkeys_fingerprint_is_not_the_keys() -> None:
    with pytest.raises(openpgp.KeyFileError, match="expected the key"):
        openpgp.pick(ARMOURED, FINGERPRINTS["subkey"])


def test_an_old_key_version_is_passed_over() -> None:
    old = b"\x99\x00\x04\x03abc"
    assert list(openpgp.keys(old + signature("expired.gpg"))) == [FINGERPRINTS["expired"]]
