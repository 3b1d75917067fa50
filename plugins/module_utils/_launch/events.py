# Private to awsome.training: its API may change without notice.
"""What a training run told of itself: metrics.jsonl, as values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]
NAMES = ("start", "step", "validation", "checkpoint", "end")


def parse_events(text: str) -> list[dict[str, Any]]:
    """The events of all whole lines; a line that a crash cut short, or that is half written, is left out."""
    events = []
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") in NAMES:
            events.append(event)
    return events


@dataclass
class Run:
    """The events of a run directory, over all its jobs: a step that was done twice counts as done last."""

    starts: list[Event] = field(default_factory=list)
    steps: dict[int, Event] = field(default_factory=dict)
    validations: dict[int, Event] = field(default_factory=dict)
    checkpoints: dict[int, Event] = field(default_factory=dict)
    end: Event | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> Run:
        run = cls()
        for event in events:
            run.add(event)
        return run

    def add(self, event: Event) -> None:
        kind = event["event"]
        if kind == "start":
            self.starts.append(event)
            self.end = None
        elif kind == "end":
            self.end = event
        else:
            table = {"step": self.steps, "validation": self.validations, "checkpoint": self.checkpoints}[kind]
            table[int(event["step"])] = event

    @property
    def start(self) -> Event:
        return self.starts[-1] if self.starts else {}

    @property
    def last_step(self) -> int:
        return max(self.steps, default=0)

    @property
    def max_steps(self) -> int:
        return int(self.start.get("max_steps") or 0)

    @property
    def completed(self) -> bool:
        return self.end is not None and self.end.get("status") == "completed"

    def seconds_left(self, window: int = 10) -> float | None:
        """Steps left times the pace of the last steps, whatever came between them (validation, checkpoints)."""
        done = sorted(self.steps)[-window - 1 :]
        if len(done) < 2 or self.max_steps <= done[-1]:
            return None
        pace = (self.steps[done[-1]]["time"] - self.steps[done[0]]["time"]) / (done[-1] - done[0])
        return float(max(0.0, pace) * (self.max_steps - done[-1]))

    def progress(self) -> str:
        """One line for a person who waits."""
        if not self.steps:
            return "the training has started, its first step is not done yet" if self.starts else ""
        step = self.steps[self.last_step]
        parts = [f"step {self.last_step}/{self.max_steps or '?'}", f"loss {step['loss']:.4f}"]
        if step.get("tokens_per_second"):
            parts.append(f"{step['tokens_per_second']:,.0f} tokens/s")
        left = self.seconds_left()
        return ", ".join(parts) + (f", about {duration(left)} left" if left is not None else "")


def duration(seconds: float) -> str:
    """12 s, 3 min 5 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
