"""S-22, S-23: what laws, licenses and a Tribal Nation say no to, between processes; each refusal says whose rule it is and what would pass.

Each is asked by the analyst's own command, and again by an analyst whose command checks nothing, of whom the coordinator's process is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tallystick.client.sentences import notes
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.model import AgreementRef, Job, Question
from tallystick.core.keyfile import write_identity
from tallystick.core.released import Released
from tallystick.crypto.envelope import SealingKey
from tests.chains import Draft
from tests.e2e.network import Network
from tests.e2e.party import START_S
from tests.e2e.tiered import ANALYST, TieredNetwork
from tests.governance import identity, stamp

NATION = "river-nation"
PLAIN, ENDED, SHELTER, SEEN = "absence-and-care", "review-ended", "with-a-shelter", "seen-before"


def leave(_name: str, _draft: Draft) -> None:
    """Change nothing."""


def end_review(name: str, draft: Draft) -> None:
    """Let the Nation's board have approved until a day that is over."""
    if name == "license":
        draft["clauses"]["review_boards"][0]["until"] = "2026-01-31"


def let_review(name: str, draft: Draft) -> None:
    """Let the Nation and the county's board see results first."""
    if name == "license":
        draft["review"] = {"days": 30, "by": [NATION], "others": {"board": {"key": identity("board").key}}}


def tag_shelter(name: str, draft: Draft) -> None:
    """Let the clinic's dataset be about victims."""
    if name == "sharing-visits":
        columns = {
            "affiliation": {"type": "category", "values": ["enrolled citizen", "none named"], "regimes": ["tribal"]},
            "visits": {"type": "integer", "min": 0, "max": 60},
        }
        draft["sharing"] = "victims"  # nodes take one text of a name and version
        draft["terms"] |= {"regimes": ["hipaa", "vawa"], "columns": columns, "identifiers": ["ssn", "birth_date"]}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TieredNetwork]:
    licenses = {PLAIN: leave, ENDED: end_review, SHELTER: tag_shelter, SEEN: let_review}
    with TieredNetwork(tmp_path_factory.mktemp("network"), "tribal", licenses) as running:
        yield running


@pytest.fixture(scope="module")
def nation(network: TieredNetwork) -> dict[str, str]:
    return network.enrol_approver(NATION)


def asks(network: TieredNetwork, **changes: Any) -> dict[str, Any]:
    return network.case.question.json_value() | changes


PEOPLE = {
    "clinic": {"agency": "health", "dataset": "visits"},
    "school": {"agency": "schools", "dataset": "attendance", "derive": {"away": "bin(absent, 10, 20)"}},
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param(
            {"measures": ["count", {"sum": "school.absent"}]}, ("operations", "sum", "it has: count, mean"), id="operation"
        ),
        pytest.param({"keep": "clinic and school"}, ("joins", "inner"), id="join"),
        pytest.param({"purpose": "planning"}, ("purposes", "planning", "it has: program-evaluation"), id="purpose"),
        pytest.param({"agreement": ENDED}, ("review_boards", "RN-2026-04", "2026-01-31", "have it renewed"), id="review-ended"),
        pytest.param({"agreement": SHELTER}, ("vawa", "34 USC 12291(b)(2)", "leave it out"), id="vawa"),
        pytest.param({"people": PEOPLE}, ("people.school.derive", "away", "M-11-02", "leave away out"), id="column-unused"),
    ],
)
def test_s23_what_is_not_allowed_is_refused_with_its_rule_and_what_would_pass(
    network: TieredNetwork, changes: dict[str, Any], told: tuple[str, ...]
) -> None:
    asked = asks(network, **changes)
    status, said = network.ask(asked)
    assert status != 0
    flat = " ".join(said.split())
    for part in told:
        assert part in flat, said
    with pytest.raises((Refused, Invalid)) as caught:
        submit_unchecked(network, asked)
    answer = " ".join(str(part) for part in (caught.value.message, caught.value.hint))
    for part in told:
        assert part in answer, answer


