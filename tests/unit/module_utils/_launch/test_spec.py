"""A workload is read strictly, and whatever is wrong ends in one sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.awsome.training.plugins.module_utils._launch import spec
from ansible_collections.awsome.training.plugins.module_utils._launch.words import SpecError
from unit.module_utils._launch.launches import TRAINING, WORKLOADS, hardware, launch, raw

LAUNCH_FILES = Path(__file__).parents[4] / "plugins/module_utils/_launch"


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_workloads_of_the_repository_are_right(name: str) -> None:
    workload = spec.parse_workload(raw(name), name)
    assert workload.name == name
    for path in (*workload.code, workload.command, workload.requirements, workload.recipes):
        assert (TRAINING / path).exists(), path
    assert (TRAINING / workload.recipes / f"{workload.default_recipe}.yml").exists()


def test_the_schema_describes_every_key() -> None:
    assert tuple(spec.SCHEMA) and set(spec.SCHEMA) == set(spec.KEYS)


@pytest.mark.parametrize("name", ["spec.py", "env.py", "hardware.py"])
def test_the_spec_holds_no_word_of_a_scheduler(name: str) -> None:
    assert not re.search(r"slurm|sbatch|srun|kube|batch\b", (LAUNCH_FILES / name).read_text(), re.IGNORECASE)


@pytest.mark.parametrize("name", WORKLOADS)
def test_no_workload_holds_a_word_of_a_scheduler(name: str) -> None:
    text = (TRAINING / name / "workload.yml").read_text()
    assert not re.search(r"slurm|sbatch|srun|kube|aws batch", text, re.IGNORECASE)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"nodez": 2}, "w.yml: unknown key 'nodez' (did you mean 'nodes'?)"),
        ({"name": "Fsdp"}, "w.yml: name is 'Fsdp', expected lower-case"),
        ({"nodes": 0}, "w.yml: nodes is 0, expected a whole number of at least 1"),
        ({"nodes": True}, "w.yml: nodes is True, expected"),
        (
            {"processes_per_node": "gpus"},
            "w.yml: processes_per_node is 'gpus', expected a whole number of at least 1 or",
        ),
        ({"launcher": "mpirun"}, "w.yml: launcher is 'mpirun', expected one of torchrun"),
        ({"hardware": ["tpu"]}, "w.yml: hardware has 'tpu', expected some of cpu, nvidia, neuron"),
        ({"command": "other/train.py"}, "w.yml: command is 'other/train.py', which lies in none of the directories"),
        ({"command": "fsdp/../../etc"}, "w.yml: command is 'fsdp/../../etc'"),
        ({"arguments": ["{recipee}"]}, "w.yml: the argument '{recipee}' has a place that is not known"),
        ({"code": "fsdp"}, "w.yml: code is 'fsdp', expected a list"),
        ({"env": {"A B": 1}}, "w.yml: env: 'A B' is no name of an environment variable"),
        ({"env": {"A": [1]}}, "w.yml: env: A is a list"),
        ({"env": ["A"]}, "w.yml: env: expected a mapping"),
    ],
)
def test_a_wrong_key_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError) as told:
        spec.parse_workload({**raw("fsdp"), **change}, "w.yml")
    assert str(told.value).startswith(sentence)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("key", spec.REQUIRED)
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(SpecError, match=f"w.yml: the key '{key}' is missing"):
        spec.parse_workload({name: value for name, value in raw("fsdp").items() if name != key}, "w.yml")


def test_what_is_no_mapping_is_told() -> None:
    with pytest.raises(SpecError, match=r"w.yml: expected a mapping of keys, got list"):
        spec.parse_workload([], "w.yml")


def test_a_recipe_that_does_not_exist_is_told_with_those_that_do() -> None:
    workload = spec.parse_workload(raw("fsdp"), "w.yml")
    with pytest.raises(SpecError) as told:
        spec.choose_recipe(workload, "debugg", ["debug", "llama3_1_8b"])
    assert str(told.value) == (
        "workload 'fsdp' has no recipe 'debugg' (did you mean 'debug'?); there are: debug, llama3_1_8b."
    )
    assert spec.choose_recipe(workload, None, ["debug"]) == "debug"


def test_a_workload_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(
        SpecError, match=r"there is no workload 'fsdq' \(did you mean 'fsdp'\?\); there are: cpu-ddp, fsdp"
    ):
        spec.choose_workload("fsdq", ["fsdp", "cpu-ddp"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"nodes": 0}, "nodes is 0"),
        ({"run_dir": "runs/x"}, "run_dir is 'runs/x', expected an absolute path"),
        ({"run_dir": "/fsx/a b"}, "run_dir is '/fsx/a b'"),
        ({"env_dir": "/fsx/$HOME"}, r"env_dir is '/fsx/\$HOME'"),
        ({"overrides": ["max_steps"]}, "the argument 'max_steps' is not of the form key=value"),
        ({"time_limit_minutes": 0}, "time_limit_minutes is 0"),
    ],
)
def test_a_wrong_launch_is_told(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        launch(**change)


def test_hardware_that_the_workload_does_not_run_on_is_refused() -> None:
    with pytest.raises(SpecError, match=r"workload 'cpu-ddp' does not run on nvidia .*; it runs on cpu"):
        launch("cpu-ddp", "p5.48xlarge")


def test_one_process_for_each_accelerator_and_one_on_a_node_without() -> None:
    assert launch("fsdp", "p5.48xlarge").processes_per_node == 8
    assert launch("fsdp").processes_per_node == 1
    assert hardware(None).kind == "cpu"


def test_arguments_are_filled_in_and_overrides_follow() -> None:
    assert launch(overrides=["max_steps=3"]).arguments == (
        *("--recipe", "debug", "--run-dir", "/fsx/awsome/runs/run", "max_steps=3"),
    )
