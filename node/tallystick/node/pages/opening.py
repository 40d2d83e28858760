"""Puts the desk's pages together for a node that runs; imports what draws pages only where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext

from tallystick.core.clock import Clock
from tallystick.core.pages.settings import explain_missing, find_place
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.approvals import Approvals
from tallystick.node.config import NodeConfig
from tallystick.node.jobs import JobFollower
from tallystick.node.pages.commands import FOLDER
from tallystick.node.requests.answering import Answering
from tallystick.node.store import Store
from tallystick.node.views import Health
from tallystick.records.survey import DatasetCheck


def open_desk(
    config: NodeConfig,
    jobs: JobFollower,
    approvals: Approvals,
    store: Store,
    clock: Clock,
    health: Callable[[], Health],
    count: Callable[[], Iterable[DatasetCheck]],
    answering: Answering,
) -> AbstractAsyncContextManager[None]:
    """Give what serves the desk's pages while it is entered; nothing where the configuration names no place for them.

    Args:
        config: the node's.
        jobs: takes decisions.
        approvals: knows agreements and the policy.
        store: the node's state.
        clock: its clock.
        health: gives how the node is.
        count: counts what the datasets hold.
        answering: takes stewards' decisions about requests for clients' fields.

    Raises:
        NotReady: `unavailable`: what draws pages is not installed.
        Invalid: `document-invalid`: they would be served in the clear.
    """
    place = find_place(config.file, config.folder, config.state)
    if place is None:
        return nullcontext()
    with explain_missing():
        from tallystick.core.pages.accounts import Accounts
        from tallystick.node.pages.app import serve_desk
        from tallystick.node.pages.collecting import Collected
        from tallystick.node.pages.rates import KeptRates
        from tallystick.node.pages.reading import DeskReading
    folder, randomness = config.state / FOLDER, SystemRandomness()
    accounts = Accounts(folder, clock, randomness)
    reading = DeskReading(
        approvals, store, health, count, accounts.list_keys, Collected(folder / "signed"), KeptRates(folder / "rates"), clock
    )
    return serve_desk(place, reading, jobs, answering, clock, randomness)
