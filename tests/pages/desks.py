"""A served coordinator with two agencies' nodes, of which one has a desk with pages and two stewards who must both sign."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc.aio
from starlette.applications import Starlette

from tallystick.core.agreement.model import Agreement
from tallystick.core.pages.accounts import Accounts
from tallystick.core.pages.settings import PagePlace
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.app import Node
from tallystick.node.pages.app import build_desk_pages, page_settings
from tallystick.node.pages.collecting import Collected
from tallystick.node.pages.commands import FOLDER
from tallystick.node.pages.rates import KeptRates
from tallystick.node.pages.reading import DeskReading
from tallystick.node.preflight import check_datasets
from tallystick.node.requests.service import open_requests
from tests.governance import identity
from tests.integration.nodes import Agency, make_agency, terms
from tests.integration.served import serving
from tests.integration.test_node_jobs import attending, until
from tests.pages.visitors import HOSTS, QUICK, DeskVisitor
from tests.town import DESK, OTHER, Town, member


def terms_with_stewards(need: int = 2, **changes: Any) -> Agreement:
    """Give the agreement that names two stewards of the desk's agency."""
    return terms(stewards={DESK: {"need": need, "keys": {name: identity(name).key for name in ("sue", "tom")}}}, **changes)


@dataclass
class Desk:
    """One agency's desk.

    Attributes:
        node: whose it is; in this process.
    """

    town: Town
    node: Node
    app: Starlette
    accounts: Accounts

    async def enter(self, name: str, *, known: bool = True) -> DeskVisitor:
        """Log somebody in, with the key that the agreement names for them, or with a new one."""
        visitor = DeskVisitor(self.app)
        await visitor.enter(self.accounts, name, identity(name) if known else None)
        return visitor

    async def submit(self) -> str:
        """Ask the town's job, and wait until the node has met it."""
        self.town.at.jobs.submit(member("ana"), self.town.document())
        digest = self.town.job.digest()
        await until(lambda: self.node.store.submit(lambda storage: storage.job(digest)).result() is not None)
        return digest


class NoChannel:
    """Has no channel to a coordinator: requests for clients' fields neither come nor go."""

    @property
    def channel(self) -> grpc.aio.Channel:
        """There is none."""
        raise NotImplementedError


def build_desk(town: Town, node: Node, agency: Agency) -> Desk:
    """Put a desk's pages together, which guess quickly and keep nothing."""
    place = PagePlace("127.0.0.1:0", agency.folder, agency.folder, agency.config.state)
    accounts = Accounts(agency.config.state / FOLDER, node.clock, SystemRandomness())
    collected = Collected(agency.config.state / FOLDER / "signed")
    rates = KeptRates(agency.config.state / FOLDER / "rates")
    count = lambda: check_datasets(agency.config)  # noqa: E731
    reading = DeskReading(node.approvals, node.store, node.health, count, accounts.list_keys, collected, rates, node.clock)
    settings = page_settings(place, agency.name, HOSTS, "1")
    requests = open_requests(
        agency.config, identity(agency.name), node.store, node.approvals.agreements, NoChannel(), node.clock
    )
    app = build_desk_pages(
        reading, node.jobs, requests.answering, settings, node.clock, SystemRandomness(), fresh_s=0, lock_cost=QUICK
    )
    return Desk(town, node, app, accounts)


@contextlib.asynccontextmanager
async def open_desk(town: Town, *, runs: bool = True) -> AsyncIterator[Desk]:
    """Serve the town and both nodes; the desk's asks for everything.

    Args:
        town: of the agreement.
        runs: whether the other agency's node runs, so that jobs can.
    """
    async with serving(town) as address:
        agency = make_agency(town, DESK, address, town.folder, desk="ask", policy="ask")
        nodes = [agency.node()]
        if runs:
            nodes.append(make_agency(town, OTHER, address, town.folder).node())
        async with attending(*nodes):
            yield build_desk(town, nodes[0], agency)
