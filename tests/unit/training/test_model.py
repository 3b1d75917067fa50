"""The model against published sizes and against the formulas written out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from llama_trainer.config import Config, RopeScaling, load_config
from llama_trainer.initialise import build_on_meta, materialise
from llama_trainer.model import Attention, Llama, rope_frequencies, rotate
from llama_trainer.moe import MixtureOfExperts

RECIPES = Path(__file__).parents[3] / "training/fsdp/recipes"
MOE = ("model.num_experts=4", "model.num_experts_per_token=2", "model.router_loss_weight=0.02")
CPU = torch.device("cpu")


def debug(*overrides: str) -> Config:
    return load_config("debug", RECIPES, [*overrides])


def built(config: Config) -> Llama:
    model = build_on_meta(config)
    materialise(model, config, CPU)
    return model


# The sizes that the models' pages state (the tensors of the published weights added up).
PUBLISHED = {
    "llama2_7b": 6_738_415_616,
    "llama2_13b": 13_015_864_320,
    "llama2_70b": 68_976_648_192,
    "llama3_1_8b": 8_030_261_248,
    "llama3_1_70b": 70_553_706_496,
    "llama3_2_1b": 1_235_814_400,
    "llama3_2_3b": 3_212_749_824,
    "mathstral_7b": 7_248_023_552,
    "mixtral_8x7b": 46_702_792_704,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.yml") if path.stem != "debug"))
def test_a_recipe_has_the_published_number_of_parameters(name: str) -> None:
    config = load_config(name, RECIPES, [])
    assert sum(p.numel() for p in build_on_meta(config).parameters()) == PUBLISHED[name]
    assert f"{PUBLISHED[name]:,} parameters" in (RECIPES / f"{name}.yml").read_text()


@pytest.mark.parametrize("overrides", [(), MOE, ("model.tied_embeddings=true",)])
def test_no_parameter_and_no_buffer_keeps_the_memory_it_was_given(
    overrides: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = debug("model.num_layers=2", *overrides)
    real = Llama.to_empty

    def poisoned(self: Llama, *, device: torch.device, recurse: bool = True) -> Llama:
        real(self, device=device, recurse=recurse)
        for tensor in [*self.parameters(), *self.buffers()]:
            tensor.data.fill_(math.nan)
        return self

    monkeypatch.setattr(Llama, "to_empty", poisoned)
    model = built(config)
    named = dict(model.named_parameters()) | dict(model.named_buffers())
    assert overrides or len(named) == 2 * 9 + 5  # nine in each layer; embeddings, norm, output and the two tables
    for name, tensor in named.items():
        assert not tensor.isnan().any(), name
        assert tensor.device == CPU
        if name.endswith("norm.weight"):
            assert (tensor == 1).all(), name
        elif name.endswith(("wo.weight", "w2.weight")):
            assert tensor.std().item() == pytest.approx(0.02 / 2, rel=0.05), name  # two layers add twice each
        elif name.endswith(".weight"):
            assert tensor.std().item() == pytest.approx(0.02, rel=0.15 if "router" in name else 0.05), name


def test_weights_from_meta_equal_those_of_a_model_built_in_memory() -> None:
    config = debug("model.num_layers=2")
    ours = built(config)
    direct = Llama(config.model, config.sequence_length)
    materialise(direct, config, CPU)
    for (name, one), (_, other) in zip(ours.state_dict().items(), direct.state_dict().items(), strict=True):
        assert torch.equal(one, other), name
    weights, others = ours.state_dict(), built(debug("model.num_layers=2", "seed=5")).state_dict()
    assert not torch.equal(weights["output.weight"], others["output.weight"])
    assert not torch.equal(weights["layers.0.attention.wq.weight"], weights["layers.1.attention.wq.weight"])


def test_rotary_frequencies_without_scaling() -> None:
    assert rope_frequencies(8, 10000.0, None).tolist() == pytest.approx([1.0, 0.1, 0.01, 0.001])


def test_llama_3_scaling_keeps_fast_turns_slows_slow_ones_and_blends_between() -> None:
    scaling = RopeScaling(factor=8, low_freq_factor=1, high_freq_factor=4, original_context_length=8192)
    plain, scaled = rope_frequencies(128, 500000.0, None), rope_frequencies(128, 500000.0, scaling)
    regimes = set()
    for frequency, got in zip(plain.tolist(), scaled.tolist(), strict=True):
        wavelength = 2 * math.pi / frequency
        if wavelength < 8192 / 4:
            wanted, regime = frequency, "kept"
        elif wavelength > 8192 / 1:
            wanted, regime = frequency / 8, "slowed"
        else:
            share = (8192 / wavelength - 1) / (4 - 1)
            wanted, regime = (1 - share) * frequency / 8 + share * frequency, "blended"
        regimes.add(regime)
        assert got == pytest.approx(wanted, rel=1e-12)
    assert regimes == {"kept", "slowed", "blended"}


def test_the_models_rotary_tables_are_those_angles() -> None:
    model = built(load_config("llama3_2_1b", RECIPES, ["model.num_layers=1", "model.vocab_size=256"]))
    assert model.rope_cos.shape == (8192, 32)
    frequencies = rope_frequencies(64, 500000.0, RopeScaling(32, 1, 4, 8192))
    for position, channel in ((0, 0), (1, 0), (100, 7), (8191, 31), (8191, 0)):
        angle = position * frequencies[channel].item()
        assert model.rope_cos[position, channel].item() == pytest.approx(math.cos(angle), abs=1e-6)
        assert model.rope_sin[position, channel].item() == pytest.approx(math.sin(angle), abs=1e-6)


def test_rotated_products_depend_on_the_distance_only() -> None:
    angles = torch.outer(torch.arange(16.0), torch.tensor([1.0, 0.1]))
    q, k = torch.randn(2, 4).double()
    rotated = [rotate(x.float().expand(16, 4), angles.cos(), angles.sin()) for x in (q, k)]
    products = rotated[0] @ rotated[1].T
    for distance in range(4):
        assert products.diagonal(distance).std().item() < 1e-5


def test_grouped_attention_equals_attention_written_out() -> None:
    config = debug().model
    attention = Attention(config)
    x = torch.randn(2, 12, config.hidden_size)
    angles = torch.outer(torch.arange(12.0), rope_frequencies(32, 10000.0, None).float())
    cos, sin = angles.cos(), angles.sin()
    wanted = torch.zeros(2, 12, config.hidden_size)
    for head in range(4):  # four query heads share two key/value heads
        shared = slice(head // 2 * 32, head // 2 * 32 + 32)
        q = rotate((x @ attention.wq.weight[head * 32 : head * 32 + 32].T), cos, sin)
        k = rotate((x @ attention.wk.weight[shared].T), cos, sin)
        scores = q @ k.transpose(1, 2) / math.sqrt(32)
        scores = scores.masked_fill(torch.ones(12, 12).triu(1).bool(), -math.inf)
        y = scores.softmax(-1) @ (x @ attention.wv.weight[shared].T)
        wanted += y @ attention.wo.weight[:, head * 32 : head * 32 + 32].T
    assert torch.allclose(attention(x, cos, sin), wanted, atol=1e-5)


def test_a_token_is_sent_to_its_two_best_experts_and_they_are_mixed() -> None:
    config = debug(*MOE)
    moe = built(config).layers[0].feed_forward
    assert isinstance(moe, MixtureOfExperts)
    x = torch.randn(2, 5, config.model.hidden_size)
    out, balance = moe(x)
    for row, got in zip(x.view(10, -1), out.view(10, -1)):
        best, chosen = moe.router(row).topk(2)
        first, second = best.softmax(0)
        wanted = first * moe.experts[int(chosen[0])](row) + second * moe.experts[int(chosen[1])](row)
        assert torch.allclose(got, wanted, atol=1e-6)
    assert 2.0 - 1e-3 <= balance.item() < 2.5  # exactly 2 would be perfect balance


def test_an_expert_without_tokens_still_gets_a_gradient() -> None:
    moe = built(debug(*MOE)).layers[0].feed_forward
    assert isinstance(moe, MixtureOfExperts)
    out, balance = moe(torch.randn(1, 1, 128))
    (out.sum() + balance).backward()
    assert all(p.grad is not None for p in moe.parameters())


def test_no_position_sees_a_later_token() -> None:
    config = debug("model.num_layers=2")
    model = built(config)
    captured: list[torch.Tensor] = []
    model.norm.register_forward_hook(lambda _m, _i, out: captured.append(out))
    tokens = torch.randint(0, 256, (1, 16))
    changed = tokens.clone()
    changed[0, 9] += 1 if changed[0, 9] < 255 else -1
    for batch in (tokens, changed):
        model(batch, batch)
    assert torch.equal(captured[0][:, :9], captured[1][:, :9])
    assert not torch.allclose(captured[0][:, 9:], captured[1][:, 9:])
