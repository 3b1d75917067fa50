"""The module packages on a machine, with a vendor's signed repository: what it lays, and what goes wrong."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab.harness import Lab, run
from lab.test_artifact import serving
from lab.vendor import Vendor

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def vendor(bare: Lab) -> Iterator[Vendor]:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is missing: it signs the repository of this test")
    made = Vendor(bare.shared / "deb", Path(tempfile.mkdtemp(prefix="gpg")))
    made.add("awsome-tool", "1.0-1", {"/usr/share/awsome-tool/version": b"1.0"})
    made.add("awsome-tool", "1.1-1", {"/usr/share/awsome-tool/version": b"1.1"})
    made.publish()
    yield made
    made.close()


def record(vendor: Vendor, **change: Any) -> dict[str, Any]:
    """What the lookup would answer."""
    place = {"url": "file:///fsx/deb", "key_url": "file:///fsx/deb/vendor.asc", "suite": "/", "components": []}
    about = {"name": "vendor", "type": "apt", "description": "A vendor", "arch": "amd64"}
    return {**about, **place, "fingerprint": vendor.fingerprint, "repo_gpgcheck": False, **change}


def install(lab: Lab, *names: str, check: bool = False, **options: Any) -> tuple[bool, str]:
    """Run the module on the controller; return whether it succeeded, and the recap or the sentence."""
    options = {"name": list(names), "attempts": 1, **options}
    tasks = [
        {"name": "Gather facts", "ansible.builtin.setup": {"gather_subset": ["!all"]}},
        {"name": "Install", "awsome.training.packages": options},
    ]
    with tempfile.TemporaryDirectory() as name:
        play = Path(name) / "play.yml"
        play.write_text(yaml.safe_dump([{"hosts": "controller", "gather_facts": False, "tasks": tasks}]))
        done = run("ansible-playbook", "-i", str(lab.inventory), str(play), *(["--check"] if check else []))
    return done.returncode == 0, " ".join(done.stdout.split())


@pytest.fixture(autouse=True)
def clean(bare: Lab) -> Iterator[None]:
    yield
    leave = "apt-get -qq -y --allow-change-held-packages purge 'awsome-*'; rm -f /etc/apt/*/vendor.*"
    bare.host("controller").check_output(f"({leave}) >/dev/null 2>&1; true")


def test_a_repository_is_laid_and_its_package_pinned_and_held(bare: Lab, vendor: Vendor) -> None:
    node, right = bare.host("controller"), record(vendor)
    assert install(bare, "awsome-tool=1.0-*", repository=right, hold=True, check=True)[0]
    assert not node.file("/etc/apt/keyrings/vendor.gpg").exists and not node.package("awsome-tool").is_installed

    ok, told = install(bare, "awsome-tool=1.0-*", repository=right, hold=True)
    assert ok and "changed=1" in told, told
    assert node.package("awsome-tool").version == "1.0-1" and node.check_output("apt-mark showhold") == "awsome-tool"
    node.check_output("apt-get -qq -y upgrade")
    assert node.package("awsome-tool").version == "1.0-1"
    ok, told = install(bare, "awsome-tool=1.0-*", repository=right, hold=True)
    assert ok and "changed=0" in told, told

    for version in ("1.1-1", "1.0-1"):
        ok, told = install(bare, f"awsome-tool={version}", repository=right, hold=True)
        assert ok and node.package("awsome-tool").version == version, told
        assert node.check_output("apt-mark showhold") == "awsome-tool"
    node.check_output("apt-mark unhold awsome-tool")
    ok, told = install(bare, "awsome-tool", repository=right, hold=True)
    assert ok and "changed=1" in told and node.check_output("apt-mark showhold") == "awsome-tool"


def test_a_repository_over_http_and_a_mirror_that_goes_away(bare: Lab, vendor: Vendor) -> None:
    node = bare.host("controller")
    gateway = node.check_output("ip -4 route show default").split()[2]
    with serving(vendor.place) as port:
        address = f"http://{gateway}:{port}"
        right = record(vendor, url=address, key_url=f"{address}/vendor.asc")
        ok, told = install(bare, "awsome-tool=1.1-1", repository=right)
        assert ok and node.package("awsome-tool").version == "1.1-1", told
    moved = record(vendor, url=f"{address}/moved", key_url=f"{address}/vendor.asc")
    ok, told = install(bare, "awsome-tool=1.0-1", repository=moved)
    assert not ok and f"the key of repository vendor could not be fetched ({address}/vendor.asc:" in told, told
    assert "or set repository_mirror_url" in told
    assert f"URIs: {address}\n" in node.file("/etc/apt/sources.list.d/vendor.sources").content_string
    assert install(bare, "awsome-tool=1.0-1", repository=record(vendor))[0]


@pytest.mark.parametrize("fault", ["another key", "no index", "an index signed by another"])
def test_what_is_not_the_vendors_is_refused_and_leaves_nothing(bare: Lab, vendor: Vendor, fault: str) -> None:
    node, wrong = bare.host("controller"), record(vendor)
    if fault == "another key":
        other = vendor.new_key("other")
        wrong["key_url"] = "file:///fsx/deb/other.asc"
        sentence = f"other.asc is not the key that signs it: it holds {other}, expected the key {vendor.fingerprint}"
    elif fault == "no index":
        wrong["url"], sentence = "file:///fsx/nothing", "the index at file:///fsx/nothing cannot be used:"
    else:
        vendor.publish(vendor.new_key("thief"))
        sentence = "the index at file:///fsx/deb cannot be used:"
    ok, told = install(bare, "awsome-tool", repository=wrong)
    assert not ok and sentence in told, told
    assert not node.file("/etc/apt/sources.list.d/vendor.sources").exists
    assert not node.file("/etc/apt/keyrings/vendor.gpg").exists
    vendor.publish()
    ok, told = install(bare, "awsome-tool", repository=record(vendor))
    assert ok, told


def test_a_version_that_the_repository_lacks_is_told_with_those_it_has(bare: Lab, vendor: Vendor) -> None:
    ok, told = install(bare, "awsome-tool=9.*", "awsome-tol", repository=record(vendor))
    assert not ok
    assert (
        "no version 9.* of awsome-tool in repository vendor (file:///fsx/deb), which has 1.1-1, 1.0-1; ask for one"
    ) in told, told
    assert "there is no package awsome-tol in repository vendor (file:///fsx/deb); correct its name" in told, told
    vendor.add("awsome-late", "1", {})
    vendor.publish()
    ok, told = install(bare, "awsome-late", repository=record(vendor))
    assert ok, told


def test_a_lock_is_waited_for_and_then_told(bare: Lab, vendor: Vendor) -> None:
    node = bare.host("controller")
    lock = "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, 2); time.sleep({})"
    holder = node.check_output("setsid python3 -c %s >/dev/null 2>&1 & echo $!", lock.format(120))
    ok, told = install(bare, "awsome-tool=1.1-1", repository=record(vendor), lock_timeout_seconds=3)
    assert not ok and f"the node's package manager was locked by process {holder} (python3) for 3 s; nothing" in told, (
        told
    )
    node.check_output("kill %s", holder)
    node.check_output("setsid python3 -c %s >/dev/null 2>&1 &", lock.format(4))
    ok, told = install(bare, "awsome-tool=1.1-1", repository=record(vendor))
    assert ok and node.package("awsome-tool").version == "1.1-1", told


def test_a_full_disk_is_told_and_the_next_run_mends_it(bare: Lab, vendor: Vendor) -> None:
    """The machine's /dev/shm is a small file system of its own."""
    node = bare.host("controller")
    vendor.add("awsome-big", "1", {"/dev/shm/big": b"x" * 4_000_000})
    vendor.publish()
    node.check_output("fallocate -l $(($(stat -f -c '%a*%S' /dev/shm) - 1000000)) /dev/shm/fill")
    try:
        ok, told = install(bare, "awsome-big", repository=record(vendor))
    finally:
        node.check_output("rm /dev/shm/fill")
    assert not ok and "No space left on device" in told and "free some space and run again." in told, told
    ok, told = install(bare, "awsome-big", "awsome-tool", repository=record(vendor))
    assert ok and node.file("/dev/shm/big").size == 4_000_000, told


def test_a_killed_installation_is_finished_and_starts_nothing(bare: Lab, vendor: Vendor) -> None:
    node = bare.host("controller")
    node.check_output("rm -f /run/started")
    vendor.add("awsome-daemon", "1", script="/usr/sbin/policy-rc.d; [ $? = 101 ] || touch /run/started")
    vendor.publish()
    node.check_output("dpkg --unpack /fsx/deb/awsome-daemon_1_all.deb && cp /dev/null /var/lib/dpkg/updates/0001")
    ok, told = install(bare, "awsome-daemon", repository=record(vendor))
    assert ok and node.package("awsome-daemon").is_installed, told
    assert not node.file("/run/started").exists and not node.file("/usr/sbin/policy-rc.d").exists
