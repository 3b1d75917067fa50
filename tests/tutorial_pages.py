"""What a tutorial's page asks its reader to write and to type, and what is wrong with it.

    ```console                 lines that begin with `$ ` are commands, the others are output
    ```yaml title="name.yml"   a file that the reader writes; another fence without a title is only looked at

Nothing is run here but parsers: those of Ansible's commands, botocore's model, the Makefile, Packer's variables.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.session
import yaml
from ansible_collections.awsome.training.plugins.module_utils import _inventory
from ansible_collections.awsome.training.plugins.module_utils._aws import shape
from ansible_collections.awsome.training.plugins.module_utils._launch import plan

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\S*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"console", "yaml", "json", "text", "dockerfile", "ini"}

# Commands of AWS's command line that are no operation of an API, with their own options (AWS CLI, command reference).
AWS_OWN = {
    "logs tail": "follow since format filter-pattern log-stream-names log-stream-name-prefix",
    "s3 cp": "recursive exclude include dryrun quiet",
    "s3 ls": "recursive human-readable summarize",
    "s3 sync": "delete exclude include dryrun quiet",
    "ecr get-login-password": "",
    "eks update-kubeconfig": "name kubeconfig role-arn alias dry-run",
    "configure sso": "profile",
    "sso login": "sso-session",
}
AWS_GLOBAL = "region profile output query endpoint-url no-cli-pager max-items page-size starting-token cli-input-json"
# What may be typed on a cluster's nodes or beside it, with the options that pages use.
SLURM = "partition nodes ntasks ntasks-per-node gpus-per-node exclusive nodelist time job-name auto-resume wrap me"
WORDS: dict[str, str] = {
    **dict.fromkeys(
        ("srun", "sbatch", "salloc", "squeue", "sinfo", "sacct", "scancel"),
        f"{SLURM} format output summarize jobs user",
    ),
    **dict.fromkeys(("scontrol", "cat", "tail", "less", "ls", "cd", "export", "source", "sha256sum", "git"), ""),
    "ssh": "",
    "sudo": "login user",
    "apt-get": "",
    **dict.fromkeys((".", "python", "python3", "pip"), ""),
    "curl": "",
    "nvidia-smi": "list-gpus",
    **dict.fromkeys(("podman", "docker"), "build-arg username password-stdin file tag"),
    "kubectl": "namespace selector follow output watch for timeout context all-namespaces label-columns",
    "helm": "namespace create-namespace values version",
}
SUBCOMMANDS = {
    **dict.fromkeys(("podman", "docker"), "build login push pull run tag images"),
    "kubectl": "apply delete describe exec get logs wait config rollout",
    "helm": "install upgrade uninstall list",
    "scontrol": "show update ping reconfigure",
}


@dataclass
class Page:
    """A page's commands, and its files by name."""

    name: str
    commands: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass
class Call:
    """One command of a line, where it is typed, and what it has to be judged by."""

    words: list[str]
    page: Page
    folder: Path

    def has(self, name: str) -> bool:
        """Whether the reader has this file: of the page, of the checkout, or a place of their own machine."""
        return name in self.page.files or name.startswith(("~", "/", "http")) or (self.folder / name).exists()


def read(path: Path) -> Page:
    page = Page(path.name)
    for language, title, body in FENCE.findall(path.read_text()):
        if language not in LANGUAGES:
            page.faults.append(f"a fence is {language or 'nothing'!r}, expected one of {', '.join(sorted(LANGUAGES))}.")
        if title:
            page.files[title] = body
        if language == "console":
            page.commands += _commands(body)
        elif language in ("yaml", "json"):
            try:
                list(yaml.safe_load_all(body))
            except yaml.YAMLError as error:
                page.faults.append(f"{title or 'a fence'}: it cannot be parsed: {' '.join(str(error).split())}")
    return page


def _commands(body: str) -> Iterator[str]:
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).lstrip("> ")
            yield command


def faults(page: Page) -> list[str]:
    """Every fault of a page, each with the command or file that has it."""
    found = list(page.faults)
    for name, text in page.files.items():
        if name.endswith((".yml", ".yaml")):
            found += [f"{name}: {fault}" for fault in _file_faults(name, text)]
    for command in page.commands:
        found += [f"$ {command}: {fault}" for fault in command_faults(command, page)]
    return found


def command_faults(command: str, page: Page) -> list[str]:
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError as error:
        return [f"a shell cannot read it ({error})."]
    found, folder, part = [], ROOT, []
    for word in [*words, ";"]:
        if not re.fullmatch(r"[|&;]+", word):
            part.append(word)
            continue
        if part[:1] == ["cd"]:
            folder = folder / part[1]
        if part:
            found += _call_faults(Call(part, page, folder))
        part = []
    return found


