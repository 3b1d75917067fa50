"""The catalogue's lookups: what playbooks see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import init_plugin_loader, lookup_loader

ROOT = Path(__file__).parents[3]
NAMES = ["component", "instance", "platform", "platform_vars", "profile", "walk_order"]
ALMA = {
    "os_family": "RedHat",
    "distribution": "AlmaLinux",
    "distribution_major_version": "9",
    "architecture": "aarch64",
}


@pytest.fixture(scope="module", autouse=True)
def _plugins() -> None:
    init_plugin_loader([str(ROOT / ".collections")])


def ask(name: str, *terms: str, facts: dict[str, str] | None = None, **options: Any) -> list[Any]:
    plugin = lookup_loader.get(f"awsome.training.{name}")
    answer: list[Any] = plugin.run(list(terms), {"ansible_facts": facts or {}}, **options)
    return answer


def test_each_answers_its_row() -> None:
    assert ask("instance", "ml.p4d.24xlarge", "p4d.24xlarge") == ask("instance", "p4d.24xlarge") * 2
    assert ask("platform", "debian12")[0]["suite"] == "bookworm"
    assert ask("profile", "compute")[0]["roles"] == [role for role in ask("walk_order") if role != "slurm_accounting"]
    assert ask("component", "slurm")[0]["url"].startswith("https://")


def test_an_unknown_name_is_a_lookup_error_in_one_sentence() -> None:
    with pytest.raises(
        AnsibleLookupError, match=r"^catalog/instances.yml has no 'p5.49xlarge'; the nearest are p5.4xlarge"
    ):
        ask("instance", "p5.49xlarge")


def test_platform_vars_lists_what_exists(tmp_path: Path) -> None:
    (tmp_path / "vars").mkdir()
    for name in ("redhat", "almalinux_9", "main"):
        (tmp_path / "vars" / f"{name}.yml").touch()
    found = ask("platform_vars", str(tmp_path), facts=ALMA)
    assert [Path(path).name for path in found] == ["redhat.yml", "almalinux_9.yml"]


def test_platform_vars_wants_facts(tmp_path: Path) -> None:
    with pytest.raises(AnsibleLookupError, match="no fact os_family, distribution, distribution_major_version; gather"):
        ask("platform_vars", str(tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_each_is_documented(name: str) -> None:
    source: dict[str, str] = {}
    exec((ROOT / f"plugins/lookup/{name}.py").read_text().split("from typing")[0].split("from pathlib")[0], source)
    docs = yaml.safe_load(source["DOCUMENTATION"])
    assert docs["name"] == name
    assert yaml.safe_load(source["EXAMPLES"]) and yaml.safe_load(source["RETURN"])["_raw"]
