#!/usr/bin/env python3
"""The trainer against the least that trains the same model: a hand-written DDP loop, in one run, turn about.

    python tests/bench/bench_trainer.py [--rounds 5] [--steps 40]

Both run on two processes under torchrun with one thread each, on the same tokens, with AdamW, clipping and the loss
printed at every step. The first steps warm up and are not counted. Turns alternate, so that a busy machine hits both.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
RANKS, WARMUP = 2, 10


def minimal_loop(steps: int, out: Path) -> None:
    """What one writes by hand in an hour: no checkpoint, no resume, no metrics beside the loss."""
    import torch
    import torch.distributed as dist
    from llama_trainer.config import load_config
    from llama_trainer.data import load_tokens
    from llama_trainer.initialise import build_on_meta, materialise
    from torch.nn.parallel import DistributedDataParallel

    config = load_config("debug", REPO / "training/fsdp/recipes", [])
    dist.init_process_group("gloo")
    tokens = torch.from_numpy(load_tokens(config)[0].astype("int64"))
    plain = build_on_meta(config)
    materialise(plain, config, torch.device("cpu"))
    model = DistributedDataParallel(plain)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate)
    torch.manual_seed(dist.get_rank())
    length = config.sequence_length
    begun = 0.0
    for step in range(1, steps + 1):
        starts = torch.randint(0, len(tokens) - length - 1, (config.batch_size,)).tolist()
        batch = torch.stack([tokens[start : start + length + 1] for start in starts])
        loss = model(batch[:, :-1], batch[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
        if dist.get_rank() == 0:
            print(f"step {step} loss {loss.item():.4f}", flush=True)
        if step == WARMUP:
            begun = time.perf_counter()
    seconds = time.perf_counter() - begun
    if dist.get_rank() == 0:
        count = (steps - WARMUP) * config.batch_size * length * dist.get_world_size()
        out.write_text(json.dumps({"tokens_per_second": count / seconds}))
    dist.destroy_process_group()


def torchrun(command: list[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPO / "training/fsdp")}
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(RANKS)]
    start += ["--master-addr", "127.0.0.1", "--master-port", str(port)]
    done = subprocess.run([*start, *command], env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode:
        sys.exit(done.stderr[-3000:])


def time_minimal(steps: int, directory: Path) -> float:
    out = directory / "minimal.json"
    torchrun([__file__, "--minimal", str(out), "--steps", str(steps)])
    return float(json.loads(out.read_text())["tokens_per_second"])


def time_trainer(steps: int, directory: Path, name: str, overrides: list[str]) -> float:
    run_dir = directory / name
    # The clock stops before the last step's validation and checkpoint, which the minimal loop does not have.
    overrides = [f"max_steps={steps}", *overrides]
    torchrun([str(REPO / "training/fsdp/train.py"), "--recipe", "debug", "--run-dir", str(run_dir), *overrides])
    events = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    at = {event["step"]: event["time"] for event in events if event["event"] == "step"}
    return float(events[0]["tokens_per_step"] * (steps - WARMUP) / (at[steps] - at[WARMUP]))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--minimal", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.minimal:
        minimal_loop(options.steps, options.minimal)
        return
    rates: dict[str, list[float]] = {"minimal": [], "fsdp": [], "ddp": []}
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as directory:
            rates["minimal"].append(time_minimal(options.steps, Path(directory)))
            for name in ("fsdp", "ddp"):
                overrides = [f"parallelism={name}"]
                rates[name].append(time_trainer(options.steps, Path(directory), name, overrides))
        print(f"round {number + 1}: " + "  ".join(f"{k} {v[-1]:,.0f}" for k, v in rates.items()), flush=True)
    base = statistics.median(rates["minimal"])
    print(f"hand-written DDP loop  {base:9,.0f} tokens/s (median of {options.rounds})")
    for name, what in (("fsdp", "trainer, debug recipe "), ("ddp", "trainer, cpu-ddp       ")):
        rate = statistics.median(rates[name])
        print(f"{what} {rate:9,.0f} tokens/s   ratio {rate / base:.2f}")


if __name__ == "__main__":
    main()
