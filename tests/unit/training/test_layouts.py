"""Every layout really lies on the ranks as its name says, and all of them learn the same.

A loss that falls proves no parallelism: plain data parallelism gives it, too. So the placements are looked at.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ranks import run_scenarios

MOE = ["model.num_experts=4", "model.num_experts_per_token=2", "model.router_loss_weight=0.02"]
VALIDATE_ALL = "num_validation_batches=4"  # of two sequences: as many as the others' two of four
Results = dict[str, dict[str, Any]]


def scenario(name: str, ranks: int, *arguments: str) -> dict[str, Any]:
    return {"name": name, "ranks": ranks, "arguments": list(arguments)}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run_scenarios(
        tmp_path_factory.mktemp("layouts"),
        [
            scenario("one", 1, "parallelism=ddp", "batch_size=8"),
            scenario("ddp", 2, "parallelism=ddp", "batch_size=4"),
            scenario("fsdp", 2, "parallelism=fsdp", "batch_size=4", "layers_per_unit=1"),
            scenario("hsdp", 2, "parallelism=hsdp", "hsdp_shard_degree=1", "batch_size=4"),
            scenario("tensor", 2, "tensor_parallel_degree=2", "batch_size=8"),
            scenario("recompute", 2, "activation_checkpointing=true", "batch_size=4", "layers_per_unit=0"),
            scenario(
                "accumulate", 2, "parallelism=fsdp", "batch_size=2", "gradient_accumulation_steps=2", VALIDATE_ALL
            ),
            scenario("tied", 1, "parallelism=ddp", "batch_size=8", "model.tied_embeddings=true"),
            scenario("tied_tensor", 2, "tensor_parallel_degree=2", "batch_size=8", "model.tied_embeddings=true"),
            scenario("hsdp_four", 4, "parallelism=hsdp", "hsdp_shard_degree=2", "batch_size=2"),
            scenario("tensor_four", 4, "tensor_parallel_degree=2", "batch_size=4"),
            scenario("moe", 1, "parallelism=ddp", "batch_size=8", *MOE),
            scenario("moe_tensor", 2, "tensor_parallel_degree=2", "batch_size=8", *MOE),
            scenario("moe_ddp", 2, "parallelism=ddp", "batch_size=4", *MOE),
            scenario("moe_fsdp", 2, "parallelism=fsdp", "batch_size=4", *MOE),
            scenario("bf16", 2, "parallelism=fsdp", "batch_size=4", "precision=bf16"),
        ],
    )


def curve(results: Results, name: str) -> list[float]:
    result = results[name]
    assert result["statuses"] == [0] * len(result["statuses"]), result["output"]
    steps = [event for event in result["events"] if event["event"] == "step"]
    assert [event["step"] for event in steps] == [1, 2, 3, 4, 5, 6]
    validation = [event["validation_loss"] for event in result["events"] if event["event"] == "validation"]
    return [event[key] for event in steps for key in ("loss", "grad_norm")] + validation


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("ddp", "one"),
        ("fsdp", "one"),
        ("hsdp", "one"),
        ("tensor", "one"),
        ("recompute", "one"),
        ("accumulate", "one"),
        ("hsdp_four", "one"),
        ("tensor_four", "one"),
        ("tied_tensor", "tied"),
        ("moe_tensor", "moe"),
        ("moe_fsdp", "moe_ddp"),
    ],
)
def test_a_layout_has_the_losses_and_gradient_norms_of_its_reference(
    results: Results, name: str, reference: str
) -> None:
    assert curve(results, name) == pytest.approx(curve(results, reference), rel=2e-4)


def test_the_loss_falls(results: Results) -> None:
    losses = curve(results, "one")[0:12:2]
    assert losses[0] == pytest.approx(5.55, abs=0.05)  # ln 256: nothing is known yet
    assert losses[-1] < losses[0] - 0.4


def test_bf16_learns_nearly_the_same(results: Results) -> None:
    assert curve(results, "bf16") == pytest.approx(curve(results, "one"), rel=0.05)
    assert curve(results, "bf16") != curve(results, "fsdp")


def test_ddp_keeps_whole_parameters(results: Results) -> None:
    for rank in results["ddp"]["ranks"]:
        assert rank["wrapper"] == "DistributedDataParallel"
        assert set(rank["placements"].values()) == {"whole"}


def test_fsdp_holds_half_of_every_parameter_on_each_of_two_ranks(results: Results) -> None:
    for rank in results["fsdp"]["ranks"]:
        assert set(rank["placements"].values()) == {"(Shard(dim=0),)"}
        for name, size in rank["global_sizes"].items():
            assert rank["local_sizes"][name] == [size[0] // 2, *size[1:]], name


def test_hsdp_replicates_between_groups_and_shards_within(results: Results) -> None:
    for rank in results["hsdp_four"]["ranks"]:
        assert set(rank["placements"].values()) == {"(Replicate(), Shard(dim=0))"}
        for name, size in rank["global_sizes"].items():
            assert rank["local_sizes"][name] == [size[0] // 2, *size[1:]], name
    for rank in results["hsdp"]["ranks"]:  # groups of one rank: each holds a whole replica
        assert rank["local_sizes"] == rank["global_sizes"]


def test_tensor_parallel_splits_heads_channels_and_vocabulary(results: Results) -> None:
    for rank in results["tensor"]["ranks"]:
        size = rank["local_sizes"]
        assert size["layers.0.attention.wq.weight"] == [32, 64]
        assert size["layers.0.attention.wk.weight"] == [16, 64]
        assert size["layers.0.attention.wo.weight"] == [64, 32]
        assert size["layers.0.feed_forward.w2.weight"] == [64, 48]
        assert size["embeddings.weight"] == size["output.weight"] == [128, 64]
        assert size["norm.weight"] == [64]
    for rank in results["tensor_four"]["ranks"]:  # split over two, then sharded over two
        assert rank["local_sizes"]["layers.1.attention.wq.weight"] == [16, 64]
        assert rank["local_sizes"]["layers.1.attention.wo.weight"] == [32, 32]
        assert rank["local_sizes"]["norm.weight"] == [32]


def test_data_parallel_ranks_read_disjoint_data_and_tensor_peers_the_same(results: Results) -> None:
    first, second = (set(rank["blocks"]) for rank in results["fsdp"]["ranks"])
    assert len(first) == len(second) == 24
    assert not first & second
    assert first | second == set(results["one"]["ranks"][0]["blocks"])
    peers = [rank["blocks"] for rank in results["tensor_four"]["ranks"]]
    assert peers[0] == peers[1] and peers[2] == peers[3] and not set(peers[0]) & set(peers[2])


def test_events_follow_the_contract(results: Results) -> None:
    events = results["fsdp"]["events"]
    assert [event["event"] for event in events] == [
        "start", "step", "step", "step", "validation", "step", "step", "step", "validation", "checkpoint", "end",
    ]  # fmt: skip
    start, step, end = events[0], events[1], events[-1]
    assert start["world_size"] == 2 and start["parallelism"] == "fsdp" and start["tokens_per_step"] == 2 * 4 * 32
    assert start["resumed_from_step"] is None and start["peak_flops_per_device"] is None and step["mfu"] is None
    parts = ("data_seconds", "forward_seconds", "backward_seconds", "optimizer_seconds")
    assert step["step_seconds"] == pytest.approx(sum(step[part] for part in parts))
    assert min(step[part] for part in parts) > 0 and step["memory_bytes"] > 50e6
    assert end["status"] == "completed" and end["step"] == 6 and end["first_loss"] > end["last_loss"]


@pytest.mark.slow
def test_compiled_layers_learn_the_same(results: Results, tmp_path: Path) -> None:
    arguments = ("parallelism=fsdp", "batch_size=4", "compile=true")
    compiled = run_scenarios(tmp_path, [scenario("compiled", 2, *arguments)], timeout=400)
    assert curve(compiled, "compiled") == pytest.approx(curve(results, "one"), rel=2e-4)
