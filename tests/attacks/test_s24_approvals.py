"""S-24: whoever asks never approves; approvers and stewards as many as the agreement asks, distinct; approvals expire. S-21: lies are found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import chain, combinations
from typing import Any

import pytest

from tallystick.core.agreement.model import moment
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Refused
from tallystick.core.job.approval import complete_approvals, find_required
from tests.governance import NOW, agreement, approval, complete, identity, job, question

TERMS = agreement()
JOB = job(TERMS)
NEEDED = ("human-services", "labor", "board")
STEWARDS = ("sue", "tom", "uma")
EVERYBODY = (*NEEDED, *STEWARDS, "housing")


def subsets(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def test_the_agreement_says_who_must_approve() -> None:
    need = find_required(JOB, TERMS)
    assert need.agencies == ("human-services", "labor")
    assert need.stewards == (("labor", 2, STEWARDS),)
    assert need.approvers == ("board",)
    desk = agreement(release={"mode": "desk", "desk": "housing"})
    assert find_required(job(desk), desk).agencies == ("human-services", "labor", "housing")


@pytest.mark.parametrize("names", subsets(EVERYBODY), ids="+".join)
def test_s24_all_combinations_only_complete_ones_pass(names: tuple[str, ...]) -> None:
    """128 combinations of who approves: those pass that hold both agencies, the board, and two of labor's three stewards."""
    given = [approval(JOB, TERMS, name) for name in names]
    if set(NEEDED) <= set(names) and len(set(STEWARDS) & set(names)) >= 2:
        complete_approvals(JOB, TERMS, given, NOW)
        return
    with pytest.raises(Refused) as caught:
        complete_approvals(JOB, TERMS, given, NOW)
    assert caught.value.code == "approval-missing"
    for name in set(NEEDED) - set(names):
        assert name in caught.value.message


@pytest.mark.parametrize("names", subsets(EVERYBODY), ids="+".join)
def test_s24_one_refusal_outweighs_all_approvals(names: tuple[str, ...]) -> None:
    given = complete(JOB, TERMS) + [approval(JOB, TERMS, name, decision="refuse", reason_class="other") for name in names]
    if not names:
        complete_approvals(JOB, TERMS, given, NOW)
        return
    with pytest.raises(Refused) as caught:
        complete_approvals(JOB, TERMS, given, NOW)
    assert caught.value.code == "steward-refuses"


def test_s24_a_steward_who_signs_twice_is_one_steward() -> None:
    given = [approval(JOB, TERMS, name) for name in (*NEEDED, "sue", "sue", "sue")]
    with pytest.raises(Refused, match="1 more of labor's stewards"):
        complete_approvals(JOB, TERMS, given, NOW)


@pytest.mark.parametrize("role", ["agency", "steward", "approver"])
@pytest.mark.parametrize("analyst", ["ana", "otto"])
def test_s24_an_analyst_approves_in_no_role(role: str, analyst: str) -> None:
    agency = {"agency": analyst, "steward": "labor", "approver": None}[role]
    given = [*complete(JOB, TERMS), approval(JOB, TERMS, analyst, role=role, agency=agency)]
    with pytest.raises(Refused) as caught:
        complete_approvals(JOB, TERMS, given, NOW)
    assert caught.value.code == "approval-invalid"


@pytest.mark.parametrize("name", [*NEEDED, "sue"])
def test_s24_the_analysts_key_does_not_stand_for_an_approver(name: str) -> None:
    given = [approval(JOB, TERMS, n, key=identity("ana") if n == name else None) for n in (*NEEDED, "sue", "tom")]
    with pytest.raises(Refused) as caught:
        complete_approvals(JOB, TERMS, given, NOW)
    assert caught.value.code == "approval-invalid"


def test_s24_an_approver_who_asks_cannot_approve_even_where_the_agreement_was_built_to_allow_it() -> None:
    """The model refuses one key or name in two places; were it bypassed, the check still refuses."""
    terms = TERMS.model_copy(update={"approvers": {"ana": TERMS.analysts["ana"]}})
    contract = job(terms)
    given = [approval(contract, terms, name) for name in ("human-services", "labor", "sue", "tom", "ana")]
    with pytest.raises(Refused, match="ana asks, and so cannot approve"):
        complete_approvals(contract, terms, given, NOW)


