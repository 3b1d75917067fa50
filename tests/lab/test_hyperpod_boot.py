"""The real hook at once on a controller, a login node and two compute nodes, and what can go wrong meanwhile."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from lab.harness import Podman
from lab.hyperpod import CLUSTER, Cluster, Node, image, make_bundle

pytestmark = pytest.mark.lab
Done = subprocess.CompletedProcess[str]

# Holds the lock of the package manager for some seconds, as an upgrade in the background does.
HOLD = (
    "import fcntl, time; lock = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(lock, fcntl.LOCK_EX);"
    " print('held', flush=True); time.sleep(6)"
)
# The brackets keep the pattern from finding this very shell.
KILL = "pkill -9 -f '[o]n_create.sh'; pkill -9 -f '[m] boot'; pkill -9 -f '[a]nsible playbook'; true"


@dataclass
class Booted:
    """A cluster after its first boot, and what every hook said."""

    cluster: Cluster
    said: dict[str, Done]
    killed: Done

    def node(self, function: str, number: int = 0) -> Node:
        return self.cluster.of(function)[number]


@pytest.fixture(scope="module")
def booted(podman: Podman, keep_artifacts: bool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """The first boot: the service late on the controller, a lock held on the login node, a hook that is killed."""
    work = tmp_path_factory.mktemp("hyperpod")
    made = make_bundle(work / "bundle")
    assert made.returncode == 0, made.stdout[-3000:]
    shared = work / "shared"
    shared.mkdir(mode=0o755)
    cluster = Cluster("awt-hp", podman, work / "bundle", image(podman), shared=shared)
    with cluster.running(keep_artifacts):
        controller, login, victim = cluster.of("controller")[0], cluster.of("login")[0], cluster.of("compute")[1]
        cluster.ok(controller, "rm /opt/slurm/etc/slurm.conf")
        cluster.ok(login, "dpkg --purge --force-depends nfs-common && apt-get -qq update")
        cluster.ok(login, f'nohup python3 -c "{HOLD}" >/tmp/held 2>&1 & sleep 0.5')
        with ThreadPoolExecutor(4) as pool:
            running = {node.name: pool.submit(cluster.hook, node) for node in cluster.nodes}
            cluster_waits(cluster, controller)
            cluster.write(controller, "/opt/slurm/etc/slurm.conf", cluster.slurm_conf())
            killed = kill_after(cluster, victim, "configure munge", running[victim.name].result)
            running[victim.name] = pool.submit(cluster.hook, victim)
            said = {name: one.result() for name, one in running.items()}
        yield Booted(cluster, said, killed)


def cluster_waits(cluster: Cluster, node: Node) -> None:
    """Until the controller's boot waits for what the service is late with."""
    deadline = time.monotonic() + 120
    while "wait for /opt/slurm/etc/slurm.conf" not in cluster.sh(node, "cat /var/lib/awsome/boot/status.json").stdout:
        assert time.monotonic() < deadline, "the controller never waited"
        time.sleep(0.5)


def kill_after(cluster: Cluster, node: Node, step: str, result: object) -> Done:
    deadline = time.monotonic() + 300
    wanted = f'"state": "ok", "step": "{step}"'
    while wanted not in cluster.sh(node, "cat /var/lib/awsome/boot/events.jsonl").stdout:
        assert time.monotonic() < deadline, f"{node.name} never came to {step}"
        time.sleep(0.2)
    cluster.sh(node, KILL)
    return result()  # type: ignore[operator, no-any-return]


def test_every_hook_ends_well(booted: Booted) -> None:
    for name, done in booted.said.items():
        assert done.returncode == 0, f"{name}\n{done.stdout[-4000:]}"
    assert booted.killed.returncode != 0


def test_a_user_of_the_login_node_runs_a_job_on_both_nodes(booted: Booted) -> None:
    ran = booted.cluster.ok(booted.node("login"), "cd /tmp && runuser -u alice -- /opt/slurm/bin/srun -N2 hostname")
    assert sorted(ran.splitlines()) == [node.name for node in booted.cluster.of("compute")]
    account = "/opt/slurm/bin/sacctmgr -nP list associations user=alice format=Account,User"
    assert booted.cluster.ok(booted.node("controller"), account) == "users|alice"


