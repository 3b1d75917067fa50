"""What may be fetched, and from where."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact

SUM = "ab" * 32
URL = "https://vendor.example/tool-1.2.tar.gz"
RECORD: dict[str, Any] = {"name": "tool", "version": "1.2", "url": URL, "sha256": SUM}


def test_a_mirror_is_asked_first() -> None:
    plan = artifact.plan(RECORD, "x86_64", "http://mirror.example/")
    assert plan.sources == (f"http://mirror.example/{SUM}/tool-1.2.tar.gz", URL)
    assert plan.is_archive and plan.label == "tool 1.2"


def test_architectures_have_their_own_files() -> None:
    record = {
        "name": "tool",
        "version": "1.2",
        "urls": {"x86_64": URL, "aarch64": f"{URL}.arm"},
        "sha256": {"noarch": SUM},
    }
    assert artifact.plan(record, "aarch64").sources == (f"{URL}.arm",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"sha256": "unverified"},
            f"tool 1.2: the sha256 of {URL} is unverified and no signature is known, so it is not",
        ),
        ({"sha256": None}, "tool: the record has no sha256"),
        ({"sha256": "abc"}, "sha256 'abc' is no checksum"),
        ({"sha256": "unverified", "sha512": SUM}, "sha512 '(ab)+' is no checksum of 128 hexadecimal digits"),
        ({"sha256": None, "sha512": {"aarch64": SUM * 2}}, "no sha512 for architecture 'x86_64', only for aarch64"),
        ({"sha256": {"aarch64": SUM}}, "no sha256 for architecture 'x86_64', only for aarch64"),
        ({"version": "latest"}, "says 'latest', which is no version"),
        ({"url": "https://vendor.example/latest/tool.tar.gz"}, "says 'latest'"),
        ({"url": "ftp://vendor.example/tool"}, "is no http, https or file address"),
        ({"url": "https://vendor.example/"}, "is no http, https or file address"),
        ({"name": None}, "has no name"),
    ],
)
def test_what_cannot_be_checked_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(artifact.ArtifactError, match=sentence):
        artifact.plan({**RECORD, **change}, "x86_64")


def test_pauses_grow_and_end() -> None:
    assert artifact.pauses(8) == [0, 1, 2, 4, 8, 16, 30, 30]


SIGNED = {
    **RECORD,
    "sha256": "unverified",
    "signature_url": f"{URL}.sig",
    "signing_key": {"url": "https://keys.example/vendor.asc", "fingerprint": "ab " * 20},
}


def test_a_signature_proves_a_release_without_a_checksum() -> None:
    plan = artifact.plan(SIGNED, "x86_64", "http://mirror.example")
    assert plan.sha256 == "" and plan.fingerprint == "AB" * 20
    signed = "http://mirror.example/signed"
    assert plan.sources == (f"{signed}/vendor.example/tool-1.2.tar.gz", URL)
    assert plan.signature and plan.signature.sources[0] == f"{signed}/vendor.example/tool-1.2.tar.gz.sig"
    assert plan.key and plan.key.sources == (f"{signed}/keys.example/vendor.asc", "https://keys.example/vendor.asc")


def test_a_release_may_have_both_proofs() -> None:
    plan = artifact.plan({**SIGNED, "sha256": {"noarch": SUM}}, "x86_64", "http://mirror.example")
    assert plan.sha256 == SUM and plan.signature and plan.sources[0] == f"http://mirror.example/{SUM}/tool-1.2.tar.gz"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"signature_url": None}, "this one has only the signing_key; write both"),
        ({"signing_key": None}, "this one has only the signature_url; write both"),
        ({"signing_key": "AB" * 20}, "this one has only the signature_url; write both"),
        ({"signing_key": {"url": URL, "fingerprint": "unverified"}}, "fingerprint 'unverified' is not 40 hexadecimal"),
        ({"signing_key": {"fingerprint": "AB" * 20}}, r"the record has no signing_key.url"),
        ({"signature_url": "https://vendor.example/"}, "the signature_url 'https://vendor.example/' is no http"),
        ({"url": None, "repository": "vendor"}, "names the repository vendor and no file; install its packages"),
    ],
)
def test_half_a_signature_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(artifact.ArtifactError, match=sentence):
        artifact.plan({**SIGNED, **change}, "x86_64")


# What gpgv and sqv really print.
@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("[GNUPG:] BADSIG 3F4EF696919C2D3E vendor", "the signature does not fit the file"),
        ("Verifying signature:\n           Message has been manipulated", "the signature does not fit the file"),
        ("[GNUPG:] ERRSIG B17A7E1D71957B32 1 10 00 1795517537 9 69882109\n[GNUPG:] NO_PUBKEY B1", "with another key"),
        ("Missing key 69882109EBA7A2EDDD2927D8B17A7E1D71957B32, which is needed", "with another key"),
        ("[GNUPG:] REVKEYSIG 3F4EF696919C2D3E vendor", "the key was revoked"),
        ("[GNUPG:] EXPSIG 3F4EF696919C2D3E vendor", "the signature has expired"),
        ("[GNUPG:] NODATA 4\ngpgv: verify signatures failed", "it is no OpenPGP signature"),
        ("out of memory", "the program that checks it says 'out of memory'"),
    ],
)
def test_a_signature_that_does_not_hold_is_told_with_the_reason(told: str, sentence: str) -> None:
    error = artifact.unsigned(artifact.plan(SIGNED, "x86_64"), told)
    place = f"tool 1.2: {URL}.sig does not prove that the key {'AB' * 20} signed {URL}; "
    assert str(error).startswith(place) and sentence in str(error) and str(error).endswith("Nothing was installed.")


def test_a_sha512_proves_a_release_that_has_no_sha256() -> None:
    record = {**RECORD, "sha256": "unverified", "sha512": {"noarch": SUM * 2}}
    plan = artifact.plan(record, "x86_64", "http://mirror.example")
    assert (plan.sha256, plan.sha512) == ("", SUM * 2)
    assert plan.sources == (f"http://mirror.example/{SUM * 2}/tool-1.2.tar.gz", URL)
    assert artifact.plan({**RECORD, "sha512": SUM * 2}, "x86_64").sha512 == ""  # its sha256 is asked
