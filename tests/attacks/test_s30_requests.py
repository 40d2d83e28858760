"""Requests for one client's fields: what is given, and that everything else is one answer (S-30)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.consent.asking import RecordAnswer, RecordReceipt, RecordRequest
from tallystick.core.consent.doors import read_door
from tallystick.core.consent.letters import LETTER_BYTES, RECEIPT, REQUEST, REVOCATION, open_answer, seal_letter
from tallystick.core.consent.model import Consent
from tallystick.core.consent.revoking import draft_revocation
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Broken
from tests.consents import consent_value
from tests.governance import identity, sealing_key, stamp
from tests.integration.nodes import in_loop
from tests.requesting import ROSA, Requesting, lasting_terms, requesting

Make = Callable[[Requesting], tuple[SignedDocument, SignedDocument]]


def case(consents: dict[str, Any] | None = None, **request: Any) -> Make:
    def make(world: Requesting) -> tuple[SignedDocument, SignedDocument]:
        paper = world.paper(**(consents or {}))
        return world.request(paper, **request), paper

    return make


def soon(**delta: float) -> str:
    return stamp(datetime.now(UTC) + timedelta(**delta))


def of(**person: str) -> dict[str, Any]:
    return {"person": person}


NEGATIVES: dict[str, Make] = {
    "no record": case(of(ssn="999121234", first_name="No", last_name="Body", birth_date="1999-09-09")),
    "a slip in the number": case({"person": ROSA | {"ssn": "219451238"}}),
    "two records of one client": case(of(ssn="412109911", first_name="Eva", last_name="Ruiz", birth_date="1990-12-24")),
    "a twin under the other's number": case(of(ssn="331102200", first_name="Tom", last_name="Otis", birth_date="2010-02-02")),
    "a protected person": case(of(ssn="512104455", first_name="Max", last_name="Stone", birth_date="1965-05-05")),
    "expired": lambda world: case({"valid_until": soon(seconds=-1)})(world),
    "expires before the tick": lambda world: case({"valid_until": soon(seconds=1)})(world),
    "a witness is missing": case({"by": ("ivy",)}),
    "another discloser": case({"discloser": ["labor"]}),
    "another agency's consent": case({"recipients": [{"agency": "human-services", "roles": ["benefits-worker"]}]}),
    "another purpose": case(purpose="outreach"),
    "a superset of fields": case({"fields": ["phone"]}),
    "a field that is not offered": case(fields=["phone", "income"]),
    "a Part 2 field on a general form": case({"fields": ["treatment", "phone"]}, fields=["treatment"]),
    "do not share": case({"choices": {"contact": "do not share"}}),
    "a role that has no right to these fields": case(
        {"recipients": [{"agency": "labor", "roles": ["benefits-worker", "intake"]}]}, by=("bob",), worker="bob", role="intake"
    ),
    "another network's consent": case({"agreement": "elsewhere"}),
    "another person's consent than the one named": lambda world: (
        world.request(world.paper()),
        world.paper(person=ROSA | {"first_name": "Rita"}),
    ),
    "signed by the asker as witness": case(
        {"collected": consent_value(datetime.now(UTC))["collected"] | {"witness": "bob"}, "by": ("ivy", "bob")},
        by=("bob",),
        worker="bob",
    ),
}


@in_loop
async def test_s30_a_client_who_moved_is_found_with_consent(tmp_path: Path) -> None:
    async with requesting(tmp_path) as world:
        paper = world.paper()
        request = world.request(paper, fields=["address", "phone"])
        world.hand_in(request, paper, "L-77")
        answer = (await world.answers(request))[request.digest]
        assert answer.fields is not None
        address, phone = answer.fields["address"], answer.fields["phone"]
        assert address.rows == ({"street": "22 New St", "city": "Reno", "zip": "90211"},)
        assert (address.source, address.as_of) == ("clients", "2025-06-30")
        assert any("address" in notice for notice in address.notices)
        assert any("Verify" in notice for notice in phone.notices)
        owner, asker = await world.last("housing"), await world.last("labor")
        assert (owner.person, owner.outcome, owner.state, owner.by) == ("h-rosa", "given", "sent", "policy")
        assert (asker.person, asker.state) == ("L-77", "passed on")


@in_loop
async def test_s30_every_negative_is_one_document_of_one_size_at_one_tick(tmp_path: Path) -> None:
    async with requesting(tmp_path) as world:
        made = {name: make(world) for name, make in NEGATIVES.items()}
        revoked = world.paper()
        made["revoked"] = world.request(revoked), revoked
        await send_revocation(world, revoked)
        good = world.paper()
        made["given"] = world.request(good), good
        await at_a_new_second()
        for request, paper in made.values():
            world.hand_in(request, paper)
        answers = await world.answers(*(request for request, _ in made.values()))
        assert answers.keys() == {request.digest for request, _ in made.values()}
        shown = {
            name: {key: text for key, text in answers[request.digest].json_value().items() if key != "request"}
            for name, (request, _) in made.items()
        }
        assert "fields" in shown.pop("given")
        first = shown["no record"]
        assert first.keys() == {"owner", "answered", "until"}
        assert {name: one for name, one in shown.items() if one.keys() != first.keys()} == {}
        assert len({one["answered"] for one in shown.values()} | {first["answered"]}) <= 2, "the requests came within a second"
        assert {len(sealed) for _, sealed in world.seen} == {LETTER_BYTES}
        reasons = Counter(one.reason for one in await world.kept("housing"))
        assert len(reasons) >= 12, "the owner's own people see why"
        assert sum(one.outcome == "given" for one in await world.kept("housing")) == 1


async def at_a_new_second() -> None:
    await asyncio.sleep(1.02 - datetime.now(UTC).timestamp() % 1)


async def send_revocation(world: Requesting, paper: SignedDocument) -> None:
    made = draft_revocation(paper.read(Consent), stamp(datetime.now(UTC)))
    signed = sign_document("revocation", made, "ivy", identity("ivy"))
    door = read_door(world.office.find_door("housing"), "housing", world.terms, datetime.now(UTC))
    key = sealing_key("reply").public
    world.office.post([("agency/housing", seal_letter(door, (REVOCATION, signed.encode(), b"ivy", key)))])
    for _ in range(200):
        if await world.stores["housing"].run(lambda storage: storage.is_revoked(made.revocation)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("housing did not hear of it")


@in_loop
async def test_s30_revoked_between_check_and_sending(tmp_path: Path) -> None:
    async with requesting(tmp_path, lasting_terms(tick_seconds=2)) as world:
        paper = world.paper()
        request = world.request(paper)
        world.hand_in(request, paper)
        for _ in range(300):
            if world.nodes["housing"].answering._decided:  # the check was made
                break
            await asyncio.sleep(0.01)
        else:
            raise AssertionError("it was not decided")
        await send_revocation(world, paper)
        answer = (await world.answers(request))[request.digest]
        assert answer.fields is None
        assert (await world.last("housing")).reason == "consent-invalid: the consent was revoked"


@in_loop
async def test_s30_the_same_request_again_is_not_answered(tmp_path: Path) -> None:
    async with requesting(tmp_path) as world:
        paper = world.paper()
        request = world.request(paper)
        world.hand_in(request, paper)
        assert (await world.answers(request))[request.digest].fields is not None
        world.hand_in(request, paper)
        again = await world.answers(request)
        assert again[request.digest].refused is not None, "the worker's own agency says so"
        countersigned = request.with_signature("labor", identity("labor"))
        door = read_door(world.office.find_door("housing"), "housing", world.terms, datetime.now(UTC))
        world.office.post([("agency/housing", seal_letter(door, (REQUEST, countersigned.encode(), paper.encode())))])
        assert await world.answers(request, seconds=3.5) == {}
        assert len(await world.kept("housing")) == 1


@in_loop
async def test_s30_who_may_not_ask_in_a_name_gets_no_answer(tmp_path: Path) -> None:
    async with requesting(tmp_path) as world:
        paper = world.paper()
        door = read_door(world.office.find_door("housing"), "housing", world.terms, datetime.now(UTC))
        stolen = world.request(paper).with_signature("labor", identity("mallory"))
        alone = world.request(paper)
        other = world.request(paper, ("kim",), worker="kim", agency="labor").with_signature("labor", identity("labor"))
        for request in (stolen, alone):
            world.office.post([("agency/housing", seal_letter(door, (REQUEST, request.encode(), paper.encode())))])
        world.office.post([("agency/housing", seal_letter(door, (REQUEST, other.encode(), paper.encode())))])
        found = await world.answers(stolen, alone, other, seconds=3.5)
        assert found.keys() == {other.digest}, "a worker of another agency is answered as every negative is"
        assert found[other.digest].fields is None


@in_loop
async def test_s30_bulk_ends_at_the_rate_and_is_seen(tmp_path: Path) -> None:
    terms = lasting_terms(rates={"worker_per_hour": 5, "agency_per_hour": 8})
    async with requesting(tmp_path, terms) as world:
        papers = [world.paper() for _ in range(12)]
        requests = [world.request(paper) for paper in papers]
        for request, paper in zip(requests, papers, strict=True):
            world.hand_in(request, paper)
        answers = await world.answers(*requests)
        outcomes = Counter("refused" if one.refused else "given" if one.fields else "nothing" for one in answers.values())
        assert outcomes == {"given": 5, "refused": 7}, "the worker's own node says that it is too many"
        # an agency that does not keep to the rate meets the owner's
        paper = world.paper()
        door = read_door(world.office.find_door("housing"), "housing", world.terms, datetime.now(UTC))
        more = world.request(paper).with_signature("labor", identity("labor"))
        world.office.post([("agency/housing", seal_letter(door, (REQUEST, more.encode(), paper.encode())))])
        assert (await world.answers(more))[more.digest].fields is None
        assert (await world.last("housing")).reason.startswith("busy")


@pytest.mark.slow
@in_loop
async def test_s30_five_hundred_requests_in_a_minute_give_no_more_than_the_rate(tmp_path: Path) -> None:
    terms = lasting_terms(rates={"worker_per_hour": 20, "agency_per_hour": 30})
    async with requesting(tmp_path, terms) as world:
        paper = world.paper()
        requests = [world.request(paper) for _ in range(500)]
        for request in requests:
            world.hand_in(request, paper)
        async with asyncio.timeout(120):
            while len(world.office.read("worker/ann", 1000)) < 500:  # noqa: ASYNC110  # it is looked at, not told
                await asyncio.sleep(0.1)
        assert {len(sealed) for _, sealed in world.office.read("worker/ann", 1000)} == {LETTER_BYTES}
        assert Counter(one.outcome for one in await world.kept("housing")) == {"given": 20}
        assert len(await world.kept("housing")) == 20, "the owner saw no others"
        assert len(await world.kept("labor")) == 500, "and the agency's own people see who asked so much"


@in_loop
async def test_s30_an_answer_opens_for_its_own_request_alone(tmp_path: Path) -> None:
    async with requesting(tmp_path) as world:
        paper = world.paper()
        one, other = world.request(paper), world.request(paper)
        world.hand_in(one, paper)
        async with asyncio.timeout(10):
            await world.office.listen("worker/ann").wait()
        letters = world.office.read("worker/ann", 5)
        open_answer(sealing_key("answer"), one.digest, letters[0][1])
        with pytest.raises(Broken):
            open_answer(sealing_key("answer"), other.digest, letters[0][1])
        with pytest.raises(Broken):
            open_answer(sealing_key("another"), one.digest, letters[0][1])


@in_loop
async def test_s30_with_a_steward_every_answer_leaves_at_the_same_time(tmp_path: Path) -> None:
    async with requesting(tmp_path, lasting_terms(steward_seconds=4), policy="ask") as world:
        await at_a_new_second()
        papers = [world.paper() for _ in range(3)] + [world.paper(person=ROSA | {"ssn": "219451238"})]
        requests = [world.request(paper) for paper in papers]
        for request, paper in zip(requests, papers, strict=True):
            world.hand_in(request, paper)
        desk = world.nodes["housing"].answering
        for _ in range(300):
            if len(desk.waiting()) == 3:
                break
            await asyncio.sleep(0.01)
        assert {one.pending.digest for one in desk.waiting()} == {one.digest for one in requests[:3]}, (
            "who gets nothing is no question"
        )
        desk.decide(requests[0].digest[:12], allow=True)
        desk.decide(requests[1].digest[:12], allow=False)
        answers = await world.answers(*requests)
        assert [answers[one.digest].fields is not None for one in requests] == [True, False, False, False]
        assert len({answers[one.digest].answered for one in requests}) <= 2
        kept = {one.digest: (one.reason.split(":")[0], one.by) for one in await world.kept("housing")}
        assert kept[requests[0].digest] == ("", "steward")
        assert kept[requests[1].digest][0] == "steward-refuses"
        assert kept[requests[2].digest][0] == "approval-missing"


@in_loop
async def test_s30_a_policy_without_a_rule_answers_nothing(tmp_path: Path) -> None:
    async with requesting(tmp_path, policy="never") as world:
        assert (await world.ask(world.paper())).fields is None
        assert (await world.last("housing")).reason.startswith("policy-refuses")


@in_loop
async def test_s30_a_receipt_reaches_both_logs(tmp_path: Path) -> None:
    async with requesting(tmp_path) as world:
        paper = world.paper()
        request = world.request(paper)
        world.hand_in(request, paper)
        await world.answers(request)
        receipt = RecordReceipt(request=request.digest, answer="ab" * 32, outcome="given", at=stamp(datetime.now(UTC)))
        door = read_door(world.office.find_door("labor"), "labor", world.terms, datetime.now(UTC))
        for signer in ("mallory", "ann"):
            signed = sign_document("receipt", receipt, "ann", identity(signer))
            world.office.post([("agency/labor", seal_letter(door, (RECEIPT, signed.encode(), request.encode())))])
        for _ in range(200):
            owner, asker = await world.last("housing"), await world.last("labor")
            if owner.receipt and asker.receipt:
                break
            await asyncio.sleep(0.02)
        assert (asker.state, asker.outcome) == ("received", "given")
        assert owner.receipt == asker.receipt == sign_document("receipt", receipt, "ann", identity("ann")).encode()


@in_loop
async def test_s30_letters_say_nothing_of_whom(tmp_path: Path) -> None:
    """What the coordinator holds of two requests about one client and of two about two clients: the same, but for random bytes."""
    async with requesting(tmp_path) as world:
        other = {"ssn": "331102201", "first_name": "Tom", "last_name": "Otis", "birth_date": "2010-02-02"}
        views = []
        for second in (ROSA, other):
            before = len(world.seen)
            papers = [world.paper(fields=["address"]), world.paper(person=second, fields=["address"])]
            requests = [world.request(paper, fields=["address"]) for paper in papers]
            for request, paper in zip(requests, papers, strict=True):
                world.hand_in(request, paper)
            answers = await world.answers(*requests)
            assert all(one.fields for one in answers.values())
            views.append(Counter((box, len(sealed)) for box, sealed in world.seen[before:]))
        assert views[0] == views[1]
        held = b"".join(sealed for _, sealed in world.seen)
        for word in ("Delgado", "219451237", "h-rosa", "22 New St", "ann", "benefits"):
            assert word.encode() not in held


def test_a_negative_answer_has_no_place_for_a_reason() -> None:
    assert set(RecordAnswer.model_fields) == {"request", "owner", "fields", "refused", "answered", "until"}
    assert set(RecordRequest.model_fields) & {"person", "identifiers"} == set()