def test_slurm_conf_stays_the_services_but_for_one_line(booted: Booted) -> None:
    written = booted.cluster.ok(booted.node("controller"), "cat /opt/slurm/etc/slurm.conf")
    assert written == booted.cluster.slurm_conf() + "include awsome.conf"
    assert "MaxArraySize            = 2000" in booted.cluster.ok(
        booted.node("compute"), "/opt/slurm/bin/scontrol show config"
    )
    assert booted.cluster.sh(booted.node("compute"), "ls /opt/slurm/etc/slurm.conf").returncode != 0


def test_one_line_a_step_goes_to_the_services_log(booted: Booted) -> None:
    log = booted.cluster.ok(booted.node("compute"), "cat /var/log/provision/provisioning.log").splitlines()
    assert sum(line.startswith("boot: configure slurm: ") for line in log) == 1
    status = booted.cluster.status(booted.node("compute"))
    assert status["state"] == "complete" and status["error"] is None and status["node"]["function"] == "compute"
    assert all({"seconds", "attempts", "state"} <= set(step) for step in status["steps"])


def test_the_controller_waits_for_the_service(booted: Booted) -> None:
    steps = {step["step"]: step for step in booted.cluster.status(booted.node("controller"))["steps"]}
    assert steps["wait for /opt/slurm/etc/slurm.conf"]["seconds"] > 0.3


def test_a_held_lock_of_apt_is_waited_for(booted: Booted) -> None:
    assert "held" in booted.cluster.ok(booted.node("login"), "cat /tmp/held; test -x /sbin/mount.nfs")


def test_a_hook_that_was_killed_goes_on_where_it_was(booted: Booted) -> None:
    victim = booted.node("compute", 1)
    said = booted.said[victim.name].stdout
    assert "boot: resuming: " in said and "boot: install slurm:" not in said and "boot: configure slurm:" in said, said
    skipped = [step["step"] for step in booted.cluster.status(victim)["steps"] if step["state"] == "skipped"]
    assert "configure munge" in skipped and "configure slurm" not in skipped


def test_the_other_hook_changes_nothing(booted: Booted) -> None:
    for name, done in booted.cluster.hooks(booted.cluster.nodes, "on_init_complete").items():
        assert done.returncode == 0 and "0 changes" in done.stdout, f"{name}\n{done.stdout[-4000:]}"
    status = booted.cluster.status(booted.node("controller"))
    assert (status["hook"], status["changed"]) == ("on_init_complete", 0)
    assert not [step for step in status["steps"] if step["state"] == "skipped"]


# --- Faults, on a node that is there anyway --------------------------------------------------------------------------


def test_all_faults_of_all_files_are_told_at_once_and_nothing_is_changed(booted: Booted) -> None:
    cluster, node = booted.cluster, booted.node("login")
    cluster.ok(node, "rm -rf /opt/broken; cp -r /opt/lifecycle /opt/broken")
    cluster.ok(node, "echo 'bob,x,home' >> /opt/broken/shared_users.txt")
    cluster.write(node, "/opt/broken/cluster.yml", "variables: {slurm_confg: {}}\n")
    cluster.write(node, "/opt/broken/provisioning_parameters.json", '{"version": "1.0.0",')
    cluster.write(node, "/opt/broken/resource.json", json.dumps({"ClusterConfig": {}}))
    before = cluster.ok(node, "sha256sum /etc/awsome/*.json /etc/awsome/node.yml")
    done = cluster.sh(node, "SAGEMAKER_RESOURCE_CONFIG_PATH=/opt/broken/resource.json /opt/broken/on_create.sh")
    assert done.returncode == 1
    for words in (
        "provisioning_parameters.json: is not JSON",
        "resource.json: ClusterConfig.ClusterName is missing, expected the cluster's name",
        "resource.json: InstanceGroups is missing, expected a list",
        "shared_users.txt",
        "'slurm_confg' is no variable of this collection; did you mean 'slurm_config'?",
    ):
        assert words in done.stdout, done.stdout
    assert cluster.ok(node, "sha256sum /etc/awsome/*.json /etc/awsome/node.yml") == before
    assert cluster.status(node)["state"] == "failed"


