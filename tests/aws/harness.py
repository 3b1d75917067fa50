"""A server of tests/aws/server.py, what it was asked, and playbooks that are run against it."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
REGION = "us-east-1"
# Of one attempt: moto answers what it does not know by 500, which botocore would ask again and again.
DUMMY = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
}


@dataclass(frozen=True)
class Played:
    """What a playbook said and left: `outputs` are the facts `<role>_outputs`, by role."""

    returncode: int
    stdout: str
    outputs: dict[str, Any]

    @property
    def changed(self) -> int:
        """Tasks that changed something; each recap counts on from the one before."""
        return int(re.findall(r"changed=(\d+)", self.stdout)[-1])

    @property
    def told(self) -> str:
        """The output on one line, for looking sentences up."""
        return " ".join(self.stdout.split())


@functools.cache
def _client(service: str, endpoint: str) -> Any:
    """Kept: to read a service's model takes longer than most requests."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


@dataclass(frozen=True)
class Aws:
    endpoint: str
    log: Path
    env: dict[str, str] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return _client(service, self.endpoint)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """All since the last reset, in order: service, action, params, status."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def asked(self, action: str) -> list[dict[str, Any]]:
        """The parameters of each request of this action."""
        return [one["params"] for one in self.requests if one["action"] == action]

    def reset(self) -> None:
        self._post("moto-api/reset")
        self.log.write_text("")

    def refuse(self, action: str, times: int = 1, code: str = "ThrottlingException") -> None:
        """Refuse the next requests of an action, as AWS does when it throttles."""
        self._post("refuse", {"action": action, "times": times, "code": code})

    def configure(self, **services: Any) -> None:
        """Moto's own configuration, such as batch={"use_docker": False}."""
        self._post("moto-api/config", services)

    def playbook(self, name: str, *arguments: str, **variables: Any) -> Played:
        """Run playbooks/<name>.yml, or the file `name`, on localhost; --check among the arguments only plans."""
        path = name if "/" in name else f"playbooks/{name}.yml"
        with tempfile.TemporaryDirectory() as place:
            left = Path(place) / "outputs.json"
            told = {**variables, "outputs_path": str(left)}
            done = subprocess.run(
                [BIN / "ansible-playbook", *("-e", json.dumps(told)), path, "tests/aws/outputs.yml", *arguments],
                cwd=ROOT,
                env={**os.environ, **self.env, "PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=600,
            )
            outputs = json.loads(left.read_text()) if left.exists() else {}
        return Played(done.returncode, done.stdout, outputs)

    def deploy(self, path: str, name: str = "a", **parameters: Any) -> dict[str, str]:
        """The outputs of a stack of the template at `path`, without Ansible: quick, for its many choices."""
        formation = self.client("cloudformation")
        told = [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()]
        formation.create_stack(StackName=name, TemplateBody=(ROOT / path).read_text(), Parameters=told)
        (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def _post(self, path: str, told: Any = None) -> None:
        body = json.dumps(told or {}).encode()
        request = urllib.request.Request(f"{self.endpoint}/{path}", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()


@contextlib.contextmanager
def serving(place: Path, **env: str) -> Iterator[Aws]:
    """A server on a free port of 127.0.0.1, with variables of moto's such as MOTO_AMIS_PATH."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = place / "asked.jsonl"
    log.touch()
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(port), str(log)]
    server = subprocess.Popen(command, env={**os.environ, **DUMMY, "PYTHONPATH": str(ROOT / ".collections"), **env})
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert server.poll() is None, f"tests/aws/server.py ended with {server.returncode} before it listened"
            time.sleep(0.1)
        endpoint = f"http://127.0.0.1:{port}"
        yield Aws(endpoint, log, {**DUMMY, "AWS_ENDPOINT_URL": endpoint})
    finally:
        server.terminate()
        server.wait(10)


@functools.cache
def template(role: str, name: str) -> dict[str, Any]:
    """roles/<role>/files/<name>.cfn.yml, with !Ref and the like as {"Ref": ...} and {"Fn::...": ...}."""
    return load_template(ROOT / f"roles/{role}/files/{name}.cfn.yml")


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms."""


def _short(loader: yaml.SafeLoader, word: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        value: Any = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        value = loader.construct_scalar(node)
    if word == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {word if word in ("Ref", "Condition") else f"Fn::{word}": value}


_Loader.add_multi_constructor("!", _short)


def load_template(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(), Loader=_Loader)  # type: ignore[no-any-return]
