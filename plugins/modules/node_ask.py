#!/usr/bin/python
# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""Ask a node by a command that changes nothing: documentation only, the action plugin of this name works."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_ask
short_description: Ask a node by a command that changes nothing
version_added: 0.3.0
description:
  - >-
    Runs a command for the sake of its answer. Unlike M(ansible.builtin.command) it is never a change, runs in check
    mode, too, and sends no Python to the node, which makes it several times as fast.
  - A command that fails, or that the node does not have, is an answer as well; look at RV(rc).
author: awsome.training contributors
options:
  argv:
    description: The command. What it prints as errors is dropped.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Asks as ever.
    support: full
"""

EXAMPLES = r"""
- name: Ask which version is there
  awsome.training.node_ask:
    argv: [aws, --version]
  register: aws_cli
"""

RETURN = r"""
rc:
  description: The command's exit status.
  returned: success
  type: int
stdout:
  description: What it printed, without the last line's end.
  returned: success
  type: str
stdout_lines:
  description: The same, line by line.
  returned: success
  type: list
  elements: str
"""
