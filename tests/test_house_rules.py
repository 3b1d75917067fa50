"""The house rules of docs/architecture.md, kept by a machine."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import pytest
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _catalog

ROOT = Path(__file__).parents[1]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
SHARED_ROLES = {"artifact", "image", "lab", "python_env"}  # have no doors
DOORS = ("install", "configure", "verify")
CATALOG = _catalog.load()


def has_a_door(role: Path) -> bool:
    return any((role / f"tasks/{door}.yml").is_file() for door in DOORS)


# A role with doors is a part of a node; one without asks AWS for things, from the machine that runs the playbook.
NODE_ROLES = [role for role in ROLES if role.name not in SHARED_ROLES and has_a_door(role)]
CONTROL_ROLES = [role for role in ROLES if role.name not in SHARED_ROLES and not has_a_door(role)]

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
each_node_role = pytest.mark.parametrize("role", NODE_ROLES, ids=lambda role: role.name)


def tracked(*patterns: str) -> list[Path]:
    """The files of the repository that git knows or would add, links left out."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *(f":(glob){one}" for one in patterns)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    paths = [ROOT / name for name in listed if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=_Loader) if path.is_file() else None


class _Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain values."""


for tag in ("!vault", "!unsafe"):
    _Loader.add_constructor(tag, lambda loader, node: loader.construct_scalar(node))


def tasks_of(path: Path) -> list[dict[str, Any]]:
    def flatten(tasks: Any) -> list[dict[str, Any]]:
        found = []
        for task in tasks or []:
            found.append(task)
            for part in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
                found += flatten(task.get(part))
        return found

    return flatten(load(path))


def task_files() -> list[Path]:
    return tracked("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "playbooks/*.yml", "playbooks/tasks/*.yml")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# 1
@each_role
def test_argument_specs_are_the_defaults(role: Path) -> None:
    defaults = set(load(role / "defaults/main.yml") or {})
    specs = load(role / "meta/argument_specs.yml")["argument_specs"]
    assert role not in NODE_ROLES or set(specs) == {"main", *DOORS}
    for door, spec in specs.items():
        required = {name for name, option in spec.get("options", {}).items() if option.get("required")}
        assert set(spec.get("options", {})) - required == defaults, f"{role.name}: {door}"


# 2
@each_node_role
def test_a_node_role_has_three_doors_and_main_only_imports(role: Path) -> None:
    for door in DOORS:
        assert (role / f"tasks/{door}.yml").is_file(), f"{role.name} has no {door} door"
    main = load(role / "tasks/main.yml")
    imports = [task.get("ansible.builtin.import_tasks") for task in main]
    assert imports == ["install.yml", "configure.yml"]


def test_every_role_of_a_profile_is_there_and_every_node_role_is_in_a_profile() -> None:
    assert set(CATALOG.walk_order) == {role.name for role in NODE_ROLES}


def test_a_role_without_doors_is_in_no_profile() -> None:
    for role in CONTROL_ROLES:
        assert role.name not in CATALOG.walk_order, f"{role.name} is in a profile and has no doors"


# 3
def test_versions_stand_in_the_catalogue_only() -> None:
    pins = {record["version"] for record in CATALOG.components.values()}
    for path in tracked("roles/**", "playbooks/**", "packer/**", "molecule/**"):
        text = path.read_text(errors="replace")
        assert not [pin for pin in pins if pin in text], f"{name_of(path)} repeats a version of catalog/components.yml"
        stated = re.findall(r"^\s*((?!min_ansible_)\w*version: *[\"']?\d+\.\d\S*)", text, re.MULTILINE)
        assert not stated, f"{name_of(path)} states a version: {stated}"


# 4
def test_instance_types_stand_in_the_catalogue_docs_and_tests_only() -> None:
    literal = re.compile(
        r"(?<![\w.-])(?:[cmr]\d[a-z]*|hpc\d\w+|[gp]\d\w*(?:-\w+)?|trn\d\w*|inf\d)\.(?:\d*xlarge|metal)\b"
    )
    for path in tracked("roles/**", "playbooks/**", "plugins/**", "packer/**", "training/**"):
        if path.suffix == ".md":
            continue
        hits = literal.findall(path.read_text(errors="replace"))
        documented = "EXAMPLES" in path.read_text(errors="replace") or path.name == "argument_specs.yml"
        assert not hits or documented, f"{name_of(path)} names instance types: {hits}"


# 5
@pytest.mark.parametrize("path", task_files(), ids=name_of)
def test_no_task_asks_which_distribution_it_is_on(path: Path) -> None:
    for task in tasks_of(path):
        assert not re.search(r"distribution|os_family", json.dumps(task.get("when", ""))), task.get("name")


# 6
@pytest.mark.parametrize("path", task_files(), ids=name_of)
def test_tasks_from_has_no_ending(path: Path) -> None:
    for task in tasks_of(path):
        for module in ("include_role", "import_role"):
            options = task.get(f"ansible.builtin.{module}") or {}
            assert not str(options.get("tasks_from", "")).endswith(".yml"), task.get("name")


# 7
class Mentions:
    """The variables that a file of tasks, or a template, mentions and those that it binds itself."""

    def __init__(self, path: Path) -> None:
        self.names: set[str] = set()
        self.bound: set[str] = set()
        if path.suffix == ".yml":
            self._read(load(path))
        else:
            self._parse(path.read_text())

    def _read(self, node: Any, key: str = "") -> None:
        if isinstance(node, dict):
            for name, value in node.items():
                if name in ("vars", "ansible.builtin.set_fact"):
                    self.bound |= set(value)
                if name in ("register", "loop_var", "index_var"):
                    self.bound.add(value)
                self._read(value, name)
        elif isinstance(node, list):
            for value in node:
                self._read(value, key)
        elif isinstance(node, str) and ("{{" in node or "{%" in node):
            self._parse(node)
        elif isinstance(node, str) and key in ("when", "that", "until", "changed_when", "failed_when", "var"):
            self._parse("{{ " + node + " }}")

    def _parse(self, text: str) -> None:
        with contextlib.suppress(jinja2.TemplateSyntaxError):
            self.names |= jinja2.meta.find_undeclared_variables(JINJA.parse(text))


JINJA = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])  # as Ansible has it


def mentions() -> list[tuple[Path, Mentions]]:
    patterns = ("roles/*/tasks/*.yml", "roles/*/handlers/*.yml", "roles/*/templates/*", "roles/*/vars/*.yml")
    return [(path, Mentions(path)) for path in tracked(*patterns, "playbooks/*.yml", "playbooks/tasks/*.yml")]


def options_of(role: Path) -> set[str]:
    specs = load(role / "meta/argument_specs.yml")["argument_specs"].values()
    return {name for spec in specs for name in spec.get("options", {})}


def results_of(role: Path) -> set[str]:
    """What a role leaves for its caller."""
    tasks = [task for path in (role / "tasks").glob("*.yml") for task in tasks_of(path)]
    return {name for task in tasks for name in task.get("ansible.builtin.set_fact") or {} if name != "cacheable"}


def test_every_role_variable_that_is_mentioned_exists() -> None:
    options = {role.name: options_of(role) | results_of(role) for role in ROLES}
    longest_first = sorted(options, key=len, reverse=True)
    for path, seen in mentions():
        for name in seen.names - seen.bound:
            role = next((role for role in longest_first if name.startswith(f"{role}_")), None)
            assert role is None or name in options[role], f"{name_of(path)} mentions {name}, which {role} does not have"


# 8
def test_no_two_roles_default_the_same_name() -> None:
    counted = Counter(name for role in ROLES for name in load(role / "defaults/main.yml") or {})
    assert [name for name, count in counted.items() if count > 1] == []


@each_role
def test_a_role_names_its_variables_after_itself(role: Path) -> None:
    assert [name for name in load(role / "defaults/main.yml") or {} if not name.startswith(f"{role.name}_")] == []


# 10
def test_generated_docs_are_current() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# 11
@each_role
def test_every_role_is_tried(role: Path) -> None:
    """On the lab's machines by a scenario of its own name; against a stand-in for AWS where it has no node to be on."""
    tried = f"tests/aws/test_{role.name}.py" if role in CONTROL_ROLES else f"molecule/{role.name}/molecule.yml"
    assert (ROOT / tried).is_file(), f"{role.name} is tried nowhere: {tried} is missing"


