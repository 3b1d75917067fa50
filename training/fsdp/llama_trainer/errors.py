"""The one error that is the user's to mend: told in one sentence, exit status 2."""

from __future__ import annotations

import importlib
from typing import Any


class BadInput(ValueError):
    """A recipe, a path, a checkpoint or a cluster shape that cannot be trained with."""


def optional_package(module: str, asked_by: str) -> Any:
    """A package that only some runs need; the locked requirements do not hold it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise BadInput(f"{asked_by} needs the package {package}: pip install {package}") from error
