"""The owner's decision by papers: each thing that is wrong is found, and found as what it is (S-30)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tallystick.core.consent.deciding import check_papers, list_notices
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import TallyError
from tests.consents import asking_agreement, consent, consent_value, records_value, signed_consent, signed_request
from tests.governance import NOW, identity, stamp

TERMS = asking_agreement()
Case = Callable[[], tuple[SignedDocument, SignedDocument]]


def papers(consent_changes: dict[str, Any] | None = None, by: tuple[str, ...] = ("ann", "labor"), **changes: Any) -> Case:
    def make() -> tuple[SignedDocument, SignedDocument]:
        paper = signed_consent(consent(NOW, **(consent_changes or {})))
        return signed_request(TERMS, paper, NOW, by, **changes), paper

    return make


def with_other_consent() -> tuple[SignedDocument, SignedDocument]:
    paper, other = signed_consent(consent(NOW)), signed_consent(consent(NOW, consent="ff" * 16))
    return signed_request(TERMS, paper, NOW), other


def signed_by_the_asker() -> tuple[SignedDocument, SignedDocument]:
    collected = consent_value(NOW)["collected"] | {"witness": "bob"}
    paper = signed_consent(consent(NOW, collected=collected), ("ivy", "bob"))
    return signed_request(TERMS, paper, NOW, ("bob", "labor"), worker="bob"), paper


def with_stolen_signature() -> tuple[SignedDocument, SignedDocument]:
    paper = signed_consent(consent(NOW))
    return signed_request(TERMS, paper, NOW, ("ann",)).with_signature("labor", identity("mallory")), paper


BAD: dict[str, tuple[Case, str]] = {
    "not signed by the worker's agency": (papers(by=("ann",)), "signature-missing"),
    "not signed by the worker": (papers(by=("labor",)), "signature-missing"),
    "another's signature": (with_stolen_signature, "signature-invalid"),
    "a worker of no agency": (papers(worker="zed", by=("labor",)), "record-not-allowed"),
    "another agency's worker": (papers(agency="human-services", by=("ann", "human-services")), "record-not-allowed"),
    "a role that the worker does not have": (papers(role="supervisor"), "record-not-allowed"),
    "a role that has no right to these fields": (
        papers(
            {"recipients": [{"agency": "labor", "roles": ["benefits-worker", "intake"]}]},
            worker="bob",
            role="intake",
            by=("bob", "labor"),
        ),
        "record-not-allowed",
    ),
    "a role by another spelling": (papers(role="benefits_worker"), "record-not-allowed"),
    "another text of the agreement": (papers(agreement_digest="00" * 32), "record-not-allowed"),
    "another owner": (papers(owner="labor"), "record-not-allowed"),
    "an unknown dataset": (papers(dataset="nobody"), "record-not-allowed"),
    "a dataset without an offer": (papers(dataset="shelter"), "record-not-allowed"),
    "a clock ten minutes off": (papers(asked=stamp(NOW + timedelta(minutes=10))), "record-not-allowed"),
    "a clock ten minutes behind": (papers(asked=stamp(NOW - timedelta(minutes=10))), "record-not-allowed"),
    "a consent that is not the one named": (with_other_consent, "consent-invalid"),
    "a consent that the asker witnessed": (signed_by_the_asker, "consent-invalid"),
    "expired this second": (papers({"valid_until": stamp(NOW)}), "consent-invalid"),
    "not yet in force": (papers({"valid_from": stamp(NOW + timedelta(seconds=1))}), "consent-invalid"),
    "a consent of another discloser": (papers({"discloser": ["labor"], "purposes": ["benefits"]}), "consent-invalid"),
    "a consent for another agency": (
        papers({"recipients": [{"agency": "human-services", "roles": ["benefits-worker"]}]}),
        "consent-invalid",
    ),
    "a consent for another role": (papers({"recipients": [{"agency": "labor", "roles": ["outreach"]}]}), "consent-invalid"),
    "another purpose": (papers(purpose="outreach"), "consent-invalid"),
    "a superset of the consent's fields": (papers({"fields": ["address"]}), "record-not-allowed"),
    "a superset of the agreement's fields": (papers(fields=["address", "income"]), "record-not-allowed"),
    "a category that may not be shared": (papers({"choices": {"contact": "do not share"}}), "record-not-allowed"),
    "a Part 2 field on a general form": (papers({"fields": ["treatment"]}, fields=["treatment"]), "record-not-allowed"),
    "an authority that the offer does not take": (
        papers({"basis": "authority", "citation": "45 CFR 205.50"}),
        "record-not-allowed",
    ),
    "a consent under another network's agreement": (papers({"agreement": "another"}), "consent-invalid"),
}


def test_good_papers_pass() -> None:
    document, paper = papers()()
    found = check_papers(document, paper, TERMS, TERMS.digest(), owner="housing", now=NOW)
    assert found.offer.dataset == "clients"
    assert found.request.fields == ("address", "phone")


def test_a_part_2_field_passes_on_its_form_and_carries_its_notice() -> None:
    document, paper = papers({"form": "part2 1", "fields": ["treatment"]}, fields=["treatment"])()
    found = check_papers(document, paper, TERMS, TERMS.digest(), owner="housing", now=NOW)
    assert list_notices(found.offer.fields["treatment"]) == (
        "42 CFR part 2 prohibits unauthorized use or disclosure of these records.",
    )


def test_an_authority_that_the_offer_names_needs_no_consent() -> None:
    offer = records_value()["offers"][0]
    fields = {name: one for name, one in offer["fields"].items() if name != "treatment"}
    terms = asking_agreement(records_value(offers=[offer | {"fields": fields, "authorities": ["45 CFR 205.50"]}]))
    paper = signed_consent(consent(NOW, basis="authority", citation="45 CFR 205.50"))
    document = signed_request(terms, paper, NOW)
    assert check_papers(document, paper, terms, terms.digest(), owner="housing", now=NOW).consent.basis == "authority"
    other = signed_consent(consent(NOW, basis="authority", citation="45 CFR 1355.21"))
    with pytest.raises(TallyError, match="does not take this authority"):
        check_papers(signed_request(terms, other, NOW), other, terms, terms.digest(), owner="housing", now=NOW)


@pytest.mark.parametrize("name", BAD)
def test_s30_what_is_wrong_with_papers_is_found(name: str) -> None:
    make, code = BAD[name]
    document, paper = make()
    with pytest.raises(TallyError) as raised:
        check_papers(document, paper, TERMS, TERMS.digest(), owner="housing", now=NOW)
    assert raised.value.code == code


def test_s30_another_agency_does_not_decide() -> None:
    document, paper = papers()()
    with pytest.raises(TallyError, match="another agency"):
        check_papers(document, paper, TERMS, TERMS.digest(), owner="labor", now=NOW)