def _call_faults(call: Call) -> list[str]:
    words = (
        [word for word in call.words if not re.fullmatch(r"[A-Z_]+=\S*", word)] if "=" in call.words[0] else call.words
    )
    if not words:
        return []
    if "..." in words or any(re.fullmatch(r"<.*>", word) for word in words):
        return ["it has a placeholder, expected what a reader can type; use an example."]
    judges: dict[str, Callable[[Call], Iterable[str]]] = {
        "aws": _aws,
        "make": _make,
        "packer": _packer,
        "ansible-playbook": functools.partial(_ansible, cli="playbook"),
        "ansible-inventory": functools.partial(_ansible, cli="inventory"),
        "ansible": functools.partial(_ansible, cli="adhoc"),
    }
    judge = judges.get(words[0], _word)
    return list(judge(Call(words, call.page, call.folder)))


# --- Ansible


def _ansible(call: Call, cli: str) -> Iterator[str]:
    parsed, said = _parse(cli, call.words)
    if parsed is None:
        yield said
        return
    for source in parsed["inventory"] or []:
        if not source.endswith(",") and not call.has(source):
            yield f"inventory {source} is neither a file of this page nor of the repository."
    for name in parsed.get("args") or [] if cli == "playbook" else []:
        if not (call.folder / name).is_file() and name not in call.page.files:
            yield f"playbook {name} does not exist."
    for extra in parsed.get("extra_vars") or []:
        if extra.startswith("@"):
            # Ansible's parser has made the path absolute.
            name = extra[1:].removeprefix(f"{Path.cwd()}/")
            if not call.has(name):
                yield f"variables @{name} are no file of this page."
            continue
        values = (
            yaml.safe_load(extra)
            if extra.startswith("{")
            else dict(one.partition("=")[::2] for one in shlex.split(extra))
        )
        yield from unknown_variables(values)


def _parse(cli: str, words: list[str]) -> tuple[dict[str, Any] | None, str]:
    """What Ansible's own parser makes of a command line."""
    from ansible import context
    from ansible.cli.adhoc import AdHocCLI
    from ansible.cli.inventory import InventoryCLI
    from ansible.cli.playbook import PlaybookCLI

    program = {"playbook": PlaybookCLI, "inventory": InventoryCLI, "adhoc": AdHocCLI}[cli](words)
    before, said = context.CLIARGS, io.StringIO()
    try:
        program.init_parser()
        with contextlib.redirect_stderr(said):
            return vars(program.parser.parse_args(words[1:])), ""
    except SystemExit:
        return None, said.getvalue().strip().splitlines()[-1]
    finally:
        context.CLIARGS = before


@functools.cache
def _variables() -> frozenset[str]:
    """Every variable that a user may set: roles' options, the launcher's, and what playbooks mention."""
    options = {name for names in _inventory.role_options(ROOT / "roles").values() for name in names}
    text = "\n".join(path.read_text() for path in [*ROOT.glob("playbooks/*.yml"), *ROOT.glob("playbooks/tasks/*.yml")])
    return frozenset({*options, *plan.OPTIONS, *_inventory.NODE_VARIABLES, *re.findall(r"[a-z]\w+", text)})


def unknown_variables(values: Iterable[str]) -> list[str]:
    return [
        f"{name} is no variable of a role or a playbook{_near(name, _variables())}."
        for name in values
        if name not in _variables() and not name.startswith(("ansible_", "my_"))
    ]


def _file_faults(name: str, text: str) -> list[str]:
    documents = [one for one in yaml.safe_load_all(text) if one]
    if len(documents) == 1 and isinstance(documents[0], dict):
        values = documents[0]
        if "plugin" in values:
            return _inventory_options(values)
        if not {"all", "apiVersion", "kind", "compute", "controller"} & set(values):
            return unknown_variables(values)
    return []


def _inventory_options(values: dict[str, Any]) -> list[str]:
    known = _plugin_options(values["plugin"])
    if not known:
        return [f"plugin {values['plugin']} does not exist."]
    return [f"{name} is no option of {values['plugin']}{_near(name, known)}." for name in values if name not in known]


