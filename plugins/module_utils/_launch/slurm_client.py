# Private to awsome.training: its API may change without notice.
"""Ask Slurm and tell it: the thin layer between its commands and the pure cores."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from ansible_collections.awsome.training.plugins.module_utils._launch import slurm_job
from ansible_collections.awsome.training.plugins.module_utils._launch.slurm_job import Job
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError, listed

Run = Callable[[Sequence[str]], "tuple[int, str, str]"]
RECORD = "job.json"
COMMAND_SECONDS = 60


def run_command(argv: Sequence[str]) -> tuple[int, str, str]:
    """Exit code, output, errors. A program that is missing or hangs is an exit code, too."""
    try:
        done = subprocess.run(list(argv), capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except FileNotFoundError:
        return 127, "", f"{argv[0]}: no such program on this node"
    except subprocess.TimeoutExpired:
        return 124, "", f"{argv[0]} did not answer within {COMMAND_SECONDS} s"
    return done.returncode, done.stdout, done.stderr


class SlurmClient:
    """The jobs of one run directory."""

    def __init__(self, run_dir: str, run: Run = run_command) -> None:
        self.run_dir = run_dir
        self._run = run

    def live(self) -> int | None:
        """The job that waits or runs for this run directory, also one that somebody submitted by hand."""
        return max(slurm_job.live_jobs(self._ask(*slurm_job.SQUEUE), self.run_dir), default=None)

    def latest(self) -> int | None:
        """The newest job that this run directory knows of: the recorded one, or one that left its output here."""
        found = [int(match[1]) for path in Path(self.run_dir).glob("slurm-*.out") if (match := _output(path.name))]
        record = Path(self.run_dir, RECORD)
        if record.exists():
            found.append(int(json.loads(record.read_text())["job_id"]))
        return max(found, default=None)

    def observe(self, job_id: int) -> tuple[Job, bool]:
        """The job, and whether the accounting knows it."""
        code, out, _ = self._run([*slurm_job.SACCT, str(job_id)])
        accounted = slurm_job.parse_sacct(out, job_id) if code == 0 else Job(job_id)
        code, out, _ = self._run([*slurm_job.SCONTROL, str(job_id)])
        controlled = slurm_job.parse_scontrol(out, job_id) if code == 0 else Job(job_id)
        return slurm_job.settle(accounted, controlled), accounted.source == "sacct"

    def submit(self, file: str) -> int:
        out = self._ask("sbatch", "--parsable", file)
        found = re.match(r"(\d+)(?:;.*)?\s*$", out)
        if not found:
            raise SpecError(f"sbatch answered '{out.strip()}' to {file}, expected a job id.")
        Path(self.run_dir, RECORD).write_text(json.dumps({"job_id": int(found[1])}) + "\n")
        return int(found[1])

    def cancel(self, job_id: int) -> None:
        self._ask("scancel", str(job_id))

    def hosts(self, node_list: str) -> list[str]:
        return self._ask("scontrol", "show", "hostnames", node_list).split() if node_list else []

    def check_nodes(self, partition: str, nodes: int) -> None:
        """Tell at once what would wait for ever: a partition that does not exist, or with too few nodes."""
        table: dict[str, int] = {}
        default = ""
        for line in self._ask("sinfo", "--noheader", "--format=%P|%D").splitlines():
            name, count = line.strip().split("|")
            default = name.rstrip("*") if name.endswith("*") else default
            table[name.rstrip("*")] = table.get(name.rstrip("*"), 0) + int(count)
        wanted = partition or default
        if not wanted:
            raise SpecError(f"Slurm has no default partition; name one of {listed(table) or 'none'}.")
        if wanted not in table:
            raise SpecError(f"Slurm has no partition '{wanted}'; there are: {listed(table) or 'none'}.")
        if table[wanted] < nodes:
            raise SpecError(f"partition '{wanted}' has {table[wanted]} node(s), and {nodes} were asked for.")

    def _ask(self, *argv: str) -> str:
        code, out, err = self._run(argv)
        if code != 0:
            said = (err.strip() or out.strip() or "nothing").splitlines()[-1]
            raise SpecError(f"{argv[0]} failed with exit code {code} and said: {said}")
        return out


def _output(name: str) -> re.Match[str] | None:
    return re.fullmatch(r"slurm-(\d+)\.out", name)
