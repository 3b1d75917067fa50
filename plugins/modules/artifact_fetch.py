#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Fetch a release of the catalogue, check it, and unpack it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: artifact_fetch
short_description: Fetch a release of the catalogue, check it, and unpack it
version_added: 0.1.0
description:
  - >-
    Fetches one file, from a mirror if there is one and else from its vendor, and checks its SHA-256, its detached
    signature, or both, before anything sees it. An archive is unpacked beside its place and renamed: the destination
    holds the whole release or none of it.
  - A release that has neither checksum nor signature, or whose version is C(latest), is refused.
  - >-
    A signature is checked with C(gpgv) or C(sqv), against the one key whose fingerprint the record names. The key is
    fetched, and refused if it is another.
  - A destination that holds this release already is left as it is, and nothing is asked of the network.
author: awsome.training contributors
options:
  release:
    description:
      - The record, with C(name), C(version), C(url) and C(sha256); the last two may be dictionaries by architecture.
      - >-
        A signed one has C(signature_url), and C(signing_key) with C(url) and C(fingerprint), as well; then C(sha256)
        may be V(unverified). Supported since version 0.2.0.
      - C(sha512) takes the place of a C(sha256) that is missing or V(unverified), since version 0.2.0.
    type: dict
    required: true
  destination:
    description: The directory for the file, or for what the archive holds. A directory of someone else's is refused.
    type: path
    required: true
  mirror_url:
    description:
      - A mirror, asked first for C(MIRROR/SHA256/FILE).
      - Signatures, keys and files without a checksum are C(MIRROR/signed/HOST/PATH) there.
    type: str
    default: ""
  unpack:
    description: Whether to unpack an archive (tar, with gzip, bzip2 or xz, or zip).
    type: bool
    default: true
  attempts:
    description: How often to try; the pauses between are 1 s, 2 s, 4 s and so on.
    type: int
    default: 5
  timeout_seconds:
    description: How long a server may be silent.
    type: int
    default: 60
attributes:
  check_mode:
    description: Tells whether the release would be fetched.
    support: full
"""

EXAMPLES = r"""
- name: Fetch the release
  awsome.training.artifact_fetch:
    release: "{{ lookup('awsome.training.component', 'slurm') }}"
    destination: /opt/awsome/artifacts/slurm
"""

RETURN = r"""
path:
  description: The file, or the directory of what was unpacked; the one directory at an archive's top is entered.
  returned: success
  type: str
"""

import functools
import os
import platform
import shutil
import tarfile
import zipfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.awsome.training.plugins.module_utils import _artifact as artifact
from ansible_collections.awsome.training.plugins.module_utils import _artifact_files as files


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "release": {"type": "dict", "required": True},
            "destination": {"type": "path", "required": True},
            "mirror_url": {"type": "str", "default": ""},
            "unpack": {"type": "bool", "default": True},
            "attempts": {"type": "int", "default": 5},
            "timeout_seconds": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    wanted, destination = module.params, Path(module.params["destination"])
    opener = functools.partial(open_url, timeout=wanted["timeout_seconds"], http_agent="awsome.training")
    os.umask(0o022)
    try:
        plan = artifact.plan(wanted["release"], platform.machine(), wanted["mirror_url"])
        unpacks = wanted["unpack"] and plan.is_archive
        changed = not files.held(plan, destination, unpacks)
        if changed and not module.check_mode:
            files.install(plan, destination, unpacks, wanted["attempts"], opener)
        path = destination / plan.file_name
        if unpacks:
            path = files.entered(destination) if destination.is_dir() else destination
    except artifact.ArtifactError as error:
        module.fail_json(msg=f"artifact: {error}")
    except (OSError, tarfile.TarError, zipfile.BadZipFile, shutil.Error) as error:
        module.fail_json(msg=f"artifact: {wanted['release'].get('name')}: {destination}: {error}")
    module.exit_json(changed=changed, path=str(path))


if __name__ == "__main__":
    main()
