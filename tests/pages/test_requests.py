"""The steward's pages of requests for clients' fields, over nodes' parts that answer (S-30)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from starlette.applications import Starlette

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import SystemClock
from tallystick.core.pages.accounts import Accounts
from tallystick.core.pages.settings import PagePlace
from tallystick.crypto.randomness import SystemRandomness
from tallystick.node.approvals import Approvals
from tallystick.node.pages.app import build_desk_pages, page_settings
from tallystick.node.pages.collecting import Collected
from tallystick.node.pages.commands import FOLDER
from tallystick.node.pages.rates import KeptRates
from tallystick.node.pages.reading import DeskReading
from tests.governance import identity
from tests.integration.nodes import in_loop
from tests.integration.test_node_jobs import until
from tests.pages.visitors import HOSTS, PASSPHRASE, QUICK, DeskVisitor, text_of
from tests.requesting import ROSA, Requesting, lasting_terms, requesting

HELD = SimpleNamespace(connected=True, sessions=(), problem="")


@dataclass
class RequestDesk:
    """The owner's desk, and those who ask."""

    world: Requesting
    app: Starlette
    accounts: Accounts

    async def enter(self, name: str, *, known: bool = True) -> DeskVisitor:
        """Log somebody in, with the key that agreements name, or with a new one."""
        visitor = DeskVisitor(self.app)
        await visitor.enter(self.accounts, name, identity(name) if known else None)
        return visitor

    async def ask(self, **changes: Any) -> str:
        """Hand a request in, and wait until its steward is asked or it is known to get nothing; give its digest."""
        paper = self.world.paper(**changes)
        request = self.world.request(paper)
        self.world.hand_in(request, paper)
        async with asyncio.timeout(20):
            await until(
                lambda: any(one.pending.digest == request.digest for one in self.world.nodes["housing"].answering.list_open())
            )
        return request.digest


@asynccontextmanager
async def open_request_desk(folder: Path, terms: Agreement, **more: Any) -> AsyncIterator[RequestDesk]:
    async with requesting(folder, terms, **more) as world:
        node = world.nodes["housing"]
        state = folder / "desk-state"
        accounts = Accounts(state / FOLDER, SystemClock(), SystemRandomness())
        approvals = cast("Approvals", SimpleNamespace(config=node.config, agreements=node.agreements))
        reading = DeskReading(
            approvals,
            node.store,
            cast("Any", lambda: HELD),
            list,
            accounts.list_keys,
            Collected(state / "signed"),
            KeptRates(state / "rates"),
            SystemClock(),
        )
        settings = page_settings(PagePlace("127.0.0.1:0", state, state, state), "housing", HOSTS, "1")
        app = build_desk_pages(
            reading, cast("Any", None), node.answering, settings, SystemClock(), SystemRandomness(), fresh_s=0, lock_cost=QUICK
        )
        yield RequestDesk(world, app, accounts)


@in_loop
async def test_s30_a_steward_allows_one_and_denies_one_with_the_passphrase(tmp_path: Path) -> None:
    async with open_request_desk(tmp_path, lasting_terms(steward_seconds=15), policy="ask") as desk:
        sue = await desk.enter("sue")
        assert "No request waits for a decision" in text_of(await sue.get("/requests"))
        yes, no = await desk.ask(), await desk.ask()
        nobody = await desk.ask(person=ROSA | {"ssn": "219451238"})
        page = await sue.get("/requests")
        assert "2 to decide" in text_of(page), "what would get nothing is no question"
        shown = text_of(await sue.get(f"/requests/{yes}"))
        for words in ("May these fields be told?", "h-rosa", "ann of labor asks housing", "Who may be told", "Tell nothing"):
            assert words in shown, words
        assert "Tell nothing" not in text_of(await sue.get(f"/requests/{nobody}"))
        for wrong in ({"passphrase": "wrong horse battery"}, {"decision": "maybe"}):
            answer = await sue.post(f"/requests/{yes}", {"decision": "allow", "passphrase": PASSPHRASE} | wrong)
            assert answer.status_code == 400, answer.text
        lines = len(await desk.world.stores["housing"].run(lambda storage: storage.events()))
        said = {yes: "allow", no: "deny"}
        for digest, decision in said.items():
            answer = await sue.post(f"/requests/{digest}", {"decision": decision, "passphrase": PASSPHRASE})
            assert answer.status_code == 303
        after = await sue.post(f"/requests/{nobody}", {"decision": "allow", "passphrase": PASSPHRASE})
        assert "does not wait for a steward" in text_of(after)
        assert len(await desk.world.stores["housing"].run(lambda storage: storage.events())) == lines, (
            "no line says who had one"
        )
        assert "A steward said yes" in text_of(await sue.get(f"/requests/{yes}"))
        held = desk.world.stores["housing"]
        async with asyncio.timeout(40):
            await until(
                lambda: held.submit(lambda storage: {one.state for one in storage.list_requests()}).result() == {"sent"}
            )
        kept = {one.digest: (one.outcome, one.by, one.reason) for one in await desk.world.kept("housing")}
        assert kept[yes] == ("given", "steward sue", "")
        assert kept[no] == ("nothing", "", "steward-refuses: sue did not allow it")
        assert kept[nobody][0] == "nothing"


@in_loop
async def test_s30_who_is_no_steward_of_the_agreement_decides_nothing(tmp_path: Path) -> None:
    terms = lasting_terms(steward_seconds=30)
    terms = Agreement.read(
        terms.json_value() | {"stewards": {"housing": {"need": 1, "keys": {"tom": identity("tom").key}}}}, what="agreement"
    )
    async with open_request_desk(tmp_path, terms, policy="ask") as desk:
        sue, tom = await desk.enter("sue"), await desk.enter("tom", known=False)
        digest = await desk.ask()
        for visitor in (sue, tom):  # another name; the name with a key that is not the agreement's
            await visitor.get(f"/requests/{digest}")
            answer = await visitor.post(f"/requests/{digest}", {"decision": "allow", "passphrase": PASSPHRASE})
            assert "is no steward of housing" in text_of(answer)
        assert [one.pending.digest for one in desk.world.nodes["housing"].answering.waiting()] == [digest]


@in_loop
async def test_a_persons_accounting_and_the_consent_behind_it(tmp_path: Path) -> None:
    async with open_request_desk(tmp_path, lasting_terms()) as desk:
        sue = await desk.enter("sue")
        paper = desk.world.paper()
        assert (await desk.world.ask(paper)).fields is not None
        assert (await desk.world.ask(desk.world.paper(person=ROSA | {"ssn": "219451238"}))).fields is None
        await sue.get("/requests")
        found = await sue.post("/requests", {"person": " h-rosa "})
        assert "given" in text_of(found)
        assert "no record" not in text_of(found)
        assert "h-rosa" not in str(found.request.url)
        assert "no record" in text_of(await sue.get("/requests"))
        assert "Nothing was asked about this person" in text_of(await sue.post("/requests", {"person": "<b>x</b>"}))
        consents = text_of(await sue.get("/consents"))
        assert paper.digest[:12] in consents
        assert "general 1" in consents
        one = await sue.get(f"/consents/{paper.digest}")
        assert "Who may be told" in text_of(one)
        assert f"{1:064x}" not in one.text, "what revokes is not shown"
        assert (await sue.get("/consents/ffff")).status_code == 404
        assert (await sue.get("/requests/ffff")).status_code == 404
        stranger = DeskVisitor(desk.app)
        for path in ("/requests", "/consents", f"/consents/{paper.digest}"):
            assert (await stranger.get(path)).status_code == 303
