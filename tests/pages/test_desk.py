"""The steward's desk over a running node, without a browser: S-24, S-27 to S-29."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.documents import decode_document, sign_document
from tallystick.core.errors import Refused
from tallystick.core.job.approval import Approval
from tallystick.core.job.model import Question
from tallystick.core.job.releasing import ReleaseApproval
from tallystick.node.pages import shelf
from tallystick.node.pages.rates import KeptRates
from tallystick.node.pages.shelf import JobShelf
from tallystick.node.ports import NodeStorage
from tests import governance
from tests.governance import approval, identity, job
from tests.integration.nodes import expected, found, in_loop, released, signed_terms, write_sources
from tests.integration.test_node_jobs import ENDED, until
from tests.pages.desks import Desk, open_desk, terms_with_stewards
from tests.pages.visitors import PASSPHRASE, text_of
from tests.town import DESK, Town, member

MOST_JOBS = 20


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    return Town(tmp_path, terms=terms_with_stewards())


def events(desk: Desk) -> list[str]:
    """Give the names of what the node's log says."""
    found_ = desk.node.store.submit(lambda storage: storage.events()).result()
    return [json.loads(one.entry)["event"] for one in found_]


@in_loop
async def test_s24_two_stewards_let_a_job_run_and_its_result_go_out(town: Town) -> None:
    async with open_desk(town) as desk:
        sue, tom = await desk.enter("sue"), await desk.enter("tom")
        digest = await desk.submit()
        page = f"/jobs/{digest}"
        assert "1 to decide" in text_of(await sue.get("/"))
        shown = text_of(await sue.get(page))
        for words in (
            "May this job run?",
            "How many people",
            "asks for 2 of sue and tom",
            "Nobody has signed yet",
            "Who learns what",
        ):
            assert words in shown, words
        assert (await sue.post(f"{page}/approve", {"passphrase": PASSPHRASE})).status_code == 303
        again = await sue.post(f"{page}/approve", {"passphrase": PASSPHRASE})
        assert "sue has signed this already" in text_of(again)
        assert "sue signed; 1 more is needed" in text_of(await tom.get(page))
        assert town.state == "approving"
        assert (await tom.post(f"{page}/approve", {"passphrase": PASSPHRASE})).status_code == 303
        await until(lambda: "candidate" in events(desk))

        shown = text_of(await sue.get(page))
        for words in (
            "May this result go out?",
            "What would go out",
            "Linkage, as it would be told",
            "Let it go out",
            "let out nothing over these data before",
        ):
            assert words in shown, words
        with pytest.raises(Refused, match="approval-missing"):  # the other door: the command, without signatures
            await desk.node.jobs.approve(digest, [])
        assert (await sue.post(f"{page}/approve", {"passphrase": PASSPHRASE})).status_code == 303
        assert "sue has signed this already" in text_of(await sue.post(f"{page}/approve", {"passphrase": PASSPHRASE}))
        assert town.state not in ENDED, "one person's two clicks release nothing"
        await tom.get(page)
        assert (await tom.post(f"{page}/approve", {"passphrase": PASSPHRASE})).status_code == 303
        await until(lambda: town.state in ENDED)
        log = text_of(await sue.get("/log"))
        rates = KeptRates(desk.accounts.folder / "rates").read([digest, "0" * 64])
    assert town.state == "released"
    assert rates == {digest: {"human-services, tanf": 0.6667, "labor, wages": 0.6667}}, (
        "for the stewards who look at the next one"
    )
    result, checks = released(town)
    assert all(check.passed for check in checks)
    assert found(result) == expected()
    for event in ("desk-login", "desk-signed", "release-signed", "release-approved", "none was changed"):
        assert event in log or event == "desk-login"


@in_loop
async def test_a_refusal_offers_a_question_that_would_pass_and_the_analyst_submits_it(town: Town) -> None:
    async with open_desk(town, runs=False) as desk:
        sue = await desk.enter("sue")
        digest = await desk.submit()
        page = f"/jobs/{digest}"
        shown = await sue.get(page)
        assert "Without the rows by" in text_of(shown)
        file = await sue.get(f"{page}/offer/by-0")
        assert "keep:" in file.text
        assert (await sue.get(f"{page}/offer/by-9")).status_code == 400
        fields = {"reason": "<b>too fine</b>\u202e", "class": "steward", "offer": "by-0", "passphrase": PASSPHRASE}
        for wrong in ({"passphrase": "wrong horse battery"}, {"class": "nonsense"}, {"reason": ""}, {"offer": "by-9"}):
            answer = await sue.post(f"{page}/refuse", fields | wrong)
            assert answer.status_code == 400
            assert "<b>too fine" not in answer.text
        assert town.state == "approving"
        assert (await sue.post(f"{page}/refuse", fields)).status_code == 303
        await until(lambda: town.state in ENDED)
        shown = await sue.get(page)
        assert "<b>too fine</b>[U+202E]" in text_of(shown)
        assert "\u202e" not in shown.text
        deposits = town.at.storage.deposits(town.digest)
    assert town.state == "refused"
    said = [decode_document(one.document, kind="approval").read(Approval) for one in deposits if one.party == DESK]
    [instead] = [one.instead for one in said if one.instead is not None]
    assert isinstance(instead, Question)
    assert len(instead.by) == len(town.job.question.by) - 1
    assert all("too fine" not in one.document.decode() for one in deposits), "the reason stays at the agency"
    town.at.jobs.submit(
        member("ana"), town.document(job(town.terms, instead, submitted=town.job.submitted, deadline=town.job.deadline))
    )


