#!/usr/bin/env python3
"""Write docs/reference/ from the argument specs, the defaults, the plugins' documentation and the catalogue.

Without arguments it writes the pages; with --check it writes nothing and fails if a page is not what it would write.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.awsome.training.plugins.module_utils import _catalog  # noqa: E402

# Ansible's markup: code, value, option, variable, return value, module, plugin; italic and bold.
MARKUP = re.compile(r"\b(C|V|O|E|RV|M|P|I|B)\(((?:[^()\\]|\\.|\([^()]*\))*)\)")
LINK = re.compile(r"\bL\(([^,)]*),\s*([^)]*)\)")
UNSAID = object()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is stale")
    check = parser.parse_args().check
    stale = []
    for name, source, body in pages():
        path = ROOT / "docs/reference" / name
        text = f"<!-- Written by docs/generate.py from {source}. Edit those, then run it. -->\n\n{body}"
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if stale and check:
        print(
            f"{', '.join(stale)} differs from its sources; run python3 docs/generate.py and commit it.", file=sys.stderr
        )
    return 1 if stale and check else 0


def pages() -> Iterator[tuple[str, str, str]]:
    yield "roles.md", "roles/*/meta/argument_specs.yml and roles/*/defaults/main.yml", "\n".join(roles())
    yield "modules.md", "the documentation in plugins/", "\n".join(plugins())
    yield "catalog.md", "catalog/*.yml", "\n".join(catalog())


# --- roles


def roles() -> Iterator[str]:
    yield "# Roles\n"
    yield "A node role has the doors `install`, `configure` and `verify`, which share its options.\n"
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        name = path.parts[-3]
        spec = read(path)["argument_specs"]["main"]
        defaults = read(ROOT / "roles" / name / "defaults/main.yml") or {}
        yield f"## {name}\n\n{sentences(spec.get('short_description'))}\n"
        if spec.get("description"):
            yield prose(spec["description"])
        if spec.get("options"):
            yield table(["option", "type", "default", "meaning"], option_rows(spec["options"], defaults))


def option_rows(options: dict[str, Any], defaults: dict[str, Any], parent: str = "") -> Iterator[list[str]]:
    """One row for each option, and below it one for each key of a dictionary that it describes."""
    for key, option in options.items():
        kind = option.get("type", "str") + (f" of {option['elements']}" if "elements" in option else "")
        fallback = option.get("default", UNSAID)
        default = "required" if option.get("required") else shown(defaults.get(key, fallback))
        meaning = sentences(option.get("description"))
        if "choices" in option:
            meaning += f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}."
        yield [f"`{parent}{key}`", kind, default, meaning]
        nested = option.get("options") or option.get("suboptions") or {}
        yield from option_rows(nested, {}, f"{parent}{key}.")


# --- plugins


def plugins() -> Iterator[str]:
    yield "# Modules and plugins\n"
    yield "`ansible-doc -t TYPE awsome.training.NAME` says the same.\n"
    for kind in ("modules", "lookup", "filter", "inventory"):
        documented = [(path.stem, *texts(path)) for path in sorted((ROOT / "plugins" / kind).glob("*"))]
        documented = [entry for entry in documented if entry[1]]
        if not documented:
            continue
        yield f"## {kind}\n"
        for name, docs, examples, returned in documented:
            yield f"### {name}\n\n{sentences(docs['short_description'])}\n"
            yield prose(docs["description"])
            if docs.get("options"):
                yield table(["option", "type", "default", "meaning"], option_rows(docs["options"], {}))
            if examples:
                yield f"```yaml\n{examples.strip()}\n```\n"
            if returned:
                yield table(["returns", "type", "meaning"], return_rows(returned))


def return_rows(returned: dict[str, Any], parent: str = "") -> Iterator[list[str]]:
    for key, value in returned.items():
        kind = value.get("type", "str") + (f" of {value['elements']}" if "elements" in value else "")
        yield [f"`{parent}{key}`", kind, sentences(value.get("description"))]
        yield from return_rows(value.get("contains") or {}, f"{parent}{key}.")


def texts(path: Path) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """A plugin's DOCUMENTATION, EXAMPLES and RETURN: constants of the module, or a YAML file of its own."""
    if path.suffix in {".yml", ".yaml"}:
        data = read(path)
        return data.get("DOCUMENTATION") or {}, data.get("EXAMPLES") or "", data.get("RETURN") or {}
    if path.suffix != ".py":
        return {}, "", {}
    found = {"DOCUMENTATION": "", "EXAMPLES": "", "RETURN": ""}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in found:
            found[node.targets[0].id] = ast.literal_eval(node.value)
    docs = yaml.safe_load(found["DOCUMENTATION"]) or {}
    for fragment in map(own_fragment, docs.get("extends_documentation_fragment") or []):
        docs["options"] = {**fragment.get("options", {}), **docs.get("options", {})}
    return docs, found["EXAMPLES"], yaml.safe_load(found["RETURN"]) or {}


def own_fragment(name: str) -> dict[str, Any]:
    """A fragment of this collection; what those of others say is in their own documentation."""
    if not name.startswith("awsome.training."):
        return {}
    file, part = name.split(".")[2:]
    words = (ROOT / f"plugins/doc_fragments/{file}.py").read_text()
    (body,) = (node for node in ast.parse(words).body if isinstance(node, ast.ClassDef))
    texts = {ast.unparse(node.targets[0]): node.value for node in body.body if isinstance(node, ast.Assign)}
    fragment: dict[str, Any] = yaml.safe_load(ast.literal_eval(texts[part.upper()]))
    return fragment


