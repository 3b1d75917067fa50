"""Text to token numbers: bytes, which need nothing, or a Hugging Face tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .errors import BadInput, optional_package

Tokens = npt.NDArray[Any]  # one dimension, an unsigned integer type


class Tokenizer(Protocol):
    vocab_size: int
    end_of_document: int

    def encode(self, text: str) -> Tokens: ...


class ByteTokenizer:
    """A token is a byte of UTF-8. Byte 0, which no text holds, ends a document."""

    vocab_size = 256
    end_of_document = 0

    def encode(self, text: str) -> Tokens:
        return np.frombuffer(text.encode("utf-8", errors="replace"), dtype=np.uint8)


class HuggingFaceTokenizer:
    """A tokenizer.json, or a tokenizer of the hub by its name when there is a network."""

    ENDINGS = ("<|end_of_text|>", "<|endoftext|>", "</s>")  # Llama 3, GPT, Llama 2 and Mistral

    def __init__(self, name: str) -> None:
        tokenizers = optional_package("tokenizers", f"data.tokenizer '{name}'")
        try:
            local = Path(name).is_file()
            inner = tokenizers.Tokenizer.from_file(name) if local else tokenizers.Tokenizer.from_pretrained(name)
        except Exception as error:  # the package raises plain Exception
            reason = " ".join(str(error).split())
            raise BadInput(
                f"data.tokenizer '{name}' is no file, and the hub did not give it ({reason}); give a tokenizer.json"
            ) from error
        ending = next((inner.token_to_id(t) for t in self.ENDINGS if inner.token_to_id(t) is not None), None)
        if ending is None:
            raise BadInput(f"data.tokenizer '{name}' has none of the end tokens {self.ENDINGS}")
        self._inner = inner
        self.vocab_size = int(inner.get_vocab_size())
        self.end_of_document = int(ending)

    def encode(self, text: str) -> Tokens:
        return np.asarray(self._inner.encode(text, add_special_tokens=False).ids, dtype=np.uint32)


def load_tokenizer(name: str, model_vocab_size: int) -> Tokenizer:
    tokenizer: Tokenizer = ByteTokenizer() if name == "bytes" else HuggingFaceTokenizer(name)
    if tokenizer.vocab_size > model_vocab_size:
        raise BadInput(
            f"data.tokenizer '{name}' has {tokenizer.vocab_size} tokens, but model.vocab_size is {model_vocab_size}"
        )
    return tokenizer