@functools.cache
def _plugin_options(name: str) -> frozenset[str]:
    """The options of an inventory plugin by all their names, as Ansible documents them."""
    command = [Path(sys.executable).with_name("ansible-doc"), "--type", "inventory", "--json", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    options = json.loads(done.stdout or "{}").get(name, {}).get("doc", {}).get("options", {})
    return frozenset({*options, *(alias for option in options.values() for alias in option.get("aliases", []))})


# --- AWS's command line


def _aws(call: Call) -> Iterator[str]:
    service, *rest = [word for word in call.words[1:] if not word.startswith("--")] or [""]
    verb = rest[0] if rest else ""
    options = _options(call.words[3:])
    globals_ = set(AWS_GLOBAL.split())
    if f"{service} {verb}" in AWS_OWN:
        own = set(AWS_OWN[f"{service} {verb}"].split())
        yield from (_no_option(one, own | globals_) for one in options if one not in own | globals_)
        return
    session = _botocore()
    if service not in session.get_available_services():
        yield f"aws has no service {service}{_near(service, session.get_available_services())}."
        return
    model = session.get_service_model(service)
    operations = {_kebab(name): name for name in model.operation_names}
    if verb not in operations:
        yield f"{service} has no operation {verb}{_near(verb, operations)}."
        return
    yield from _aws_request(service, operations[verb], model, options, globals_)


def _aws_request(
    service: str, operation: str, model: Any, options: dict[str, list[str]], globals_: set[str]
) -> Iterator[str]:
    wanted = model.operation_model(operation).input_shape
    members = {_kebab(name): (name, one) for name, one in (wanted.members if wanted else {}).items()}
    flags = {f"no-{name}": member for name, member in members.items() if member[1].type_name == "boolean"}
    known = {**members, **flags}
    yield from (_no_option(one, {*known, *globals_}) for one in options if one not in known and one not in globals_)
    if any(one.startswith("cli-input") for one in options):
        return
    params, unread = {}, set()
    for option, values in options.items():
        if option not in known:
            continue
        name, member = known[option]
        value = _aws_value(member, option, values)
        if value is None:
            unread.add(name)
        else:
            params[name] = value
    for fault in shape.faults(service, operation, params):
        if not any(fault.startswith(f"{name}: is missing") for name in unread):
            yield fault


def _aws_value(member: Any, option: str, values: list[str]) -> Any:
    """A value as the API takes it, or None where it is in the command line's shorthand, which is not read here."""
    kind = member.type_name
    if kind == "boolean":
        return not option.startswith("no-")
    if values and values[0][:1] in "[{":
        return json.loads(values[0])
    if kind == "list" and member.member.type_name == "string":
        return values
    if kind in ("integer", "long"):
        return int(values[0]) if values and values[0].isdigit() else values
    return values[0] if kind == "string" and values else None


def _options(words: list[str]) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    last: list[str] = []
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            last = options.setdefault(name, [value] if equals else [])
        else:
            last.append(word)
    return options


@functools.cache
def _botocore() -> Any:
    return botocore.session.get_session()


def _kebab(name: str) -> str:
    return botocore.xform_name(name, "-")


# --- the others


def _make(call: Call) -> Iterator[str]:
    text = (ROOT / "Makefile").read_text()
    targets, variables = (
        set(re.findall(r"^([a-z][\w-]*):", text, re.MULTILINE)),
        set(re.findall(r"^(\w+) \?=", text, re.M)),
    )
    for word in call.words[1:]:
        name, equals, _ = word.partition("=")
        if equals and name not in variables:
            yield f"the Makefile has no variable {name}{_near(name, variables)}."
        if not equals and not word.startswith("-") and word not in targets:
            yield f"the Makefile has no target {word}{_near(word, targets)}."


def _packer(call: Call) -> Iterator[str]:
    if call.words[1] not in ("build", "validate", "init", "fmt"):
        yield f"packer has no command {call.words[1]}."
    files = [word for word in call.words[2:] if word.endswith(".hcl")]
    for name in files:
        if not (call.folder / name).is_file():
            yield f"template {name} does not exist in {call.folder.relative_to(ROOT)}."
            return
    known = {one for name in files for one in re.findall(r'^variable "(\w+)"', (call.folder / name).read_text(), re.M)}
    for index, word in enumerate(call.words):
        if word == "-var":
            name = call.words[index + 1].partition("=")[0]
            if name not in known:
                yield f"the template has no variable {name}{_near(name, known)}."


def _word(call: Call) -> Iterator[str]:
    # A program by its path, as of a virtual environment, is known by its name.
    word, rest = call.words[0].rpartition("/")[2] or call.words[0], call.words[1:]
    if word not in WORDS:
        known = ", ".join(["aws", "make", "packer", "ansible-*", *WORDS])
        yield f"{word} is no command that a page may use; expected one of {known}."
        return
    verbs = SUBCOMMANDS.get(word, "").split()
    if verbs and (not rest or rest[0] not in verbs):
        yield f"{word} has no command {rest[0] if rest else ''}{_near(rest[0] if rest else '', verbs)}."
    known = set(WORDS[word].split())
    # What a launcher runs has options of its own.
    own = rest[: next((index for index, one in enumerate(rest) if one in WORDS), len(rest))]
    if known:
        for option in _options(own):
            if option not in known:
                yield _no_option(option, known)
    for index, one in enumerate(rest[:-1]):
        if word in ("kubectl", "podman", "docker") and one in ("-f", "--file") and not call.has(rest[index + 1]):
            yield f"{rest[index + 1]} is no file of this page."


def _no_option(option: str, known: Iterable[str]) -> str:
    return f"there is no option --{option}{_near(option, known)}."


def _near(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; perhaps {near[0]} is meant" if near else ""
