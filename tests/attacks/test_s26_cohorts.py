"""S-26: who adds and subtracts the numbers of jobs gets none of few people: 1,000 attacks on the ledger of cohorts.

The attacker knows every record but the target's and asks any selections that it likes. It succeeds if what was answered adds up to the target's
group of fewer than K people, told by least squares over the answered selections, which is not how the ledger tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.disclosure.cohorts import Selection, draw_prime, find_close

K: Final = 5
PEOPLE: Final = 120
EACH: Final = 200
PRIME: Final = draw_prime(b"a node's own")
Flags = npt.NDArray[np.bool_]
Attack = Callable[[np.random.Generator, Flags], list[Flags]]


def select(flags: Flags, name: str) -> Selection:
    people = np.flatnonzero(flags).astype(np.uint64)
    return Selection(name, people, np.ones(len(people), dtype=np.int64))


def draw_flags(rng: np.random.Generator, share: float = 0.5) -> Flags:
    return rng.random(PEOPLE) < share


def attack_by_difference(rng: np.random.Generator, target: Flags) -> list[Flags]:
    large = draw_flags(rng) | target
    return [large, large & ~target]


def attack_by_tracker(rng: np.random.Generator, target: Flags) -> list[Flags]:
    tracker = draw_flags(rng)
    return [target | tracker, target | ~tracker, tracker, ~tracker]


def attack_by_double_tracker(rng: np.random.Generator, target: Flags) -> list[Flags]:
    wide = draw_flags(rng, 0.8)
    narrow = wide & draw_flags(rng, 0.5)
    return [wide, target | narrow, narrow, wide & ~(target & narrow)]


def attack_by_nested_halving(rng: np.random.Generator, target: Flags) -> list[Flags]:
    asked, inside = [], np.ones(PEOPLE, dtype=np.bool_)
    while (inside & ~target).any():
        asked.append(inside)
        inside = target | (inside & draw_flags(rng))
    return [*asked, target]


def attack_by_reordered_sums(rng: np.random.Generator, target: Flags) -> list[Flags]:
    """Ask parts and unions of parts, of which one has the target too, in an order of their own: no two of them need be alike."""
    parts = rng.integers(0, 4, PEOPLE)
    one, two, three = ((parts == part) & ~target for part in range(3))
    asked = [one | two, two | three, one | three, one | two | three | target]
    return [asked[at] for at in rng.permutation(len(asked))]


ATTACKS: Final[tuple[Attack, ...]] = (
    attack_by_difference,
    attack_by_tracker,
    attack_by_double_tracker,
    attack_by_nested_halving,
    attack_by_reordered_sums,
)


def answer(asked: Sequence[Flags]) -> list[Flags]:
    """Give the selections that a node answers, in turn."""
    answered: list[Flags] = []
    known: list[Selection] = []
    for at, flags in enumerate(asked):
        new = select(flags, f"{at}")
        if find_close([new], known, least=K, prime=PRIME) is None:
            answered.append(flags)
            known.append(new)
    return answered


def finds(answered: Sequence[Flags], target: Flags) -> bool:
    """Tell whether sums of multiples of the answered selections are of the target alone."""
    if not answered:
        return False
    matrix = np.array(answered, dtype=np.float64).T
    solution, *_ = np.linalg.lstsq(matrix, target.astype(np.float64), rcond=None)
    return bool(np.abs(matrix @ solution - target).max() < 1e-9)


def draw_target(rng: np.random.Generator) -> Flags:
    target = np.zeros(PEOPLE, dtype=np.bool_)
    target[rng.choice(PEOPLE, int(rng.integers(1, K)), replace=False)] = True
    return target


@pytest.mark.parametrize("attack", ATTACKS)
def test_s26_no_attack_of_a_thousand_isolates_few_people(attack: Attack) -> None:
    rng = np.random.default_rng(26)
    successes = without = answers = 0
    for _ in range(EACH):
        target = draw_target(rng)
        asked = attack(rng, target)
        answered = answer([asked[at] for at in rng.permutation(len(asked))] if rng.random() < 0.5 else asked)
        successes += finds(answered, target)
        without += finds(asked, target)
        answers += len(answered)
    assert successes == 0
    assert without == EACH  # each works where nobody compares
    assert answers >= EACH  # and the ledger does not refuse everything


def test_s26_random_selections_never_isolate_few_and_most_are_answered() -> None:
    rng = np.random.default_rng(3)
    answered_of = asked_of = 0
    for _ in range(20):
        asked = [draw_flags(rng, float(rng.uniform(0.2, 0.9))) for _ in range(12)]
        answered = answer(asked)
        asked_of, answered_of = asked_of + len(asked), answered_of + len(answered)
        people = [np.eye(PEOPLE, dtype=np.bool_)[at] for at in range(PEOPLE)]
        assert not any(finds(answered, one) for one in people)
    assert answered_of > asked_of / 2


def test_s26_a_refusal_does_not_tell_none_from_few() -> None:
    rng = np.random.default_rng(1)
    large = draw_flags(rng)
    for few in range(K):
        left = large.copy()
        left[np.flatnonzero(large)[:few]] = False
        assert len(answer([large, left])) == 1
    left[np.flatnonzero(large)[:K]] = False
    assert len(answer([large, left])) == 2


def test_s26_the_same_question_passes_and_people_that_changed_meanwhile_make_no_later_one_less_safe() -> None:
    rng = np.random.default_rng(2)
    first, target = draw_flags(rng), draw_target(rng)
    later = first | target
    known = [select(first, "same"), select(later, "same")]
    assert find_close([select(later, "same")], known[:1], least=K, prime=PRIME) is None
    other = draw_flags(rng)
    assert find_close([select(other, "other")], known, least=K, prime=PRIME) is None
    assert find_close([select(other ^ target, "more")], [*known, select(other, "other")], least=K, prime=PRIME) is not None


def test_s26_weights_of_a_formula_count_as_they_are() -> None:
    people = np.arange(40, dtype=np.uint64)
    twice = Selection("twice", people, np.where(people < 3, 2, 1).astype(np.int64))
    once = Selection("once", people, np.ones(40, dtype=np.int64))
    close = find_close([twice], [once], least=K, prime=PRIME)
    assert close is not None
    assert close.name == "twice"
