from __future__ import annotations

from pathlib import Path

import pytest
from llama_trainer.config import Config, load_config
from llama_trainer.errors import BadInput

TRAINING = Path(__file__).parents[3] / "training"
RECIPES = TRAINING / "fsdp" / "recipes"


def debug(*overrides: str) -> Config:
    return load_config("debug", RECIPES, list(overrides))


def test_an_override_replaces_the_recipes_value_at_any_depth() -> None:
    config = debug("max_steps=7", "model.rope_theta=5e5", "learning_rate=3e-4", "data.path=7")
    assert (config.max_steps, config.model.rope_theta, config.learning_rate) == (7, 500000.0, 3e-4)
    assert config.data.path == "7"
    assert config.name == "debug"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["max_step=7"], "unknown key 'max_step'; did you mean 'max_steps'?"),
        (["model.num_layer=7"], "unknown key 'model.num_layer'; did you mean 'num_layers'?"),
        (["max_steps=many"], "'max_steps' must be of type int, but is 'many'"),
        (["max_steps=true"], "'max_steps' must be of type int, but is True"),
        (["compile=1"], "'compile' must be of type bool, but is 1"),
        (["max_steps"], "'max_steps' is no override; write key=value"),
        (["max_steps.x=1"], "'max_steps' holds a value and has no keys below it"),
        (["model=3"], "'model' must be a mapping, but is 3"),
        (["parallelism=fdsp"], "parallelism is 'fdsp'; did you mean 'fsdp'?"),
        (["data.source=parket"], "data.source is 'parket'; did you mean 'parquet'?"),
        (["sequence_length=1024"], "sequence_length 1024 is longer than model.max_context_length 512"),
        (["tensor_parallel_degree=4"], "tensor_parallel_degree 4 must divide"),
        (["parallelism=ddp", "tensor_parallel_degree=2"], "needs parallelism fsdp or hsdp"),
        (["model.num_kv_heads=3"], "num_heads must be a multiple of model.num_kv_heads"),
        (["batch_size=0"], "must be at least 1"),
        (["model.num_experts=4"], "model.num_experts_per_token must lie between 1"),
    ],
)
def test_a_wrong_value_is_one_sentence(overrides: list[str], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        debug(*overrides)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_recipe_names_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"no recipe 'debgu'.*did you mean 'debug'"):
        load_config("debgu", RECIPES, [])


def test_a_recipe_without_a_required_key_or_of_another_form_is_refused(tmp_path: Path) -> None:
    for text, words in {
        "max_steps: 3\n": "key 'model' is missing",
        "- 3\n": "must be a mapping",
        "a: [\n": "cannot be read as YAML",
        "base: none.yml\n": "base 'none.yml' is no file",
    }.items():
        (tmp_path / "own.yml").write_text(text)
        with pytest.raises(BadInput, match=words):
            load_config("own", tmp_path, [])


def test_the_ddp_recipe_is_the_debug_recipe_but_for_its_parallelism() -> None:
    other = load_config("debug", TRAINING / "cpu-ddp" / "recipes", [])
    assert other == debug("parallelism=ddp")


def test_an_identity_is_of_the_model_and_of_nothing_else() -> None:
    assert debug("max_steps=7", "seed=3").model.identity == debug().model.identity
    assert debug("model.norm_eps=1e-6").model.identity != debug().model.identity
