# Copyright: awsome.training contributors
# Apache-2.0 (see LICENSE)
"""What the documentation of several lookups says alike."""

from __future__ import annotations


class ModuleDocFragment:
    NAMES = r"""
options:
  _terms:
    description: The names of the records that are wanted, one or several.
    required: true
    type: list
    elements: str
"""

    NOTHING = r"""
options:
  _terms:
    description: Not used.
    required: false
    type: list
    elements: str
"""
