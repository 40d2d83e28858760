"""S-20: who tries to get rid of the noise: asking again, other names, another attempt, a restored state, an agency that adds none."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import SystemClock
from tallystick.core.contract import Contract
from tallystick.core.documents import sign_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.files import copy_database
from tallystick.core.job.check import question_problems
from tallystick.core.witness import Witness
from tallystick.crypto.noise import compute_tail
from tallystick.node.assignment import Assignment
from tallystick.node.config import NodeConfig, NodeFile
from tallystick.node.noise import add_noise, charge_noise, list_accounts, sum_charges
from tallystick.node.ports import NodeStorage
from tallystick.node.prepare import prepare_records
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tests.governance import agreement, agreement_value, identity, job, question, signed_agreement

MINE = "human-services"
NOISE = {"min_cell": 5, "noise": {"epsilon": "0.5", "budget": 2}}
Make = Callable[..., Contract]


def terms(version: int = 2, *, disclosure: dict[str, Any] | None = None, link: tuple[str, ...] = ("ssn",)) -> Agreement:
    value = agreement_value(stewards={}, approvers={}, joins=["any"], version=version)
    own = {"agency": MINE, "columns": {"age": {"type": "integer", "min": 0, "max": 120}}, "identifiers": ["ssn"]}
    value["datasets"] = {"people": own, "wages": value["datasets"]["wages"] | {"identifiers": ["ssn"]}}
    return agreement(**(value | {"link": list(link), "disclosure": disclosure or NOISE}))


def contract_of(under: Agreement, *, mine: str = "mine", **changes: Any) -> Contract:
    people = {mine: {"agency": MINE, "dataset": "people"}, "wages": {"agency": "labor", "dataset": "wages"}}
    asked = question(**{"people": people, "keep": f"{mine} and wages", "by": [], "measures": ["count"], **changes})
    made = job(under, asked, nonce=token_hex(16))
    return Contract(made, sign_document("job", made, "ana", identity("ana")), under, signed_agreement(under))


def draw(storage: NodeStorage, contract: Contract) -> tuple[int, ...]:
    return add_noise(storage, contract, [0] * len(contract.plan.cells))


def test_s20_asking_again_or_by_other_names_is_charged_until_nothing_is_left() -> None:
    storage, under = MemoryNodeStorage(), terms()
    for name in ("mine", "mine", "other", "people"):
        charge_noise(storage, contract_of(under, mine=name))
    assert sum_charges(storage, under) == 2
    with pytest.raises(Refused, match="0 are left") as caught:
        charge_noise(storage, contract_of(under, mine="again", keep="again"))
    assert caught.value.code == "budget-spent"
    assert sum_charges(storage, under) == 2  # what is refused here is not charged: nothing of it left
    (account,) = list_accounts(storage, [under])
    assert (account.spent, account.left) == (Fraction(2), Fraction(0))
    charge_noise(storage, contract_of(terms(version=3)))  # signed by all


def test_s20_every_attempt_has_the_same_noise_and_costs_once_and_another_job_has_its_own() -> None:
    storage, under = MemoryNodeStorage(), terms()
    first, second = contract_of(under), contract_of(under)
    for _ in range(3):
        charge_noise(storage, first)
    assert sum_charges(storage, under) == Fraction(1, 2)
    assert len({draw(storage, first) for _ in range(3)}) == 1
    drawn = {draw(storage, contract_of(under)) for _ in range(40)}
    assert len(drawn) > 5
    assert draw(storage, first) != draw(MemoryNodeStorage(), first) or draw(storage, second) != draw(
        MemoryNodeStorage(), second
    )


def test_s20_two_jobs_side_by_side_do_not_both_get_the_last_of_the_budget() -> None:
    storage, under = MemoryNodeStorage(), terms(disclosure={"min_cell": 5, "noise": {"epsilon": 2, "budget": 3}})
    charge_noise(storage, contract_of(under))
    with pytest.raises(Refused, match="1 are left"):
        charge_noise(storage, contract_of(under))


def test_s20_one_agencys_noise_hides_a_person_though_the_other_adds_none() -> None:
    """What one honest agency adds has the whole scale: outcomes of worlds a person apart differ in likelihood by e^epsilon at most."""
    under = terms(disclosure={"min_cell": 5, "noise": {"epsilon": 1, "budget": 1000}})
    contract = contract_of(under)
    (scale,) = contract.plan.noise
    assert scale == 2  # two records of one person, one link each
    drawn = np.array([draw(MemoryNodeStorage(), contract)[0] for _ in range(4_000)])
    for width in (0, 2, 5):
        assert abs(np.mean(np.abs(drawn) > width) - compute_tail(scale, 1, width)) < 0.03


def test_s20_an_average_of_all_that_the_budget_allows_still_has_noise() -> None:
    under = terms(disclosure={"min_cell": 5, "noise": {"epsilon": "0.5", "budget": 2}})
    averages = []
    asked = [contract_of(under) for _ in range(4)]
    for _ in range(400):
        storage = MemoryNodeStorage()
        for contract in asked:
            charge_noise(storage, contract)
        averages.append(np.mean([draw(storage, contract)[0] for contract in asked]))
    alone = Fraction(2) / 2  # one answer for the whole budget would have noise of this scale
    assert np.std(averages) > float(alone) * 2**0.5  # four for a quarter each have more


def test_s37_a_restored_state_has_its_charges_and_takes_no_job_under_the_same_version(tmp_path: Path) -> None:
    """What was charged after the backup is unknown to it, so agreements of before are refused until all sign anew (`test_s37…`)."""
    path, copied = tmp_path / "node.db", tmp_path / "copy.db"
    under = terms()
    storage = SqliteStorage(path)
    charge_noise(storage, contract_of(under))
    copy_database(path, copied)
    charge_noise(storage, contract_of(under))
    assert sum_charges(storage, under) == 1
    storage.close()
    restored = SqliteStorage(copied)
    assert sum_charges(restored, under) == Fraction(1, 2)
    restored.accept_restored(SystemClock().now(), Witness(tmp_path / "witness"))
    assert restored.find_restored() is not None  # by which `Approvals` refuses: tests/unit/node/test_approvals.py
    restored.close()


def test_s20_the_charge_is_there_before_anything_of_a_job_can_leave(tmp_path: Path) -> None:
    under, storage = terms(), MemoryNodeStorage()
    lines = [f"client-{at},{212456701 + at},{at + 20}" for at in range(30)]
    (tmp_path / "people.csv").write_text("id,ssn,age\n" + "\n".join(lines) + "\n")
    columns = {"age": {"type": "integer", "min": 0, "max": 120}}
    declared = {"source": {"csv": "people.csv"}, "person": "id", "identifiers": {"ssn": "ssn"}, "columns": columns}
    file = {"agency": MINE, "coordinator": {"address": "127.0.0.1:1"}, "datasets": {"people": declared}}
    config = NodeConfig(NodeFile.read(file, what="node.yaml"), tmp_path)
    contract = contract_of(under, keep="mine")
    prepared = prepare_records(Assignment(MINE, contract), config, storage)
    assert sum_charges(storage, under) == Fraction(1, 2)
    assert prepared.own == add_noise(storage, contract, [30])
    for _ in range(3):
        prepare_records(Assignment(MINE, contract_of(under)), config, storage)
    with pytest.raises(Refused, match="budget-spent"):
        prepare_records(Assignment(MINE, contract_of(under)), config, storage)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"measures": ["count", {"sd": "mine.age"}]}, "sd"),
        ({"measures": [{"median": {"of": "mine.age", "at": [20, 40]}}]}, "median"),
        ({"by": ["mine.age"], "totals": "rows"}, "totals"),
    ],
)
def test_s20_what_noise_does_not_fit_is_refused_by_every_party(changes: dict[str, Any], word: str) -> None:
    under = terms()
    people = {"mine": {"agency": MINE, "dataset": "people"}, "wages": {"agency": "labor", "dataset": "wages"}}
    asked = question(**{"people": people, "keep": "mine and wages", "by": [], "measures": ["count"], **changes})
    found: list[TallyError] = [one for one in question_problems(asked, under, "ana") if one.code == "noise-unfit"]
    assert [word in one.message for one in found] == [True]


@pytest.mark.parametrize(("link", "fits"), [(("default",), False), (("ssn+birth_date", "ssn"), True)])
def test_s20_ladders_whose_passes_depend_on_everybody_are_refused_with_noise(link: tuple[str, ...], fits: bool) -> None:
    value = agreement_value(stewards={}, approvers={}, joins=["any"])
    under = agreement(**(value | {"link": list(link), "disclosure": NOISE}))
    names = {one["agency"]: name for name, one in value["datasets"].items() if one["agency"] in (MINE, "labor")}
    people = {agency: {"agency": agency, "dataset": name} for agency, name in names.items()}
    asked = question(people=people, keep=" and ".join(people), by=[], measures=["count"])
    codes = [one.code for one in question_problems(asked, under, "ana")]
    assert ("noise-unfit" in codes) == (not fits)


@pytest.mark.parametrize(
    "more", [{"gate": True}, {"cohorts": True}, {"budget": 9}, {"profile": "adrf"}, {"profile": "ferpa"}, {"profile": "acro"}]
)
def test_s20_noise_is_refused_beside_rules_over_exact_numbers(more: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="noise goes with"):
        terms(disclosure=NOISE | more)


@pytest.mark.parametrize(
    "noise", [{"epsilon": 0, "budget": 1}, {"epsilon": 2, "budget": 1}, {"epsilon": 1}, {"epsilon": "1/2", "budget": 1}]
)
def test_a_noise_that_makes_no_sense_is_refused(noise: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        terms(disclosure={"min_cell": 5, "noise": noise})
