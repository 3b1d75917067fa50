#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Tell a node of a vendor's package repository, and check its key."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_repository
short_description: Tell a node of a vendor's package repository, and check its key
version_added: 0.2.0
description:
  - >-
    Lays a repository's key and its source file (a C(.sources) file for apt, a C(.repo) file for dnf), and reads its
    index. Nothing is trusted beyond this one repository.
  - >-
    Refuses a key whose fingerprint is not the one given. Of a file with several keys, only the wanted one is kept. No
    gpg program is needed.
  - If the index cannot be read, or its signature does not hold, the node has again what it had before.
  - The module M(awsome.training.packages) calls this one when needed; it is seldom called alone.
author: awsome.training contributors
options:
  repository:
    description: The record, from the lookup P(awsome.training.repository#lookup).
    type: dict
    required: true
  attempts:
    description: How often to try; the pauses between are 1 s, 2 s, 4 s and so on.
    type: int
    default: 3
  timeout_seconds:
    description: How long a server may be silent.
    type: int
    default: 60
  lock_timeout_seconds:
    description: How long to wait while another process holds the package manager's lock.
    type: int
    default: 600
attributes:
  check_mode:
    description: Tells whether the repository would be laid.
    support: full
"""

EXAMPLES = r"""
- name: Lay a vendor's repository
  awsome.training.package_repository:
    repository: "{{ lookup('awsome.training.repository', 'docker') }}"
"""

RETURN = r"""
source:
  description: The source file.
  returned: success
  type: str
key:
  description: The file of its key.
  returned: success
  type: str
"""

import functools
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.awsome.training.plugins.module_utils import _repository_files as files
from ansible_collections.awsome.training.plugins.module_utils._artifact import ArtifactError
from ansible_collections.awsome.training.plugins.module_utils._repository import RepositoryError, judge


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "repository": {"type": "dict", "required": True},
            "attempts": {"type": "int", "default": 3},
            "timeout_seconds": {"type": "int", "default": 60},
            "lock_timeout_seconds": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    opener = functools.partial(open_url, timeout=wanted["timeout_seconds"], http_agent="awsome.training")
    os.umask(0o022)
    try:
        repository = judge(wanted["repository"])
        changed = not files.is_laid(repository)
        if changed and not module.check_mode:
            key = files.fetch_key(repository, wanted["attempts"], opener)
            with files.laid(repository, key):
                files.refresh(repository, wanted["attempts"], wanted["lock_timeout_seconds"])
    except (RepositoryError, ArtifactError) as error:
        module.fail_json(msg=f"packages: {error}")
    except OSError as error:
        module.fail_json(msg=f"packages: repository {wanted['repository'].get('name')}: {error}")
    module.exit_json(changed=changed, source=repository.source_path, key=repository.key_path)


if __name__ == "__main__":
    main()
