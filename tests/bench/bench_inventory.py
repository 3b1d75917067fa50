"""How long the inventory of 5,000 HyperPod nodes takes: python tests/bench/bench_inventory.py [NODES]

A server on loopback answers as SageMaker would, a hundred nodes a page; so the time is ours and Ansible's, without the
network's. The same inventory without any node says what starting Ansible and boto3 costs. Throttled runs refuse every
tenth page once; what they take longer is botocore's waiting, a random time of up to a second for a first refusal.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGE, RUNS, GOAL_SECONDS = 100, 3, 5.0
INVENTORY = """\
plugin: awsome.training.hyperpod
region: us-west-2
clusters: [bench]
ssm_bucket: bench-bucket
"""
ARN = "arn:aws:sagemaker:us-west-2:123456789012:cluster/abcdefghij12"


def group(name: str, function: str, kind: str, **slurm: Any) -> dict[str, Any]:
    slurm = {"NodeType": function, **slurm}
    return {"InstanceGroupName": name, "InstanceType": kind, "Status": "InService", "SlurmConfig": slurm}


def node(number: int) -> dict[str, Any]:
    name = "controller" if number == 0 else "login" if number == 1 else f"workers-{number % 4}"
    a, b = divmod(number, 250)
    return {
        "InstanceGroupName": name,
        "InstanceId": f"i-{number:017x}",
        "InstanceType": "ml.m5.4xlarge" if number < 2 else "ml.p5.48xlarge",
        "LaunchTime": 1_790_000_000.0 + number,
        "InstanceStatus": {"Status": "Running", "Message": ""},
        "PrivateDnsHostname": f"ip-10-1-{a}-{b + 1}.us-west-2.compute.internal",
        "CurrentImageReleaseVersion": "1.2.3",
    }


class Service:
    """Answers DescribeCluster and ListClusterNodes; each `refused` page is throttled when it is asked for first."""

    def __init__(self, nodes: int, refused: int = 0) -> None:
        workers = [group(f"workers-{i}", "Compute", "ml.p5.48xlarge", PartitionNames=[f"gpu{i}"]) for i in range(4)]
        heads = [group("controller", "Controller", "ml.m5.4xlarge"), group("login", "Login", "ml.m5.4xlarge")]
        self.cluster = {
            "ClusterArn": ARN,
            "ClusterName": "bench",
            "ClusterStatus": "InService",
            "InstanceGroups": heads + workers,
        }
        self.nodes = [node(number) for number in range(nodes)]
        self.refused, self.calls, self.throttled = refused, 0, 0
        self.seen: set[int] = set()

    def answer(self, action: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls += 1
        if action == "DescribeCluster":
            return 200, self.cluster
        first = int(asked.get("NextToken", 0))
        page = first // PAGE
        if self.refused and page % self.refused == 0 and page not in self.seen:
            self.seen.add(page)
            self.throttled += 1
            return 400, {"__type": "ThrottlingException", "message": "Rate exceeded"}
        last = first + min(PAGE, asked.get("MaxResults", PAGE))
        more = {"NextToken": str(last)} if last < len(self.nodes) else {}
        return 200, {"ClusterNodeSummaries": self.nodes[first:last], **more}


@contextlib.contextmanager
def serving(service: Service) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # A small answer in two packets would otherwise wait for the other side's acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, told = service.answer(self.headers["X-Amz-Target"].partition(".")[2], asked)
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def once(service: Service, place: Path, extra: str = "") -> tuple[float, dict[str, Any]]:
    """Seconds of the whole `ansible-inventory --list`, and what it printed."""
    source = place / "bench.hyperpod.yml"
    source.write_text(INVENTORY + extra)
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
    with serving(service) as endpoint:
        began = time.perf_counter()
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-inventory"), "-i", str(source), "--list"],
            cwd=ROOT,
            env={**os.environ, **keys, "AWS_ENDPOINT_URL": endpoint},
            capture_output=True,
            text=True,
            timeout=300,
        )
        seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr
    return seconds, json.loads(done.stdout)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    ways: list[tuple[str, int, int, str]] = [
        ("no nodes", 0, 0, ""),
        (f"{count} nodes", count, 0, ""),
        (f"{count} nodes, one expression each", count, 0, "compose: {slurm_node_address: sagemaker_private_ip}\n"),
        (f"{count} nodes, every tenth page throttled once", count, 10, ""),
    ]
    missed = False
    with tempfile.TemporaryDirectory() as place:
        for title, nodes, refused, extra in ways:
            times = []
            for _ in range(RUNS):
                service = Service(nodes, refused)
                seconds, told = once(service, Path(place), extra)
                assert len(told["_meta"]["hostvars"]) == nodes
                times.append(seconds)
            print(
                f"{title}: best {min(times):.2f} s, worst {max(times):.2f} s; "
                f"{service.calls} calls, {service.throttled} throttled"
            )
            missed |= title == f"{count} nodes" and min(times) > GOAL_SECONDS
    print(f"goal: {GOAL_SECONDS:.0f} s for {count} nodes: {'missed' if missed else 'kept'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
