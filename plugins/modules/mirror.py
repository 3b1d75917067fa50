# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Documentation of the action of the same name, which does the work on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mirror
short_description: Lock and mirror every file that the catalogue's profiles fetch
version_added: 0.2.0
description:
  - >-
    Finds out what the roles of some profiles fetch: releases, from their defaults and C(catalog/components.yml), and
    packages of vendors' repositories, from their tasks and C(catalog/repositories.yml).
  - >-
    Writes a lockfile with the address, SHA-256 and size of each file, and fetches them into a directory that
    C(artifact_mirror_url) and C(repository_mirror_url) can point at.
  - >-
    An index of a repository is believed only if the key of the catalogue's fingerprint signed it, and a package only if
    its index tells its SHA-256. A file that is not as locked is not kept.
  - >-
    A release whose checksum is V(unverified) and that has no signature is fetched to learn its checksum, which the
    lockfile marks C(filled) and a warning tells. It is not installed before the catalogue holds the checksum.
  - Packages of the distribution itself, and Python wheels, are not mirrored.
  - Runs on the controller. Signatures need its program C(gpgv).
author: awsome.training contributors
options:
  path:
    description: The directory of the mirror.
    type: path
    required: true
  lock_path:
    description: The lockfile.
    type: path
    required: true
  state:
    description:
      - With V(locked) the vendors are asked and only the lockfile is written.
      - With V(downloaded) every file of the lockfile is in the mirror. A lockfile that is missing, or that was made for
        other records, profiles, platforms or architectures, is written first; any other is used as it is.
      - With V(checked) every file is read, and the module fails if one is missing or damaged. Nothing is fetched.
    type: str
    choices: [locked, downloaded, checked]
    default: downloaded
  relock:
    description: Whether to ask the vendors anew although the lockfile fits, for what they published since.
    type: bool
    default: false
  profiles:
    description: Profiles of the catalogue; none means those that images are made of.
    type: list
    elements: str
    default: []
  platforms:
    description: Platforms of the catalogue that the nodes run. Needed unless O(state=checked).
    type: list
    elements: str
    default: []
  architectures:
    description: V(x86_64), V(aarch64) or both.
    type: list
    elements: str
    default: [x86_64]
  packages:
    description:
      - For a repository of the catalogue, the packages to take in place of those that the roles name, each with all
        that it needs from there. C(name=version) asks for a version, and C(*) stands for any letters.
      - For packages whose name depends on the node, such as those of one kernel. An empty list leaves a repository out.
    type: dict
    default: {}
  parallel:
    description: How many files are fetched at once.
    type: int
    default: 4
  attempts:
    description: How often to try each file; the pauses between are 1 s, 2 s, 4 s and so on.
    type: int
    default: 5
  timeout_seconds:
    description: How long a server may be silent.
    type: int
    default: 60
  collection_path:
    description: The directory of another C(catalog) and C(roles) than this collection's.
    type: path
attributes:
  check_mode:
    description: Tells whether the lockfile would be written and how many of its files are missing; asks no vendor.
    support: full
"""

EXAMPLES = r"""
- name: Have a mirror for nodes without the internet
  awsome.training.mirror:
    path: /srv/mirror
    lock_path: mirror.lock.yml
    profiles: [gpu]
    platforms: [ubuntu2404]
"""

RETURN = r"""
filled:
  description: Files whose checksum the catalogue lacks, with the one that was computed.
  returned: when the lockfile was written
  type: list
  elements: str
fetched:
  description: The files that were fetched, relative to the mirror.
  returned: when O(state=downloaded)
  type: list
  elements: str
notes:
  description: What the mirror does not hold or cannot prove, and who must.
  returned: when the lockfile was written
  type: list
  elements: str
planned:
  description: The releases that the mirror holds, and for each repository the packages that were asked for.
  returned: unless O(state=checked)
  type: list
  elements: str
skipped_records:
  description: Records that their vendor does not offer for a platform or an architecture.
  returned: unless O(state=checked)
  type: list
  elements: str
"""
