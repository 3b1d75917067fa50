from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import prepare_tokens
import pytest
from llama_trainer import data, sources
from llama_trainer.config import Config, load_config
from llama_trainer.data import MappedLoader, StreamLoader, build_loaders, load_tokens, shuffle
from llama_trainer.errors import BadInput
from llama_trainer.tokenizer import ByteTokenizer

RECIPES = Path(__file__).parents[3] / "training/fsdp/recipes"


def debug(*overrides: str) -> Config:
    return load_config("debug", RECIPES, [*overrides])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_a_shuffle_is_a_permutation_and_another_one_in_each_epoch(size: int) -> None:
    first, second = ([shuffle(turn + size * epoch, size, 1234) for turn in range(size)] for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(size))
    if size > 3:
        assert first != second != list(range(size))
        assert first != [shuffle(turn, size, 99) for turn in range(size)]


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_an_epoch_reads_every_block_once_whatever_the_number_of_ranks(ranks: int) -> None:
    tokens = np.arange(33, dtype=np.uint32)
    loaders = [MappedLoader(tokens, 2, 7, rank, ranks) for rank in range(ranks)]
    seen: list[list[int]] = []
    for loader in loaders:
        state = loader.start()
        for _ in range(16 // ranks // 2):
            batch, state = loader.read(state, 2)
            seen += batch.tolist()
        assert state == {"sequences_read": 16}
    assert sorted(seen) == [[start, start + 1, start + 2] for start in range(0, 32, 2)]


def test_a_loader_goes_on_from_its_state_also_with_other_ranks() -> None:
    tokens = np.arange(65, dtype=np.uint32)
    one = MappedLoader(tokens, 4, 7, 0, 1)
    _, state = one.read(one.start(), 4)
    expected = one.block_numbers(json.loads(json.dumps(state)), 4)
    two = [MappedLoader(tokens, 4, 7, rank, 2).block_numbers(state, 2) for rank in (0, 1)]
    assert [two[0][0], two[1][0], two[0][1], two[1][1]] == expected


def test_sequence_length_is_the_recipes() -> None:
    for length in (32, 256):
        training, _ = build_loaders(debug(f"sequence_length={length}"), 0, 1)
        assert training.read(training.start(), 3)[0].shape == (3, length + 1)


def test_training_and_validation_share_no_document() -> None:
    training, validation = load_tokens(debug())
    documents = list(sources.python_docs())
    assert len(documents) > 50
    texts = [bytes(tokens.astype(np.uint8)).decode().split("\0")[:-1] for tokens in (training, validation)]
    assert sorted(texts[0] + texts[1]) == sorted(documents)
    assert not set(texts[0]) & set(texts[1])
    assert 0.03 < len(validation) / (len(training) + len(validation)) < 0.15


def test_a_token_file_is_split_at_one_place(tmp_path: Path) -> None:
    path = tmp_path / "corpus.bin"
    np.arange(200, dtype=np.uint16).tofile(path)
    (tmp_path / "corpus.json").write_text('{"dtype": "uint16", "vocab_size": 200}')
    training, validation = load_tokens(
        debug("data.source=tokens", f"data.path={path}", "data.validation_fraction=0.25")
    )
    assert training.tolist() == list(range(150)) and validation.tolist() == list(range(150, 200))
    assert isinstance(training, np.memmap)


def test_text_files_are_documents_and_form_feeds_part_them(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("three")
    (tmp_path / "a.txt").write_text("one\ftwo\f\n")
    (tmp_path / "c.md").write_text("no text of ours")
    for path in (tmp_path, tmp_path / "*.txt"):
        config = debug("data.source=text", f"data.path={path}")
        assert list(sources.documents(config.data)) == ["one", "two", "three"]


def wrong_sidecar(path: Path, text: str) -> list[str]:
    np.arange(200, dtype=np.uint16).tofile(path / "corpus.bin")
    (path / "corpus.json").write_text(text)
    return ["data.source=tokens", f"data.path={path / 'corpus.bin'}"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: ["data.source=text", "data.path=/no/such"], "the corpus is missing: data.path '/no/such' does not"),
        (lambda p: ["data.source=text", f"data.path={p}"], "holds no .txt file"),
        (lambda p: ["data.source=parquet", f"data.path={p}/*.parquet"], "pip install pyarrow"),
        (lambda p: ["data.source=text"], "data.path must name a file"),
        (lambda p: ["data.source=stream", "data.path=x"], "pip install datasets"),
        (lambda p: ["data.tokenizer=/no/tokenizer.json"], "pip install tokenizers"),
        (lambda p: ["model.vocab_size=128"], "has 256 tokens, but model.vocab_size is 128"),
        (lambda p: wrong_sidecar(p, "{}"), "corpus.json must be JSON such as"),
        (lambda p: wrong_sidecar(p, '{"dtype": "float32", "vocab_size": 9}'), "dtype is 'float32'"),
        (lambda p: wrong_sidecar(p, '{"dtype": "uint16", "vocab_size": 900}'), "900 is larger than model.vocab_size"),
        (lambda p: [*wrong_sidecar(p, '{"dtype": "uint16", "vocab_size": 9}'), "sequence_length=300"], "too few"),
    ],
)
def test_bad_input_is_one_sentence(make: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(BadInput) as caught:
        build_loaders(debug(*make(tmp_path)), 0, 1)
    assert words in str(caught.value)


class Parquet:
    """As much of pyarrow.parquet as is used; the package is no dependency of the tests."""

    class ParquetFile:
        def __init__(self, path: Path) -> None:
            self.rows = json.loads(path.read_text())
            self.schema_arrow = type("Schema", (), {"names": sorted(self.rows)})

        def iter_batches(self, columns: list[str]) -> list[Any]:
            column = self.rows[columns[0]]
            return [type("B", (), {"column": lambda _s, _n: type("C", (), {"to_pylist": lambda _s: column})()})()]


def test_parquet_reads_the_named_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_text('{"body": ["one", null, "two"]}')
    monkeypatch.setattr(sources, "optional_package", lambda _module, _asked: Parquet)
    config = debug("data.source=parquet", f"data.path={tmp_path}", "data.text_column=body")
    assert list(sources.documents(config.data)) == ["one", "two"]
    with pytest.raises(BadInput, match=r"has no column 'text' \(data.text_column\); it has \['body'\]"):
        list(sources.documents(debug("data.source=parquet", f"data.path={tmp_path}").data))


class Stream:
    """As much of a streamed Hugging Face dataset as is used."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows = rows

    def skip(self, number: int) -> Stream:
        return Stream(self.rows[number:])

    def __iter__(self) -> Any:
        return iter(self.rows)


ROWS = [{"text": chr(ord("a") + number % 26) * 5} for number in range(60)]


def stream(rank: int, ranks: int, first: int = 0, last: int | None = None) -> StreamLoader:
    return StreamLoader(Stream(ROWS), "text", ByteTokenizer(), 4, rank, ranks, first, last)


def test_a_stream_goes_on_from_its_state_without_a_token_lost_or_twice() -> None:
    whole, _ = stream(0, 1).read(stream(0, 1).start(), 12)
    parts, state = [], stream(0, 1).start()
    for _ in range(4):  # each time with a new loader, as after a restart
        batch, state = stream(0, 1).read(json.loads(json.dumps(state)), 3)
        parts += batch.tolist()
    assert parts == whole.tolist()
    assert whole[0].tolist()[-1] == whole[1].tolist()[0]  # a sequence's last target begins the next


def test_ranks_of_a_stream_read_other_documents_and_none_of_validation() -> None:
    letters = []
    for rank, loader in enumerate((stream(0, 2, first=4), stream(1, 2, first=4))):
        batch, _ = loader.read(loader.start(), 6)
        letters.append(set(batch.flatten().tolist()) - {0})
        assert min(letters[rank]) >= ord("e")
    assert not letters[0] & letters[1]
    validation = stream(1, 2, last=4)
    batch, _ = validation.read(validation.start(), 20)
    assert set(batch.flatten().tolist()) == {0, ord("b"), ord("d")}


def test_a_stream_is_resumed_with_as_many_ranks_only() -> None:
    with pytest.raises(BadInput, match="with 2 data-parallel ranks, this run has 1"):
        stream(0, 1).read(stream(0, 2).start(), 1)


def test_streamed_training_begins_after_the_validation_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "open_stream", lambda _config: Stream(ROWS))
    config = debug("data.source=stream", "num_validation_batches=2", "batch_size=3", "sequence_length=4")
    training, validation = build_loaders(config, 1, 2)
    assert validation is not None
    assert training.start()["document"] == 13 and validation.start()["document"] == 1


def test_a_prepared_token_file_holds_the_documents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ftwo")
    out = tmp_path / "corpus.bin"
    assert prepare_tokens.main(["--source", "text", "--path", str(tmp_path), "--out", str(out)]) == 0
    config = debug("data.source=tokens", f"data.path={out}", "data.validation_fraction=0")
    assert bytes(load_tokens(config)[0].astype(np.uint8)) == b"one\0two\0"
    assert prepare_tokens.main(["--source", "text", "--path", "/no/such", "--out", str(out)]) == 2
