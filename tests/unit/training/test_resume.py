"""Runs that are killed, stopped, broken or fed nonsense, and what a second start makes of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ranks import run_scenarios

EVERY_TWO = ["checkpoint_every=2", "batch_size=2", "parallelism=fsdp"]
ASYNC = ["checkpoint_every=2", "batch_size=2", "parallelism=ddp", "checkpoint_mode=async"]
INSTANCE = {"accelerator": {"bf16_tflops": 0.5}}
Results = dict[str, dict[str, Any]]


def scenario(name: str, arguments: list[str], **more: Any) -> dict[str, Any]:
    return {"name": name, "ranks": 2, "arguments": arguments, **more}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("resume")
    textfile = directory / "training.prom"
    environment = {"AWSOME_INSTANCE": json.dumps(INSTANCE), "AWSOME_METRICS_TEXTFILE": str(textfile)}
    found = run_scenarios(
        directory,
        [
            scenario("whole", EVERY_TWO, env=environment),
            scenario("killed", EVERY_TWO, kill_at=4),
            scenario("killed_again", EVERY_TWO, **{"in": "killed"}),
            scenario("torn", EVERY_TWO, kill_while_saving=4),
            scenario("torn_again", EVERY_TWO, **{"in": "torn"}),
            scenario("stopped", EVERY_TWO, signal_at=3),
            scenario("stopped_again", EVERY_TWO, **{"in": "stopped"}),
            scenario("whole_async", ASYNC),
            scenario("killed_async", ASYNC, kill_at=5),
            scenario("killed_async_again", ASYNC, **{"in": "killed_async"}),
            scenario("laid_out_anew", EVERY_TWO, signal_at=3),
            scenario("laid_out_anew_again", ASYNC, **{"in": "laid_out_anew"}),
            scenario("other_model", [*EVERY_TWO, "model.num_layers=3"], **{"in": "whole"}),
            scenario("not_resumed", [*EVERY_TWO, "resume=false"], **{"in": "whole"}),
            scenario("no_corpus", ["data.source=text", "data.path=/nowhere/corpus"]),
            scenario("other_world", ["world_size=4"]),
            scenario("broken", EVERY_TWO, fail_at=2),
        ],
    )
    found["whole"]["textfile"] = {"text": textfile.read_text(), "left": [p.name for p in directory.glob(".training*")]}
    return found


def losses(results: Results, name: str) -> dict[int, float]:
    return {event["step"]: event["loss"] for event in results[name]["events"] if event["event"] == "step"}


def one(results: Results, name: str, event: str) -> dict[str, Any]:
    found = [e for e in results[name]["events"] if e["event"] == event]
    return dict(found[-1])


@pytest.mark.parametrize(
    ("first", "second", "whole", "first_status", "resumed_from"),
    [
        ("killed", "killed_again", "whole", [-9, -9], {2}),
        ("torn", "torn_again", "whole", [-9, -9], {2}),
        ("stopped", "stopped_again", "whole", [0, 0], {3, 4}),
        ("killed_async", "killed_async_again", "whole_async", [-9, -9], {None, 2, 4}),
    ],
)
def test_a_run_that_was_cut_off_and_resumed_has_bit_identical_losses(
    results: Results, first: str, second: str, whole: str, first_status: list[int], resumed_from: set[int | None]
) -> None:
    assert results[first]["statuses"] == first_status, results[first]["output"]
    assert results[second]["statuses"] == [0, 0], results[second]["output"]
    assert one(results, second, "start")["resumed_from_step"] in resumed_from
    assert losses(results, second) == losses(results, whole)  # no tolerance: every bit
    assert one(results, second, "validation")["validation_loss"] == one(results, whole, "validation")["validation_loss"]
    assert one(results, second, "end")["first_loss"] == losses(results, whole)[1]


def test_a_checkpoint_that_was_being_written_is_not_seen_and_swept_away(results: Results) -> None:
    directory = Path(results["torn_again"]["run_dir"], "checkpoints")
    assert not list(directory.glob(".step-*"))
    assert "resumed from step 2" in results["torn_again"]["output"][0]


def test_a_signal_on_one_rank_stops_all_with_a_checkpoint(results: Results) -> None:
    end = one(results, "stopped", "end")
    assert end["status"] == "stopped" and end["step"] in (3, 4)
    assert one(results, "stopped", "checkpoint")["step"] == end["step"]


def test_a_checkpoint_of_one_layout_is_resumed_in_another(results: Results) -> None:
    assert results["laid_out_anew_again"]["statuses"] == [0, 0], results["laid_out_anew_again"]["output"]
    assert one(results, "laid_out_anew_again", "start")["parallelism"] == "ddp"
    assert losses(results, "laid_out_anew_again") == pytest.approx(losses(results, "whole"), rel=1e-4)


def test_the_last_checkpoints_are_kept_and_their_state_is_readable(results: Results) -> None:
    directory = Path(results["whole"]["run_dir"], "checkpoints")
    assert sorted(path.name for path in directory.iterdir()) == ["step-00000004", "step-00000006"]
    state = json.loads((directory / "step-00000004" / "state.json").read_text())
    assert state["step"] == 4 and state["recipe"] == "debug" and state["learning_rate"] > 0
    assert [rank["loader"] for rank in state["ranks"]] == [{"sequences_read": 16}] * 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other_model", ["step-00000006 holds another model", "'debug'", "['num_layers']"]),
        ("not_resumed", ["already holds step-00000006", "resume=true"]),
        ("no_corpus", ["the corpus is missing", "/nowhere/corpus"]),
        ("other_world", ["wants world_size 4, but 2 ranks were started"]),
    ],
)
def test_bad_input_is_one_sentence_and_status_2_on_every_rank(results: Results, name: str, words: list[str]) -> None:
    assert results[name]["statuses"] == [2, 2]
    lines = [line for output in results[name]["output"] for line in output.splitlines()]
    told = [line for line in lines if line.startswith("error: ")]
    assert len(told) == 1 and all(word in told[0] for word in words), lines
    assert "Traceback" not in "".join(lines)


def test_a_broken_rank_ends_all_ranks(results: Results) -> None:
    assert all(status != 0 for status in results["broken"]["statuses"])
    assert results["broken"]["seconds"] < 20
    assert "this rank is broken on purpose" in results["broken"]["output"][1]


def test_utilisation_and_the_textfile(results: Results) -> None:
    step = one(results, "whole", "step")
    # 2 layers: 4 * 64 * 48 (attention) and 3 * 64 * 96; the output 64 * 256; attention's products over 32 positions.
    flops = 6 * (2 * (2 * 64 * 16 * 6 + 3 * 64 * 96) + 64 * 256) + 12 * 2 * 64 * 32
    assert step["mfu"] == pytest.approx(step["tokens_per_second"] * flops / (2 * 0.5e12))
    text = results["whole"]["textfile"]["text"]
    assert 'awsome_training_step{workload="fsdp",recipe="debug"} 6.0\n' in text
    for name in ("loss", "mfu", "tokens_per_second", "validation_loss", "last_update_timestamp_seconds"):
        assert f"# TYPE awsome_training_{name} gauge\n" in text
    assert not results["whole"]["textfile"]["left"]
