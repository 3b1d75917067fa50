# This file is private to the awsome.training collection: do not import it from elsewhere.
"""What the catalogue's lookups have in common: ask it once per term, and speak its errors as Ansible's."""

from __future__ import annotations

from typing import Any, Callable

from ansible.errors import AnsibleLookupError
from ansible_collections.awsome.training.plugins.module_utils._catalog import Catalog, CatalogError, load


def answer(terms: list[Any], ask: Callable[[Catalog, str], Any]) -> list[Any]:
    try:
        return [ask(load(), str(term)) for term in terms]
    except CatalogError as error:
        raise AnsibleLookupError(str(error)) from error