def test_an_address_in_no_group_is_told_with_those_that_are(booted: Booted) -> None:
    cluster, node = booted.cluster, booted.node("login")
    text = json.dumps(cluster.resource_config()).replace(node.address, "10.61.7.99")
    cluster.write(node, "/tmp/resource.json", text)
    done = cluster.sh(node, "SAGEMAKER_RESOURCE_CONFIG_PATH=/tmp/resource.json /opt/lifecycle/on_create.sh")
    assert done.returncode == 1
    assert f"This node has the addresses {node.address}, and resource_config.json lists none of them" in done.stdout
    assert "my-login-group: 10.61.7.99" in done.stdout


def test_no_cluster_is_no_failure_unless_a_file_was_named(booted: Booted) -> None:
    cluster, node = booted.cluster, booted.node("login")
    cluster.ok(node, "mv /opt/ml /opt/ml.away")
    try:
        vanilla = cluster.hook(node)
        named = cluster.hook(node, SAGEMAKER_RESOURCE_CONFIG_PATH="/opt/ml/config/resource_config.json")
    finally:
        cluster.ok(node, "mv /opt/ml.away /opt/ml")
    assert vanilla.returncode == 0 and "nothing is done" in vanilla.stdout
    assert named.returncode == 1 and "there is no such file" in named.stdout


def test_a_file_system_that_cannot_be_mounted_is_named(booted: Booted) -> None:
    cluster, node = booted.cluster, booted.node("login")
    cluster.ok(node, "rm -rf /opt/mount; cp -r /opt/lifecycle /opt/mount; cat /etc/hosts > /tmp/hosts")
    parameters = json.loads(cluster.ok(node, "cat /opt/mount/provisioning_parameters.json"))
    dns = "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com"
    parameters["fsx_openzfs_dns_name"] = dns
    cluster.write(node, "/opt/mount/provisioning_parameters.json", json.dumps(parameters))
    wanted = {"boot": {"attempts": 1, "wait_seconds": 1}, **CLUSTER}
    cluster.write(node, "/opt/mount/cluster.yml", json.dumps(wanted))
    late = cluster.sh(node, "/opt/mount/on_create.sh")
    assert late.returncode == 2 and f"{dns} cannot be resolved after 1 s" in late.stdout, late.stdout
    wanted["boot"]["wait_seconds"] = 30
    wanted["variables"] = {**CLUSTER["variables"], "lustre_mount_timeout_seconds": 2}
    cluster.write(node, "/opt/mount/cluster.yml", json.dumps(wanted))
    cluster.ok(node, f"nohup sh -c 'sleep 2; echo 10.61.7.250 {dns} >> /etc/hosts' >/dev/null 2>&1 &")
    done = cluster.sh(node, "/opt/mount/on_create.sh")
    cluster.ok(node, "cat /tmp/hosts > /etc/hosts")
    assert done.returncode == 2, done.stdout
    assert f"boot: wait for {dns}: " in done.stdout  # the name came late
    assert "configure lustre: " in done.stdout and "/home" in done.stdout and "run the hook again" in done.stdout
    assert cluster.hook(node).returncode == 0


def test_a_disk_without_room_is_told_before_anything_is_half_done(booted: Booted, tmp_path: Path) -> None:
    small = replace(booted.cluster, options=("--tmpfs", "/opt/awsome:rw,size=20m"))
    node = Node("ip-10-61-7-200", "10.61.7.200", "compute")
    small.start(node)
    done = small.hook(node)
    small.podman("rm", "--force", "--time", "0", small.container(node))
    assert done.returncode == 2
    assert re.search(r"/opt/awsome has (19|20) MiB free, and a boot needs 400", done.stdout), done.stdout