# --- the catalogue


def catalog() -> Iterator[str]:
    known = _catalog.load()
    yield "# The catalogue\n\n## Components\n"
    yield listing(known.components, {"version": "{version}", "from": "{url}", "read where": "{source}"})
    yield "## Platforms\n"
    columns = {
        "family": "{family}",
        "distribution": "{distribution} {major}",
        "Python": "{python}",
        "user on EC2": "{user}",
    }
    systems = {name: row for name, row in known.platforms.items() if "base" not in row}
    yield listing(systems, {**columns, "built by the lab from packages": "{suite}"})
    yield "## Images to build on\n"
    yield "`packer build -var platform=NAME` starts from the newest of that name. `?`: no source confirms it.\n"
    header = "platform|system|owner|name on x86_64|name on aarch64|root device|GiB|read where"
    yield table(header.split("|"), (image_cells(name, row) for name, row in known.platforms.items()))
    yield f"## Profiles\n\nEvery door is walked in this order: {', '.join(known.walk_order)}.\n"
    yield listing(known.profiles, {"what it does": "{description}", "roles": "{roles}"})
    yield "## Compatibility\n"
    yield "Sets of versions are judged by these rules: before anything is downloaded, by `verify` and by the audit.\n"
    yield table(
        ["name", "kind", "rule", "why", "read where"], [rule_cells(*one) for one in known.compatibility.items()]
    )
    yield "## Instance types\n"
    yield "CPUs: sockets x cores x threads. Peak: dense, bf16, of one accelerator. `?`: no source confirms it.\n"
    header = "type|arch|CPUs|memory GiB|accelerators|peak TFLOP/s|NVLink|EFA|fabric|local NVMe GB"
    yield table(header.split("|"), map(instance_cells, known.instances.values()))


def listing(records: dict[str, dict[str, Any]], columns: dict[str, str]) -> str:
    """A row for each record, by name; each column is a format of the record's fields, empty where it lacks them."""
    rows = []
    for name, record in records.items():
        words = {key: ", ".join(value) if isinstance(value, list) else value for key, value in record.items()}
        rows.append([f"`{name}`", *(form.format_map(defaultdict(str, words)) for form in columns.values())])
    return table(["name", *columns], rows)


def image_cells(name: str, row: dict[str, Any]) -> list[str]:
    image = row["image"]

    def told(field: str, value: str) -> str:
        known = value.replace("{release}", image.get("release", "")) if value else ""
        return f"`{known}`{' ?' if field in image.get('unverified', []) else ''}" if known else ""

    names = (told("name", image["name"].get(arch, "")) for arch in ("x86_64", "aarch64"))
    size = str(image["size_gib"])
    device = told("root_device", image["root_device"])
    return [f"`{name}`", row.get("base", name), told("owner", image["owner"]), *names, device, size, image["source"]]


def rule_cells(name: str, rule: dict[str, Any]) -> list[str]:
    data = {key: value for key, value in rule.items() if key not in ("kind", "reason", "source")}
    return [
        f"`{name}`",
        rule["kind"],
        "; ".join(f"{key}: {plain(value)}" for key, value in data.items()),
        rule["reason"],
        rule["source"],
    ]


def plain(value: Any) -> str:
    """A rule's data in few signs; the many rows of a bundle are only counted."""
    if isinstance(value, dict) and len(value) > 12 - 7 * any(isinstance(one, dict) for one in value.values()):
        return f"{len(value)} releases, the newest {next(iter(value))}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(one)}" for key, one in value.items())
    if isinstance(value, list):
        return (
            " or ".join(map(str, value)) if any(str(one)[:1] in "<>=" for one in value) else ", ".join(map(str, value))
        )
    return str(value)


def instance_cells(row: dict[str, Any]) -> list[str]:
    def mark(field: str) -> str:
        return " ?" if field in row["unverified"] else ""

    chip, disks = row["accelerator"] or {}, row["local_nvme"]
    link = chip.get("nvlink")
    share = f"{chip['fraction'] * chip['count']:g}" if chip else ""
    return [
        f"`{row['instance_type']}`",
        row["arch"],
        f"{row['sockets']} x {row['cores']} x {row['threads']}{mark('sockets')}",
        f"{row['memory_mib'] / 1024:g}",
        f"{share} x {chip['model']}, {chip['memory_mib'] / 1024:.0f} GiB" if chip else "",
        f"{chip['bf16_tflops']:g}{mark('accelerator.bf16_tflops')}" if chip.get("bf16_tflops") else "",
        f"{link['links']} of generation {link['generation']}" if link else "",
        f"{row['efa_interfaces'] or ''}{mark('efa_interfaces')}",
        row["fabric"] or "",
        f"{disks['count']} x {disks['size_gb']}{mark('local_nvme')}" if disks else "",
    ]


# --- words


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.is_file() else None


def shown(value: Any) -> str:
    if value is UNSAID or value is None:
        return ""
    text = value if isinstance(value, str) and value else yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return f"`{' '.join(text.removesuffix('...' + chr(10)).split())}`"


def sentences(text: Any) -> str:
    lines = text if isinstance(text, list) else [text or ""]
    plain = " ".join(" ".join(str(line).split()) for line in lines)
    return MARKUP.sub(
        lambda match: f"`{match[2]}`" if match[1] not in "IB" else f"*{match[2]}*", LINK.sub(r"[\1](\2)", plain)
    )


def prose(text: Any) -> str:
    return "\n".join(f"- {sentences(line)}" for line in (text if isinstance(text, list) else [text])) + "\n"


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return (
        "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