def test_s21_a_tribal_nation_without_a_node_ends_a_job_and_lets_another_run(
    network: TieredNetwork, nation: dict[str, str]
) -> None:
    decide = ["--agreement", str(network.folder / "coordinator" / "agreements" / f"{PLAIN}.json")]
    refused = submit(network, "refused by the Nation")
    waits(network, refused)
    status, told = network.type(nation, "job", "approve", refused, *decide, "--refuse", "--reason", "people")
    assert status == 0, told
    view = network.wait(refused)
    assert view.state == "refused"
    assert [reason.party for reason in view.reasons] == [NATION]
    allowed = submit(network, "approved by the Nation")
    waits(network, allowed)
    assert network.type(nation, "job", "approve", allowed, *decide)[0] == 0
    assert network.wait(allowed).state == "released"
    result = network.result(allowed)
    assert {row["clinic.affiliation"] for row in result.rows} == {"enrolled citizen", "none named"}
    signed = result.document.read(Released).notices or ()
    assert any("Tribal Nation has authority" in notice for notice in signed), "the notices of its laws travel with it"


def test_s24_a_result_waits_at_its_desk_for_its_reviewers_and_carries_what_they_signed(
    network: TieredNetwork, nation: dict[str, str]
) -> None:
    terms = network.folder / "coordinator" / "agreements" / f"{SEEN}.json"
    job = network.client.submit(Question.read(asks(network, agreement=SEEN), what="job"))
    waits(network, job)
    assert network.type(nation, "job", "approve", job, "--agreement", str(terms))[0] == 0
    config = ["--config", str(network.folder / "health" / "node.yaml")]

    def type_at_desk(*words: str) -> tuple[int, str]:
        return network.type({}, "node", *words, *config)

    network.until(lambda: "release" in type_at_desk("pending", "--format", "json")[1], START_S, "the candidate is not made")
    status, told = type_at_desk("approve", job)
    assert status != 0
    assert "river-nation, board must see the result for up to 30 days" in told
    assert type_at_desk("review", job, "--out", "copy.json")[0] == 0
    status, told = type_at_desk("approve", job)
    assert status != 0
    assert "river-nation has said nothing, board has said nothing; the result waits until" in told
    status, told = network.type(nation, "review", "show", "copy.json", "--agreement", str(terms))
    assert status == 0, told
    assert "enrolled citizen" in told
    by_nation = ["--as", NATION, "--comment", "read with the census of 2024", "--out", "nation.json"]
    assert network.type(nation, "review", "accept", "copy.json", *by_nation)[0] == 0
    write_identity(network.folder / "board.key", identity("board"))
    by_board = ["--as", "board", "--key", "board.key", "--out", "board.json"]
    assert network.type({}, "review", "accept", "copy.json", *by_board)[0] == 0
    status, told = type_at_desk("review", job, "--add", "nation.json", "--add", "board.json")
    assert status == 0, told
    assert type_at_desk("approve", job)[0] == 0
    assert network.wait(job).state == "released"
    result = network.result(job)
    seen = [check.detail for check in result.checks if check.name == "reviewers saw it before it went out"]
    assert seen == ["river-nation accepted, board accepted"]
    assert "river-nation accepted it before it went out: read with the census of 2024" in notes(result.answer)


def submit(network: TieredNetwork, title: str) -> str:
    return network.submit(Question.read(asks(network, title=title), what="job"))


def waits(network: Network, job: str) -> None:
    """Wait until the coordinator has asked those who must approve."""
    network.until(lambda: (view := network.view(job)) is not None and view.state == "approving", START_S, "nobody is asked")


def submit_unchecked(network: TieredNetwork, asked: dict[str, Any]) -> None:
    """Sign a job that the agreement does not allow, and hand it in to the coordinator."""
    question = Question.read(asked, what="job")
    document = network.client.profile.agreement(question.agreement)
    agreement, now = document.read(Agreement), datetime.now(UTC)
    job = Job(
        question=question,
        agreement=AgreementRef(agreement=agreement.agreement, version=agreement.version, digest=document.digest),
        analyst=ANALYST,
        result_key=SealingKey.generate().public.hex(),
        linkage="00" * 32,
        nonce="00" * 16,
        submitted=stamp(now),
        deadline=stamp(now + timedelta(hours=1)),
    )
    signed: SignedDocument = sign_document("job", job, ANALYST, identity(ANALYST))
    network.client._submit(signed)
