#!/usr/bin/env python3
"""Turn text or parquet into a token file once, so that a big corpus is mapped and not tokenised at every start.

    python prepare_tokens.py --source parquet --path /fsx/corpus --tokenizer /fsx/tokenizer.json --out /fsx/corpus.bin

Train on it with `data.source=tokens data.path=/fsx/corpus.bin`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from llama_trainer.config import DataConfig
from llama_trainer.errors import BadInput
from llama_trainer.sources import documents, tokenise
from llama_trainer.tokenizer import load_tokenizer


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", choices=("python_docs", "text", "parquet"), required=True)
    parser.add_argument("--path", default="", help="a file, a directory or a glob")
    parser.add_argument("--text-column", default="text", help="the column of a parquet file")
    parser.add_argument("--tokenizer", default="bytes", help="bytes, a tokenizer.json, or a name on the hub")
    parser.add_argument("--out", type=Path, required=True, help="the .bin file; a .json lies beside it")
    options = parser.parse_args(arguments)
    config = DataConfig(options.source, options.path, text_column=options.text_column, tokenizer=options.tokenizer)
    try:
        write(config, options.out)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write(config: DataConfig, out: Path) -> None:
    tokenizer = load_tokenizer(config.tokenizer, model_vocab_size=2**32)
    dtype = "uint16" if tokenizer.vocab_size <= 2**16 else "uint32"
    partial, total = out.with_suffix(".partial"), 0
    with partial.open("wb") as file:
        for text in documents(config):
            parts, count = tokenise(iter([text]), tokenizer)
            file.write(parts[0].astype(np.dtype(dtype)).tobytes())
            total += count
    facts = {"dtype": dtype, "vocab_size": tokenizer.vocab_size, "tokens": total, "tokenizer": config.tokenizer}
    out.with_suffix(".json").write_text(json.dumps(facts) + "\n", encoding="utf-8")
    partial.replace(out)  # last: a token file that is there is whole
    print(f"{total:,} tokens in {out}")


if __name__ == "__main__":
    sys.exit(main())
