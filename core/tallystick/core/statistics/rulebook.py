"""The one rule book: what an agreement allows, nodes, the coordinator and analysts find by the same questions in the same order.

A job is allowed when its contract and question are (`core/job/check.py`), its linkage passes are those that this party works out, and
its question can be planned and laid out: the table stays within `MAX_ROWS` and `MAX_CELLS` (`rows.py`), and even for the longest lists
that the declared people allow (`core/job/bounds.py`), the slots fit a product's columns, the audit's too, no sum can wrap around the
largest modulus, and what three agencies and more multiply slot by slot can be held. So what every party approves can be computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.bounds import most_rows
from tallystick.core.job.check import check_contract, check_linkage, question_problems
from tallystick.core.job.model import Job, Question
from tallystick.core.job.passes import list_identifiers, passes_of
from tallystick.core.job.population import PAIR
from tallystick.core.job.release import check_recipient
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.planner import cell_prime_counts, plan
from tallystick.crypto.flooding import MAX_ANSWERS, MAX_PAIRS, RING
from tallystick.crypto.layout import MAX_SLOTS

MAX_HELD: Final = 4 << 30
"""Bytes of shares of products at slots that one exchange may leave an agency with."""
_WORD: Final = 8


def plan_allowed_job(job: Job, agreement: Agreement, *, digest: str, now: datetime) -> Plan:
    """Let a job pass if the agreement allows it, and give its plan.

    Args:
        job: the contract; that its analyst signed it is `verify_job`'s to check.
        agreement: as `valid_agreement` gave it.
        digest: the agreement's digest.
        now: the present moment, UTC.

    Raises:
        Refused: `agreement-unknown`, `job-not-allowed`, `release-direct`, `job-expired`, `link-weak`, `linkage-differs`,
            `table-too-large`, `sum-too-large`.
        Invalid: `job-invalid`, `where-invalid`, `sum-too-large`, `link-invalid`, `link-impossible`.
    """
    check_contract(job, agreement, digest=digest, now=now)
    for problem in question_problems(job.question, agreement, job.analyst):
        raise problem
    check_recipient(job, agreement)
    check_linkage(job, agreement)
    return plan_job(job.question, agreement)


def problems(question: Question, agreement: Agreement, analyst: str) -> list[TallyError]:
    """Give every reason why this question would be refused, in the order of the job file; none if it is allowed.

    Whether it can be planned is asked of a question against which nothing else stands.
    """
    found = list(question_problems(question, agreement, analyst))
    if not found:
        try:
            plan_job(question, agreement)
        except TallyError as error:
            found.append(error)
    return found


def plan_job(question: Question, agreement: Agreement) -> Plan:
    """Give the plan of a question, which is the same at every party, if it can be laid out for the largest lists.

    Raises:
        Refused: `table-too-large`, `sum-too-large`; and as `passes_of`.
        Invalid: as `plan` and `passes_of`.
    """
    return _build_plan(_Under((question.digest(), agreement.digest()), question, agreement))


@dataclass(frozen=True)
class _Under:
    """A question under an agreement; they are the same where their digests are."""

    digests: tuple[str, str]
    question: Question = field(compare=False, repr=False)
    agreement: Agreement = field(compare=False, repr=False)


@lru_cache(maxsize=4)
def _build_plan(case: _Under) -> Plan:
    """Make a plan; a party asks for that of its job many times, and the largest takes a quarter of a second."""
    question, agreement = case.question, case.agreement
    passes = passes_of(question, agreement)
    made = plan(question, agreement, passes.told, list_identifiers(question, agreement))
    rows = sum(most_rows(question, agreement).values())
    audited = len(passes.exact) * agreement.decoys  # the audit's column has a slot for each known decoy, too
    if rows + audited > MAX_SLOTS:
        names = " and ".join(sorted({people.dataset for people in question.people.values()}))
        raise Refused(
            "table-too-large",
            f"lists of the declared people need {rows + audited} slots; a product has {MAX_SLOTS}",
            hint=f"declare fewer people for {names}",
        )
    cell_prime_counts(made, rows)
    if len(made.agencies) > PAIR:
        _check_slot_products(made, rows)
    return made


def _check_slot_products(made: Plan, slots: int) -> None:
    """Check that what three agencies and more multiply slot by slot can be held, and answered in as many ciphertexts as a job may have.

    Raises:
        Refused: `table-too-large`.
    """
    computation = computation_of(made)
    primes, blocks = computation.chain_primes(slots), -(-slots // RING)
    held = answers = most = 0
    for one in computation.term_plan.multiplications:
        vectors = sum(primes.get(chain, 1) for chain in one.results)
        answers += vectors * (blocks if one.at_slots else 1)
        if one.at_slots:
            held = max(held, sum(primes.get(chain, 1) for chain in dict.fromkeys(one.results)) * slots * _WORD)
            most = max(most, len(one.pairs))
    fits = min(MAX_HELD // (slots * _WORD), MAX_PAIRS // blocks, MAX_ANSWERS // blocks)
    if held > MAX_HELD or answers > MAX_ANSWERS or most * blocks > MAX_PAIRS:
        raise Refused(
            "table-too-large",
            f"two agencies would multiply {most} pairs of columns at each of {slots} slots; about {fits} fit",
            hint="ask by fewer columns or levels, measure fewer columns, or declare fewer people",
        )
