# Private to awsome.training: its API may change without notice.
"""One question to a node, and what its answer means: Slurm's version, the hardware, what the kernel offers to jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What a present configuration says of how jobs are tracked and what is counted.
JOB_KEYS = ("ProctrackType", "TaskPlugin", "JobAcctGatherType", "SelectTypeParameters")

# Every answer stands below a line of its own, so that a missing program leaves its part empty and nothing else.
# Where only clients are installed, they tell their version to no one who has no configuration: they are lent one.
SCRIPT = """\
PATH="{bin}:$PATH"
echo @version; slurmd -V || slurmctld -V || {{
  conf=$(mktemp); printf 'ClusterName=none\\nSlurmctldHost=none\\n' >"$conf"
  SLURM_CONF="$conf" sinfo -V; rm "$conf"; }}
echo @hardware; slurmd -C
echo @cgroup; stat -f -c %T /sys/fs/cgroup
echo @container; systemd-detect-virt --container
echo @units; for unit in slurmctld slurmd sackd; do
  systemctl is-active --quiet $unit && systemctl is-enabled --quiet $unit && echo $unit; done
echo @present; cd {conf} && grep -h -i -E '^ *(NodeName|{keys})=' slurm.conf awsome.conf \\
  $(awk 'tolower($1) == "include" && $2 != "awsome.conf" {{ print $2 }}' slurm.conf)
true
"""


@dataclass(frozen=True)
class Answer:
    """What a node told."""

    version: str = ""
    hardware: str = ""
    cgroup: bool = False
    container: bool = False
    running: tuple[str, ...] = ()
    present: str = ""


def script(bin_path: str, conf_directory: str) -> str:
    """The shell script that asks; it changes nothing and always ends well."""
    return SCRIPT.format(bin=bin_path, conf=conf_directory, keys="|".join(JOB_KEYS))


def parse(text: str) -> Answer:
    """Read what the script printed."""
    parts: dict[str, list[str]] = {}
    lines = parts.setdefault("", [])
    for line in text.splitlines():
        if line.startswith("@"):
            lines = parts.setdefault(line[1:].strip(), [])
        else:
            lines.append(line)
    told = {name: "\n".join(content) for name, content in parts.items()}
    version = re.search(r"\d+\.\d+(\.\d+)?", told.get("version", ""))
    container = told.get("container", "").strip() not in ("", "none")
    # Version 1 shows as a tmpfs with one directory for each controller; neither version is a container's to arrange.
    cgroup = told.get("cgroup", "").strip() in ("cgroup2fs", "tmpfs") and not container
    return Answer(
        version=version.group(0) if version else "",
        hardware=told.get("hardware", ""),
        cgroup=cgroup,
        container=container,
        running=tuple(told.get("units", "").split()),
        present=told.get("present", ""),
    )
