"""A slurmctld of its own beside the lab's, for files that are meant for machines which are not there."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.awsome.training.plugins.module_utils._slurm import conf
from ansible_collections.awsome.training.plugins.module_utils._slurm.hostlist import expand

UNIT, PLACE, PORT = "private-slurmctld", "/tmp/private-slurmctld", 7817


def files_of(nodes: list[conf.Node], **settings: Any) -> dict[str, str]:
    """What role slurm would write for these nodes, in a directory and at a port of their own."""
    wanted = {
        "ClusterName": "imagined",
        "SlurmctldHost": "localhost",
        "SlurmctldPort": PORT,
        "SlurmUser": "root",
        "AuthType": "auth/munge",
        "StateSaveLocation": f"{PLACE}/state",
        "SlurmctldPidFile": f"{PLACE}/pid",
        "SlurmctldLogFile": f"{PLACE}/log",
        "SelectType": "select/cons_tres",
        "ProctrackType": "proctrack/linuxproc",
        **settings,
    }
    partitions = {"all": {"Nodes": "ALL", "Default": True, "State": "UP"}}
    # Each node's address is this machine, where none of them answers; names would be asked for, one after the other.
    nodes = [
        conf.Node(
            node.name,
            (("CPUs", 2),),
            address=f"127.1.{number // 250}.{number % 250 + 1}",
            switches=node.switches,
            block=node.block,
        )
        for number, node in enumerate(nodes)
    ]
    files = conf.render_files(conf.Cluster(wanted, tuple(nodes), partitions))
    return {name: text for name, text in files.items() if text is not None}


@contextlib.contextmanager
def slurmctld(host: Any, files: dict[str, str], asking: str = "scontrol show topology") -> Iterator[str]:
    """Run it on a machine that has Slurm; gives what it answers to a command."""
    host.check_output("rm -rf %s && mkdir -p %s/state", PLACE, PLACE)
    for name, text in files.items():
        host.check_output("printf %%s %s > %s", text, f"{PLACE}/{name}")
    daemon = f"systemd-run --quiet --unit={UNIT} --property=Type=exec slurmctld -D -f {PLACE}/slurm.conf"
    try:
        host.check_output(daemon)
        end = time.monotonic() + 30
        asked = f"SLURM_CONF={PLACE}/slurm.conf timeout 5 {asking}"
        while (said := host.run(asked)).rc != 0 or not said.stdout.strip():
            assert time.monotonic() < end, host.run(f"tail -n 20 {PLACE}/log; journalctl -u {UNIT} -n 5").stdout
            time.sleep(0.3)
        yield said.stdout
    finally:
        host.run(f"systemctl stop {UNIT}; systemctl reset-failed {UNIT}; rm -rf {PLACE}")


def rows(text: str, kind: str) -> dict[str, dict[str, list[str]]]:
    """Each switch or block with its nodes and switches, from topology.conf or from what scontrol shows of it."""
    found = {}
    for line in text.splitlines():
        words = dict(re.findall(r"(\w+)=(\S+)", line))
        if kind in words:
            found[words[kind]] = {
                key: sorted(expand(words[key])) for key in ("Nodes", "Switches") if words.get(key, "(null)") != "(null)"
            }
    return found
