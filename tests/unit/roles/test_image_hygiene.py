"""What must not travel with an image: found, removed, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

ROLE = Path(__file__).parents[3] / "roles/image"
ITEMS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())["image_hygiene"]

TRACES = {
    "host_keys": ["etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_ed25519_key.pub"],
    "machine_id": ["etc/machine-id", "var/lib/systemd/random-seed"],
    "cloud_init": ["var/lib/cloud/sem/config_scripts_once", "var/lib/cloud/instances/i-1/user-data.txt"],
    "access": ["root/.ssh/authorized_keys", "home/admin/.ssh/authorized_keys"],
    "histories": ["root/.bash_history", "home/admin/.python_history"],
    "credentials": ["root/.netrc", "root/.aws/credentials", "home/admin/.docker/config.json", "etc/munge/munge.key"],
    "leftovers": ["tmp/notes.txt", "tmp/.hidden", "var/tmp/x", "root/.ansible/tmp/y", "home/admin/.cache/pip/z"],
    "logs": [
        "var/log/auth.log",
        "var/log/syslog.1",
        "var/log/apt/history.log.2.gz",
        "var/log/journal/1/system@0-1.journal",
    ],
    "caches": ["var/cache/apt/archives/munge.deb", "var/cache/dnf/base.solv"],
    "indexes": ["var/lib/apt/lists/deb_Packages", "var/cache/apt/pkgcache.bin"],
}
KEPT = ["etc/ssh/sshd_config", "home/admin/.bashrc", "tmp/systemd-private-1-ssh/x", "var/log/journal/1/system.journal"]


def hygiene(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", ROLE / "files/hygiene.sh", *arguments], capture_output=True, text=True, timeout=30)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine that was used, with a file of each kind that must go and of each kind that must stay."""
    for name in [*(path for paths in TRACES.values() for path in paths), *KEPT]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 70_000)
    return tmp_path


def test_every_item_has_a_trace_a_reason_and_a_choice() -> None:
    reasons = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__image_reasons"]
    options = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    assert set(ITEMS) == set(TRACES) == set(reasons) == set(options["image_hygiene"]["choices"])


@pytest.mark.parametrize("item", ITEMS)
def test_a_used_machine_fails_until_it_is_cleaned(machine: Path, item: str) -> None:
    before = hygiene("check", str(machine), item)
    assert before.returncode == 1 and f"{machine / TRACES[item][0]} is still there" in before.stderr
    cleaned = hygiene("clean", str(machine), item)
    assert cleaned.returncode == 0 and cleaned.stdout, cleaned.stderr
    left = [name for name in TRACES[item] if (machine / name).exists() and (machine / name).read_bytes()]
    assert left == []
    after = hygiene("check", str(machine), item)
    assert (after.returncode, after.stderr) == (0, "")
    assert hygiene("clean", str(machine), item).stdout == ""


def test_what_belongs_to_the_image_stays(machine: Path) -> None:
    hygiene("clean", str(machine), *ITEMS)
    assert [name for name in KEPT if not (machine / name).is_file()] == []
    assert (machine / "etc/machine-id").read_bytes() == b""
    assert (machine / "var/log/auth.log").read_bytes() == b""
    assert not (machine / "var/log/syslog.1").exists()


def test_the_session_that_cleans_may_write_a_little(machine: Path) -> None:
    hygiene("clean", str(machine), "logs")
    (machine / "var/log/auth.log").write_text("Accepted publickey for admin\n")
    assert hygiene("check", str(machine), "logs").returncode == 0


@pytest.mark.parametrize("verb", ["clean", "check"])
def test_an_unknown_item_is_refused(tmp_path: Path, verb: str) -> None:
    told = hygiene(verb, str(tmp_path), "host_kyes")
    assert told.returncode == 2 and told.stderr == "hygiene.sh: there is no item 'host_kyes'\n"
