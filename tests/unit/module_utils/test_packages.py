"""What a node lacks is asked of its own database, and a package manager is told not to start anything."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils import _openpgp as openpgp
from ansible_collections.awsome.training.plugins.module_utils import _packages as packages
from ansible_collections.awsome.training.plugins.module_utils._repository import Repository, judge
from unit.openpgp.keys import ARMOURED, MANY, VENDOR_FINGERPRINT

VENDOR = openpgp.pick(ARMOURED, VENDOR_FINGERPRINT)

SEEN = """install installed munge 0.5.15-2
deinstall config-files slurmd 22.05.8-4
hold installed docker-ce 5:29.0.1-1~debian.12~bookworm
no packages found
"""
RPMS = """install installed nvidia-driver 580.126.20-1.el9 3
package cuda is not installed
install installed kernel 5.14.0-1.el9 0
install installed kernel 5.14.0-2.el9 0
"""


def repository(**change: Any) -> Repository:
    record = {
        "name": "vendor",
        "type": "apt",
        "url": "https://vendor.example/deb",
        "suite": "/",
        "key_url": "https://vendor.example/key.asc",
        "fingerprint": VENDOR_FINGERPRINT,
        "arch": "amd64",
    }
    return judge({**record, **change})


def seen(text: str = SEEN, source: str = "", key: bytes = b"", locks: str = "") -> packages.Answer:
    """What the node would answer, put together by its shell as on a node."""
    encoded = base64.encodebytes(key).decode()
    return packages.read(f"{text}--- source\n{source}\n--- key\n{encoded}--- locks\n{locks}--- plugin\n")


def test_only_what_is_installed_counts_as_installed() -> None:
    assert packages.missing(["munge", "slurmd", "sudo"], seen()) == ["slurmd", "sudo"]


@pytest.mark.parametrize(
    ("name", "is_there"),
    [
        ("munge=0.5.15-2", True),
        ("munge=0.5.16", False),
        ("munge=0.5.*", True),
        ("munge=0.5", False),
        ("docker-ce=5:29.*", True),
        ("docker-ce=29.*", False),
    ],
)
def test_another_version_is_missing(name: str, is_there: bool) -> None:
    assert packages.missing([name], seen()) == ([] if is_there else [name])


def test_an_rpm_has_version_and_release_and_may_be_there_twice() -> None:
    wanted = ["nvidia-driver=580.126.20-*", "kernel=5.14.0-1.el9", "kernel=5.14.0-2.*", "cuda"]
    assert packages.missing(wanted, seen(RPMS)) == ["cuda"]


def test_one_command_asks_for_all() -> None:
    asked = packages.question("apt", ["munge=0.5.15-2"], repository(), hold=True)
    assert " munge;" in asked and "sources.list.d/vendor.sources" in asked and "keyrings/vendor.gpg" in asked
    assert subprocess.run(["sh", "-n", "-c", asked], check=False).returncode == 0


def test_a_shell_that_knows_nothing_is_understood() -> None:
    asked = packages.question("dnf", ["munge"], repository(type="dnf"), hold=True)
    done = subprocess.run(
        ["sh", "-c", asked], capture_output=True, text=True, env={"PATH": "/bin:/usr/bin"}, check=True
    )
    answer = packages.read(done.stdout)
    assert not answer.installed and not packages.repository_is_right(repository(type="dnf"), answer)


def test_a_repository_is_right_with_its_own_key_alone() -> None:
    wanted = repository()
    assert packages.repository_is_right(wanted, seen(source=wanted.source, key=VENDOR))
    assert not packages.repository_is_right(wanted, seen(source=wanted.source, key=MANY))
    assert not packages.repository_is_right(wanted, seen(source=wanted.source, key=VENDOR[:-9]))
    assert not packages.repository_is_right(wanted, seen(source=wanted.source))
    assert not packages.repository_is_right(wanted, seen(source=wanted.source + "Trusted: yes\n", key=VENDOR))
    assert not packages.repository_is_right(repository(suite="/x/"), seen(source=wanted.source, key=VENDOR))


def test_apt_holds_what_it_says_it_holds() -> None:
    assert packages.unheld("apt", ["munge", "docker-ce=5:29.*", "sudo"], seen()) == ["munge", "sudo"]


def test_dnf_locks_what_is_installed_and_leaves_others_alone() -> None:
    names, others = ["nvidia-driver=580.*"], "# mine\nnvidia-driver-cuda-3:570.1-1.el9.*\n"
    answer = seen(RPMS, locks=f"{others}nvidia-driver-3:570.1-1.el9.*\n")
    assert packages.unheld("dnf", names, answer) == ["nvidia-driver"]
    answer.locks = packages.locked(names, answer)
    assert answer.locks == f"{others}nvidia-driver-3:580.126.20-1.el9.*\n"
    assert packages.unheld("dnf", names, answer) == []
    assert packages.unlocked(answer.locks, names) == others


@pytest.mark.parametrize(
    ("manager", "hold", "sentence"),
    [
        ("zypper", False, "'zypper', expected one of apt, dnf"),
        ("dnf5", True, "hold is not known for dnf5"),
    ],
)
def test_an_unknown_package_manager_is_named(manager: str, hold: bool, sentence: str) -> None:
    with pytest.raises(packages.PackageError, match=sentence):
        packages.question(manager, ["munge"], hold=hold)


def test_a_pin_may_go_back_and_changes_what_it_held() -> None:
    told = packages.install_command("apt", ["munge=0.5.1-1", "sudo"], recommends=False)
    assert {"--allow-downgrades", "--allow-change-held-packages", "APT::Install-Recommends=no"} <= set(told)
    assert told[-3:] == ["install", "munge=0.5.1-1", "sudo"]
    assert "--allow-downgrades" not in packages.install_command("apt", ["munge"], recommends=False)
    assert "APT::Install-Recommends=yes" in packages.install_command("apt", ["munge"], recommends=True)


def test_dnf_refreshes_as_it_installs_and_does_not_wait_without_an_end() -> None:
    told = packages.install_command("dnf", ["a=1-2", "b"], recommends=False, refresh=True)
    assert told[-3:] == ["install", "a-1-2", "b"] and "--refresh" in told
    assert {"--setopt=exit_on_lock=True", "--setopt=install_weak_deps=False"} <= set(told)


def test_a_file_stands_in_the_place_of_its_package() -> None:
    files = {"a": "/opt/a_1.deb", "b": "/opt/b.deb"}
    told = packages.install_command("apt", ["a=1-*", "c"], recommends=False, files=files)
    assert told[-3:] == ["install", "c", "/opt/a_1.deb"] and "--allow-downgrades" in told
    assert packages.install_command("dnf", ["a=1-*"], recommends=False, files=files)[-1] == "/opt/a_1.deb"


def test_a_pattern_becomes_the_newest_version_that_fits() -> None:
    has = {"tool": ["1:2.1-1", "1:2.0-1"], "late": ["1-1"]}
    wanted = ["tool=1:2.*", "tool=*2.0-?", "tool", "late=1-1", "late=3*"]
    assert packages.settled(wanted, has) == ["tool=1:2.1-1", "tool=1:2.0-1", "tool", "late=1-1", "late=3*"]
    assert [name for name in wanted if packages.is_pattern(name)] == ["tool=1:2.*", "tool=*2.0-?", "late=3*"]


def test_pauses_double() -> None:
    assert packages.pauses(4) == [5, 10, 20]


# What apt and dnf really say, shortened.
@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("E: Unable to locate package munge", packages.is_stale_index),
        ("E: Version '9' for 'munge' was not found", packages.is_stale_index),
        ("E: Package 'munge' has no installation candidate", packages.is_stale_index),
        ("No match for argument: munge-9 Error: Unable to find a match: munge-9", packages.is_stale_index),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (sleep)", packages.is_locked),
        ("metadata already locked by 77 The application with the PID 77 is: dnf", packages.is_locked),
        ("E: dpkg frontend lock: the dpkg frontend database is locked by another process", packages.is_locked),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", packages.is_full),
        ("cannot copy extracted data: failed to write (No space left on device)", packages.is_full),
        ("E: dpkg was interrupted, you must manually run 'dpkg --configure -a'", packages.is_half_done),
        ("E: Unmet dependencies. Try 'apt --fix-broken install' with no packages", packages.is_half_done),
    ],
)
def test_a_complaint_is_understood(message: str, kind: Any) -> None:
    kinds = (packages.is_stale_index, packages.is_locked, packages.is_full, packages.is_half_done)
    assert [one for one in kinds if one(message)] == [kind]


def test_a_managers_own_words_are_told_without_its_talk() -> None:
    """What dpkg complains of stands in the middle of the output."""
    held = "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)...\n"
    told = packages.told(f"Reading package lists...\n{held}{held}E: no lock\nN: Be aware\nW: old\n")
    assert told == f"{held.strip()} E: no lock"
    told = packages.told(
        "Unpacking a\ndpkg: error processing archive /a.deb (--unpack):\n cannot copy: No space left\nE: Sub-process\n"
    )
    assert told == "dpkg: error processing archive /a.deb (--unpack): cannot copy: No space left E: Sub-process"
    dnf = "Last metadata expiration check: 0:00:01 ago\nNo match for argument: a\nError: Unable to find a match: a\n"
    assert packages.told(dnf) == "No match for argument: a Error: Unable to find a match: a"
    assert packages.told("Error: \n Problem: x\n  - nothing provides y") == "Error: Problem: x - nothing provides y"
    assert packages.told("one\ntwo\nthree\nfour\n") == "two three four"


def test_a_lock_names_its_holder() -> None:
    said = packages.lock_trouble("E: Could not get lock x. It is held by process 7 (unattended-upgr)", 600)
    assert said.startswith("packages: the node's package manager was locked by process 7 (unattended-upgr) for 600 s;")
    assert "by process 77 for 1 s" in packages.lock_trouble("metadata already locked by 77", 1)
    assert "by another process for 1 s" in packages.lock_trouble("Failed to lock", 1)


MADISON = """ tool | 1:2.1-1 | https://vendor.example/deb  Packages
 tool | 1:2.0-1 | https://vendor.example/deb  Packages
