#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Install packages without starting what they bring. The action plugin of this name asks first whether it is needed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install packages without starting what they bring
version_added: 0.1.0
description:
  - >-
    Installs what is missing of a list of packages. A daemon that a package would start on installation is not started:
    the C(install) door never starts a service.
  - When nothing is missing, only the node's own package database is asked, which takes a tenth of a second.
  - >-
    With O(repository), the vendor's repository is laid first (its key, and a C(.sources) file for apt or a C(.repo)
    file for dnf), and its index read. A key whose fingerprint is not the record's is refused; of a file with several
    keys, only the wanted one is kept. If the index cannot be read, or its signature does not hold, the node has again
    what it had before. With O(hold), an upgrade of the system leaves the packages alone.
  - >-
    Waits for a package manager that is busy, refreshes an index that is old, and tries again, each time after a longer
    pause, when a download fails.
author: awsome.training contributors
options:
  name:
    description:
      - >-
        The packages; C(name=version) asks for one version, in which C(*), C(?) and C([...]) stand for what one does not
        know. An rpm's version is C(VERSION-RELEASE), without its epoch.
      - A version that is older than the installed one is installed, too.
    type: list
    elements: str
    required: true
  repository:
    description:
      - The repository that has the packages, from the lookup P(awsome.training.repository#lookup).
      - Without it, they come from those that the node knows.
    type: dict
    version_added: 0.2.0
  files:
    description:
      - Of packages that no repository has, the file on the node, by the package's name in O(name).
      - The package manager asks for no signature of such a file; M(awsome.training.artifact_fetch) checks it.
    type: dict
    default: {}
    version_added: 0.3.0
  hold:
    description:
      - Whether to keep the packages as they are when the system is upgraded (C(apt-mark hold), or dnf's versionlock).
      - This module itself changes held packages. V(false) releases none.
    type: bool
    default: false
    version_added: 0.2.0
  recommends:
    description: Whether to install what the packages only recommend.
    type: bool
    default: false
  lock_timeout_seconds:
    description: How long to wait while another process holds the package manager's lock.
    type: int
    default: 600
  cache_valid_seconds:
    description: The age at which the index of the archive is refreshed before an installation (apt only).
    type: int
    default: 86400
  attempts:
    description: How often to try; the pauses are 5 s, 10 s, 20 s and so on, and for a key or an index 1 s, 2 s, 4 s.
    type: int
    default: 3
  timeout_seconds:
    description: How long the server of a key may be silent.
    type: int
    default: 60
    version_added: 0.3.0
  manager:
    description: The node's package manager, V(apt), V(dnf) or V(dnf5). Left out, the node's facts say it.
    type: str
    version_added: 0.3.0
attributes:
  check_mode:
    description: Tells what is missing and installs nothing.
    support: full
"""

EXAMPLES = r"""
- name: Install munge
  awsome.training.packages:
    name: [munge]

- name: Install a vendor's release and keep it
  awsome.training.packages:
    name: ["docker-ce=5:29.*"]
    repository: "{{ lookup('awsome.training.repository', 'docker') }}"
    hold: true
"""

RETURN = r"""
repository_changed:
  description: Whether the repository was, or in check mode would be, laid.
  returned: success
  type: bool
missing:
  description: The packages that were, or in check mode would be, installed.
  returned: success
  type: list
  elements: str
"""

import functools
import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.awsome.training.plugins.module_utils._artifact import ArtifactError
from ansible_collections.awsome.training.plugins.module_utils._packages import PackageError
from ansible_collections.awsome.training.plugins.module_utils._packages_options import OPTIONS
from ansible_collections.awsome.training.plugins.module_utils._packages_run import Node, Wanted, converge
from ansible_collections.awsome.training.plugins.module_utils._repository import RepositoryError, judge


def _open(timeout: int, url: str) -> Any:
    # Most runs fetch no key, and this import is half of what they would take.
    from ansible.module_utils.urls import open_url

    return open_url(url, timeout=timeout, http_agent="awsome.training")


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    options = dict(module.params)
    record, names, manager = options.pop("repository"), options.pop("name"), options.pop("manager")
    seconds = options.pop("timeout_seconds")
    node = Node(opener=functools.partial(_open, seconds))
    os.umask(0o022)
    os.environ |= {"DEBIAN_FRONTEND": "noninteractive", "DEBIAN_PRIORITY": "critical"}
    try:
        repository = judge(record, manager) if record else None
        wanted = Wanted(manager, names, repository, **options)
        result = converge(wanted, node, check=module.check_mode)
    except PackageError as error:
        module.fail_json(msg=str(error), warnings=node.warnings)
    except (RepositoryError, ArtifactError) as error:
        module.fail_json(msg=f"packages: {error}", warnings=node.warnings)
    except OSError as error:
        module.fail_json(msg=f"packages: {error}; mend that, and run again.", warnings=node.warnings)
    module.exit_json(**result, warnings=node.warnings)


if __name__ == "__main__":
    main()
