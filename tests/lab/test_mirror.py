"""A mirror is made of a vendor's server, the server goes, and a machine installs from the mirror."""

from __future__ import annotations

import contextlib
import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils._repository import mirrored
from lab.harness import BARE, ROOT, Lab, Podman, run
from mirror_vendor import apt, sha256, stanza
from standins import build
from standins.formats import File, Package, deb
from standins.indexes import Key, dnf

pytestmark = pytest.mark.lab

TOOL, SIGNED = b"a tool", b"a signed tool"
DEFAULTS = """\
demo_release: "{{ lookup('awsome.training.component', 'demo_tool') }}"
demo_signed_release: "{{ lookup('awsome.training.component', 'demo_signed') }}"
demo_package_release: "{{ lookup('awsome.training.component', 'demo') }}"
demo_repository: "{{ lookup('awsome.training.repository', demo_package_release.repository) }}"
demo_parts: [app]
"""
INSTALL = """\
- name: Install
  awsome.training.packages:
    name: "{{ __demo_packages }}"
    repository: "{{ demo_repository }}"
  when: [demo_asked.rc != 0, ansible_facts.architecture == 'x86_64']
- name: Install what nobody wants
  awsome.training.packages: {name: demo-unwanted, repository: "{{ demo_repository }}"}
  when: demo_parts is not defined
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Vendor:
    """A collection that knows one vendor, and the vendor's server on the loopback."""

    root: Path
    key: Key
    url: str = ""
    records: dict[str, Any] = field(default_factory=dict)

    @property
    def collection(self) -> Path:
        return self.root / "collection"

    @property
    def mirror(self) -> Path:
        return self.root / "mirror"

    def offer(self) -> None:
        """Lay the server's files, signed."""
        files = self.root / "server"
        (files / "apt").mkdir(parents=True)
        rows = []
        for name, version, needs in (
            ("demo-app", "1.2-1", ["demo-lib (>= 1.2)", "libc6"]),
            ("demo-app", "2.0-1", ["demo-lib (>= 2.0)"]),
            ("demo-lib", "1.2-1", []),
            ("demo-lib", "2.0-1", []),
        ):
            package = Package(name, version, "x86_64", "demo", relations={"depends": needs} if needs else {})
            (files / "apt" / package.deb_name).write_bytes(content := deb(package))
            more = {"Depends": ", ".join(needs)} if needs else {}
            more |= {"Maintainer": "demo <root@localhost>", "Description": "demo"}
            rows.append(stanza(name, version, content, f"./{package.deb_name}", **more))
        apt(files / "apt", self.key, rows)
        app = Package("demo-app", "1.2-1", "x86_64", "demo", relations={"depends": ["demo-lib (>= 1.2)"]})
        lib = Package("demo-lib", "1.3-1", "x86_64", "demo", {"/usr/share/demo-lib": File(b"lib")})
        dnf(files / "dnf", [app, lib], self.key)
        (files / "tool.bin").write_bytes(TOOL)
        (files / "signed.bin").write_bytes(SIGNED)
        (files / "signed.bin.sig").write_bytes(self.key.sign(files / "signed.bin"))
        (files / "key.asc").write_bytes(self.key.public)

    def describe(self, url: str) -> None:
        """Write the collection's catalogue and its one role."""
        self.url, about = url, {"version": "1.2", "source": "the test"}
        signing_key = {"url": f"{url}/key.asc", "fingerprint": self.key.fingerprint}
        signed = {"sha256": "unverified", "signature_url": f"{url}/signed.bin.sig", "signing_key": signing_key}
        self.records = {
            "demo_tool": {**about, "url": f"{url}/tool.bin", "sha256": {"noarch": sha256(TOOL)}},
            "demo_signed": {**about, "url": f"{url}/signed.bin", **signed},
            "demo": {**about, "repository": "demo"},
        }
        repository = {
            "description": "demo", "source": "the test", "key_url": f"{url}/key.asc", "repo_gpgcheck": True,
            "fingerprint": self.key.fingerprint,
            "platforms": {"debian12": {"url": f"{url}/apt", "suite": "/"}, "al2023": {"url": f"{url}/dnf"}},
        }  # fmt: skip
        tables = {
            "components": self.records,
            "repositories": {"demo": repository},
            "profiles": {"demo": {"description": "demo", "roles": ["demo"]}},
            "platforms": {
                "debian12": {"family": "debian", "distribution": "debian", "major": "12"},
                "al2023": {"family": "redhat", "distribution": "amazon", "major": "2023"},
            },
        }
        role = self.collection / "roles/demo"
        for directory in ("defaults", "tasks", "vars"):
            (role / directory).mkdir(parents=True)
        (self.collection / "catalog").mkdir()
        for name, table in tables.items():
            (self.collection / f"catalog/{name}.yml").write_text(yaml.safe_dump(table))
        (role / "defaults/main.yml").write_text(DEFAULTS)
        (role / "tasks/install.yml").write_text(INSTALL)
        (role / "vars/main.yml").write_text("__demo_packages: ['demo-{{ demo_parts[0] }}=1.2-*']\n")

    def have(self, **options: Any) -> str:
        """Run module mirror; the answer comes back as one line of text."""
        task = {"path": str(self.mirror), "lock_path": str(self.root / "mirror.lock.yml"), "attempts": 1}
        task |= {"collection_path": str(self.collection), "platforms": ["debian12", "al2023"], **options}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False}
        play["tasks"] = [{"name": "Mirror", "awsome.training.mirror": task}]
        (self.root / "mirror.yml").write_text(yaml.safe_dump([play]))
        done = run("ansible-playbook", "-v", "-i", "localhost,", str(self.root / "mirror.yml"))
        return " ".join(done.stdout.split())


