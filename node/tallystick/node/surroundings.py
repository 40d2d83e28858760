"""What every session of a node shares: who it is, where it keeps things, whom it calls, and what computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tallystick.core.clock import Clock
from tallystick.core.keyfile import IdentityKey
from tallystick.core.metrics import Counts
from tallystick.crypto.machine import Step, Table
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.statistic import agency as agency_machine
from tallystick.crypto.statistic import desk as desk_machine
from tallystick.crypto.statistic import handing as handing_machine
from tallystick.node.assignment import Assignment
from tallystick.node.ports import CoordinatorClient
from tallystick.node.prepare import Prepared
from tallystick.node.store import Store
from tallystick.node.workers import NodeWorkers

Prepare = Callable[[Assignment], Prepared]


@dataclass(frozen=True)
class Surroundings:
    """What every session of a node shares.

    Attributes:
        prepare: reads this agency's people; blocks.
        store: what the node never forgets.
        state: the state folder.
        counts: what monitoring sees.
        machines: the agency's, the desk's, and the desk's of a direct job (begin, table); tests put others in their place.
    """

    agency: str
    identity: IdentityKey
    store: Store
    coordinator: CoordinatorClient
    clock: Clock
    workers: NodeWorkers
    randomness: Randomness
    prepare: Prepare
    state: Path
    counts: Counts = field(default_factory=Counts)
    machines: Mapping[str, tuple[Callable[[Any], Step[Any]], Table]] = field(
        default_factory=lambda: {
            "agency": (agency_machine.begin, agency_machine.TABLE),
            "desk": (desk_machine.begin, desk_machine.TABLE),
            "handing": (handing_machine.begin, handing_machine.TABLE),
        }
    )
