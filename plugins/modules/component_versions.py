#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Read which versions of the stack are installed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: component_versions
short_description: Read which versions of the stack are installed
version_added: 0.2.0
description:
  - >-
    Reads the versions of NVIDIA's driver, CUDA, NCCL, the EFA installer, libfabric, aws-ofi-nccl, gdrcopy, DCGM, Fabric
    Manager, the Neuron SDK, Slurm, enroot, Pyxis, Docker, the NVIDIA container toolkit, the Lustre client, the AWS
    command line and the kernel, from what is installed, and tells which file, package or command said so.
  - >-
    Looks at this machine, at a root file system below a directory, or at a container image. Of the last two nothing is
    executed.
  - A version that no source tells is not guessed.
  - With O(rules), also judges them together, and records the answers as M(awsome.training.node_check) does.
  - Changes nothing.
author: awsome.training contributors
options:
  root:
    description: The root to look at. Another than V(/) may be any directory that holds a system.
    type: path
    default: /
  image:
    description:
      - A container image in the storage of podman on this machine, which is mounted while it is looked at; needs root.
      - It is not pulled.
    type: str
  rules:
    description: Rules as C(catalog/compatibility.yml) holds them.
    type: dict
    default: {}
  platform:
    description: The platform, for O(rules) that differ by platform.
    type: str
    default: ""
  instance_types:
    description: The EC2 instance types, for O(rules) that differ by type.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Can run in check mode; it changes nothing anyway.
    support: full
"""

EXAMPLES = r"""
- name: Read what is installed
  awsome.training.component_versions:
  register: installed

- name: Read what a container image holds
  awsome.training.component_versions:
    image: localhost/training:1
"""

RETURN = r"""
components:
  description: By component, its C(version) and C(how) it was read; null for one that is not there.
  returned: always
  type: dict
  sample:
    efa: {version: 1.47.0, how: /opt/amazon/efa_installed_packages}
    nccl: null
gpu_models:
  description: The models of the GPUs that the driver runs.
  returned: always
  type: list
  elements: str
  sample: [NVIDIA H100 80GB HBM3]
system:
  description: The C(id) and C(version_id) of C(/etc/os-release).
  returned: always
  type: dict
  sample: {id: ubuntu, version_id: "24.04"}
findings:
  description: What each of O(rules) that is about these components says.
  returned: always
  type: list
  elements: dict
  sample:
    - {rule: cuda_driver, verdict: allowed, reason: cuda 13.0.2 goes with nvidia_driver 580.126.20., source: https://docs.nvidia.com}
"""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _compatibility as compatibility
from ansible_collections.awsome.training.plugins.module_utils._health import check
from ansible_collections.awsome.training.plugins.module_utils._versions import survey
from ansible_collections.awsome.training.plugins.module_utils._versions.root import Root, RootError

STATUSES = {
    compatibility.ALLOWED: check.PASS,
    compatibility.REFUSED: check.FAIL,
    compatibility.UNKNOWN: check.NOT_CHECKED,
}


@contextlib.contextmanager
def mounted(module: AnsibleModule, image: str) -> Iterator[str]:
    podman = module.get_bin_path("podman")
    if not podman:
        raise RootError(f"image {image} cannot be looked at: podman is not installed here; install it, or use root.")
    rc, path, trouble = module.run_command([podman, "image", "mount", image])
    if rc != 0:
        said = " ".join(trouble.split()) or f"podman ended with {rc}"
        raise RootError(f"image {image} cannot be mounted: {said}; pull or build it first, and become root.")
    try:
        yield path.strip()
    finally:
        module.run_command([podman, "image", "unmount", image])


def answers(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "check": f"compatibility.{finding['rule']}",
            "status": STATUSES[finding["verdict"]],
            "reason": finding["reason"],
            "seconds": 0.0,
        }
        for finding in findings
    ]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "default": "/"},
            "image": {"type": "str"},
            "rules": {"type": "dict", "default": {}},
            "platform": {"type": "str", "default": ""},
            "instance_types": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    options = module.params
    image = options["image"]
    if image and options["root"] != "/":
        module.fail_json(msg=f"component_versions: root {options['root']} and image {image} are two places; name one.")
    try:
        with mounted(module, image) if image else contextlib.nullcontext(options["root"]) as path:
            root = Root(path)
            components, models, system = survey.survey(root), survey.gpu_models(root), survey.system(root)
        versions = {name: seen["version"] for name, seen in components.items() if seen}
        facts = {"components": versions, "gpu_models": models}
        facts |= {key: options[key] for key in ("platform", "instance_types")}
        findings = [asdict(one) for one in compatibility.judge(options["rules"], facts)]
    except (RootError, compatibility.CompatibilityError) as error:
        module.fail_json(msg=f"component_versions: {error}")
    result: dict[str, Any] = {"components": components, "gpu_models": models, "system": system, "findings": findings}
    if options["rules"]:
        result["ansible_facts"] = {"awsome_check_compatibility": answers(findings)}
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
