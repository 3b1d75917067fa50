"""The ranks: joining and leaving the process group, the mesh that the parallelism is laid on, and stopping together.

torchrun's variables (RANK, LOCAL_RANK, WORLD_SIZE, LOCAL_WORLD_SIZE) are read here and nowhere else.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from .config import Config
from .errors import BadInput


@dataclass(frozen=True)
class Ranks:
    """Where this process stands. `mesh` has the dimensions replicate, shard and tensor, each of size 1 or more."""

    rank: int
    world_size: int
    num_nodes: int
    device: torch.device
    mesh: DeviceMesh
    data_rank: int  # ranks of the same tensor-parallel group read the same data
    num_data_ranks: int
    control: Any  # a gloo group for small words between ranks that must not wait for a GPU
    checkpoint: Any  # a gloo group of its own: an asynchronous save talks while training talks

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean over all data-parallel ranks (tensor-parallel peers hold equal values)."""
        dist.all_reduce(value)
        return value / self.world_size


def plan_mesh(config: Config, world_size: int, ranks_per_node: int) -> tuple[int, int, int]:
    """The sizes (replicate, shard, tensor) for a number of ranks; pure, so every layout is tested without ranks."""
    if config.world_size not in (0, world_size):
        raise BadInput(
            f"recipe {config.name} wants world_size {config.world_size}, but {world_size} ranks were started; "
            "start that many, or set world_size=0 to take any number"
        )
    tensor = config.tensor_parallel_degree
    if world_size % tensor:
        raise BadInput(f"tensor_parallel_degree {tensor} does not divide the {world_size} ranks")
    data_ranks = world_size // tensor
    if config.parallelism == "ddp":
        return data_ranks, 1, 1
    if config.parallelism == "fsdp":
        return 1, data_ranks, tensor
    shard = config.hsdp_shard_degree or max(ranks_per_node // tensor, 1)
    if data_ranks % shard:
        raise BadInput(f"hsdp_shard_degree {shard} does not divide the {data_ranks} data-parallel ranks")
    return data_ranks // shard, shard, tensor


@contextmanager
def process_group(config: Config) -> Iterator[Ranks]:
    """Join, and always leave: a rank that ends without leaving lets the others fail after all work is done."""
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    ranks_per_node = int(os.environ.get("LOCAL_WORLD_SIZE", str(world_size)))
    sizes = plan_mesh(config, world_size, ranks_per_node)
    device = _device(config.device)
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    os.environ.setdefault("MASTER_PORT", "29500")
    dist.init_process_group(
        "cuda:nccl,cpu:gloo" if device.type == "cuda" else "gloo",
        rank=rank,
        world_size=world_size,
        timeout=timedelta(seconds=config.collective_timeout_seconds),
        device_id=device if device.type == "cuda" else None,
    )
    try:
        mesh = init_device_mesh(device.type, sizes, mesh_dim_names=("replicate", "shard", "tensor"))
        assert mesh.size() == dist.get_world_size() == world_size, "the mesh must hold every rank exactly once"
        yield Ranks(
            rank=rank,
            world_size=world_size,
            num_nodes=max(world_size // ranks_per_node, 1),
            device=device,
            mesh=mesh,
            data_rank=rank // sizes[2],
            num_data_ranks=world_size // sizes[2],
            control=dist.new_group(backend="gloo"),
            checkpoint=dist.new_group(backend="gloo"),
        )
    finally:
        dist.destroy_process_group()


@contextmanager
def together(ranks: Ranks) -> Iterator[None]:
    """Bad input that only some ranks see (a path that one node lacks) is raised on all of them."""
    sentence = ""
    try:
        yield
    except BadInput as error:
        sentence = str(error)
    sentences: list[str] = [""] * ranks.world_size
    dist.all_gather_object(sentences, sentence, group=ranks.control)
    if any(sentences):
        raise BadInput(next(filter(None, sentences)))


def _device(wanted: str) -> torch.device:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise BadInput("device is 'cuda', but this node's PyTorch sees no GPU; use device=cpu or mend the driver")
    if wanted == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


class StopSignal:
    """SIGTERM or SIGUSR1 on any rank stops all ranks after the same step."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def begin(self, group: Any) -> StopSignal:
        """Start to ask the others. The answer is fetched after the step, so nobody waits for it."""
        self._word = torch.tensor(int(self._asked))
        self._work = dist.all_reduce(self._word, dist.ReduceOp.MAX, group=group, async_op=True)
        return self

    def agreed(self) -> bool:
        self._work.wait()
        return bool(self._word.item())