@pytest.mark.parametrize("name", [*NEEDED, "sue"])
def test_s24_an_approval_expires_to_the_second(name: str) -> None:
    early: dict[str, Any] = {"expires": "2026-06-02T00:00:00Z"}
    given = [approval(JOB, TERMS, n, **(early if n == name else {})) for n in (*NEEDED, "sue", "tom")]
    end = moment("2026-06-02T00:00:00Z")
    complete_approvals(JOB, TERMS, given, end - timedelta(seconds=1))
    with pytest.raises(Refused, match="expired") as caught:
        complete_approvals(JOB, TERMS, given, end)
    assert caught.value.code == "approval-invalid"


LIES: dict[str, dict[str, Any]] = {
    "another job": {"job": "00" * 32},
    "another agreement": {"agreement": "00" * 32},
    "signed in the future": {"signed_at": "2026-06-02T00:00:00Z"},
    "expired": {"signed_at": "2026-05-01T00:00:00Z", "expires": "2026-05-02T00:00:00Z"},
    "no day of the calendar": {"signed_at": "2026-02-30T00:00:00Z"},
}


@pytest.mark.parametrize("name", [*NEEDED, "sue"])
@pytest.mark.parametrize("lie", LIES)
def test_s21_a_coordinator_that_lies_about_an_approval_moves_nobody(name: str, lie: str) -> None:
    """The signature is right; what it says is not this job's yes."""
    given = [approval(JOB, TERMS, n, **(LIES[lie] if n == name else {})) for n in (*NEEDED, "sue", "tom")]
    with pytest.raises(Refused) as caught:
        complete_approvals(JOB, TERMS, given, NOW)
    assert caught.value.code == "approval-invalid"


def altered(document: SignedDocument, how: str) -> SignedDocument:
    other = approval(JOB, TERMS, "housing")
    match how:
        case "stripped":
            return replace(document, signatures=())
        case "another's signature":
            return replace(document, signatures=other.signatures)
        case "another's signature under this name":
            return replace(document, signatures=(other.signatures[0].model_copy(update={"signer": document.signers[0]}),))
        case "two signatures":
            return document.with_signature("housing", identity("housing"))
        case "changed date":
            return replace(document, body=document.body.replace(b'"signed_at":"2026-06-01T11', b'"signed_at":"2026-06-01T10'))
        case "another kind":
            return replace(document, kind="hello")
        case _:
            return replace(document, body=b"{}")


@pytest.mark.parametrize("name", [*NEEDED, "sue"])
@pytest.mark.parametrize(
    "how",
    [
        "stripped",
        "another's signature",
        "another's signature under this name",
        "two signatures",
        "changed date",
        "another kind",
        "empty",
    ],
)
def test_s21_a_coordinator_that_alters_an_approval_moves_nobody(name: str, how: str) -> None:
    given = [approval(JOB, TERMS, n) for n in (*NEEDED, "sue", "tom")]
    place = (*NEEDED, "sue", "tom").index(name)
    given[place] = altered(given[place], how)
    with pytest.raises(Refused) as caught:
        complete_approvals(JOB, TERMS, given, NOW)
    assert caught.value.code == "approval-invalid"


def test_s21_approvals_of_one_job_are_none_of_another() -> None:
    """Also where only the nonce differs, or the agreement's version."""
    for other, terms in ((job(TERMS, nonce="11" * 16), TERMS), (job(TERMS, question(title="the same again")), TERMS)):
        with pytest.raises(Refused) as caught:
            complete_approvals(other, terms, complete(JOB, TERMS), NOW)
        assert caught.value.code == "approval-invalid"
    later = agreement(version=3)
    with pytest.raises(Refused) as caught:
        complete_approvals(job(later), later, complete(JOB, TERMS), NOW)
    assert caught.value.code == "approval-invalid"


def test_s21_a_role_that_the_agreement_does_not_give_is_refused() -> None:
    for signer, changes in (
        ("board", {"role": "steward", "agency": "labor"}),
        ("sue", {"role": "approver", "agency": None}),
        ("sue", {"role": "steward", "agency": "housing"}),
        ("eve", {"role": "agency", "agency": "eve"}),
        ("labor", {"role": "approver", "agency": None}),
    ):
        with pytest.raises(Refused) as caught:
            complete_approvals(JOB, TERMS, [*complete(JOB, TERMS), approval(JOB, TERMS, signer, **changes)], NOW)
        assert caught.value.code == "approval-invalid"
