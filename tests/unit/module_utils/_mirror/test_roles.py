"""What a role fetches is read from the role itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.awsome.training.plugins.module_utils._mirror import roles
from ansible_collections.awsome.training.plugins.module_utils._mirror.words import MirrorError

DEFAULTS = """
nccl_release: "{{ lookup('awsome.training.component', 'nccl') }}"
nccl_repository: "{{ lookup('awsome.training.repository', nccl_release.repository) }}"
nccl_cuda: "{{ lookup('awsome.training.component', 'cuda').version.split('.') | first }}"
nccl_other: "{{ lookup('awsome.training.repository', 'one' if nccl_odd == 'x' else 'two') }}"
nccl_home: "{{ lookup('env', 'HOME') }}"
nccl_odd: [1, {a: b}]
"""
INSTALL = """
- name: From the vendor
  when: nccl_wanted
  block:
    - name: Install
      awsome.training.packages: {name: "{{ __nccl_packages }}", repository: "{{ nccl_repository }}"}
      when: [a, b]
- name: From the distribution
  awsome.training.packages: {name: gcc}
- name: From elsewhere
  awsome.training.packages: {name: gcc, repository: "{{ other }}"}
"""


@pytest.fixture
def role(tmp_path: Path) -> Path:
    for name in ("defaults", "tasks"):
        (tmp_path / "nccl" / name).mkdir(parents=True)
    (tmp_path / "nccl/defaults/main.yml").write_text(DEFAULTS)
    for door in ("install", "install_redhat", "install_debian", "verify"):
        (tmp_path / f"nccl/tasks/{door}.yml").write_text(INSTALL)
    return tmp_path / "nccl"


def test_whole_records_are_found_and_parts_of_them_are_not(role: Path) -> None:
    assert roles.options(role) == [
        roles.Option("nccl", "nccl_release", "component", ("nccl",)),
        roles.Option("nccl", "nccl_repository", "repository", (), ("nccl_release",)),
        roles.Option("nccl", "nccl_other", "repository", ("one", "two")),
    ]


def test_a_name_that_only_a_node_knows_is_refused(role: Path) -> None:
    (role / "defaults/main.yml").write_text(
        """nccl_release: "{{ lookup('awsome.training.component', nccl_name) }}"\n"""
    )
    with pytest.raises(MirrorError) as caught:
        roles.options(role)
    assert str(caught.value) == (
        "roles/nccl/defaults/main.yml: nccl_release looks up a component by a name that only a node can tell, expected "
        "the name, or <role>_release.repository."
    )


def test_tasks_that_install_from_a_vendor_are_found_for_their_family(role: Path) -> None:
    found = roles.package_tasks(role, roles.options(role), {"debian", "ubuntu"}, {"redhat", "amazon"})
    assert [task.where.partition(":")[0] for task in found] == [
        "roles/nccl/tasks/install.yml",
        "roles/nccl/tasks/install_debian.yml",
    ]
    assert found[0].when == ("nccl_wanted", "a", "b") and found[0].variables == ("nccl_repository",)
    assert found[0].names == "{{ __nccl_packages }}"


def test_every_role_of_the_collection_can_be_read() -> None:
    for path in sorted((Path(__file__).parents[4] / "roles").iterdir()):
        roles.package_tasks(path, roles.options(path), {"debian"}, {"redhat"})
