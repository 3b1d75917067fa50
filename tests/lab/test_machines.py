"""The lab's machines: bare ones of a lab of their own, and the shared cluster's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lab.harness import BARE, BIN, Lab, Podman, run

pytestmark = pytest.mark.lab


def changed(output: str) -> int:
    return int(re.findall(r"^localhost .*changed=(\d+)", output, re.MULTILINE)[-1])


def test_systemd_is_up(bare: Lab) -> None:
    for function in ("controller", "compute-1"):
        host = bare.host(function)
        assert host.check_output("systemctl is-system-running --wait") == "running"
        assert host.check_output("ps -o comm= -p 1") == "systemd"


def test_every_name_resolves_everywhere(bare: Lab) -> None:
    for function in ("controller", "compute-1"):
        for name, address in bare.addresses().items():
            assert bare.host(function).check_output("getent hosts %s", name).split() == [address, name]


def test_the_shared_directory_is_one(bare: Lab) -> None:
    bare.host("controller").check_output("echo hello >/fsx/word")
    assert bare.host("compute-1").file("/fsx/word").content_string == "hello\n"
    assert (bare.shared / "word").read_text() == "hello\n"


def test_a_second_run_changes_nothing(bare: Lab) -> None:
    result = bare.create()
    assert result.returncode == 0 and changed(result.stdout) == 0, result.stdout[-3000:]


def test_check_mode_only_tells(bare: Lab, podman: Podman) -> None:
    before = podman.containers(bare.prefix)
    result = bare.playbook("lab_create", "--check", on_nodes=False, lab_num_compute=3)
    assert result.returncode == 0, result.stdout[-3000:]
    assert podman.containers(bare.prefix) == before


def test_a_node_is_added_and_removed(bare: Lab, podman: Podman) -> None:
    started = podman("inspect", "--format", "{{.State.StartedAt}}", f"{bare.prefix}-controller")
    assert bare.create(lab_num_compute=2).returncode == 0
    assert bare.host("compute-2").check_output("hostname") == f"{bare.prefix}-compute-2"
    assert bare.host("controller").run(f"getent hosts {bare.prefix}-compute-2").rc == 0
    assert bare.create().returncode == 0
    assert bare.names("compute") == [f"{bare.prefix}-compute-1"]
    assert bare.host("controller").run(f"getent hosts {bare.prefix}-compute-2").rc != 0
    assert podman("inspect", "--format", "{{.State.StartedAt}}", f"{bare.prefix}-controller") == started


def test_a_stopped_machine_is_started(bare: Lab, podman: Podman) -> None:
    podman("stop", "--time", "5", f"{bare.prefix}-compute-1")
    result = bare.create()
    assert result.returncode == 0 and changed(result.stdout) == 1, result.stdout[-3000:]
    assert bare.host("compute-1").check_output("hostname") == f"{bare.prefix}-compute-1"


def test_two_labs_side_by_side_and_destroy_leaves_nothing(bare: Lab, podman: Podman) -> None:
    second = Lab("awt-second", {**BARE, "lab_num_compute": 0})
    result = second.create()
    assert result.returncode == 0, result.stdout[-3000:]
    assert len(podman.containers(second.prefix)) == 1
    assert second.destroy().returncode == 0
    assert podman.containers(second.prefix) == []
    assert second.prefix not in podman.networks()
    assert not second.state.exists()
    assert len(podman.containers(bare.prefix)) == 2
    again = second.destroy()
    assert again.returncode == 0 and changed(again.stdout) == 0


def test_destroy_spares_what_is_not_the_labs(podman: Podman, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "ssh").mkdir()
    assert Lab("awt-none", {"lab_state_dir": str(tmp_path)}).destroy().returncode == 0
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lab_num_compute": 500}, "lab_num_compute is 500"),
        ({"lab_subnet": "10.0.0.0/8"}, "lab_subnet is '10.0.0.0/8'"),
        ({"lab_platform": "debian21"}, "debian21"),
        ({"lab_platform": "rhel9"}, "give lab_registry_image"),
        ({"lab_state": "gone"}, "lab_state"),
    ],
)
def test_bad_input_is_one_sentence(podman: Podman, options: dict[str, str], sentence: str) -> None:
    wrong = Lab("awt-wrong", {**BARE, "lab_num_compute": 0})
    result = wrong.create(**options)
    assert result.returncode != 0 and sentence in result.stdout, result.stdout[-3000:]
    assert podman.containers(wrong.prefix) == [] and not wrong.state.exists()


def test_a_name_that_is_taken_is_refused(podman: Podman) -> None:
    taken = Lab("awt-taken", {**BARE, "lab_num_compute": 0})
    podman("create", "--name", "awt-taken-controller", image_of(podman), "true")
    try:
        result = taken.create()
        assert "A container named awt-taken-controller exists and is not of the lab" in result.stdout
        assert result.returncode != 0 and "awt-taken" not in podman.networks() and not taken.state.exists()
    finally:
        podman("rm", "awt-taken-controller")


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        ("awt-taken", "A podman network named awt-taken exists"),
        ("awt-other", "which the podman network awt-other holds"),
    ],
)
def test_a_network_that_is_taken_is_refused(podman: Podman, network: str, sentence: str) -> None:
    taken = Lab("awt-taken", {**BARE, "lab_num_compute": 0, "lab_subnet": "10.63.99.0/24"})
    podman("network", "create", "--subnet", "10.63.99.0/24", network)
    try:
        result = taken.create()
        assert result.returncode != 0 and sentence in result.stdout, result.stdout[-3000:]
        assert podman.containers("awt-taken") == [] and not taken.state.exists()
    finally:
        podman("network", "rm", network)


def test_another_platform_in_a_running_lab_is_refused(bare: Lab) -> None:
    result = bare.create(lab_platform="debian13")
    assert result.returncode != 0 and "was created with platform 'debian12'" in result.stdout, result.stdout[-3000:]


def test_a_missing_podman_is_named(tmp_path: Path) -> None:
    for directory in ("/usr/bin", "/bin"):
        for tool in Path(directory).iterdir():
            if tool.name != "podman" and not (tmp_path / tool.name).exists():
                (tmp_path / tool.name).symlink_to(tool)
    result = run(
        str(BIN / "ansible-playbook"),
        "-i",
        "localhost,",
        "-e",
        "lab_prefix=awt-none",
        "playbooks/lab_destroy.yml",
        PATH=str(tmp_path),
    )
    assert result.returncode != 0 and "podman is missing on this machine" in result.stdout, result.stdout[-3000:]


def test_users_reach_every_node(lab: Lab) -> None:
    for name in lab.names():
        reached = lab.host("login").run("su - demo -c 'ssh -o BatchMode=yes %s hostname'", name)
        assert reached.stdout.strip() == name, reached.stderr


@pytest.mark.slow
def test_an_image_of_a_registry_can_be_the_base(podman: Podman) -> None:
    other = Lab("awt-registry", {**BARE, "lab_num_compute": 0})
    try:
        result = other.create(lab_registry_image=image_of(podman))
        assert result.returncode == 0, result.stdout[-3000:]
        assert other.host("controller").check_output("systemctl is-system-running --wait") == "running"
    finally:
        other.destroy()


def image_of(podman: Podman) -> str:
    """A base image that an earlier test has made."""
    images = podman(
        "images", "--filter", "reference=localhost/awsome-base:debian12-*", "--format", "{{.Repository}}:{{.Tag}}"
    )
    return str(images.split()[0])


def test_an_unknown_profile_is_refused_before_anything_is_made(podman: Podman) -> None:
    made = Lab("awt-nobody", {**BARE, "lab_profiles": {"compute": "gpuu"}})
    result = made.create()
    assert result.returncode != 0
    assert "catalog/profiles.yml has no 'gpuu'; the nearest are gpu" in " ".join(result.stdout.split())
    assert podman.containers(made.prefix) == [] and not made.state.exists()
