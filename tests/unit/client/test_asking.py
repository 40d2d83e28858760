"""From a question to a signed job: every check before anybody else is asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tallystick.client.asking import analyst_name, new_job
from tallystick.client.estimate import estimate_work, mask_seconds
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.check import verify_job
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.core.statistics.rulebook import problems
from tallystick.crypto.tags import rows_of
from tests.governance import NOW, agreement, agreement_value, identity, question_value, signed_agreement

PACT = agreement()
DIGEST = signed_agreement(PACT).digest


def question(**changes: Any) -> Question:
    return Question.read(question_value(**changes), what="question")


def test_a_job_names_its_agreement_and_is_signed_by_its_analyst_alone() -> None:
    document, key = new_job(question(), PACT, DIGEST, identity("ana"), now=NOW)
    job = verify_job(document, PACT)
    assert (job.analyst, job.agreement.digest, job.result_key) == ("ana", DIGEST, key.public.hex())
    again, other = new_job(question(), PACT, DIGEST, identity("ana"), now=NOW)
    assert again.digest != document.digest
    assert other.public != key.public


def test_a_deadline_is_not_after_the_agreement_ends() -> None:
    pact = agreement(valid_until="2026-06-03T00:00:00Z")
    document, _ = new_job(question(), pact, signed_agreement(pact).digest, identity("ana"), now=NOW, deadline=timedelta(days=7))
    assert verify_job(document, pact).deadline == "2026-06-03T00:00:00Z"


def test_a_key_that_the_agreement_does_not_name() -> None:
    assert analyst_name(PACT, identity("otto")) == "otto"
    with pytest.raises(Refused) as caught:
        analyst_name(PACT, identity("mallory"))
    assert caught.value.code == "job-not-allowed"
    assert identity("mallory").key in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "code", "hint"),
    [
        ({"purpose": "marketing"}, "job-not-allowed", "evaluation, planning"),
        ({"join": "tanf inner wages"}, "job-invalid", "keep: tanf and wages"),
        ({"by": ["tanf.exit_quarter"]}, "job-invalid", "values"),
        ({"measures": [{"mean": "wages.salary"}]}, "job-invalid", "earnings"),
        ({"release": "direct"}, "release-direct", "desk"),
    ],
)
def test_what_stands_against_a_question_says_what_would_pass(changes: dict[str, Any], code: str, hint: str) -> None:
    (problem,) = problems(question(**changes), PACT, "ana")
    assert problem.code == code
    assert hint in problem.hint
    with pytest.raises(TallyError) as caught:
        new_job(question(**changes), PACT, DIGEST, identity("ana"), now=NOW)
    assert caught.value.code == code


def test_every_problem_is_found_at_once() -> None:
    found = problems(question(purpose="marketing", release="direct", agreement="other"), PACT, "mallory")
    assert [problem.code for problem in found] == ["agreement-unknown", "job-not-allowed", "job-not-allowed", "release-direct"]


def test_no_linkage_pass_is_a_problem_that_names_what_is_missing() -> None:
    pact = agreement(link=["first_name+last_name+birth_date"])
    (problem,) = problems(question(), pact, "ana")
    assert problem.code == "link-impossible"
    assert "first_name" in problem.message


def test_why_a_pass_is_not_used_names_the_dataset() -> None:
    passes = passes_of(question(), agreement(link=["ssn+birth_date", "ssn+last_name:4"]))
    assert passes.names == passes.told == ("ssn+birth_date",)
    ((recipe, reason),) = passes.unusable
    assert recipe == "ssn+last_name:4"
    assert "tanf has no last_name" in reason


def test_an_estimate_counts_as_the_parties_do() -> None:
    work = estimate_work(question(), PACT, {"tanf": 1000, "wages": 5000})
    # Padmé of people and 1,024 decoys, each list masked by both
    assert work.masks == 2 * (2048 + 6144)
    assert work.passes == 1
    # rows of 5 regions and 3 industries (missing ones too), three numbers each, and of people who are not in wages one; linkage, by
    # region, and six of the pass; unread and denied values of two identifiers of each list
    assert work.cells == 3 * 5 * 3 + 5 + 5 + 2 * 5 + 6 + 2 * 2 * 2
    assert [one.masks for one in work.parties] == [2048 + 6144] * 2
    assert sum(one.sent for one in work.parties) == work.bytes
    assert all(one.memory > (2048 + 6144) * 8 for one in work.parties)
    assert work.products > 0
    assert work.bytes > work.ciphertexts * 112 * 1024
    bigger = estimate_work(question(), PACT, {"tanf": 10_000, "wages": 50_000})
    assert bigger.masks > work.masks
    assert bigger.cells == work.cells


def test_an_estimate_counts_every_band_of_a_similarity_pass_and_its_decoys_once() -> None:
    datasets = agreement_value()["datasets"]
    for entry in datasets.values():
        entry["identifiers"] = ["ssn", "first_name", "last_name", "birth_date", "street", "zip"]
    pact = agreement(link=["ssn+birth_date", "similarity"], datasets=datasets)
    work = estimate_work(question(), pact, {"tanf": 1000, "wages": 5000})
    rows = rows_of(1000, 2, 1024) + rows_of(5000, 2, 1024)
    assert (work.passes, work.bands) == (2, passes_of(question(), pact).bands)
    assert work.masks == 2 * rows * (1 + work.bands)
    assert work.similarity_masks == 2 * rows * work.bands
    assert estimate_work(question(), PACT, {"tanf": 1000, "wages": 5000}).similarity_masks == 0


def test_an_estimate_has_the_ciphertexts_of_the_audit() -> None:
    people = {"tanf": 1000, "wages": 5000}
    without = agreement(decoys=0)
    decoys = agreement(decoys=4).decoys * len(passes_of(question(), PACT).exact)
    slots = 2 + (rows_of(1000, 1, 4) + rows_of(5000, 1, 4) + decoys) // 8192  # the encryption of zero, blocks, and one back
    work, less = estimate_work(question(), agreement(decoys=4), people), estimate_work(question(), without, people)
    assert work.ciphertexts == less.ciphertexts + slots + 1


def test_a_mask_takes_some_microseconds() -> None:
    assert 1e-7 < mask_seconds() < 1e-2


@pytest.mark.parametrize("people", [{"tanf": 1}, {"tanf": 1, "wages": 1, "jail": 1}])
def test_an_estimate_needs_the_size_of_each_group(people: dict[str, int]) -> None:
    with pytest.raises(Invalid, match="--people"):
        estimate_work(question(), PACT, people)


def test_an_estimate_has_the_exchanges_and_tests_of_the_gate() -> None:
    people = {"tanf": 1000, "wages": 5000}
    gated = agreement(disclosure={"profile": "cms", "gate": True})
    with_gate, without = estimate_work(question(), gated, people), estimate_work(question(), PACT, people)
    assert with_gate.cells == without.cells
    more = with_gate.ciphertexts - without.ciphertexts
    assert more > 0
    assert with_gate.bytes - without.bytes > more * 64 * 1024
    for one, other in zip(with_gate.parties, without.parties, strict=True):
        assert one.sent > other.sent
    assert estimate_work(question(), agreement(disclosure={"min_cell": 0, "gate": True}), people) == estimate_work(
        question(), agreement(disclosure={"min_cell": 0}), people
    )