# 12
BUDGETS = [
    ("roles/*/tasks/main.yml", 10),
    ("roles/*/tasks/*.yml", 80),
    ("roles/*/templates/*", 60),
    ("playbooks/*.yml", 40),
    ("playbooks/tasks/*.yml", 80),
    ("plugins/module_utils/**", 300),
    ("training/**/*.py", 300),
    ("training/*/workload.yml", 40),
    ("molecule/*/molecule.yml", 10),
    ("packer/*", 150),
    ("README.md", 150),
]
# A list that may only shrink.
OVER_BUDGET: dict[str, int] = {}


@pytest.mark.parametrize(("pattern", "budget"), BUDGETS)
def test_files_keep_to_their_size(pattern: str, budget: int) -> None:
    for path in tracked(pattern):
        if pattern == "roles/*/tasks/*.yml" and path.name == "main.yml" and path.parents[1].name in SHARED_ROLES:
            continue
        lines = len(path.read_text(errors="replace").splitlines())
        assert lines <= OVER_BUDGET.get(name_of(path), budget), f"{name_of(path)} has {lines} lines, at most {budget}"


PROSE = ("DOCUMENTATION", "EXAMPLES", "RETURN")


def test_modules_are_thin() -> None:
    for path in tracked("plugins/modules/*.py"):
        tree = ast.parse(path.read_text())
        prose = sum(
            node.end_lineno - node.lineno + 1
            for node in tree.body
            if isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", "") in ("DOCUMENTATION", "EXAMPLES", "RETURN")
        )
        lines = len(path.read_text().splitlines()) - prose
        assert lines <= 120, f"{name_of(path)} has {lines} lines of code, at most 120"


