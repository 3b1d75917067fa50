"""Containers that stand for the nodes of a HyperPod cluster, as its service leaves them: before any hook ran."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.awsome.training.plugins.module_utils._lab.podman import host_limits
from lab.harness import Podman, run

HERE = Path(__file__).parent / "hyperpod_image"
PLATFORM = "debian13"
LABEL = "awsome.lab"
GROUPS = {"controller": "controller-machine", "login": "my-login-group", "compute": "worker-group-1"}
PARAMETERS: dict[str, Any] = {
    "version": "1.0.0",
    "workload_manager": "slurm",
    "controller_group": GROUPS["controller"],
    "login_group": GROUPS["login"],
    "worker_groups": [{"instance_group_name": GROUPS["compute"], "partition_name": "dev"}],
}
CLUSTER: dict[str, Any] = {
    "features": {"containers": False},
    "variables": {
        "slurm_config": {"MaxArraySize": 2000},
        "slurm_accounting_mariadb_config": {"innodb_buffer_pool_size": "128M"},
    },
}
USERS = [{"name": "alice", "uid": 2001, "home": "/fsx/alice"}]
SLURM_CONF = """\
# Written by the service
ClusterName={name}
SlurmctldHost={controller}
SlurmUser=slurm
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmctldParameters=enable_configless
{nodes}
PartitionName=dev Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def image(podman: Podman) -> str:
    """The stand-in for the AMI, made once for what it is made of."""
    maker = run("ansible-playbook", "-i", "localhost,", str(HERE / "base.yml"), "-e", f"lab_platform={PLATFORM}")
    found = re.search(r"localhost/awsome-base:\S+[0-9a-f]", maker.stdout)
    assert maker.returncode == 0 and found, maker.stdout[-3000:]
    name = found.group(0)
    key = hashlib.sha256((name + (HERE / "Containerfile").read_text()).encode()).hexdigest()[:12]
    made = f"localhost/awsome-hyperpod:{key}"
    if run(*podman.sudo, "podman", "image", "exists", made).returncode:
        arguments = ["--isolation=chroot", f"--build-arg=FROM={name}", f"--tag={made}", str(HERE)]
        built = run(*podman.sudo, "podman", "build", *arguments)
        assert built.returncode == 0, built.stdout[-3000:]
    return made


@dataclass
class Node:
    name: str
    address: str
    function: str


