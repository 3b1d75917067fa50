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
    Waits for a package manager that is busy, refreshes an index that is old, and tries again, each time after a longer
    pause, when a download fails.
author: awsome.training contributors
options:
  name:
    description: The packages; C(name=version) asks for exactly one version.
    type: list
    elements: str
    required: true
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
"""

RETURN = r"""
missing:
  description: The packages that were, or in check mode would be, installed.
  returned: always
  type: list
  elements: str
"""