# 13
def test_boto3_is_imported_where_aws_is_called_only() -> None:
    for path in tracked("plugins/**/*.py", "training/**/*.py"):
        modules = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        allowed = path.name in ("api.py", "wait.py") and "_aws" in path.parts
        # The judge of requests reads botocore's models of services, and makes no client.
        allowed = allowed or (
            name_of(path) == "plugins/module_utils/_aws/shape.py" and "client" not in path.read_text()
        )
        assert allowed or not modules & {"boto3", "botocore"}, f"{name_of(path)} imports boto3"


# 14
def test_the_linters_skip_nothing() -> None:
    config = load(ROOT / ".ansible-lint")
    assert config["profile"] == "production" and config["strict"]
    assert not {"skip_list", "warn_list"} & set(config)
    for path in tracked("roles/**", "playbooks/**"):
        assert "noqa" not in path.read_text(errors="replace"), f"{name_of(path)} silences a linter"


# 15
def test_latest_is_no_version() -> None:
    for path in tracked("catalog/**", "roles/**", "playbooks/**", "packer/**", "training/**"):
        if path.suffix in (".yml", ".j2", ".hcl", ".txt", ".in") or path.name == "Dockerfile":
            # A source may be a page that a vendor keeps current; nothing is fetched from it.
            text = re.sub(r"^\s*source: .*$", "", path.read_text(errors="replace"), flags=re.MULTILINE)
            assert not re.search(r"[:=@/]\s*[\"']?latest\b", text), name_of(path)


# 16
@pytest.mark.parametrize("path", task_files(), ids=name_of)
def test_nothing_is_downloaded_without_a_checksum(path: Path) -> None:
    for task in tasks_of(path):
        options = task.get("ansible.builtin.get_url")
        assert options is None or "checksum" in options, task.get("name")
        assert "ansible.builtin.apt_key" not in task
        commands = json.dumps({key: value for key, value in task.items() if "command" in key or "shell" in key})
        assert not re.search(r"\b(curl|wget)\b", commands), f"{task.get('name')}: fetch with role artifact"
        unpacked = task.get("ansible.builtin.unarchive") or {}
        assert "://" not in str(unpacked.get("src", "")), f"{task.get('name')}: fetch with role artifact"


# Secrets
def test_no_task_that_handles_a_secret_is_logged() -> None:
    harmless = {"ansible.builtin.include_role", "ansible.builtin.assert", "ansible.builtin.set_fact"}
    for path in task_files():
        for task in tasks_of(path):
            if "hosts" in task or "block" in task:
                continue
            seen = Mentions.__new__(Mentions)
            seen.names, seen.bound = set(), set()
            seen._read({key: value for key, value in task.items() if key not in ("when", "no_log")})
            secret = {name for name in seen.names if re.search(r"(_password|^munge_key)$", name)}
            acts = {key for key in task if "." in key}
            assert not secret or task.get("no_log") or acts <= harmless, f"{name_of(path)}: {task.get('name')}"
