#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Install packages without starting what they bring: documentation only, the action plugin of this name works."""

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
    With O(repository), the vendor's repository is laid first, its key checked against its fingerprint, and its index
    read. With O(hold), an upgrade of the system leaves the packages alone.
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
    description: How often to try; the pauses between are 5 s, 10 s, 20 s and so on.
    type: int
    default: 3
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