@contextlib.contextmanager
def serving(directory: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(directory)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """A vendor that was mirrored and is gone."""
    root = tmp_path_factory.mktemp("vendor")
    made = Vendor(root, Key.make(root))
    made.offer()
    with serving(root / "server") as url:
        made.describe(url)
        told = made.have()
        assert "changed=1" in told and "failed=0" in told, told
    made.key.rest()
    # Any user of a machine must be able to read it.
    for directory in (root, *root.parents[:2]):
        directory.chmod(0o755)
    yield made


def test_a_second_run_needs_no_vendor(vendor: Vendor) -> None:
    again = vendor.have()
    assert "changed=0" in again and "Nothing to fetch: all" in again, again
    assert "as locked" in vendor.have(state="checked")
    held = [str(path.relative_to(vendor.mirror)) for path in vendor.mirror.rglob("*.deb")]
    host = vendor.url.partition("//")[2]
    assert sorted(held) == [f"repositories/{host}/apt/demo-{part}_amd64.deb" for part in ("app_1.2-1", "lib_2.0-1")]
    held = sorted(path.name for path in (vendor.mirror / f"repositories/{host}/dnf").glob("*.rpm"))
    assert held == ["demo-app-1.2-1.x86_64.rpm", "demo-lib-1.3-1.x86_64.rpm"]


def test_a_vendor_that_is_away_and_a_name_that_nobody_has(vendor: Vendor) -> None:
    told = vendor.have(relock=True)
    assert "failed=1" in told and "Traceback" not in told
    assert f"mirror: demo_signed 1.2: {vendor.url}/key.asc could not be fetched in 1 attempt: " in told
    assert "Connection refused" in told
    told = vendor.have(packages={"other": ["x"]})
    assert "mirror: packages names the repository 'other', expected one of catalog/repositories.yml: demo." in told
    assert "mirror: platforms is empty, expected those of your nodes" in vendor.have(platforms=[])


@pytest.fixture(scope="module")
def machine(vendor: Vendor, podman: Podman, keep_artifacts: bool) -> Iterator[Lab]:
    """A machine that sees the mirror as a directory."""
    made = Lab("awt-mirror", {**BARE, "lab_run_options": ["--volume", f"{vendor.mirror}:/srv/mirror:ro"]})
    with made.running(keep_artifacts):
        yield made


def record_of(vendor: Vendor, manager: str, mirror: str) -> dict[str, Any]:
    """What the lookup would answer."""
    urls = {
        key: mirrored(f"{vendor.url}/{at}", f"{mirror}/repositories")
        for key, at in {"url": manager, "key_url": "key.asc"}.items()
    }
    return {"name": "demo", "type": manager, "description": "demo", "fingerprint": vendor.key.fingerprint, **urls}


def test_a_machine_installs_from_the_mirror(vendor: Vendor, machine: Lab, tmp_path: Path) -> None:
    record = {**record_of(vendor, "apt", "file:///srv/mirror"), "suite": "/", "arch": "amd64"}
    tasks: list[dict[str, Any]] = [
        {"name": "Packages", "awsome.training.packages": {"name": ["demo-app=1.2-*"], "repository": record}}
    ]
    for name in ("demo_tool", "demo_signed"):
        variables = {"artifact_release": {"name": name, **vendor.records[name]}, "artifact_destination": f"/opt/{name}"}
        variables |= {"artifact_mirror_url": "file:///srv/mirror", "artifact_attempts": 1}
        tasks.append(
            {"name": name, "ansible.builtin.include_role": {"name": "awsome.training.artifact"}, "vars": variables}
        )
    play = [{"hosts": "controller", "gather_facts": True, "tasks": tasks}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    done = run("ansible-playbook", "-i", str(machine.inventory), str(tmp_path / "play.yml"))
    assert done.returncode == 0, done.stdout
    controller = machine.host("controller")
    # apt takes the newest of what has no version, as the lockfile did.
    assert (controller.package("demo-app").version, controller.package("demo-lib").version) == ("1.2-1", "2.0-1")
    assert controller.file("/opt/demo_tool/tool.bin").content == TOOL
    assert controller.file("/opt/demo_signed/signed.bin").content == SIGNED


@pytest.fixture(scope="module")
def rpm_machine(vendor: Vendor, podman: Podman, keep_artifacts: bool) -> Iterator[Lab]:
    """One of the RPM family, which sees the mirror as a directory and knows no repository."""
    standins = build.build() / "mirror"
    script = run(*podman.sudo, "sh", str(ROOT / "tests/standins/rpm_machine.sh"), "al2023", str(standins))
    assert script.returncode == 0, script.stdout
    volumes = [f"--volume={standins}:/srv/mirror:ro", f"--volume={vendor.mirror}:/srv/demo:ro"]
    options = {"lab_platform": "al2023", "lab_registry_image": script.stdout.split()[-1], "lab_run_options": volumes}
    made = Lab("awt-mirror-rpm", {**BARE, **options, "lab_num_compute": 0})
    with made.running(keep_artifacts):
        made.host("controller").check_output("rm /etc/yum.repos.d/*")
        yield made


def test_a_machine_of_the_rpm_family_installs_from_the_mirror(vendor: Vendor, rpm_machine: Lab, tmp_path: Path) -> None:
    record = {**record_of(vendor, "dnf", "file:///srv/demo"), "arch": "x86_64", "repo_gpgcheck": True}
    task = {"name": "Packages", "awsome.training.packages": {"name": ["demo-app=1.2-*"], "repository": record}}
    play = [{"hosts": "controller", "gather_facts": True, "tasks": [task]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play))
    command = ["ansible-playbook", "-i", str(rpm_machine.inventory), str(tmp_path / "play.yml")]
    done = run(*command)
    assert done.returncode == 0, done.stdout
    node = rpm_machine.host("controller")
    assert node.check_output("rpm --query demo-app demo-lib").split() == [
        "demo-app-1.2-1.x86_64",
        "demo-lib-1.3-1.x86_64",
    ]
    assert node.check_output("ls /etc/yum.repos.d") == "demo.repo"
    assert node.file("/usr/share/demo-lib").content == b"lib"
    again = run(*command)
    assert "changed=0" in again.stdout, again.stdout
    # A package that was changed in the mirror is refused.
    node.check_output("rpm --erase demo-app demo-lib && dnf -q clean packages")
    package = next(vendor.mirror.rglob("demo-lib-*.rpm"))
    content = package.read_bytes()
    package.chmod(0o644)
    package.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        broken = run(*command)
    finally:
        package.write_bytes(content)
    assert broken.returncode != 0 and "packages: demo-app=1.2-* could not be installed" in broken.stdout, broken.stdout
    assert not node.package("demo-app").is_installed
