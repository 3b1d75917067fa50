"""AWS for the tests: one server a session, and forgetful before each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from aws.harness import Aws, Played, serving


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """The server as it is. A module that shares one deployment among its tests resets it itself."""
    with serving(tmp_path_factory.mktemp("aws"), MOTO_IAM_LOAD_MANAGED_POLICIES="true") as served:
        yield served


@pytest.fixture
def aws(aws_server: Aws) -> Aws:
    aws_server.reset()
    return aws_server


@pytest.fixture
def playbook(aws: Aws) -> Callable[..., Played]:
    return aws.playbook
