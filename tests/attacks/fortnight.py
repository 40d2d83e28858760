"""Two weeks of jobs that an agreement allows, and what the coordinator sees of them: the real coins, lists, tags and matching.

The one question of the attacker: is the target, who is in the first agency's list, in the second's as well?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.coordinator.matching import Matches, match_tags
from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Job
from tallystick.core.job.passes import Passes, passes_of
from tallystick.core.linkage.passes.bands import band_columns
from tallystick.core.linkage.passes.ladders import LADDERS
from tallystick.core.linkage.passes.spellings import build_spelled_columns
from tallystick.core.statistics.rulebook import plan_allowed_job
from tallystick.crypto import kernel, masks, tags
from tallystick.crypto.decoys import coins
from tallystick.crypto.randomness import SeededRandomness
from tests.governance import NOW, agreement, agreement_value, job, question, question_value

DAYS: Final = 14
FIELDS: Final = ("ssn", "first_name", "last_name", "birth_date")
TARGET: Final = 0
"""The row of the target in the first agency's list."""

Identifiers = Mapping[str, npt.NDArray[np.object_]]
Floats = npt.NDArray[np.float64]


def terms(*, decoys: int, link: Sequence[str] = tuple(LADDERS)) -> Agreement:
    """Give an agreement of two lists with numbers, names and birth dates, and a floor for cohorts."""
    value = agreement_value()["datasets"]
    datasets = {name: {**value[name], "identifiers": list(FIELDS)} for name in ("tanf", "wages")}
    return agreement(datasets=datasets, link=list(link), decoys=decoys, min_people=20)


def asked(under: Agreement, day: int, *, link: str | None = None, where: str = "age >= 18") -> Job:
    """Give the job of a day; the agreement allows it."""
    people: dict[str, Any] = question_value()["people"]
    people["tanf"]["where"] = where
    submitted = NOW + timedelta(days=day)
    contract = job(
        under,
        question(people=people, link=link),
        nonce=f"{day:032x}",
        submitted=submitted.strftime("%Y-%m-%dT%H:%M:%SZ"),
        deadline=(submitted + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    plan_allowed_job(contract, under, digest=under.digest(), now=submitted)
    return contract


def same_question(under: Agreement) -> list[Job]:
    """Give one question, asked every day."""
    return [asked(under, day) for day in range(DAYS)]


def with_and_without(under: Agreement) -> list[Job]:
    """Give one question every other day, and between them the same but for one person, whom these columns single out."""
    one = "age >= 18 and not (region = 'north' and age = 47 and exit_quarter = '2025Q1')"
    return [asked(under, day, where="age >= 18" if day % 2 == 0 else one) for day in range(DAYS)]


def ladders_in_turn(under: Agreement) -> list[Job]:
    """Give one question under strict, default, loose, strict, …"""
    return [asked(under, day, link=tuple(LADDERS)[day % len(LADDERS)]) for day in range(DAYS)]


def people(count: int, shared: int, *, target_in: bool) -> tuple[Identifiers, Identifiers]:
    """Give two lists of `count` people; `shared` others are in both, and the target, row 0 of the first, if it is told so.

    Nobody looks like anybody else, so the target changes one count by one, and nothing else.
    """
    letters = [f"{a}{b}{c}" for a in "BDFGKLMNPRST" for b in "AEIOU" for c in "DFGKLMNPRST"]
    everybody = np.arange(2 * count)

    def fields(who: npt.NDArray[np.int64]) -> Identifiers:
        return {
            "ssn": np.array([f"{212_340_007 + 10_037 * int(one):09d}" for one in who], dtype=object),
            "first_name": np.array([letters[int(one) % len(letters)] for one in who], dtype=object),
            "last_name": np.array([letters[-1 - int(one) % len(letters)] + "SON" for one in who], dtype=object),
            "birth_date": np.array(
                [f"{1950 + int(one) % 50}-{1 + int(one) % 12:02d}-{1 + int(one) % 27:02d}" for one in who], object
            ),
        }

    first = everybody[:count]
    common = everybody[1 : 1 + shared]
    other = np.concatenate([common, everybody[:1] if target_in else everybody[-1:], everybody[count : 2 * count - shared - 1]])
    return fields(first), fields(other)


@dataclass(frozen=True)
class Seen:
    """What the coordinator has at the end of tagging: tags, and what it makes of them; and, for tests, whose each row is.

    Attributes:
        tags: per agency, (passes, rows, 16).
        matches: the clusters that it found.
        persons: per agency, whose each row is; the agency alone knows.
        secret: the job secret; the agencies alone know it.
    """

    tags: tuple[npt.NDArray[np.uint8], ...]
    matches: Matches
    persons: tuple[npt.NDArray[np.int64], ...]
    secret: bytes


def run(
    contract: Job, under: Agreement, lists: tuple[Identifiers, Identifiers], *, coin_keys: tuple[bytes, bytes], attempt: int = 1
) -> Seen:
    """Tag and match a job as two nodes and the coordinator do, all randomness from the job's digest and the attempt."""
    digest = bytes.fromhex(contract.digest())
    randomness = SeededRandomness(digest + bytes([attempt]))
    secret = tags.job_secret({name: randomness.take(32) for name in ("a", "b")}, digest, attempt)
    scalars = [masks.new_scalar(randomness) for _ in lists]
    passes = passes_of(contract.question, under)
    own = [
        tags.own_list(
            tokens(passes, identifiers, secret, side),
            len(identifiers["ssn"]),
            ladder=passes.ladder,
            secret=secret,
            job_digest=digest,
            coin_key=coin_key,
            decoys=under.decoys,
            scalar=scalar,
            randomness=randomness,
        )
        for side, (identifiers, coin_key, scalar) in enumerate(zip(lists, coin_keys, scalars, strict=True))
    ]
    made = tuple(
        np.stack(
            [
                tags.compute_tags(kernel.mask(other, at), digest, name)
                for at, name in zip(mine.points, passes.names, strict=True)
            ]
        )
        for mine, other in zip(own, reversed(scalars), strict=True)
    )
    # a coordinator that counts for itself leaves no pass out, whatever it tells the agencies
    return Seen(made, match_tags(made, passes.rounds(under.decoys)), tuple(mine.persons for mine in own), secret)


def tokens(passes: Passes, identifiers: Identifiers, secret: bytes, side: int) -> dict[str, tags.TokenColumn]:
    """Give a list's tokens at every pass and band."""
    count = len(identifiers["ssn"])
    made = build_spelled_columns(passes.exact, side, identifiers, count, None, SeededRandomness(b"any"))
    return made if passes.similarity is None else made | band_columns(passes.similarity, identifiers, count, secret)


def digests_of(jobs: Sequence[Job]) -> list[bytes]:
    """Give the jobs' digests."""
    return [bytes.fromhex(contract.digest()) for contract in jobs]


def common_decoys(digest: bytes, decoys: int, at_pass: str, coin_keys: tuple[bytes, bytes]) -> int:
    """Give how many decoys of a pass both nodes include in a job: what is added to the count of that pass."""
    one, two = (coins(key, digest, at_pass, decoys) for key in coin_keys)
    return int((one & two).sum())


def keys(trial: int) -> tuple[bytes, bytes]:
    """Give two nodes' coin keys, others for each trial."""
    drawn = SeededRandomness(b"coin keys " + trial.to_bytes(8, "big")).take(64)
    return drawn[:32], drawn[32:]
