"""What Packer's manifest says was built, and whom EC2 is asked to make answer IMDSv2 only."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from lab.harness import ROOT

SPEC = importlib.util.spec_from_file_location("imds", ROOT / "packer/imds.py")
assert SPEC and SPEC.loader
imds = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(imds)

MANIFEST = {
    "builds": [
        {"artifact_id": "us-east-1:ami-old", "packer_run_uuid": "1"},
        {"artifact_id": "eu-west-1:ami-b,us-east-1:ami-a", "packer_run_uuid": "2"},
    ],
    "last_run_uuid": "2",
}


def test_the_images_are_those_of_the_last_run() -> None:
    assert imds.images(MANIFEST) == [("eu-west-1", "ami-b"), ("us-east-1", "ami-a")]


def test_every_region_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, str]] = []

    class Client:
        def __init__(self, region: str, endpoint: str) -> None:
            self.region = region

        def modify_image_attribute(self, ImageId: str, ImdsSupport: dict[str, Any]) -> None:  # boto3's own words
            asked.append((self.region, ImageId, ImdsSupport["Value"]))

    monkeypatch.setattr(imds, "client", Client)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    imds.main("image", str(path))
    assert asked == [("eu-west-1", "ami-b", "v2.0"), ("us-east-1", "ami-a", "v2.0")]


def test_a_python_without_boto3_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(SystemExit, match=r"this Python has no boto3 to ask EC2 for IMDSv2: activate the environment"):
        imds.client("us-east-1", "")
