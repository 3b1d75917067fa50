#!/usr/bin/env python3
"""Have only IMDSv2 answered, where Packer 1.6.6 has no word for it (the current one has; one template serves both).

imds.py instance ID REGION [ENDPOINT]      the machine that is built
imds.py image MANIFEST [ENDPOINT]          every machine that will start from the images of Packer's manifest
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def client(region: str, endpoint: str) -> Any:
    try:
        import boto3
    except ImportError:
        sys.exit("imds.py: this Python has no boto3 to ask EC2 for IMDSv2: activate the environment of `make setup`.")
    return boto3.client("ec2", region_name=region, endpoint_url=endpoint or None)


def images(manifest: dict[str, Any]) -> list[tuple[str, str]]:
    """Region and image of the last run."""
    last = [build for build in manifest["builds"] if build["packer_run_uuid"] == manifest["last_run_uuid"]]
    parts = [part for build in last for part in build["artifact_id"].split(",")]
    return [(region, image) for region, _, image in (part.partition(":") for part in parts)]


def main(verb: str, subject: str, *rest: str) -> None:
    if verb == "instance":
        region, endpoint = rest[0], "".join(rest[1:])
        client(region, endpoint).modify_instance_metadata_options(
            InstanceId=subject, HttpTokens="required", HttpEndpoint="enabled"
        )
        return
    for region, image in images(json.loads(Path(subject).read_text())):
        client(region, "".join(rest)).modify_image_attribute(ImageId=image, ImdsSupport={"Value": "v2.0"})


if __name__ == "__main__":
    main(*sys.argv[1:])
