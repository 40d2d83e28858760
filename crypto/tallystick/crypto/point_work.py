"""Hashes, checks and masks of many points: in threads of this process, or as blocks on other machines.

The native kernel lets go of the interpreter's lock, so near workers are threads over one array, and nothing is copied. Far workers
(`Workers.far`) get blocks of at most `BLOCK` points by module-level functions. Both ways give the same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from tallystick.crypto import kernel
from tallystick.crypto.kernel import POINT, Offsets, Points
from tallystick.crypto.points import read_points
from tallystick.crypto.workers import Workers

BLOCK: Final = 1 << 17
"""The most points of a block: 4 MiB there and 4 MiB back."""


@dataclass(frozen=True)
class HashTask:
    """Messages to hash; see `kernel.hash_to_curve`."""

    dst: bytes
    prefix: bytes = field(repr=False)
    data: bytes = field(repr=False)
    offsets: Offsets = field(repr=False)


def hash_block(task: HashTask) -> Points:
    """Give the points of a task's messages."""
    return kernel.hash_to_curve(task.dst, task.prefix, task.data, task.offsets)


@dataclass(frozen=True)
class MaskTask:
    """Points to mask.

    Attributes:
        scalar: the mask.
        points: the points.
        sender: who sent them, where they are to be checked before; "" where they are this side's own.
        start: the index in its list of the first.
    """

    scalar: bytes = field(repr=False)
    points: Points = field(repr=False)
    sender: str = ""
    start: int = 0


def mask_block(task: MaskTask) -> Points:
    """Give a task's points under its mask.

    Raises:
        PeerFault: `point-not-canonical`, `point-invalid`: as `points.read_points`; nothing was multiplied.
    """
    if task.sender:
        read_points(task.points.reshape(-1).data, len(task.points), sender=task.sender, start=task.start)
    return kernel.mask(task.scalar, task.points)


def hash_points(dst: bytes, prefix: bytes, data: bytes | memoryview, offsets: Offsets, workers: Workers) -> Points:
    """Hash messages to curve25519, as `kernel.hash_to_curve`.

    Raises:
        LocalFault: as there.
    """
    if not workers.far:
        return kernel.hash_to_curve(dst, prefix, data, offsets, workers.count)
    out = np.empty((len(offsets) - 1, POINT), dtype=np.uint8)

    def tasks() -> Iterator[HashTask]:
        for low in range(0, len(out), BLOCK):
            part = offsets[low : low + BLOCK + 1]
            yield HashTask(dst, prefix, bytes(data[int(part[0]) : int(part[-1])]), part - part[0])

    for low, made in zip(range(0, len(out), BLOCK), workers.map(hash_block, tasks()), strict=True):
        out[low : low + len(made)] = made
    return out


def mask_own(scalar: bytes, blocks: Iterable[Points], workers: Workers) -> Iterator[Points]:
    """Mask blocks of this side's own points, in order; see `kernel.mask`."""
    if not workers.far:
        return (kernel.mask(scalar, block, workers.count) for block in blocks)
    return workers.map(mask_block, (MaskTask(scalar, block) for block in blocks))


def mask_arrived(
    scalar: bytes, arrived: Iterable[tuple[int, int, Points]], workers: Workers, *, sender: str
) -> Iterator[tuple[int, int, Points]]:
    """Check blocks of points that somebody sent, and mask each when it has been checked.

    Args:
        scalar: the mask.
        arrived: (pass, first row, points), in order; the array may be used again when the next is asked for.
        workers: who checks and masks.
        sender: who sent them; named in errors.

    Returns:
        The same, masked.

    Raises:
        PeerFault: as `points.read_points`, while it is read: no block from a bad one on is given.
    """
    if not workers.far:
        for at, start, block in arrived:
            read_points(block.reshape(-1).data, len(block), sender=sender, start=start, workers=workers.count)
            yield at, start, kernel.mask(scalar, block, workers.count)
        return
    places: deque[tuple[int, int]] = deque()

    def tasks() -> Iterator[MaskTask]:
        for at, start, block in arrived:
            places.append((at, start))
            yield MaskTask(scalar, block.copy(), sender, start)

    for masked in workers.map(mask_block, tasks()):
        yield *places.popleft(), masked
