"""What a run is: a frozen Config, made from a recipe file and key=value overrides.

A recipe is YAML with the keys of Config. `base: other.yml` starts from another recipe, so a recipe states only its
difference. An unknown key is an error, for a misspelt setting that is silently ignored costs a whole run.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from .errors import BadInput


@dataclass(frozen=True)
class RopeScaling:
    """Llama 3.1's stretch of the rotary frequencies beyond the context that the model was first trained with."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_context_length: int


@dataclass(frozen=True)
class ModelConfig:
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    max_context_length: int
    rope_theta: float
    norm_eps: float = 1e-5
    rope_scaling: RopeScaling | None = None
    tied_embeddings: bool = False
    initializer_range: float = 0.02
    num_experts: int = 0  # 0: a dense model
    num_experts_per_token: int = 0
    router_loss_weight: float = 0.0

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_heads

    @property
    def identity(self) -> str:
        """Tells whether two configurations are the same model; a checkpoint of another one is refused."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class DataConfig:
    source: str = "python_docs"  # python_docs | text | parquet | tokens | stream
    path: str = ""  # text, parquet: a file, a directory or a glob; tokens: the .bin file; stream: the dataset's name
    name: str = ""  # stream: the dataset's configuration
    text_column: str = "text"
    tokenizer: str = "bytes"  # bytes | a tokenizer.json | a name on the Hugging Face hub
    validation_fraction: float = 0.05


@dataclass(frozen=True)
class Config:
    model: ModelConfig
    sequence_length: int
    max_steps: int
    name: str = ""
    data: DataConfig = field(default_factory=DataConfig)
    seed: int = 1234

    # One step is batch_size * gradient_accumulation_steps sequences on every data-parallel rank.
    batch_size: int = 1
    gradient_accumulation_steps: int = 1

    learning_rate: float = 3e-4
    min_learning_rate_ratio: float = 0.1
    warmup_steps: int = 100
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    max_grad_norm: float = 1.0

    parallelism: str = "fsdp"  # ddp | fsdp (shard over all ranks) | hsdp (shard in a group, replicate between groups)
    hsdp_shard_degree: int = 0  # 0: the ranks of one node
    layers_per_unit: int = 1  # fsdp, hsdp: layers gathered together; 0: the whole model at once, for tiny models
    tensor_parallel_degree: int = 1
    world_size: int = 0  # 0: any; else the run refuses to start with another number of ranks
    device: str = "auto"  # auto | cpu | cuda
    precision: str = "bf16"  # bf16 (parameters and sums stay fp32) | fp32
    activation_checkpointing: bool = False
    compile: bool = False
    collective_timeout_seconds: int = 600

    log_every: int = 10
    validate_every: int = 500
    num_validation_batches: int = 20
    checkpoint_every: int = 500
    checkpoint_mode: str = "async"  # async | sync
    keep_checkpoints: int = 2
    resume: bool = True  # from the newest whole checkpoint of the run directory

    @property
    def sequences_per_rank(self) -> int:
        return self.batch_size * self.gradient_accumulation_steps


CHOICES = {
    "parallelism": ("ddp", "fsdp", "hsdp"),
    "device": ("auto", "cpu", "cuda"),
    "precision": ("bf16", "fp32"),
    "checkpoint_mode": ("async", "sync"),
    "data.source": ("python_docs", "text", "parquet", "tokens", "stream"),
}


def load_config(recipe: str, recipes: Path, overrides: list[str]) -> Config:
    """The recipe NAME of the directory, or the recipe file itself, with `key=value` (and `model.key=value`) applied."""
    path = Path(recipe) if recipe.endswith((".yml", ".yaml")) else recipes / f"{recipe}.yml"
    if not path.is_file():
        known = sorted(p.stem for p in recipes.glob("*.yml"))
        raise BadInput(f"there is no recipe '{recipe}' ({path} is missing){_nearest(recipe, known)}; known: {known}")
    values = _read_recipe(path)
    values["name"] = path.stem
    for override in overrides:
        _apply_override(values, override)
    config = _build(Config, values, "", path.name)
    assert isinstance(config, Config)
    _check(config, path.name)
    return config


def _read_recipe(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"{path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise BadInput(f"{path} must be a mapping of the trainer's keys, but holds {type(values).__name__}")
    base = values.pop("base", None)
    if base is None:
        return values
    if not (path.parent / str(base)).is_file():
        raise BadInput(f"{path}: base '{base}' is no file beside it")
    return _merge(_read_recipe(path.parent / str(base)), values)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _apply_override(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals:
        raise BadInput(f"'{override}' is no override; write key=value, for example max_steps=20")
    *parents, leaf = key.split(".")
    for parent in parents:
        values = values.setdefault(parent, {})
        if not isinstance(values, dict):
            raise BadInput(f"{override}: '{parent}' holds a value and has no keys below it")
    values[leaf] = yaml.safe_load(text)


def _build(kind: type, values: dict[str, Any], prefix: str, source: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    types = get_type_hints(kind)
    for key in values:
        if key not in known:
            raise BadInput(f"{source}: unknown key '{prefix}{key}'{_nearest(str(key), list(known))}")
    arguments = {}
    for name, spec in known.items():
        if name in values:
            arguments[name] = _convert(types[name], values[name], prefix + name, source)
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise BadInput(f"{source}: key '{prefix}{name}' is missing; it has no default")
    return kind(**arguments)


def _convert(kind: Any, value: Any, key: str, source: str) -> Any:
    if get_origin(kind) is UnionType:  # X | None
        if value is None:
            return None
        kind = get_args(kind)[0]
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise BadInput(f"{source}: '{key}' must be a mapping, but is {value!r}")
        return _build(kind, value, f"{key}.", source)
    if kind is float and not isinstance(value, bool):
        try:
            return float(value)  # YAML 1.1 reads 3e-4 as text
        except (TypeError, ValueError):
            pass
    if kind is str and isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
        return value
    raise BadInput(f"{source}: '{key}' must be of type {kind.__name__}, but is {value!r}")


def _check(config: Config, source: str) -> None:
    for key, allowed in CHOICES.items():
        section, _, leaf = key.rpartition(".")
        value = getattr(getattr(config, section) if section else config, leaf)
        if value not in allowed:
            raise BadInput(f"{source}: {key} is '{value}'{_nearest(value, list(allowed))}; it must be one of {allowed}")
    model, length, tensor = config.model, config.sequence_length, config.tensor_parallel_degree
    split = (model.num_kv_heads, model.vocab_size, model.intermediate_size)
    rules = {
        "max_steps, batch_size, gradient_accumulation_steps, sequence_length and log_every must be at least 1": min(
            config.max_steps, config.batch_size, config.gradient_accumulation_steps, length, config.log_every
        )
        >= 1,
        "validate_every, checkpoint_every, num_validation_batches and keep_checkpoints must be at least 1": min(
            config.validate_every, config.checkpoint_every, config.num_validation_batches, config.keep_checkpoints
        )
        >= 1,
        f"sequence_length {length} is longer than model.max_context_length {model.max_context_length}": (
            length <= model.max_context_length
        ),
        "seed must lie between 0 and 2147483647": 0 <= config.seed < 2**31,
        "model.hidden_size must be an even multiple of model.num_heads": model.hidden_size % (2 * model.num_heads) == 0,
        "model.num_heads must be a multiple of model.num_kv_heads": model.num_heads % model.num_kv_heads == 0,
        "model.num_experts_per_token must lie between 1 and model.num_experts": (
            not model.num_experts or 1 <= model.num_experts_per_token <= model.num_experts
        ),
        "data.validation_fraction must lie between 0 and 0.5": 0 <= config.data.validation_fraction <= 0.5,
        "tensor_parallel_degree must be at least 1": tensor >= 1,
        "tensor_parallel_degree above 1 needs parallelism fsdp or hsdp, for ddp keeps whole parameters": (
            tensor <= 1 or config.parallelism != "ddp"
        ),
        f"tensor_parallel_degree {tensor} must divide model.num_kv_heads, vocab_size and intermediate_size {split}": (
            not any(size % max(tensor, 1) for size in split)
        ),
    }
    for rule, kept in rules.items():
        if not kept:
            raise BadInput(f"{source}: {rule}")


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