@dataclass
class Cluster:
    """The machines of one cluster and what its service wrote on them."""

    prefix: str
    podman: Podman
    bundle: Path
    image: str
    num_compute: int = 2
    num_login: int = 1
    shared: Path = Path()
    images: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    octet: int = 61

    @property
    def nodes(self) -> list[Node]:
        numbers = [("controller", 10)]
        numbers += [("login", 20 + number) for number in range(self.num_login)]
        numbers += [("compute", 101 + number) for number in range(self.num_compute)]
        addresses = [(function, f"10.{self.octet}.7.{number}") for function, number in numbers]
        return [Node(f"ip-{address.replace('.', '-')}", address, function) for function, address in addresses]

    def of(self, function: str) -> list[Node]:
        return [node for node in self.nodes if node.function == function]

    def container(self, node: Node) -> str:
        return f"{self.prefix}-{node.name}"

    # --- the machines -------------------------------------------------------------------------------------------

    @contextmanager
    def running(self, keep: bool = False) -> Iterator[Cluster]:
        try:
            self.destroy()
            self.podman(
                "network",
                "create",
                "--label",
                f"{LABEL}={self.prefix}",
                "--subnet",
                f"10.{self.octet}.7.0/24",
                self.prefix,
            )
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(self.start, self.nodes))
            yield self
        finally:
            if not keep:
                self.destroy()

    def destroy(self) -> None:
        containers = self.podman.containers(self.prefix)
        if containers:
            self.podman("rm", "--force", "--time", "0", "--volumes", *containers)
        if self.prefix in self.podman.networks():
            self.podman("network", "rm", "--force", self.prefix)

    def start(self, node: Node) -> None:
        runtime = [] if Path("/sys/fs/cgroup/cgroup.controllers").exists() else ["--runtime", "runc"]
        hosts = [word for other in self.nodes for word in ("--add-host", f"{other.name}:{other.address}")]
        volumes = ["--volume", f"{self.bundle}:/srv/lifecycle:ro"]
        volumes += ["--volume", f"{self.shared}:/fsx"] if self.shared != Path() else []
        command = [
            *self.podman.sudo,
            "podman",
            *runtime,
            "run",
            "--detach",
            "--systemd=always",
            "--name",
            self.container(node),
        ]
        command += [
            "--label",
            f"{LABEL}={self.prefix}",
            "--hostname",
            node.name,
            "--network",
            self.prefix,
            "--ip",
            node.address,
        ]
        command += [word for name, most in host_limits().items() for word in ("--ulimit", f"{name}={most}:{most}")]
        command += ["--shm-size", "1g", "--pids-limit", "-1", *hosts, *volumes, *self.options]
        made = run(*command, self.images.get(node.function, self.image), "/sbin/init")
        assert made.returncode == 0, made.stdout
        deadline = time.monotonic() + 60
        while self.sh(node, "systemctl is-system-running").stdout.strip() not in ("running", "degraded"):
            assert time.monotonic() < deadline, self.sh(node, "systemctl list-jobs; systemctl --failed").stdout
            time.sleep(0.3)
        self.serve(node)

    def sh(self, node: Node, command: str, timeout: int = 600, **env: str) -> subprocess.CompletedProcess[str]:
        words = [word for key, value in env.items() for word in ("--env", f"{key}={value}")]
        return run(
            *self.podman.sudo, "podman", "exec", *words, self.container(node), "bash", "-c", command, timeout=timeout
        )

    def ok(self, node: Node, command: str, timeout: int = 600) -> str:
        done = self.sh(node, command, timeout)
        assert done.returncode == 0, f"{node.name}: {command}\n{done.stdout[-4000:]}"
        return done.stdout.strip()

    def write(self, node: Node, path: str, text: str) -> None:
        done = subprocess.run(
            [
                *self.podman.sudo,
                "podman",
                "exec",
                "--interactive",
                self.container(node),
                "bash",
                "-c",
                f"mkdir -p $(dirname {path}); cat > {path}",
            ],
            input=text,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    # --- what the service does ----------------------------------------------------------------------------------

    def serve(self, node: Node) -> None:
        """The downloaded prefix, resource_config.json and the munge key everywhere, slurm.conf on the controller."""
        self.ok(
            node,
            "cp -r /srv/lifecycle /opt/lifecycle; rm -f /etc/munge/munge.key; install -d -o munge -m 700 /etc/munge",
        )
        self.write(node, "/opt/ml/config/resource_config.json", json.dumps(self.resource_config()))
        key = hashlib.sha256(self.prefix.encode()).hexdigest() * 4
        self.write(node, "/etc/munge/munge.key", key)
        self.ok(node, "chown munge:munge /etc/munge/munge.key; chmod 400 /etc/munge/munge.key")
        if node.function == "controller":
            self.write(node, "/opt/slurm/etc/slurm.conf", self.slurm_conf())

    def resource_config(self) -> dict[str, Any]:
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:cluster/{self.prefix}"
        groups = [
            {
                "Name": group,
                "InstanceType": "ml.m5.2xlarge",
                "Instances": [
                    {
                        "InstanceName": f"{group}-{number}",
                        "CustomerIpAddress": node.address,
                        "InstanceId": f"i-{number:017x}",
                    }
                    for number, node in enumerate(self.of(function), 1)
                ],
            }
            for function, group in GROUPS.items()
        ]
        return {"ClusterConfig": {"ClusterArn": arn, "ClusterName": self.prefix}, "InstanceGroups": groups}

    def slurm_conf(self) -> str:
        nodes = "\n".join(
            f"NodeName={one.name} NodeAddr={one.address} CPUs=1 State=UNKNOWN" for one in self.of("compute")
        )
        return SLURM_CONF.format(name=self.prefix, controller=self.of("controller")[0].name, nodes=nodes)

    # --- the hook -----------------------------------------------------------------------------------------------

    def hook(
        self, node: Node, name: str = "on_create", timeout: int = 600, **env: str
    ) -> subprocess.CompletedProcess[str]:
        return self.sh(node, f"cd /opt/lifecycle && ./{name}.sh", timeout, **env)

    def hooks(self, nodes: list[Node], name: str = "on_create") -> dict[str, subprocess.CompletedProcess[str]]:
        """The hook on all of these at once, as the service calls it."""
        with ThreadPoolExecutor(len(nodes)) as pool:
            return dict(zip([node.name for node in nodes], pool.map(lambda node: self.hook(node, name), nodes)))

    def status(self, node: Node) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.ok(node, "cat /var/lib/awsome/boot/status.json"))
        return read


def make_bundle(path: Path, provider: str = "hyperpod", **options: Any) -> subprocess.CompletedProcess[str]:
    """The bundle, by the role that users run."""
    wanted = {"node_boot_parameters": PARAMETERS, "node_boot_cluster": CLUSTER, "node_boot_users": USERS, **options}
    values = {"cluster_name": "test", "node_boot_provider": provider, "node_boot_dir": str(path), **wanted}
    play = [
        {"hosts": "localhost", "connection": "local", "gather_facts": False, "roles": ["awsome.training.node_boot"]}
    ]
    book = path.parent / f"{path.name}.yml"
    book.parent.mkdir(parents=True, exist_ok=True)
    book.write_text(yaml.safe_dump(play))
    return run("ansible-playbook", "-i", "localhost,", str(book), "-e", json.dumps(values))