"""
DNF = "Available Packages\ntool.x86_64    2.0-1.el9    vendor\ntool.x86_64    1:2.1-1.el9   vendor\n"


def test_a_version_that_is_not_there_is_told_with_those_that_are() -> None:
    has = packages.available("apt", MADISON)
    assert packages.not_there(["tool=3.*", "tool=1:2.*"], repository(), has) == (
        "packages: there is no version 3.* of tool in repository vendor (https://vendor.example/deb), which has "
        "1:2.1-1, 1:2.0-1; ask for one of these."
    )
    said = packages.not_there(["tol", "tool=3"], None, packages.available("dnf", DNF))
    assert "no package tol in any repository of this node; correct its name" in said
    assert "no version 3 of tool in any repository of this node, which has 2.1-1.el9, 2.0-1.el9;" in said
    assert packages.not_there(["tool"], None, has) == ""


def test_dnf_neither_colours_its_words_nor_asks() -> None:
    asked = packages.available_command("dnf", ["tool=1-*"])
    assert packages.available_command("apt", ["tool=1-*"]) == "apt-cache madison tool | grep -v ' Sources$'"
    assert "--color=never" in asked and " -y " in asked and asked.endswith("tool 2>/dev/null </dev/null")


def test_a_full_disk_is_said_with_what_to_do() -> None:
    said = packages.trouble(["a", "b"], "No space left on device.", 1)
    assert said == "packages: a, b could not be installed: No space left on device; free some space and run again."
    assert "in 3 attempts: 503; run again" in packages.trouble(["a"], "503", 3)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("installed nvidia-dkms package post-installation script subprocess returned error exit status 10", True),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", True),
        ("Failed to fetch http://a/b.deb  Connection timed out", False),
    ],
)
def test_what_will_not_get_better_is_not_tried_again(message: str, expected: bool) -> None:
    assert packages.is_final(message) is expected
