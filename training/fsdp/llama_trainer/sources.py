"""Where text comes from: documents, in an order that never changes."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .config import DataConfig
from .errors import BadInput, optional_package
from .tokenizer import Tokenizer, Tokens


def documents(config: DataConfig) -> Iterator[str]:
    """The documents of a local source."""
    if config.source == "python_docs":
        yield from python_docs()
    elif config.source == "text":
        for path in _files(config, ".txt"):
            # Documents of one file are parted by a form feed; a file without one is one document.
            yield from (text for text in path.read_text(encoding="utf-8", errors="replace").split("\f") if text.strip())
    else:
        yield from _parquet(config)


def python_docs() -> Iterator[str]:
    """The language reference that travels with Python itself: 460 KB of English, under the PSF licence."""
    try:
        from pydoc_data import topics
    except ImportError as error:
        raise BadInput(
            "data.source is 'python_docs', but this Python lacks its module pydoc_data; "
            "install Python's full standard library, or use data.source=text data.path=..."
        ) from error
    yield from (topics.topics[name] for name in sorted(topics.topics))


def tokenise(texts: Iterator[str], tokenizer: Tokenizer) -> tuple[list[Tokens], int]:
    """Each document's tokens with the end token after them, and their number."""
    end = np.array([tokenizer.end_of_document], dtype=np.uint32)
    parts = [np.concatenate((tokenizer.encode(text).astype(np.uint32), end)) for text in texts]
    return parts, sum(len(part) for part in parts)


def read_token_file(config: DataConfig, model_vocab_size: int) -> Tokens:
    """A flat file of token numbers, mapped and not read; <name>.json beside it names the number type."""
    path = _existing(config)
    sidecar = path.with_suffix(".json")
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
        dtype, vocab_size = str(facts["dtype"]), int(facts["vocab_size"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f'{sidecar} must be JSON such as {{"dtype": "uint16", "vocab_size": 32000}}, but cannot be read ({error!r})'
        ) from error
    if dtype not in ("uint16", "uint32"):
        raise BadInput(f"{sidecar}: dtype is '{dtype}', but must be uint16 or uint32")
    if vocab_size > model_vocab_size:
        raise BadInput(f"{sidecar}: vocab_size {vocab_size} is larger than model.vocab_size {model_vocab_size}")
    if path.stat().st_size % np.dtype(dtype).itemsize or not path.stat().st_size:
        raise BadInput(f"{path} is no whole number of {dtype} tokens ({path.stat().st_size} bytes)")
    return np.memmap(path, dtype=dtype, mode="r")


def open_stream(config: DataConfig) -> Any:
    """A dataset of the Hugging Face hub, read over the network while training."""
    datasets = optional_package("datasets", "data.source 'stream'")
    try:
        return datasets.load_dataset(config.path, config.name or None, split="train", streaming=True)
    except Exception as error:  # network, hub and dataset errors have no common class
        reason = " ".join(str(error).split())
        raise BadInput(f"data.path '{config.path}' cannot be streamed from the hub: {reason}") from error


def _parquet(config: DataConfig) -> Iterator[str]:
    parquet = optional_package("pyarrow.parquet", "data.source 'parquet'")
    for path in _files(config, ".parquet"):
        table = parquet.ParquetFile(path)
        if config.text_column not in table.schema_arrow.names:
            raise BadInput(
                f"{path} has no column '{config.text_column}' (data.text_column); it has {table.schema_arrow.names}"
            )
        for batch in table.iter_batches(columns=[config.text_column]):
            yield from (str(text) for text in batch.column(0).to_pylist() if text)


def _files(config: DataConfig, suffix: str) -> list[Path]:
    if not config.path:
        raise BadInput(f"data.source is '{config.source}', so data.path must name a file, a directory or a glob")
    if any(character in config.path for character in "*?["):
        found = [Path(name) for name in glob.glob(config.path, recursive=True)]  # noqa: PTH207 (absolute globs)
    else:
        path = _existing(config)
        found = list(path.rglob(f"*{suffix}")) if path.is_dir() else [path]
    found = sorted(path for path in found if path.is_file())
    if not found:
        raise BadInput(f"the corpus is missing: data.path '{config.path}' holds no {suffix} file")
    return found


def _existing(config: DataConfig) -> Path:
    path = Path(config.path)
    if not config.path or not path.exists():
        raise BadInput(
            f"the corpus is missing: data.path '{config.path}' does not exist on this node "
            f"(data.source is '{config.source}'); name a path that every node sees"
        )
    return path
