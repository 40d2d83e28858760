"""What an agency brings to an attempt: its people, read and checked, as tokens and columns. Runs in a thread; blocks.

Security: what is here stays in this node's processes. The only thing kept of it is a keyed fingerprint, so that a later attempt over other
records is noticed before anything of it leaves (S-18).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from tallystick.core.clock import Clock, SystemClock
from tallystick.core.disclosure.gating import answer_own_tests
from tallystick.core.errors import Refused
from tallystick.core.linkage.passes.bands import PeopleGrams
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.spellings import build_spelled_columns
from tallystick.core.linkage.passes.tokens import with_any_token
from tallystick.core.linkage.quality.own_list import check_facts, check_word
from tallystick.core.linkage.quality.sharing import list_counts
from tallystick.core.linkage.quality.unread import count_unread, tell_lost
from tallystick.core.statistics.columns import USABLE, AgencyList, agency_columns, own_totals, usable_column
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.gate import SharedTest
from tallystick.crypto.statistic.states import BandsOf, knows_nothing, no_bands
from tallystick.crypto.tags import TokenColumn
from tallystick.node.assignment import Assignment, GroupAssignment
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.cohorts import enter_cohort, has_ledger, least_selected
from tallystick.node.config import NodeConfig
from tallystick.node.fingerprint import fingerprint
from tallystick.node.home import HomeList, join_groups
from tallystick.node.noise import add_noise, charge_noise
from tallystick.node.ports import NodeStorage, Note
from tallystick.node.records_seen import warn_changed
from tallystick.records.features import PeopleTable, people_table
from tallystick.records.reading import load_dataset
from tallystick.records.usable import check_usable, count_fields

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Prepared:
    """People, ready for the machine.

    Attributes:
        people: how many; whom several of my groups have is one person.
        passes: tokens by exact pass, strict to loose.
        bands_of: gives the tokens by band of a similarity pass under the job secret, each made when it is asked for.
        over_slots: gives my columns over the table, from the slot of each person and the table's size; it holds no token.
        own: per cell, what this agency adds by itself, its noise among it.
        knows: answers the tests of a gate whose number I know by myself.
    """

    people: int = field(repr=False)
    passes: Mapping[str, TokenColumn] = field(repr=False)
    bands_of: BandsOf = field(repr=False)
    over_slots: Callable[[Int64s, int], Int64s] = field(repr=False)
    own: tuple[int, ...] = field(repr=False)
    knows: Callable[[SharedTest], bool] = field(repr=False, default=knows_nothing)


def prepare_records(assignment: Assignment, config: NodeConfig, storage: NodeStorage, clock: Clock | None = None) -> Prepared:
    """Read my people and make tokens and columns of them; warn of identifiers that hardly can be used, and of records that have changed.

    Args:
        assignment: my part of the job.
        config: the node's.
        storage: where the job, its log and what its records were are kept.
        clock: for the log; None for the machine's.

    Raises:
        Invalid: `source-…`, `where-invalid`, `link-impossible`.
        Refused: `too-few`; `source-unusable`; `link-word`, `linkage-outgrown`: the list is not as the agreement says; `source-changed`: a
            share over other records has left already; `cohort-too-close`, `budget-spent`.
        Broken: `source-large`, `disk`.
    """
    contract = assignment.contract
    ledger = has_ledger(contract)
    floor = max(1, contract.agreement.min_people, least_selected(contract))
    tables: dict[str, PeopleTable] = {}
    for one in assignment.groups:
        tables[one.group] = people_of(one, config, keyed=ledger or len(assignment.groups) > 1)
        if tables[one.group].n < floor:
            raise Refused(
                "too-few",
                f"{one.group} has fewer people than the {floor} that the agreement asks for",
                hint="ask about more people",
            )
    storage.pin_table(contract.digest.hex(), fingerprint(*tables.values(), secret=storage.secret(), job=contract.digest))
    charge_noise(storage, contract)
    if ledger:
        enter_cohort(storage, assignment, {group: table.keys for group, table in tables.items() if table.keys is not None})
    mine = join_groups(tables)
    n, identifiers = mine.people.n, mine.identifiers
    exact = _tokens(contract.passes.exact, assignment.side, mine)
    bands_of: BandsOf = no_bands
    with_token, in_any_band = with_any_token(exact, n), None
    if contract.passes.similarity is not None:
        grams = PeopleGrams(contract.passes.similarity, identifiers, n)
        with_token, bands_of, in_any_band = with_token | grams.usable, grams.bands, grams.usable
    people = _with_usable(mine.people, with_token)
    counts = list_counts(
        [recipe.of_side(assignment.side) for recipe in contract.passes.exact], identifiers, n, in_any_band=in_any_band
    )
    _warn_unusable(assignment, config, storage, clock or SystemClock(), identifiers)
    warn_changed(assignment, tables, storage, clock or SystemClock())
    if contract.passes.facts:
        name = " and ".join(dict.fromkeys(one.people.dataset for one in assignment.groups))
        check_facts(name, contract.passes.facts[assignment.side], contract.passes.exact, counts)
        check_word(name, contract.passes.holds, contract.passes.exact, counts, n)
    own = add_noise(storage, contract, own_totals(contract.plan, assignment.me, people, counts))
    knows: Callable[[SharedTest], bool] = knows_nothing
    if contract.gated:
        knows = answer_own_tests(contract.plan, contract.agreement, assignment.me, people)
    return Prepared(n, exact, bands_of, partial(agency_columns, contract.plan, assignment.me, people), own, knows)


def _warn_unusable(
    assignment: Assignment,
    config: NodeConfig,
    storage: NodeStorage,
    clock: Clock,
    identifiers: Mapping[str, npt.NDArray[np.object_]],
) -> None:
    """Warn the agency's people of identifiers of which fewer than half of the written values can be used.

    It stands in the log, and among what is said of the job. Where every dataset declares how many must be usable, that is checked instead.
    """
    if all(config.dataset(one.people.dataset).usable is not None for one in assignment.groups):
        return
    warning = tell_lost(count_unread(identifiers))
    job = assignment.contract.digest.hex()
    record = storage.job(job)
    if not warning or record is None or warning in record.reasons:
        return
    note = Note("identifiers-unusable", clock.now(), {"warning": warning})
    decide_job(
        storage,
        job,
        lambda kept: None if warning in kept.reasons else KeptChange(replace(kept, reasons=(*kept.reasons, warning)), note),
    )


def people_of(assignment: GroupAssignment, config: NodeConfig, *, keyed: bool = False) -> PeopleTable:
    """Read a group's people: only the columns that the job reads, from records that are closed again when it returns."""
    name = assignment.people.dataset
    with load_dataset(
        name, config.dataset(name), config.folder, max_memory_mib=config.file.max_memory_mib, columns=assignment.read
    ) as records:
        entry = config.dataset(name)
        if entry.usable is not None:
            check_usable(name, entry, count_fields(records.connection, tuple(entry.identifiers), records.places))
        return people_table(
            records,
            assignment.group,
            where=None if assignment.where.rows is None else assignment.where.rows.sql,
            used=assignment.used,
            derived=assignment.derived,
            passing=assignment.where.people,
            conditions={name: condition.sql for name, condition in assignment.conditions.items()},
            keyed=keyed,
            windows=assignment.windows,
        )


def _tokens(recipes: Sequence[Recipe], side: int, mine: HomeList) -> dict[str, TokenColumn]:
    """Give the list's tokens at each pass; nobody's at one that other lists alone can make."""
    n = mine.people.n
    able = [recipe for recipe in recipes if not recipe.lacking(mine.identifiers, min(side, 1))]
    made = build_spelled_columns(able, side, mine.identifiers, n, mine.spellings, SystemRandomness())
    nobody = TokenColumn(b"", np.zeros(n + 1, dtype=np.int64), np.zeros(n, dtype=np.bool_))
    return {recipe.name: made.get(recipe.name, nobody) for recipe in recipes}


def _with_usable(people: AgencyList, with_token: Bools) -> AgencyList:
    """Give a list's people with the column that says who has a token."""
    groups = {
        group: replace(
            members,
            columns={
                **members.columns,
                USABLE: usable_column(with_token if members.places is None else with_token[members.places]),
            },
        )
        for group, members in people.groups.items()
    }
    return replace(people, groups=groups)
