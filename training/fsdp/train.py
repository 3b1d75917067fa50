#!/usr/bin/env python3
"""Train a Llama-family model with PyTorch, one process a GPU (or a few on CPUs), started by torchrun.

    torchrun --nproc-per-node 2 train.py --recipe debug --run-dir /tmp/run max_steps=20

Read on in the order of main(): config, distributed, data, model, optimizer, loop (all in llama_trainer/).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from llama_trainer import checkpoint
from llama_trainer.config import Config, load_config
from llama_trainer.data import build_loaders
from llama_trainer.distributed import StopSignal, process_group, together
from llama_trainer.errors import BadInput
from llama_trainer.loop import Progress, Run, report_start, train
from llama_trainer.metrics import Clock, Journal, peak_flops_per_device
from llama_trainer.optimizer import build_optimizer
from llama_trainer.parallel import build_model

CODE = Path(__file__).resolve().parent.parent  # what a workload's spec counts its paths from


def main(arguments: list[str] | None = None) -> int:
    try:
        config, run_dir = parse(arguments)
        run_training(config, run_dir)
    except BadInput as error:
        # One voice a node. The others keep still a moment: torchrun ends all ranks as soon as one has ended.
        if os.environ.get("LOCAL_RANK", "0") == "0":
            print(f"error: {error}", file=sys.stderr, flush=True)
        else:
            time.sleep(1)
        return 2
    return 0


def parse(arguments: list[str] | None) -> tuple[Config, Path]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recipe", required=True, help="a recipe's name, or a recipe file")
    parser.add_argument("--recipes", default="fsdp/recipes", help="directory of recipes, counted from %(prog)s/../..")
    parser.add_argument("--run-dir", required=True, type=Path, help="where metrics.jsonl and checkpoints/ go")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="settings that replace the recipe's")
    options = parser.parse_args(arguments)
    return load_config(options.recipe, CODE / options.recipes, options.overrides), options.run_dir


def run_training(config: Config, run_dir: Path) -> str:
    peak_flops = peak_flops_per_device()
    with process_group(config) as ranks:
        directory = run_dir / "checkpoints"
        with together(ranks):  # what is wrong on one rank is told by all, so none is left waiting
            saved = checkpoint.find(directory, config)
            training, validation = build_loaders(config, ranks.data_rank, ranks.num_data_ranks)

        model = build_model(config, ranks)
        optimizer = build_optimizer(model, config)

        journal = Journal(run_dir, config, ranks.is_main)
        checkpointer = checkpoint.Checkpointer(directory, config, ranks, journal.write)
        run = Run(
            config, ranks, model, optimizer, training, validation, checkpointer, journal,
            StopSignal(), Clock(ranks.device), peak_flops,
        )  # fmt: skip
        progress = Progress(step=0, loader=training.start())
        if saved is not None:
            checkpoint.load(saved, model, optimizer, ranks)
            progress = Progress(saved["step"], training.start(), saved["first_loss"], saved["last_loss"])
            if saved["data"] == checkpoint.data_identity(config):
                progress.loader = checkpoint.loader_state(saved, ranks)
            elif ranks.is_main:
                print("the checkpoint was trained on other data, so the data is read from its beginning", flush=True)
        report_start(run, saved["step"] if saved else None)
        return train(run, progress)


if __name__ == "__main__":
    sys.exit(main())