@in_loop
async def test_who_has_a_session_alone_decides_nothing(town: Town) -> None:
    async with open_desk(town, runs=False) as desk:
        sue, eve = await desk.enter("sue"), await desk.enter("eve", known=False)
        digest = await desk.submit()
        page = f"/jobs/{digest}"
        for visitor in (sue, eve):
            await visitor.get(page)
        for passphrase in ("", "wrong horse battery"):
            answer = await sue.post(f"{page}/approve", {"passphrase": passphrase})
            assert (answer.status_code, "passphrase is wrong" in answer.text) == (400, True)
        answer = await eve.post(f"{page}/approve", {"passphrase": PASSPHRASE})
        assert "eve may not sign for human-services" in text_of(answer)
        town_of: dict[str, Any] = {"signed_at": town.job.submitted, "expires": town.job.deadline}
        made = {
            "by another key": approval(town.job, town.terms, "sue", key=identity("eve"), **town_of),
            "of another job": approval(town.new_job(7), town.terms, "sue", **town_of),
            "expired": approval(town.job, town.terms, "sue", signed_at="2020-01-01T00:00:00Z", expires="2020-01-02T00:00:00Z"),
            "of an approver's": approval(town.job, town.terms, "tom", key=identity("sue"), **town_of),
            "a release": sign_document(
                "release",
                ReleaseApproval(job=digest, candidate=digest, signer="sue", agency=DESK, **town_of),
                "sue",
                identity("sue"),
            ),
        }
        for what, document in made.items():
            answer = await eve.post(f"{page}/approve", {"document": document.text()})
            assert answer.status_code == 400, what
        assert (await sue.post(f"{page}/approve", {"document": "{}"})).status_code == 400
        sue.seen = "approve " + "0" * 64
        assert "changed since you looked" in text_of(await sue.post(f"{page}/approve", {"passphrase": PASSPHRASE}))
        sue.token = eve.token
        assert (await sue.post(f"{page}/approve", {"passphrase": PASSPHRASE})).status_code == 403
        assert "Nobody has signed yet" in text_of(await sue.get(page))
        good = approval(town.job, town.terms, "tom", **town_of)
        assert (await sue.post(f"{page}/approve", {"document": good.text()})).status_code == 303, (
            "signed elsewhere, brought by another"
        )
        assert "tom signed; 1 more is needed" in text_of(await sue.get(page))
        assert "approved" not in events(desk)


@in_loop
async def test_lists_of_many_jobs_read_only_those_that_changed_and_leave_out_none_that_waits(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST_JOBS", MOST_JOBS)
    async with open_desk(town, runs=False) as desk:
        sue = await desk.enter("sue")
        first = await desk.submit()
        record = desk.node.store.submit(lambda storage: storage.job(first)).result()
        assert record is not None

        def add(storage: NodeStorage) -> None:
            for number in range(MOST_JOBS + 5):
                more = replace(record, job=f"{number:064x}", seen=record.seen + timedelta(minutes=number + 1))
                storage.add_job(replace(more, awaits="", state="released", decision="approve"))

        desk.node.store.submit(add).result()
        listed = text_of(await sue.get("/"))
        assert "1 to decide" in listed, "the oldest of all, which waits"
        assert f"{MOST_JOBS + 4:064x}"[:12] in listed
        own = JobShelf(desk.node.store, DESK)
        before = {one.summary.job: one for one in own.read()}
        assert len(before) == MOST_JOBS + 1

        def change(storage: NodeStorage) -> None:
            now = storage.job(first)
            assert now is not None
            storage.change_job(now, replace(now, reasons=("changed",)))

        desk.node.store.submit(change).result()
        after = {one.summary.job: one for one in own.read()}
        assert [job for job in after if after[job] is not before.get(job)] == [first]
        assert after[first].summary.reasons == ("changed",)


@in_loop
async def test_people_are_counted_when_asked_and_the_log_is_checked(town: Town) -> None:
    async with open_desk(town, runs=False) as desk:
        sue = await desk.enter("sue")
        digest = await desk.submit()
        assert "Nobody has counted" in text_of(await sue.get(f"/jobs/{digest}"))
        assert (await sue.post(f"/jobs/{digest}/count")).status_code == 303
        assert "60 rows, 60 people" in text_of(await sue.get(f"/jobs/{digest}"))
        assert identity("sue").key in text_of(await sue.get("/key"))
        assert "none was changed" in text_of(await sue.get("/log"))
        assert "none was changed" in text_of(await sue.post("/log"))
        assert (await sue.get("/jobs/zz")).status_code == 404
