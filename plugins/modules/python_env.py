#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Build a Python environment on a shared file system."""

from __future__ import annotations

DOCUMENTATION = r"""
module: python_env
short_description: Build a Python environment on a shared file system
version_added: 0.1.0
description:
  - Builds a virtual environment from locked requirements. Its path carries a hash of the requirements, the version of
    Python and the architecture, so an environment is never changed, only built or found.
  - An environment is complete or it is built anew, and two nodes never build the same one at the same time.
author: awsome.training contributors
options:
  name:
    description: The first part of the environment's name.
    type: str
    required: true
  requirements:
    description: The content of the locked requirements file.
    type: str
    required: true
  envs_dir:
    description: The directory of the environments; it must exist, and its path must be the same on all nodes.
    type: path
    required: true
  wheelhouse:
    description:
      - A directory of wheels. If it holds any, pip asks nothing else.
      - If it holds none, the node's own pip configuration says where packages come from.
    type: path
    default: ""
  python:
    description: The Python that the environment is made from; by default the one that runs this module.
    type: path
    default: ""
  timeout_seconds:
    description: How long each step of a build, or the wait for another node's build, may take.
    type: int
    default: 1800
attributes:
  check_mode:
    description: Tells whether the environment would be built.
    support: full
"""

EXAMPLES = r"""
- name: Have the trainer's environment
  awsome.training.python_env:
    name: fsdp
    requirements: "{{ lookup('ansible.builtin.file', 'training/fsdp/requirements.txt') }}"
    envs_dir: /fsx/awsome/envs
"""

RETURN = r"""
path:
  description: The environment.
  returned: success
  type: str
"""

import os
import subprocess
import sys
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils import _python_env as env


def main() -> None:
    module = AnsibleModule(
        {
            "name": {"type": "str", "required": True},
            "requirements": {"type": "str", "required": True},
            "envs_dir": {"type": "path", "required": True},
            "wheelhouse": {"type": "path", "default": ""},
            "python": {"type": "path", "default": ""},
            "timeout_seconds": {"type": "int", "default": 1800},
        },
        supports_check_mode=True,
    )
    params = module.params
    python = params["python"] or sys.executable
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        version = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        module.fail_json(msg=f"python_env: {python} cannot be run: {error}")
    envs = Path(params["envs_dir"])
    path = envs / f"{params['name']}-{env.key(params['requirements'], version.strip())}"
    if env.is_complete(path) or module.check_mode:
        module.exit_json(changed=not env.is_complete(path), path=str(path))
    os.umask(0o022)
    try:
        with env.locked(envs / f".{path.name}.lock", params["timeout_seconds"]):
            changed = not env.is_complete(path)
            if changed:
                wheelhouse = env.wheels(params["wheelhouse"])
                env.build(path, python, params["requirements"], wheelhouse, params["timeout_seconds"])
    except (env.EnvError, OSError) as error:
        module.fail_json(msg=f"python_env: {error}")
    module.exit_json(changed=changed, path=str(path))


if __name__ == "__main__":
    main()
