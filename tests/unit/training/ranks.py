"""Run the trainer on several ranks of this machine, many scenarios in one go.

`python ranks.py scenarios.json` imports torch once and then forks the ranks of each scenario, which call train.main()
as torchrun's processes would. A scenario is {name, ranks, arguments, kill_at?, kill_while_saving?, signal_at?,
fail_at?}. Each rank leaves what it saw in <run dir>/rank-<n>.json; statuses go to stdout as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).parents[3]
TINY = [
    "model.num_layers=2",
    "model.hidden_size=64",
    "model.intermediate_size=96",
    "sequence_length=32",
    "max_steps=6",
    "warmup_steps=2",
    "validate_every=3",
    "num_validation_batches=2",
    "checkpoint_every=100",
    "checkpoint_mode=sync",
]


def run_scenarios(directory: Path, scenarios: list[dict[str, Any]], timeout: int = 100) -> dict[str, dict[str, Any]]:
    """Run them and return {name: {statuses, seconds, events, ranks, stderr}}."""
    for scenario in scenarios:
        scenario["run_dir"] = str(directory / str(scenario.get("in", scenario["name"])))
    plan = directory / "scenarios.json"
    plan.write_text(json.dumps(scenarios))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPO / "training/fsdp")}
    done = subprocess.run(
        [sys.executable, __file__, str(plan)], env=environment, capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return results


def _main(plan: Path) -> None:
    import torch._dynamo  # noqa: F401 (what takes long to import is imported once, before the forks)
    import train  # noqa: F401

    results = {}
    for scenario in json.loads(plan.read_text()):
        run_dir = Path(scenario["run_dir"])
        run_dir.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        begun = time.time()
        children = [_start(rank, scenario, port) for rank in range(scenario["ranks"])]
        statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        metrics = run_dir / "metrics.jsonl"
        results[scenario["name"]] = {
            "statuses": statuses,
            "seconds": time.time() - begun,
            "run_dir": str(run_dir),
            "events": [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else [],
            "ranks": [json.loads(path.read_text()) for path in sorted(run_dir.glob("rank-*.json"))],
            "output": [(run_dir / f"{scenario['name']}-{rank}.log").read_text() for rank in range(scenario["ranks"])],
        }
    print(json.dumps(results))


def _start(rank: int, scenario: dict[str, Any], port: int) -> int:
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        log = os.open(f"{scenario['run_dir']}/{scenario['name']}-{rank}.log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(
            RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(scenario["ranks"]), MASTER_PORT=str(port)
        )
        os.environ.update(LOCAL_WORLD_SIZE=str(scenario["ranks"]), MASTER_ADDR="127.0.0.1")
        os.environ.update(scenario.get("env", {}))
        status = _rank(rank, scenario)
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 1
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _rank(rank: int, scenario: dict[str, Any]) -> int:
    import train
    from llama_trainer import checkpoint, loop
    from llama_trainer.data import MappedLoader

    seen: dict[str, Any] = {"blocks": []}
    real_step, real_train, real_publish = loop.train_step, loop.train, checkpoint.Checkpointer._publish

    def step(run: loop.Run, number: int, state: Any) -> Any:
        if number == scenario.get("kill_at"):
            os.kill(os.getpid(), signal.SIGKILL)
        if number == scenario.get("signal_at") and rank == 1:
            os.kill(os.getpid(), signal.SIGUSR1)
        if number == scenario.get("fail_at") and rank == 1:
            raise RuntimeError("this rank is broken on purpose")
        assert isinstance(run.training, MappedLoader)
        seen["blocks"] += run.training.block_numbers(state, run.config.sequences_per_rank)
        return real_step(run, number, state)

    def watched(run: loop.Run, progress: loop.Progress) -> str:
        seen.update(_layout(run))
        status = real_train(run, progress)
        Path(scenario["run_dir"], f"rank-{rank}.json").write_text(json.dumps(seen))
        return status

    def publish(saver: checkpoint.Checkpointer, state: dict[str, Any], begun: float) -> None:
        if state["step"] == scenario.get("kill_while_saving"):
            os.kill(os.getpid(), signal.SIGKILL)
        real_publish(saver, state, begun)

    # setattr, for these are stand-ins on purpose.
    for owner, name, stand_in in (
        (loop, "train_step", step),
        (train, "train", watched),
        (checkpoint.Checkpointer, "_publish", publish),
    ):
        setattr(owner, name, stand_in)
    return train.main(["--recipe", "debug", "--run-dir", scenario["run_dir"], *TINY, *scenario["arguments"]])


def _layout(run: Any) -> dict[str, Any]:
    from llama_trainer.parallel import placements
    from torch.distributed.tensor import DTensor

    return {
        "wrapper": type(run.model).__name__,
        "placements": placements(run.model),
        "global_sizes": {name: list(p.shape) for name, p in run.model.named_parameters()},
        "local_sizes": {
            name: list((p.to_local() if isinstance(p, DTensor) else p).shape)
            for name, p in run.model.named_parameters()
        },
    }


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
