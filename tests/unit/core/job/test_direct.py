"""What an agreement and a question must be for the analyst alone to open the result, and what the job then has."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.statistics.rulebook import plan_allowed_job, problems
from tallystick.crypto import paillier
from tests.governance import NOW, agreement, job, question_value

DIRECT: dict[str, Any] = {
    "release": {"mode": "direct", "desk": "human-services"},
    "disclosure": {"min_cell": 5, "gate": True, "cohorts": True},
}


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, ""),
        ({"disclosure": {"min_cell": 5, "gate": True}}, "ledger of cohorts"),
        ({"disclosure": {"min_cell": 5, "cohorts": True}}, "small-cell test"),
        ({"disclosure": {"min_cell": 0}}, ""),
        ({"disclosure": {"profile": "cms", "gate": True, "cohorts": True}}, ""),
        ({"disclosure": {"profile": "cms", "gate": True, "cohorts": True, "households": 3}}, "rules of households"),
        *(
            ({"disclosure": {"profile": name, "gate": True, "cohorts": True}}, f"rules of {name}")
            for name in ("adrf", "ferpa", "opensafely", "acro")
        ),
        ({"release": {"mode": "desk", "desk": "human-services"}}, "human-services opens results"),
    ],
)
def test_a_direct_result_needs_that_nothing_is_hidden_after_it_is_opened(terms: dict[str, Any], said: str) -> None:
    agreed = agreement(**(DIRECT | terms))
    assert agreed.disclosure.hides == profile_of(agreed.disclosure).hides
    errors = problems(Question.read(question_value(release="direct"), what="job"), agreed, "ana")
    assert [error.code for error in errors] == (["release-direct"] if said else [])
    assert said in "".join(error.message for error in errors)


def test_a_direct_job_has_its_analysts_key_and_no_other_has_one() -> None:
    terms = agreement(**DIRECT)
    key = paillier.generate().public.modulus_bytes.hex()
    plan_allowed_job(job(terms, recipient=key), terms, digest=terms.digest(), now=NOW)
    asked = Question.read(question_value(release="desk"), what="job")
    for made in (job(terms), job(terms, asked, recipient=key), job(terms, recipient="0" * 768)):
        with pytest.raises(Invalid) as caught:
            plan_allowed_job(made, terms, digest=terms.digest(), now=NOW)
        assert caught.value.code == "job-invalid"
        assert "recipient" in caught.value.message
