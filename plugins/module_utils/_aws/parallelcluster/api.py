# Private to awsome.training: its API may change without notice.
"""aws-parallelcluster as a function: each question is asked in the Python that has it, and it calls AWS itself."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from ansible_collections.awsome.training.plugins.module_utils._aws.parallelcluster import driver

Row = dict[str, Any]
# Of a region's limits on calls; the package itself tells the first by code 429, the others by their words.
_THROTTLED = ("Rate exceeded", "Throttling", "RequestLimitExceeded", "TooManyRequests")


class PackageError(RuntimeError):
    """The package cannot be asked, or refused. Its message is for the user; `answer` is what the package said."""

    def __init__(self, message: str, answer: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.answer = answer


def environment(params: Mapping[str, Any]) -> dict[str, str]:
    """The options that all AWS modules share, as the package's boto3 reads them."""
    names = {
        "region": "AWS_DEFAULT_REGION",
        "access_key": "AWS_ACCESS_KEY_ID",
        "secret_key": "AWS_SECRET_ACCESS_KEY",
        "session_token": "AWS_SESSION_TOKEN",
        "profile": "AWS_PROFILE",
        "endpoint_url": "AWS_ENDPOINT_URL",
        "aws_ca_bundle": "AWS_CA_BUNDLE",
    }
    return {name: params[option] for option, name in names.items() if params.get(option)}


class Package:
    """aws-parallelcluster in one Python, for one cluster in one region. The process stays until it is closed."""

    def __init__(
        self,
        python: str,
        name: str,
        region: str,
        env: Mapping[str, str],
        seconds: float = 600,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.python, self.name, self.region = python, name, region
        self.env, self.seconds, self.sleep = {**os.environ, **env}, seconds, sleep
        self.version = ""
        self.running: subprocess.Popen[str] | None = None
        # What it says beside its answers, in a file, since nobody reads it while an answer is awaited.
        self.said = Path(os.devnull)

    def faults(self, configuration: Row) -> list[str]:
        """What the package's schema and its validators that need no AWS have against a configuration."""
        answer = self._ask(ask="judge", name=self.name, configuration=configuration)
        if "faults" not in answer:
            raise PackageError(
                f"{self.python} could not judge the configuration: {answer['content']['message']}", answer
            )
        return list(answer["faults"])

    def call(self, operation: str, *, fleet_stopped: bool = False, attempts: int = 6, **arguments: Any) -> Row:
        """The package's answer, be it a refusal; asked again, later and later, while AWS throttles."""
        arguments = {"cluster_name": self.name, "region": self.region, **arguments}
        for attempt in range(attempts):
            answer = self._ask(ask="call", operation=operation, arguments=arguments, fleet_stopped=fleet_stopped)
            message = str((answer.get("content") or {}).get("message", ""))
            if answer["code"] != 429 and not any(word in message for word in _THROTTLED):
                break
            self.sleep(2.0 * 2**attempt)
        return answer

    def describe(self) -> Row | None:
        answer = self.call("describe_cluster")
        if answer["code"] == 404:
            return None
        return self.good(answer, "be described")

    def events(self) -> list[Row]:
        """All events of the cluster's stack; none where they cannot be had, since they only explain something else."""
        found: list[Row] = []
        token: Row = {}
        for _ in range(20):
            answer = self.call("get_cluster_stack_events", **token)
            if answer["code"] != 200:
                break
            found += answer["content"].get("events") or []
            if not answer["content"].get("nextToken"):
                break
            token = {"next_token": answer["content"]["nextToken"]}
        return found

    def good(self, answer: Row, what: str) -> Row:
        if answer["code"] not in (200, 202):
            said = (answer.get("content") or {}).get("message", "it did not say why")
            raise PackageError(f"{self.name} in {self.region} cannot {what}: {said}", answer)
        content: Row = answer["content"]
        return content

    def close(self) -> None:
        if self.running:
            self.running.kill()
            self.running.communicate()
            self.said.unlink()
        self.running = None

    def _ask(self, **request: Any) -> Row:
        what = request.get("operation", "judge")
        try:
            self.running = self.running or self._start()
            answered = self._answer(self.running, json.dumps(request))
        except OSError as error:
            raise PackageError(
                f"python is {self.python!r}, which cannot be run: {error.strerror}; name the Python in which "
                "aws-parallelcluster is installed."
            ) from error
        try:
            answer: Row = json.loads(answered or "")
        except ValueError as error:
            told = " ".join(self.said.read_text().split())[-600:] or "it ended and said nothing"
            self.close()
            if answered is None:
                raise PackageError(f"{self.python} did not answer {what} in {self.seconds:g} s.") from error
            raise PackageError(f"{self.python} did not answer as expected: {told}") from error
        if answer.get("trouble") in ("PackageNotFoundError", "ModuleNotFoundError"):
            raise PackageError(
                f"{self.python} has no aws-parallelcluster ({answer['content']['message']}); install it there, or name "
                "the Python that has it."
            )
        self.version = answer.get("version", "")
        return answer

    def _start(self) -> subprocess.Popen[str]:
        # As an argument: the text of a module can be had from a zip, its path cannot.
        command = [self.python, "-c", inspect.getsource(driver)]
        pipe = subprocess.PIPE
        descriptor, path = tempfile.mkstemp()
        self.said = Path(path)
        with os.fdopen(descriptor, "w") as said:
            return subprocess.Popen(command, env=self.env, stdin=pipe, stdout=pipe, stderr=said, text=True)

    def _answer(self, running: subprocess.Popen[str], request: str) -> str | None:
        """The next line, empty where the process ended, None where it took too long."""
        assert running.stdin and running.stdout
        with contextlib.suppress(BrokenPipeError):
            running.stdin.write(request + "\n")
            running.stdin.flush()
        ready, _, _ = select.select([running.stdout], [], [], self.seconds)
        return running.stdout.readline() if ready else None
