"""One boot: read, unpack, judge, wait, walk. Each is a step with its seconds; a callback plugin tells the walk's."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from boot import adapters, bundle, status, waits
from boot.faults import BootError, InputError
from boot.plan import Plan, inventory, steps

# What passes when it is tried again: the network, a mirror, a lock, a server that is still coming.
TRANSIENT = re.compile(
    r"temporary failure|could not resolve|name or service not known|timed? ?out|timeout|connection (refused|reset)"
    r"|no route to host|network is unreachable|unreachable|could not get lock|is locked|held by process"
    r"|hash sum mismatch|failed to fetch|unable to connect|service unavailable|too many requests|throttl"
    r"|no such device or address|stale file handle|HTTP Error 5\d\d|cannot reach|does not answer",
    re.IGNORECASE,
)
SECRET = re.compile(r"(password|secret|token|munge_key|private_key|authtok)$")
NEED_MIB = 400


@dataclass
class Boot:
    """One run of a hook."""

    provider: str
    hook: str
    around: adapters.Surroundings
    home: Path = Path("/var/lib/awsome/boot")
    trees: Path = Path("/opt/awsome/boot")
    etc: Path = Path("/etc/awsome")
    attempts: int = 4
    pauses: tuple[float, ...] = (5, 15, 45)
    lock_seconds: int = 3600
    secrets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.record = status.Record(self.home, f"{time.time():.3f}-{os.getpid()}")

    # --- telling ------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        for secret in self.secrets:
            text = text.replace(secret, "********")
        print(f"boot: {text}", flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        self.record.add("step_begin", step=name)
        try:
            yield
        except BootError as error:
            self.record.add("step_end", step=name, state="failed", seconds=_since(start), error=str(error))
            self.say(f"{name}: failed after {_since(start)} s")
            raise
        self.record.add("step_end", step=name, state="ok", seconds=_since(start))
        self.say(f"{name}: {_since(start)} s")

    # --- the run ------------------------------------------------------------------------------------------------

    def run(self) -> int:
        try:
            self._room()
            with self._alone() as held:
                return self._told(held)
        except BootError as error:  # before there was a record, or because there can be none
            self.say(str(error))
            return error.code

    def _told(self, held: int) -> int:
        self.record.add("run_begin", provider=self.provider, hook=self.hook, pid=os.getpid())
        signal.signal(signal.SIGTERM, _stop)
        try:
            nothing = self._walked(held)
        except BootError as error:
            self.record.add("run_end", state="failed", seconds=_since(self.began), error=str(error))
            self.say(f"failed after {_since(self.began)} s: {error}")
            return error.code
        self.record.add("run_end", state="nothing" if nothing else "complete", seconds=_since(self.began))
        self.say(
            nothing
            or f"complete after {_since(self.began)} s, {self._changed()} changes; see {self.record.status_path}"
        )
        return 0

    def _walked(self, held: int) -> str:
        faults: list[str] = []
        plan: Plan | adapters.Nothing | None = None
        try:
            with self.step("read the input"):
                plan = adapters.look(self.provider, self.around)
        except InputError as error:  # the other files are judged all the same
            faults += error.faults
        if isinstance(plan, adapters.Nothing):
            return plan.why
        with self.step("unpack the bundle"):
            self.trees.mkdir(parents=True, exist_ok=True)
            try:
                tree = bundle.unpack(self.around.bundle / bundle.ARCHIVE, self.trees)
            except BootError as error:
                raise (InputError([*faults, str(error)]) if faults and error.code == 1 else error) from error
        with self.step("judge the input"):
            user, roles, known_types = self._judged(plan, tree, faults)
        assert plan is not None
        for note in plan.notes:
            self.say(f"note: {note}")
        self.attempts = user["boot"].get("attempts", self.attempts)
        seconds = user["boot"].get("wait_seconds")
        if seconds:
            plan = replace(plan, variables={**plan.variables, "slurm_controller_wait_seconds": seconds})
        for wait in plan.waits:
            with self.step(f"wait for {wait.target}"):
                waits.until(replace(wait, seconds=seconds or wait.seconds))
        hosts = inventory(plan, user, known_types)
        self._service_cluster(plan, hosts)
        self._lay(plan, hosts)
        fingerprint = hashlib.sha256(json.dumps([asdict(plan), user, tree.digest], sort_keys=True).encode()).hexdigest()
        # What an earlier run completed is read before this one is counted among them.
        done = status.completed(self.record.events(), fingerprint)
        self.record.add("run_input", fingerprint=fingerprint, node=asdict(plan.this))
        self._walk(plan, tree, steps(roles, self._baked(tree), plan.doors), done, held)
        return ""

    def _changed(self) -> int:
        return int(status.summary(self.record.events()).get("changed") or 0)

    # --- parts --------------------------------------------------------------------------------------------------

    def _room(self) -> None:
        """A disk that is nearly full is told before anything is half done."""
        for place in (self.home, self.trees, Path("/tmp")):  # Ansible's own place for what is passing
            near = next(parent for parent in (place, *place.parents) if parent.exists())
            free = shutil.disk_usage(near).free >> 20
            if free < NEED_MIB:
                raise BootError(
                    f"{near} has {free} MiB free, and a boot needs {NEED_MIB}: free space on its disk or give "
                    "the node a larger one, then run the hook again.",
                    code=2,
                )

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """One run at a time. Ansible holds the lock, too: of a hook that was killed, its walk may go on."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            held = os.open(self.home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise status.full(error, self.home) from error
        start, told, gap = time.monotonic(), False, 0.1
        try:
            while True:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() - start > self.lock_seconds:
                        raise BootError(
                            f"Another boot of this node holds {self.home}/lock for more than {self.lock_seconds} s; "
                            f"see {self.record.status_path} for what it does, end it, and run the hook again.",
                            code=3,
                        ) from None
                    if not told:
                        self.say("another boot of this node is running; waiting for its end")
                    told, gap = True, min(gap * 1.5, 5.0)
                    time.sleep(gap)
            yield held
        finally:
            os.close(held)

    def _judged(
        self, plan: Plan | None, tree: bundle.Tree, faults: list[str]
    ) -> tuple[dict[str, Any], list[str], frozenset[str]]:
        """The user's data files and the catalogue, by the collection's judge. Raises all faults, the adapter's too."""
        # What the bundle holds stands behind the standard library, and before any package of the system.
        sys.path[1:1] = [str(tree.path / "collections"), str(tree.site)]
        # The hook's own directory is the user's and gets no compiled files; these may have them.
        sys.dont_write_bytecode = False
        from ansible_collections.awsome.training.plugins.module_utils._boot import cluster

        types = sorted({node.instance_type for node in plan.nodes}) if plan else []
        answer = cluster.judged(self.around.bundle, self.provider, plan.variables if plan else {}, types)
        if faults or answer.faults:
            raise InputError([*faults, *answer.faults])
        assert plan is not None
        self.secrets += [text for key, text in cluster.texts(answer.user) if SECRET.search(key) and len(text) > 3]
        return answer.user, answer.roles[plan.this.function], frozenset(answer.known_types)

    def _service_cluster(self, plan: Plan, hosts: dict[str, Any]) -> None:
        """Where a service wrote slurm.conf, its name of the cluster is the one that counts."""
        if not plan.variables.get("slurm_extends_service_config"):
            return
        path = self.around.path(f"{plan.variables['slurm_prefix']}/etc/slurm.conf")
        found = (
            re.search(r"(?mi)^ *ClusterName *= *(\S+)", path.read_text(errors="replace")) if path.is_file() else None
        )
        hosts["all"]["vars"].setdefault("slurm_cluster_name", found.group(1) if found else plan.cluster)

    def _lay(self, plan: Plan, hosts: dict[str, Any]) -> None:
        """node.yml and the inventory. JSON is YAML, and needs no parser here."""
        node = {"provider": plan.provider, "cluster": plan.cluster, "profile": plan.profile, **asdict(plan.this)}
        for name, data, mode in (("node.yml", node, 0o644), ("inventory.json", hosts, 0o600)):
            path, text = self.etc / name, json.dumps(data, indent=1) + "\n"
            try:
                self.etc.mkdir(parents=True, exist_ok=True)
                if path.is_file() and path.read_text(encoding="utf-8") == text:
                    continue
                new = path.with_name(f".{name}.{os.getpid()}")
                with os.fdopen(
                    os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8"
                ) as stream:
                    stream.write(text)
                new.replace(path)
            except OSError as error:
                raise status.full(error, path) from error

    def _baked(self, tree: bundle.Tree) -> list[str]:
        """The roles whose install door the image has been through."""
        try:
            image = json.loads((self.etc / "image.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        from ansible_collections.awsome.training.plugins.module_utils._boot import cluster

        return cluster.roles_of(str(image.get("profile")))

    def _walk(self, plan: Plan, tree: bundle.Tree, wanted: list[str], done: set[str], held: int) -> None:
        for name in wanted:
            if name in done:
                self.record.add("step_skipped", step=name, why="an earlier run of the same input completed it")
        if done:
            self.say(f"resuming: {len([name for name in wanted if name in done])} of {len(wanted)} steps are done")
        for attempt in range(1, self.attempts + 1):
            left = [name for name in wanted if name not in done]
            if not left:
                return
            code = self._play(plan, tree, left, held)
            events = [
                event for event in self.record.events() if event.get("run") == self.record.run and event.get("walk")
            ]
            ends = [event for event in events if event["event"] == "step_end"]
            done = done | {event["step"] for event in ends if event["state"] == "ok"}
            if code == 0:
                return
            last = ends[-1] if ends and ends[-1]["state"] == "failed" else {"step": "the walk", "error": ""}
            cause = last["error"] or f"ansible-playbook ended with {code}; its last words are above"
            passing = bool(TRANSIENT.search(cause))
            if not passing or attempt == self.attempts:
                tried = f" (tried {attempt} times)" if attempt > 1 else ""
                raise BootError(
                    f"{last['step']}{tried}: {cause.strip().rstrip('.')}. "
                    "When that is mended, run the hook again: it goes on here.",
                    code=2,
                )
            pause = self.pauses[min(attempt, len(self.pauses)) - 1]
            self.say(f"{last['step']}: {cause.strip()}; this may pass, trying again in {pause:g} s")
            time.sleep(pause)

    def _play(self, plan: Plan, tree: bundle.Tree, left: list[str], held: int) -> int:
        roles = {door: [name.split()[1] for name in left if name.startswith(door)] for door in ("install", "configure")}
        variables: dict[str, Any] = {"boot_install": roles["install"], "boot_configure": roles["configure"]}
        if tree.mirror.is_dir():
            variables["artifact_mirror_url"] = f"file://{tree.mirror}"
            variables["repository_mirror_url"] = f"file://{tree.mirror}/repositories"
        command = [sys.executable, "-m", "ansible", "playbook", "--inventory", str(self.etc / "inventory.json")]
        command += ["--limit", plan.this.name, "--connection", "local", "--extra-vars", json.dumps(variables)]
        command.append(str(tree.collection / "playbooks/boot.yml"))
        with subprocess.Popen(
            command,
            cwd=tree.collection,
            env=self._environment(tree, left),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=[held],
        ) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    if line.strip():
                        self.say(line.rstrip())
                    self.record.write()
            except BaseException:
                process.terminate()
                raise
        return process.returncode

    def _environment(self, tree: bundle.Tree, left: list[str]) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "PYTHON"))}
        kept["PATH"] = kept.get("PATH") or "/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            **kept,
            "PATH": f"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:{kept['PATH']}",
            "LC_ALL": "C.UTF-8",
            "HOME": kept.get("HOME") or "/root",
            "PYTHONPATH": str(tree.site),
            "ANSIBLE_CONFIG": str(tree.collection / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.home / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(tree.path / "collections"),
            "ANSIBLE_STDOUT_CALLBACK": "awsome.training.boot_status",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_SSH_ARGS": "-o BatchMode=yes -o ConnectTimeout=1",
            "AWSOME_BOOT_EVENTS": str(self.record.events_path),
            "AWSOME_BOOT_RUN": self.record.run,
            "AWSOME_BOOT_STEPS": json.dumps(left),
        }


def _since(start: float) -> float:
    return round(time.monotonic() - start, 1)


def _stop(number: int, frame: object) -> None:
    raise BootError("The hook was told to end (SIGTERM); run it again: it goes on where it was.", code=2)
