"""What the other adapters make of their providers' metadata."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from boot.adapters import Surroundings, look
from boot.faults import BootError, InputError
from boot.plan import Plan, steps

FILES = Path(__file__).parents[3] / "roles/node_boot/files"
CONFIG = "/etc/parallelcluster/cfnconfig"


def around(root: Path, config: str | None = None, *arguments: str, **environment: str) -> Surroundings:
    if config is not None:
        path = root / CONFIG.lstrip("/")
        path.parent.mkdir(parents=True)
        path.write_text(config)
    return Surroundings(root, environment, ("10.1.0.5",), "ip-10-1-0-5", root=root, arguments=arguments)


@pytest.mark.parametrize(
    ("kind", "profile"),
    [
        ("HeadNode", "parallelcluster_controller"),
        ("LoginNode", "parallelcluster_login"),
        ("ComputeFleet", "parallelcluster_compute"),
    ],
)
def test_parallelcluster_tells_the_nodes_type(tmp_path: Path, kind: str, profile: str) -> None:
    plan = look("parallelcluster", around(tmp_path, f"stack_name='Demo'\n# a comment\ncfn_node_type={kind}\n"))
    assert isinstance(plan, Plan)
    assert (plan.profile, plan.cluster, plan.waits) == (profile, "demo", ())
    assert plan.doors == ("install", "configure")


def test_what_starts_early_only_installs(tmp_path: Path) -> None:
    plan = look("parallelcluster", around(tmp_path, "cfn_node_type=ComputeFleet\n", "on_node_start"))
    assert isinstance(plan, Plan)
    assert steps(["enroot"], [], plan.doors) == ["install enroot"]


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (None, "cannot be read (No such file or directory); this hook is for nodes of ParallelCluster."),
        ("cfn_node_type=Master\n", "cfn_node_type is 'Master', expected one of HeadNode, LoginNode, ComputeFleet."),
        ("stack_name=a\n", "cfn_node_type is missing, expected one of HeadNode, LoginNode, ComputeFleet."),
    ],
)
def test_another_machine_is_refused(tmp_path: Path, config: str | None, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        look("parallelcluster", around(tmp_path, config))
    assert refused.value.faults == [f"{tmp_path}{CONFIG}: {sentence}"]


@pytest.mark.parametrize("provider", ["eks", "batch"])
def test_a_node_of_another_scheduler_is_by_itself(tmp_path: Path, provider: str) -> None:
    plan = look(provider, around(tmp_path, AWSOME_CLUSTER="Team_A"))
    assert isinstance(plan, Plan)
    assert (plan.profile, plan.cluster) == (f"{provider}_compute", "team_a")
    assert plan.nodes == (plan.this,)


def test_a_provider_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BootError, match=r"There is no provider 'slinky'; this boot knows hyperpod, parallelcluster"):
        look("slinky", around(tmp_path))


@pytest.mark.parametrize(
    ("hook", "environment", "sentence"),
    [
        (
            "parallelcluster/on_node_configured.sh",
            {},
            "the first argument is where the bundle lies, s3://bucket/prefix",
        ),
        ("parallelcluster/on_node_start.sh", {}, "the first argument is where the bundle lies, s3://bucket/prefix"),
        ("eks/user_data.sh", {}, "AWSOME_BUNDLE is not set"),
        ("batch/user_data.sh", {}, "AWSOME_BUNDLE is not set"),
    ],
)
def test_a_hook_without_a_bundle_says_what_it_needs(hook: str, environment: dict[str, str], sentence: str) -> None:
    done = subprocess.run(["bash", FILES / hook], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and sentence in done.stderr
