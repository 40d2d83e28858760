"""Consents: forms, signatures, revocations and receipts (S-30)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tallystick.core.consent.checking import check_consent, check_draft, is_in_force
from tallystick.core.consent.forms import find_form, list_forms
from tallystick.core.consent.receipt import build_record, draw_receipt, write_receipt
from tallystick.core.consent.revoking import Revocation, check_revocation, draft_revocation, name_revocation
from tallystick.core.documents import sign_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tests.consents import PERSON, STATEMENTS, asking_agreement, consent, consent_value, records_value, signed_consent
from tests.governance import NOW, agreement_value, identity, stamp

TERMS = asking_agreement()
PART2: dict[str, Any] = {"form": "part2 1", "fields": ["treatment"]}
WITHOUT: dict[str, dict[str, Any]] = {
    "patient": {"person": {"ssn": PERSON["ssn"]}},
    "description": {"statements": {key: text for key, text in STATEMENTS.items() if key != "description"}},
    "purpose": {"statements": {key: text for key, text in STATEMENTS.items() if key != "purpose"}},
    "right_to_revoke": {"statements": {key: text for key, text in STATEMENTS.items() if key != "right_to_revoke"}},
    "expiry": {"statements": {key: text for key, text in STATEMENTS.items() if key != "expiry"}},
    "signature": {"collected": {key: one for key, one in consent_value(NOW)["collected"].items() if key != "paper"}},
    "date": {"collected": {key: one for key, one in consent_value(NOW)["collected"].items() if key != "signed_on"}},
    "redisclosure": {"statements": {key: text for key, text in STATEMENTS.items() if key != "redisclosure"}},
    "refusal": {"statements": {key: text for key, text in STATEMENTS.items() if key != "refusal"}},
}


@pytest.mark.parametrize("form", [form for form in list_forms() if form != "cross-sector 1"])
def test_a_complete_consent_counts_on_every_form(form: str) -> None:
    assert check_consent(signed_consent(consent(NOW, form=form)), TERMS).form == form


@pytest.mark.parametrize("element", WITHOUT)
def test_s30_a_part_2_consent_without_an_element_is_refused_by_its_name(element: str) -> None:
    check_draft(consent(NOW, **PART2), TERMS)
    with pytest.raises(Invalid) as raised:
        check_draft(consent(NOW, **(PART2 | WITHOUT[element])), TERMS)
    assert raised.value.code == "consent-incomplete"
    assert f"lacks {element} (" in raised.value.message
    assert "42 CFR 2.31(a)(" in raised.value.message


def test_the_elements_of_2_31_that_the_model_itself_asks_for_are_elements_of_the_form() -> None:
    named = {element.name for element in find_form("part2 1").elements}
    assert named - WITHOUT.keys() == {"discloser", "recipients"}
    for key in ("discloser", "recipients", "purposes"):
        with pytest.raises(Invalid):
            consent(NOW, **{key: []})


def test_a_choice_is_asked_for_every_category_and_a_no_is_kept() -> None:
    chosen: dict[str, Any] = {"form": "cross-sector 1", "fields": None}
    with pytest.raises(Invalid, match="no choice for treatment"):
        check_draft(consent(NOW, choices={"contact": "share"}, **chosen), TERMS)
    made = consent(NOW, choices={"contact": "share", "treatment": "do not share"}, **chosen)
    check_draft(made, TERMS)
    assert made.opens("phone", "contact")
    assert not made.opens("treatment", None)
    told = dict(write_receipt(made, TERMS))
    assert told["What"] == "address, phone"
    assert told["What may not be shared"] == "treatment"


@pytest.mark.parametrize(
    ("changes", "by"),
    [
        ({}, ("ivy",)),
        ({}, ("joe",)),
        ({}, ("ivy", "kim")),
        ({"collected": consent_value(NOW)["collected"] | {"witness": "ann"}}, ("ivy", "ann")),
        ({"collected": consent_value(NOW)["collected"] | {"by": "kim"}}, ("kim", "joe")),
        ({"agreement": "other"}, ("ivy", "joe")),
        ({"purposes": ["marketing"]}, ("ivy", "joe")),
        ({"fields": ["income"]}, ("ivy", "joe")),
        ({"discloser": ["hospital"]}, ("ivy", "joe")),
        ({"recipients": [{"agency": "hospital", "roles": ["benefits-worker"]}]}, ("ivy", "joe")),
        ({"choices": {"income": "share"}}, ("ivy", "joe")),
    ],
)
def test_what_does_not_count(changes: dict[str, Any], by: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as raised:
        check_consent(signed_consent(consent(NOW, **changes), by), TERMS)
    assert raised.value.code in {"signature-missing", "consent-invalid"}


def test_a_signature_by_another_key_does_not_count() -> None:
    document = signed_consent(consent(NOW), ("ivy",)).with_signature("joe", identity("mallory"))
    with pytest.raises(Refused) as raised:
        check_consent(document, TERMS)
    assert raised.value.code == "signature-invalid"


def test_s30_a_persons_own_key_signs_in_place_of_a_witness_where_the_agreement_says_so() -> None:
    collected = {key: one for key, one in consent_value(NOW)["collected"].items() if key not in {"witness", "paper"}}
    made = consent(NOW, client_key=identity("rosa").key, collected=collected)
    terms = asking_agreement(records_value(client_keys=True))
    signed = signed_consent(made, ("ivy",))
    assert check_consent(signed.with_signature("client", identity("rosa")), terms) == made
    alone = signed_consent(made, ()).with_signature("client", identity("rosa"))
    for document, under in ((signed, terms), (alone, terms), (signed.with_signature("client", identity("rosa")), TERMS)):
        with pytest.raises(Refused):
            check_consent(document, under)
    staff = consent(NOW, client_key=identity("ann").key, collected=collected)
    with pytest.raises(Refused, match="member of the staff"):
        check_consent(signed_consent(staff, ("ivy",)).with_signature("client", identity("ann")), terms)


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": consent_value(NOW)["valid_from"]},
        {"valid_until": "2026-02-30T00:00:00Z"},
        {"basis": "authority"},
        {"citation": "45 CFR 205.50"},
        {"collected": consent_value(NOW)["collected"] | {"witness": "ivy"}},
        {"revoking": "cd"},
        {"person": {"hair": "red"}},
    ],
)
def test_what_contradicts_itself_is_no_consent(changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        consent(NOW, **changes)


def test_it_is_over_at_its_last_second() -> None:
    made = consent(NOW, valid_from=stamp(NOW), valid_until=stamp(NOW + timedelta(seconds=2)))
    times = [is_in_force(made, NOW + timedelta(seconds=after)) for after in (-1, 0, 1, 2)]
    assert times == [False, True, True, False]


def test_a_revocation_names_nobody_and_only_who_has_the_consent_makes_it() -> None:
    made = consent(NOW)
    signed = sign_document("revocation", draft_revocation(made, stamp(NOW)), "ivy", identity("ivy"))
    assert check_revocation(signed, TERMS).revocation == name_revocation(made.revoking)
    for word in (*PERSON.values(), made.consent, made.collected.by):
        assert word.encode() not in signed.body
    guessed = Revocation(revocation="ee" * 32, revoking="ee" * 32, agreement="county", at=stamp(NOW))
    for document, by in (
        (guessed, "ivy"),
        (draft_revocation(made, stamp(NOW)), "ann"),
        (draft_revocation(made, stamp(NOW)), "client"),
    ):
        with pytest.raises(Refused):
            check_revocation(sign_document("revocation", document, by, identity(by)), TERMS)


def test_a_receipt_says_it_in_words_and_in_the_fields_of_27560_and_cannot_revoke() -> None:
    made = consent(NOW)
    page, record = draw_receipt(made, TERMS), build_record(made, TERMS)
    assert "address, phone" in page
    assert "<script" not in page
    assert {"schema_version", "record_id", "processing", "party_identification", "events", "privacy_notice"} <= record.keys()
    [processing] = record["processing"]
    assert [one["pii_type"] for one in processing["pii_information"]] == ["address", "phone"]
    assert processing["recipient_third_parties"] == [{"party_id": "labor", "roles": ["benefits-worker"]}]
    assert made.revoking not in page + str(record)


@pytest.mark.parametrize(
    "change",
    [
        {"staff": {"ann": {"agency": "hospital", "key": identity("ann").key, "roles": ["x"]}}},
        {"staff": {"ana": {"agency": "labor", "key": identity("ann").key, "roles": ["x"]}}},
        {"staff": {"ann": {"agency": "labor", "key": identity("labor").key, "roles": ["x"]}}},
        {"staff": {"client": {"agency": "labor", "key": identity("ann").key, "roles": ["x"]}}},
        {"discovery": "private"},
        {"tick_seconds": 0},
        *(
            {"offers": [records_value()["offers"][0] | offer]}
            for offer in (
                {"dataset": "wagons"},
                {"to": ["hospital"]},
                {"roles": ["intake"]},
                {"protected": "updated"},
                {"fields": {"income": {"columns": ["income"]}}},
                {"fields": {"address": {"columns": ["street"], "as_of": "city"}}},
                {"fields": {"shelter": {"columns": ["street"], "tags": ["vawa"]}}},
                {"authorities": ["42 CFR 2.52"]},
            )
        ),
    ],
)
def test_a_section_that_contradicts_its_agreement_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as raised:
        asking_agreement(records_value(**change))
    assert raised.value.code == "document-invalid"


@pytest.mark.parametrize(("tag", "column"), [("vawa", False), ("vawa", True), ("part2", False), ("part2", True)])
def test_a_field_is_under_the_laws_of_its_data(tag: str, column: bool) -> None:
    datasets = asking_agreement().json_value()["datasets"]
    (datasets["clients"]["columns"]["updated"] if column else datasets["clients"])["regimes"] = [tag]
    offer = records_value()["offers"][0] | {"fields": {"day": {"columns": ["updated"]}}}
    with pytest.raises(Invalid, match="field day is of"):
        asking_agreement(records_value(offers=[offer]), datasets=datasets)


def test_an_agreement_without_the_section_keeps_its_digest_and_allows_nothing() -> None:
    plain = asking_agreement().model_copy(update={"records": None})
    assert "records" not in plain.json_value()
    assert "records" not in agreement_value()
    with pytest.raises(TallyError) as raised:
        check_draft(consent(NOW), plain)
    assert raised.value.code == "record-not-allowed"
