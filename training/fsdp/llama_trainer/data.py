"""Batches. Where a loader stands is a plain value that goes into the checkpoint, never a hidden iterator.

Local data (MappedLoader) is cut in blocks of sequence_length tokens. Sequence number n of the whole run reads block
shuffle(n), and rank r takes every sequence whose turn it is: so ranks never read the same block, and the state is
one number, which holds for any number of ranks. A stream has no length to shuffle; there rank r reads the documents
r, r + ranks, ..., and the state says how far it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from .config import Config
from .errors import BadInput
from .sources import documents, open_stream, read_token_file, tokenise
from .tokenizer import Tokenizer, Tokens, load_tokenizer

State = dict[str, Any]


class Loader(Protocol):
    def start(self) -> State: ...
    def read(self, state: State, num_sequences: int) -> tuple[Tensor, State]:
        """The next sequences of this rank, (num_sequences, sequence_length + 1), and the state after them."""


def build_loaders(config: Config, data_rank: int, num_data_ranks: int) -> tuple[Loader, Loader | None]:
    """The training and the validation loader; no token is in both."""
    data, length = config.data, config.sequence_length
    if data.source == "stream":
        tokenizer = load_tokenizer(data.tokenizer, config.model.vocab_size)
        stream = open_stream(data)
        column = data.text_column
        # The first documents are set aside for validation; training begins after them.
        aside = config.num_validation_batches * config.batch_size * num_data_ranks if data.validation_fraction else 0
        training = StreamLoader(stream, column, tokenizer, length, data_rank, num_data_ranks, first=aside)
        validation = StreamLoader(stream, column, tokenizer, length, data_rank, num_data_ranks, last=aside)
        return training, validation if aside else None
    training_tokens, validation_tokens = load_tokens(config)
    training_loader = MappedLoader(training_tokens, length, config.seed, data_rank, num_data_ranks)
    if not data.validation_fraction:
        return training_loader, None
    return training_loader, MappedLoader(validation_tokens, length, config.seed, data_rank, num_data_ranks)


def load_tokens(config: Config) -> tuple[Tokens, Tokens]:
    """Training and validation tokens: text is split between documents, a token file at one place near its end."""
    data, vocab_size = config.data, config.model.vocab_size
    if data.source == "tokens":
        tokens = read_token_file(data, vocab_size)
        split = len(tokens) - int(len(tokens) * data.validation_fraction)
        return tokens[:split], tokens[split:]
    parts, total = tokenise(documents(data), load_tokenizer(data.tokenizer, vocab_size))
    wanted = total * data.validation_fraction
    if data.validation_fraction and len(parts) < 2:
        raise BadInput(
            f"data.path '{data.path}' is one document, so none can be set aside for validation; "
            "part it with form feeds, or set data.validation_fraction=0"
        )
    validation: list[Tokens] = []
    training: list[Tokens] = []
    held = 0
    # Drawn and not the last ones: neighbouring documents are often of one kind.
    for number in range(len(parts)):
        part = parts[shuffle(number, len(parts), config.seed)]
        aside = held < wanted and number < len(parts) - 1
        (validation if aside else training).append(part)
        held += len(part) if aside else 0
    empty = np.empty(0, dtype=np.uint32)
    return np.concatenate(training or [empty]), np.concatenate(validation or [empty])


class MappedLoader:
    def __init__(self, tokens: Tokens, length: int, seed: int, data_rank: int, num_data_ranks: int) -> None:
        self.num_blocks = (len(tokens) - 1) // length  # a block's last target is the next block's first token
        if self.num_blocks < 1:
            raise BadInput(f"the corpus has {len(tokens)} tokens in this split, too few for one of {length} + 1")
        self._tokens, self._length, self._seed = tokens, length, seed
        self._data_rank, self._num_data_ranks = data_rank, num_data_ranks

    def start(self) -> State:
        return {"sequences_read": 0}

    def block_numbers(self, state: State, num_sequences: int) -> list[int]:
        first = int(state["sequences_read"]) + self._data_rank
        turns = range(first, first + num_sequences * self._num_data_ranks, self._num_data_ranks)
        return [shuffle(turn, self.num_blocks, self._seed) for turn in turns]

    def read(self, state: State, num_sequences: int) -> tuple[Tensor, State]:
        length = self._length
        starts = [number * length for number in self.block_numbers(state, num_sequences)]
        batch = np.stack([self._tokens[start : start + length + 1] for start in starts]).astype(np.int64)
        after = int(state["sequences_read"]) + num_sequences * self._num_data_ranks
        return torch.from_numpy(batch), {"sequences_read": after}


def shuffle(turn: int, size: int, seed: int) -> int:
    """A permutation of range(size), another one for each pass over the data, in constant memory.

    Four Feistel rounds permute the next power of four; what falls outside is permuted again until it falls inside.
    """
    epoch, number = divmod(turn, size)
    half = max((size - 1).bit_length() + 1, 2) // 2
    mask = (1 << half) - 1
    while True:
        left, right = number >> half, number & mask
        for round_number in range(4):
            mixed = (
                right * 0x9E3779B1 + seed * 0x85EBCA6B + epoch * 0xC2B2AE35 + round_number * 0x27D4EB2F
            ) & 0xFFFFFFFF
            mixed = ((mixed ^ (mixed >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
            left, right = right, left ^ ((mixed ^ (mixed >> 12)) & mask)
        number = left << half | right
        if number < size:
            return number


class StreamLoader:
    """State: the number of this rank's next document, and the tokens read but not yet used."""

    def __init__(
        self,
        stream: Any,
        column: str,
        tokenizer: Tokenizer,
        length: int,
        data_rank: int,
        num_data_ranks: int,
        first: int = 0,
        last: int | None = None,
    ) -> None:
        self._stream, self._column, self._tokenizer, self._length = stream, column, tokenizer, length
        self._first, self._last, self._step = first + data_rank, last, num_data_ranks
        self._open: tuple[int, Iterator[Any]] | None = None  # only a cache: where the open iterator stands

    def start(self) -> State:
        return {"document": self._first, "rest": [], "num_data_ranks": self._step}

    def read(self, state: State, num_sequences: int) -> tuple[Tensor, State]:
        if state["num_data_ranks"] != self._step:
            raise BadInput(
                f"the checkpoint read its stream with {state['num_data_ranks']} data-parallel ranks, this run has "
                f"{self._step}; start as many, or set resume=false"
            )
        document, rest = int(state["document"]), list(state["rest"])
        needed = num_sequences * self._length + 1
        while len(rest) < needed:
            document = self._wrap(document)
            rest += [*self._tokenizer.encode(self._text(document)).tolist(), self._tokenizer.end_of_document]
            document += self._step
        windows = torch.tensor(rest[:needed]).unfold(0, self._length + 1, self._length).contiguous()
        return windows, {"document": document, "rest": rest[needed - 1 :], "num_data_ranks": self._step}

    def _wrap(self, document: int) -> int:
        return document if self._last is None or document < self._last else self._first

    def _text(self, document: int) -> str:
        if self._open is None or self._open[0] > document:
            self._open = (document, iter(self._stream.skip(document)))
        position, iterator = self._open
        for _ in range(document - position):
            next(iterator, None)
        row = next(iterator, None)
        if row is None:
            raise BadInput(f"the stream ended at document {document}; set fewer max_steps")
        self._open = (document + 1, iterator)
        if self._column not in row:
            raise BadInput(f"the stream has no column '{self._column}' (data.text_column); it has {sorted(row)}")
        return str(row[self._column])
