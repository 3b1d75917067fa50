# Private to awsome.training: its API may change without notice.
"""Render Slurm's configuration files from settings, nodes and partitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._slurm.hardware import Gres
from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import fold, natural_key
from ansible_collections.awsome.training.plugins.module_utils._slurm.topology import choose

HEADER = "# Written by awsome.training; changes made here are lost at its next run."


class ConfError(ValueError):
    """Settings that cannot be written; the message names the file, the key and the value."""


@dataclass(frozen=True)
class Node:
    """One compute node: its name, where it differs its host name and address, and the keys of its line."""

    name: str
    settings: tuple[tuple[str, Any], ...] = ()
    gres: tuple[Gres, ...] = ()
    hostname: str = ""
    address: str = ""
    switches: tuple[str, ...] = ()
    block: str = ""


@dataclass(frozen=True)
class Cluster:
    """All that the files of a configuration directory are rendered from."""

    settings: Mapping[str, Any]
    nodes: tuple[Node, ...] = ()
    partitions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cgroup: Mapping[str, Any] = field(default_factory=dict)
    gres_devices: bool = True
    version: str = ""


def render_files(cluster: Cluster) -> dict[str, str | None]:
    """Render every file that this cluster needs, by name; None for one that it must not have."""
    nodes = sorted(cluster.nodes, key=lambda node: natural_key(node.name))
    settings = dict(cluster.settings)
    files: dict[str, list[str] | None] = {"gres.conf": None, "topology.conf": None}
    kinds = sorted({gres.name for node in nodes for gres in node.gres})
    if kinds:
        counted = {"AccountingStorageTRES": [f"gres/{kind}" for kind in kinds]} if _accounts(settings) else {}
        settings = merge(settings, merge({"GresTypes": kinds, **counted}, settings))
        files["gres.conf"] = gres_lines(nodes, cluster.gres_devices)
    asked = next((str(value) for key, value in settings.items() if key.lower() == "topologyplugin"), "")
    switches, blocks = ({node.name: node.switches for node in nodes}, {node.name: node.block for node in nodes})
    chosen = choose(asked, switches, blocks, cluster.version)
    if chosen:
        settings = merge(settings, merge({"TopologyPlugin": chosen[0]}, settings))
        files["topology.conf"] = chosen[1]
    files["slurm.conf"] = [
        *setting_lines(settings, "slurm.conf"),
        "",
        *node_lines(nodes),
        "",
        *partition_lines(cluster.partitions),
    ]
    files["cgroup.conf"] = setting_lines(cluster.cgroup, "cgroup.conf")
    # slurm.conf names the others, so it is written last.
    names = sorted(files, key=lambda name: (name == "slurm.conf", name))
    return {name: None if (lines := files[name]) is None else _page(lines) for name in names}


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one dict of settings over another. Slurm's keys know no case; null drops a key."""
    known = {key.lower(): key for key in base}
    merged = dict(base)
    for key, value in over.items():
        merged[known.get(key.lower(), key)] = value
    return {key: value for key, value in merged.items() if value is not None}


def setting_lines(settings: Mapping[str, Any], where: str) -> list[str]:
    """Write one key a line. A list of mappings writes one line for each: NodeSet, DownNodes and their like."""
    lines = []
    for key, value in settings.items():
        if value is None:
            continue
        if isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value):
            lines += [_line(item, f"{where}: {key}") for item in value]
        else:
            lines.append(f"{key}={_text(value, f'{where}: {key}')}")
    return lines


def node_lines(nodes: Iterable[Node]) -> list[str]:
    """Write the NodeName lines; nodes of equal settings share one."""
    groups: dict[tuple[Any, ...], list[Node]] = {}
    for node in nodes:
        key = (node.settings, bool(node.hostname), bool(node.address))
        groups.setdefault(key, []).append(node)
    lines = []
    for (settings, has_hostname, has_address), members in groups.items():
        names: dict[str, Any] = {"NodeName": fold(node.name for node in members)}
        if has_hostname:
            names["NodeHostname"] = fold(node.hostname for node in members)
        if has_address:
            names["NodeAddr"] = fold(node.address for node in members)
        lines.append(_line({**names, **dict(settings)}, "slurm.conf: NodeName"))
    return lines


def partition_lines(partitions: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Write the PartitionName lines."""
    return [
        _line({"PartitionName": name, **settings}, f"slurm.conf: PartitionName={name}")
        for name, settings in partitions.items()
    ]


def partitions_of(
    groups: Mapping[str, Iterable[str]], over: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Make a partition of each group; what is laid over changes one, drops it (null), or adds one with Nodes."""
    known: dict[str, dict[str, Any]] = {
        name: {"Nodes": fold(sorted(nodes, key=natural_key)), "State": "UP"} for name, nodes in groups.items()
    }
    for name, settings in over.items():
        if settings is None:
            known.pop(name, None)
            continue
        if name not in known and not any(key.lower() == "nodes" for key in settings):
            raise ConfError(
                f"slurm_partitions: {name!r} is no group below 'compute' ({', '.join(sorted(groups)) or 'none'}); "
                "correct the name, or give the partition its Nodes."
            )
        known[name] = merge(known.get(name, {"State": "UP"}), settings)
    if known and not any(key.lower() == "default" for settings in known.values() for key in settings):
        first = next(iter(known))
        known[first] = {**known[first], "Default": True}
    return known


def gres_lines(nodes: Iterable[Node], devices: bool = True) -> list[str]:
    """Write gres.conf; without devices only counts, for nodes that merely pretend to have them."""
    groups: dict[Gres, list[str]] = {}
    for node in nodes:
        for gres in node.gres:
            groups.setdefault(gres, []).append(node.name)
    lines = []
    for gres, names in groups.items():
        words = {"NodeName": fold(names), "Name": gres.name, "Type": gres.model or None}
        if devices and gres.device:
            words["File"] = gres.device + ("0" if gres.count == 1 else f"[0-{gres.count - 1}]")
        else:
            words["Count"] = str(gres.count)
        lines.append(_line(words, "gres.conf: NodeName"))
    return lines


def _accounts(settings: Mapping[str, Any]) -> bool:
    return str(settings.get("AccountingStorageType", "")).endswith("slurmdbd")


def _page(lines: Iterable[str]) -> str:
    return "\n".join([HEADER, *lines]).rstrip() + "\n"


def _line(words: Mapping[str, Any], where: str) -> str:
    return " ".join(f"{key}={_text(value, where)}" for key, value in words.items() if value is not None)


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "YES" if value else "NO"
    text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    if isinstance(value, Mapping) or "\n" in text or "#" in text:
        raise ConfError(f"{where}: the value {value!r} cannot be written; expected one line of text without '#'.")
    if any(letter.isspace() for letter in text) and '"' not in text:
        return f'"{text}"'
    return text


def controller_addresses(hostvars: Mapping[str, Any], controllers: Iterable[str]) -> dict[str, str]:
    """How the others find each controller: by its address where one is given, else by its name."""
    return {name: str(hostvars[name].get("slurm_node_address") or name) for name in controllers}


def controller_lines(addresses: Mapping[str, str]) -> list[dict[str, str]]:
    """Tell setting_lines of the controllers: one line each, the primary first and its backups in their order."""
    hosts = [name if name == address else f"{name}({address})" for name, address in addresses.items()]
    return [{"SlurmctldHost": host} for host in hosts]
