#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Run the acceptance checks of one role on a node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_check
short_description: Run the acceptance checks of one role on a node
version_added: 0.1.0
description:
  - Runs every check that it is given, in one call, and records the answers as a fact of the host.
  - A check answers V(pass), V(fail) or V(not-checked). The module itself never fails because of an answer;
    the C(verify) playbook reads the facts of all hosts and judges.
  - Changes nothing.
author: awsome.training contributors
options:
  role:
    description: The role whose checks these are; it becomes the first part of each check's name.
    type: str
    required: true
  checks:
    description: The checks, in the order in which they run.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What is checked, in one word.
        type: str
        required: true
      argv:
        description: A command to run, as a list. A program that is missing makes the check V(not-checked).
        type: list
        elements: str
      service:
        description: A systemd unit that must be active.
        type: str
      file:
        description: A path that must exist.
        type: path
      package:
        description: A package that must be installed, by the node's own database (dpkg or rpm).
        type: str
      version:
        description: The vendor's version that O(checks[].package) must have, without epoch and packaging revision.
        type: str
      mode:
        description: The mode that O(checks[].file) must have, octal, as a string.
        type: str
      rc:
        description: The exit status that O(checks[].argv) must have.
        type: int
        default: 0
      stdout:
        description:
          - A regular expression that the output of O(checks[].argv) must match.
          - An empty output makes the check V(not-checked).
        type: str
      needs:
        description:
          - >-
            Paths of which the node must have one for the check to make sense, such as a device; C(*) is understood.
            Where there is none the check is V(not-checked).
        type: list
        elements: str
        version_added: 0.3.0
      otherwise:
        description: What to say where the node has nothing of O(checks[].needs).
        type: str
        version_added: 0.3.0
      timeout:
        description: Seconds after which the check is given up as V(not-checked).
        type: float
        default: 10
      reason:
        description: What a person should know when the check fails.
        type: str
      stage:
        description:
          - >-
            What the check needs. V(image) holds as soon as the install door has run (a program's version, a file, a
            package), V(node) on a configured node only.
          - V(image) was added in version 0.2.0.
        type: str
        choices: [node, image]
        default: node
  stage:
    description:
      - What is looked at, a configured node or an image that is being built.
      - In an V(image) the checks that need a configured node are answered with V(not-checked).
    type: str
    choices: [node, image]
    default: node
    version_added: 0.2.0
attributes:
  check_mode:
    description: Can run in check mode; it changes nothing anyway.
    support: full
"""

EXAMPLES = r"""
- name: Check munge
  awsome.training.node_check:
    role: munge
    checks:
      - name: service
        service: munge
      - name: round_trip
        argv: [sh, -c, "munge -n | unmunge"]
        stdout: "STATUS:\\s+Success"
        reason: munge cannot decode its own credential

- name: Check munge, in an image as well as on a node
  awsome.training.node_check:
    role: munge
    stage: image
    checks:
      - name: program
        argv: [munge, --version]
        stage: image
      - name: service
        service: munge

- name: Check a daemon where there is a device for it
  awsome.training.node_check:
    role: dcgm
    checks:
      - name: daemon
        service: nvidia-dcgm
        needs: [/dev/nvidiactl]
        otherwise: no NVIDIA device on this node
"""

RETURN = r"""
answers:
  description: One answer a check.
  returned: always
  type: list
  elements: dict
  sample:
    - {check: munge.service, status: pass, reason: munge is active, seconds: 0.01}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils._health import check as checking


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "role": {"type": "str", "required": True},
            "checks": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "argv": {"type": "list", "elements": "str"},
                    "service": {"type": "str"},
                    "file": {"type": "path"},
                    "package": {"type": "str"},
                    "version": {"type": "str"},
                    "mode": {"type": "str"},
                    "rc": {"type": "int", "default": 0},
                    "stdout": {"type": "str"},
                    "needs": {"type": "list", "elements": "str"},
                    "otherwise": {"type": "str"},
                    "timeout": {"type": "float", "default": 10},
                    "reason": {"type": "str"},
                    "stage": {"type": "str", "choices": list(checking.STAGES), "default": checking.NODE},
                },
                "mutually_exclusive": [("argv", "service", "file", "package")],
                "required_one_of": [("argv", "service", "file", "package")],
                "required_together": [("needs", "otherwise")],
                "required_by": {"mode": ("file",), "stdout": ("argv",), "version": ("package",)},
            },
            "stage": {"type": "str", "choices": list(checking.STAGES), "default": checking.NODE},
        },
        supports_check_mode=True,
    )
    role = module.params["role"]
    wanted = [{key: value for key, value in check.items() if value is not None} for check in module.params["checks"]]
    answers = [checking.answer(role, check, stage=module.params["stage"]) for check in wanted]
    module.exit_json(changed=False, answers=answers, ansible_facts={f"awsome_check_{role}": answers})


if __name__ == "__main__":
    main()
