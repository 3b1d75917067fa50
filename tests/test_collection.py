"""The collection works from a plain checkout and as an installed artefact, and refuses a bad inventory from both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent


def run(*argv: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    return subprocess.run(
        [str(BIN / argv[0]), *argv[1:]],
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty place that holds the built collection and nothing of the checkout."""
    place = tmp_path_factory.mktemp("installed")
    built = run("ansible-galaxy", "collection", "build", "--output-path", str(place), cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (tarball,) = place.glob("awsome-training-*.tar.gz")
    done = run(
        "ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(tarball), "-p", str(place), cwd=place
    )
    assert done.returncode == 0, done.stderr
    return place


INVENTORY = """\
all:
  vars: {cluster_name: trial, node_profile: compute}
  children:
    controller: {hosts: {head: {node_profile: controller}}}
    compute: {children: {cpu: {hosts: {n1: , n2: }}}}
"""


def test_the_artefact_holds_what_its_users_need(installed: Path) -> None:
    root = installed / "ansible_collections/awsome/training"
    for path in (
        "catalog/instances.yml",
        "roles/slurm/tasks/install.yml",
        "training/fsdp/train.py",
        "playbooks/site.yml",
    ):
        assert (root / path).is_file(), path
    assert not (root / ".collections").exists()
    assert not (root / ".venv").exists()


def test_the_artefact_passes_the_syntax_check_of_site(installed: Path) -> None:
    (installed / "hosts.yml").write_text(INVENTORY)
    done = run(
        *("ansible-playbook", "--syntax-check", "-i", "hosts.yml", "awsome.training.site"),
        cwd=installed,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["module", "lookup", "filter", "role"])
def test_the_artefact_documents_itself(installed: Path, kind: str) -> None:
    listed = run(
        *("ansible-doc", "-t", kind, "-l", "-j", "awsome.training"),
        cwd=installed,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )
    names = list(json.loads(listed.stdout))
    told = run("ansible-doc", "-t", kind, "-j", *names, cwd=installed, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert told.returncode == 0, told.stderr
    assert names
    assert set(json.loads(told.stdout)) == set(names)


def test_the_checkout_resolves_its_own_names() -> None:
    done = run("ansible-doc", "-j", "awsome.training.node_check", cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("n1:", "hosts.yml:5: instance_type is 'p5.49xlarge'"),
        ("head:", "group 'controller' has 2 hosts"),
        ("slurm", "hosts.yml:2: 'slurm_sorce' is no variable of this collection; did you mean 'slurm_source'?"),
    ],
)
def test_site_refuses_a_bad_inventory_and_changes_nothing(tmp_path: Path, change: str, said: str) -> None:
    data = INVENTORY
    if change == "n1:":
        data = data.replace("n1:", "n1: {instance_type: p5.49xlarge}")
    elif change == "head:":
        data = data.replace("{head:", "{other: {node_profile: controller}, head:")
    else:
        data = data.replace("cluster_name: trial", "slurm_sorce: prefix, cluster_name: trial")
    assert yaml.safe_load(data)
    (tmp_path / "hosts.yml").write_text(data)
    done = run("ansible-playbook", "-i", str(tmp_path / "hosts.yml"), "playbooks/site.yml", cwd=ROOT)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    assert "PLAY [Install]" not in done.stdout
