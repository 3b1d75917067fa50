"""What happened: an append-only list of events, and a summary that is always whole.

/var/lib/awsome/boot/events.jsonl gets one line for each event, from this package and from the callback plugin.
/var/lib/awsome/boot/status.json is made of it and replaced by a rename.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from boot.faults import BootError

Event = dict[str, Any]


class Record:
    """The two files of one node."""

    def __init__(self, home: Path, run: str) -> None:
        self.home, self.run = home, run
        self.events_path, self.status_path = home / "events.jsonl", home / "status.json"

    def events(self) -> list[Event]:
        """All events, oldest first; a line that a full disk or a kill cut off is passed over."""
        try:
            lines = self.events_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        found = []
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                found.append(event)
        return found

    def add(self, event: str, **more: Any) -> None:
        line = json.dumps({"time": round(time.time(), 3), "run": self.run, "event": event, **more}, sort_keys=True)
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o755)
            # A line that was cut off must not swallow this one.
            torn = self.events_path.exists() and self.events_path.read_bytes()[-1:] not in (b"", b"\n")
            with self.events_path.open("a", encoding="utf-8") as stream:
                stream.write(("\n" if torn else "") + line + "\n")
        except OSError as error:
            raise full(error, self.home) from error
        self.write()

    def write(self) -> None:
        """Replace the summary; a reader sees the old one or the new one."""
        new = self.status_path.with_suffix(f".{os.getpid()}")
        try:
            new.write_text(json.dumps(summary(self.events()), indent=1) + "\n", encoding="utf-8")
            new.replace(self.status_path)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise full(error, self.home) from error


def full(error: OSError, path: Path) -> BootError:
    """The sentence for a file that cannot be written."""
    return BootError(
        f"{path} cannot be written ({error.strerror}): free space on its disk or give the node a larger one, "
        "then run the hook again.",
        code=2,
    )


def summary(events: Iterable[Event]) -> dict[str, Any]:
    """The latest run: its state, its steps, and those that an earlier run of the same input had completed."""
    events = list(events)
    starts = [event for event in events if event["event"] == "run_begin"]
    if not starts:
        return {"version": 1, "state": "none", "steps": []}
    first = starts[-1]
    run = [event for event in events if event.get("run") == first["run"]]
    told: dict[str, dict[str, Any]] = {}
    for event in run:
        name = event.get("step")
        if name is None:
            continue
        if event["event"] == "step_skipped":
            told[name] = {"step": name, "state": "skipped", "why": event.get("why", "")}
            continue
        row = told.setdefault(name, {"step": name, "attempts": 0})
        if event["event"] == "step_begin":
            row.update({"state": "running", "began": event["time"], "attempts": row.get("attempts", 0) + 1})
        elif event["event"] == "step_end":
            row.update({"state": event["state"], "seconds": event.get("seconds"), "changed": event.get("changed", 0)})
            row.pop("error", None)
            if event.get("error"):
                row["error"] = event["error"]
    ends = [event for event in run if event["event"] == "run_end"]
    end = ends[-1] if ends else {}
    keys = ("provider", "hook", "fingerprint", "pid", "node")
    return {
        "version": 1,
        "state": end.get("state", "running"),
        "run": first["run"],
        **{key: next((e[key] for e in reversed(run) if key in e), None) for key in keys},
        "began": first["time"],
        "ended": end.get("time"),
        "seconds": end.get("seconds"),
        "changed": sum(row.get("changed") or 0 for row in told.values()),
        "error": end.get("error"),
        "steps": list(told.values()),
    }


def completed(events: Iterable[Event], fingerprint: str) -> set[str]:
    """The steps of the walk that a run of this input completed before it was cut off.

    Once any run was complete, a node has something running that a step may have to restart: then all is walked again.
    """
    events = list(events)
    inputs = {event["run"]: event["fingerprint"] for event in events if event["event"] == "run_input"}
    if any(event["event"] == "run_end" and event.get("state") == "complete" for event in events):
        return set()
    done: set[str] = set()
    for event in events:
        if event["event"] == "step_end" and inputs.get(event.get("run", "")) == fingerprint and event.get("walk"):
            (done.add if event["state"] == "ok" else done.discard)(event["step"])
    return done
