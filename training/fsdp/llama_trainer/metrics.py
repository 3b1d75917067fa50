"""What a run tells: metrics.jsonl for machines, lines for people, a Prometheus textfile for monitoring."""

from __future__ import annotations

import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from .config import Config
from .errors import BadInput

PARTS = ("data", "forward", "backward", "optimizer")


def flops_per_token(config: Config) -> int:
    """Forward and backward, as PaLM counts them (Chowdhery et al. 2022, appendix B): 6 for each parameter that
    multiplies a token, and 12 * layers * heads * head size * sequence length for attention's two products.

    An embedding row is looked up and not multiplied; of a mixture only the chosen experts multiply. The count takes
    attention over the whole square, not the causal half, and leaves out what activation checkpointing computes twice.
    """
    model = config.model
    attention = 2 * model.hidden_size * model.head_size * (model.num_heads + model.num_kv_heads)
    active = max(model.num_experts_per_token, 1)
    feed_forward = 3 * model.hidden_size * model.intermediate_size * active + model.hidden_size * model.num_experts
    multiplied = model.num_layers * (attention + feed_forward) + model.hidden_size * model.vocab_size
    return 6 * multiplied + 12 * model.num_layers * model.num_heads * model.head_size * config.sequence_length


def peak_flops_per_device() -> float | None:
    """From the instance's record, which the launcher passes on; None where it is unknown, and then there is no MFU."""
    text = os.environ.get("AWSOME_INSTANCE", "") or "{}"
    try:
        teraflops = (json.loads(text).get("accelerator") or {}).get("bf16_tflops")
        return float(teraflops) * 1e12 if teraflops else None
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInput(f"AWSOME_INSTANCE must be an instance's record as JSON, but is {text[:80]!r}") from error


def memory_bytes(device: torch.device) -> int:
    """The most that the GPU held, or what the process holds in main memory now."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Clock:
    """Splits a step into its parts. On a GPU it sets events in the stream, so measuring makes nobody wait."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._marks: list[tuple[str, Any]] = []

    def start(self) -> None:
        self._marks = [("", self._now())]

    def mark(self, part: str) -> None:
        """What ran since the last mark was this part."""
        self._marks.append((part, self._now()))

    def seconds(self) -> dict[str, float]:
        if self._cuda:
            torch.cuda.synchronize()
        split = {f"{part}_seconds": 0.0 for part in PARTS}
        for (_, before), (part, after) in pairwise(self._marks):
            split[f"{part}_seconds"] += before.elapsed_time(after) / 1000 if self._cuda else after - before
        return {"step_seconds": sum(split.values()), **split}

    def _now(self) -> Any:
        if not self._cuda:
            return time.perf_counter()
        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event


class Journal:
    """Rank 0 writes; on other ranks every call does nothing."""

    def __init__(self, run_dir: Path, config: Config, is_main: bool) -> None:
        self._is_main, self._config = is_main, config
        self._textfile = os.environ.get("AWSOME_METRICS_TEXTFILE", "")
        self._gauges: dict[str, float] = {}
        self.workload = os.environ.get("AWSOME_WORKLOAD", "fsdp")
        if is_main:
            run_dir.mkdir(parents=True, exist_ok=True)
            path = run_dir / "metrics.jsonl"
            torn = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
            self._file = path.open("a", encoding="utf-8", buffering=1)
            if torn:  # the run before was killed within a line
                self._file.write("\n")

    def write(self, event: str, **values: Any) -> None:
        if not self._is_main:
            return
        self._file.write(json.dumps({"event": event, "time": time.time(), **values}) + "\n")
        print(_sentence(event, values, self._config), flush=True)
        if self._textfile and event in ("step", "validation"):
            self._gauges |= {k: float(v) for k, v in values.items() if v is not None}
            self._write_textfile()

    def _write_textfile(self) -> None:
        """Renamed into place: the exporter must never read half a file."""
        labels = f'workload="{self.workload}",recipe="{self._config.name}"'
        lines = []
        for name, value in {**self._gauges, "last_update_timestamp_seconds": time.time()}.items():
            metric = f"awsome_training_{name}"
            lines += [f"# HELP {metric} {name.replace('_', ' ')} of the training run", f"# TYPE {metric} gauge"]
            lines += [f"{metric}{{{labels}}} {value}"]
        path = Path(self._textfile)
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
        partial.replace(path)


def _sentence(event: str, v: dict[str, Any], config: Config) -> str:
    if event == "start":
        since = f", resumed from step {v['resumed_from_step']}" if v["resumed_from_step"] else ""
        return (
            f"{v['recipe']}: {v['parameters']:,} parameters, {v['parallelism']} on {v['world_size']} ranks of "
            f"{v['num_nodes']} nodes ({v['device']}), {v['tokens_per_step']:,} tokens a step{since}"
        )
    if event == "step":
        mfu = "" if v["mfu"] is None else f"  mfu {100 * v['mfu']:.1f}%"
        return (
            f"step {v['step']}/{config.max_steps}  loss {v['loss']:.4f}  lr {v['lr']:.2e}  norm {v['grad_norm']:.2f}  "
            f"{v['tokens_per_second']:,.0f} tokens/s{mfu}  {v['memory_bytes'] / 2**20:,.0f} MiB"
        )
    if event == "validation":
        return f"step {v['step']}/{config.max_steps}  validation loss {v['validation_loss']:.4f}"
    if event == "checkpoint":
        return f"step {v['step']}/{config.max_steps}  checkpoint {v['path']} ({v['mode']}, {v['seconds']:.2f} s)"
    losses = "" if v["last_loss"] is None else f"; loss {v['first_loss']:.4f} -> {v['last_loss']:.4f}"
    return f"{v['status']} at step {v['step']}{losses}; {v['tokens_per_second']:,.0f} tokens/s"
