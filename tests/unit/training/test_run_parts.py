"""The small pure parts: the mesh's plan, the learning rate, the count of work, the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from llama_trainer.config import Config, load_config
from llama_trainer.distributed import plan_mesh
from llama_trainer.errors import BadInput
from llama_trainer.metrics import Journal, flops_per_token, peak_flops_per_device
from llama_trainer.optimizer import build_optimizer, learning_rate

RECIPES = Path(__file__).parents[3] / "training/fsdp/recipes"


def debug(*overrides: str) -> Config:
    return load_config("debug", RECIPES, [*overrides])


@pytest.mark.parametrize(
    ("overrides", "ranks", "ranks_per_node", "sizes"),
    [
        (["parallelism=ddp"], 16, 8, (16, 1, 1)),
        (["parallelism=fsdp"], 16, 8, (1, 16, 1)),
        (["parallelism=hsdp"], 16, 8, (2, 8, 1)),
        (["parallelism=hsdp", "hsdp_shard_degree=4"], 16, 8, (4, 4, 1)),
        (["parallelism=fsdp", "tensor_parallel_degree=2"], 16, 8, (1, 8, 2)),
        (["parallelism=hsdp", "tensor_parallel_degree=2"], 16, 8, (2, 4, 2)),
        (["parallelism=hsdp"], 2, 1, (2, 1, 1)),
    ],
)
def test_the_mesh_holds_every_rank(
    overrides: list[str], ranks: int, ranks_per_node: int, sizes: tuple[int, int, int]
) -> None:
    assert plan_mesh(debug(*overrides), ranks, ranks_per_node) == sizes


@pytest.mark.parametrize(
    ("overrides", "ranks", "words"),
    [
        (["world_size=16"], 8, "wants world_size 16, but 8 ranks were started"),
        (["tensor_parallel_degree=2"], 3, "tensor_parallel_degree 2 does not divide the 3 ranks"),
        (["parallelism=hsdp", "hsdp_shard_degree=4"], 6, "hsdp_shard_degree 4 does not divide the 6 data-parallel"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(overrides: list[str], ranks: int, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        plan_mesh(debug(*overrides), ranks, ranks)


def test_the_learning_rate_warms_up_and_falls_to_its_floor() -> None:
    config = debug("learning_rate=1.0", "warmup_steps=10", "max_steps=110", "min_learning_rate_ratio=0.1")
    rates = [learning_rate(config, step) for step in range(1, 111)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == 1.0
    assert rates[59] == pytest.approx(0.55)
    assert rates[-1] == pytest.approx(0.1)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert learning_rate(debug("warmup_steps=0", "learning_rate=1.0"), 1) > 0.99


def test_matrices_decay_and_gains_do_not() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False), torch.nn.RMSNorm(2))
    decays = {p.ndim: g["weight_decay"] for g in build_optimizer(model, debug()).param_groups for p in g["params"]}
    assert decays == {2: 0.1, 1: 0.0}


def test_work_per_token_counts_active_experts_and_no_embedding_rows() -> None:
    llama = load_config("llama3_1_8b", RECIPES, [])
    assert flops_per_token(llama) == 6 * (8_030_261_248 - 128256 * 4096 - 65 * 4096) + 12 * 32 * 4096 * 8192
    mixtral = load_config("mixtral_8x7b", RECIPES, [])
    active = (flops_per_token(mixtral) - 12 * 32 * 4096 * 4096) / 6
    assert active == pytest.approx(12.9e9 - 32000 * 4096, rel=0.005)  # 12.9 billion, says its page


def test_peak_comes_from_the_instances_record(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, peak in {
        "": None,
        "{}": None,
        '{"accelerator": null}': None,
        '{"accelerator": {"kind": "nvidia", "count": 8, "bf16_tflops": 989.4}}': 989.4e12,
    }.items():
        monkeypatch.setenv("AWSOME_INSTANCE", text)
        assert peak_flops_per_device() == peak
    monkeypatch.setenv("AWSOME_INSTANCE", "p5.48xlarge")
    with pytest.raises(BadInput, match="AWSOME_INSTANCE must be an instance's record as JSON"):
        peak_flops_per_device()


def test_a_line_torn_by_a_kill_spoils_no_later_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"event": "step"}\n{"event": "st')
    Journal(tmp_path, debug(), is_main=True).write("validation", step=3, validation_loss=2.5)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert lines[1] == '{"event": "st' and json.loads(lines[2])["validation_loss"] == 2.5
