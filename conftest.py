"""Options of the whole test suite."""

from __future__ import annotations

import contextlib

import pytest

# Before any test imports Ansible: that replaces sys.intern by an object which torch._dynamo refuses to know.
with contextlib.suppress(ImportError):
    import torch._dynamo  # noqa: F401


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("awsome.training")
    group.addoption("--slow", action="store_true", help="also run the tests that take minutes")
    group.addoption(
        "--keep-artifacts", metavar="t", default="", help="t: leave the labs and files that tests made, to look at"
    )
    group.addoption("--lab-prefix", metavar="NAME", default="", help="use this running lab, and leave it as it is")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes: give --slow"))


@pytest.fixture(scope="session")
def keep_artifacts(request: pytest.FixtureRequest) -> bool:
    return str(request.config.getoption("--keep-artifacts")).lower() in ("t", "true", "1", "yes")
