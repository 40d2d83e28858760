"""Which questions' tables can be subtracted from each other, whatever an analyst calls their groups and columns.

A family has one agreement, people, formula (the people whom it keeps, not how it is written), and columns of `by`. What a question calls
its groups of people and its derived columns, how it spells a condition (letter case of words, spaces, brackets that change nothing), in
which order it names its groups, and what it derives beside, is the analyst's choice and makes no other family. `rename_table` gives a
table of one question the names of another.

Tables by the time since an event count some of the people whom a formula keeps, which of them depends on the periods asked for. So all tables
of these people by the time since whichever event are one family, and of two that do not ask the same of it the second is refused
(`overlap.py`).

What is another family though it could be subtracted: conditions that say the same by more than the rules of `core/job/sameness.py`, and
formulas of which one keeps some of the people whom the other keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import digest_of
from tallystick.core.job.columns import derivations_of, list_sources, split
from tallystick.core.job.conditions import is_condition, list_columns_read, rewrite_condition
from tallystick.core.job.meaning import describe_derived, describe_filter, list_summaries, read_reference
from tallystick.core.job.model import SYSTEMS, Question
from tallystick.core.job.population import population_of
from tallystick.core.job.since import PERIOD
from tallystick.core.measure import Asked, load_measures
from tallystick.core.statistics.rows import by_columns
from tallystick.core.statistics.table import LIST, PAIR


@dataclass(frozen=True)
class Names:
    """What a question calls things.

    Attributes:
        groups: its name of each group of people, by what the group is (`_identities`).
        by: its columns of `by` in their order, and what each is, which does not depend on names.
        asked: its measures that say more than columns: name, columns, options.
        measured: the columns of its measures, together as a measure takes them.
        totals: which totals of the table are tested.
        meant: of each measure, what its columns are, which does not depend on names: what each says, and then what it reads.
    """

    groups: Mapping[str, str]
    by: tuple[tuple[str, str], ...]
    measured: tuple[tuple[str, ...], ...] = ()
    meant: tuple[tuple[tuple[str, ...], ...], ...] = ()
    totals: str = "none"
    asked: tuple[Asked, ...] = ()

    @classmethod
    def of(cls, question: Question, agreement: Agreement) -> Names:
        """Give a question's names."""
        identities = _identities(question, agreement)
        groups = {identity: name for name, identity in identities.items()}
        by = by_columns(question, population_of(question))
        measured = dict.fromkeys(measure.columns for measure in question.measures if measure.columns)
        meant = tuple((reference, _describe_reference(reference, question, identities)) for reference in by)
        asked = tuple(one.asked for one in question.measures if one.asked.options)
        columns = dict.fromkeys(_describe_asked(one.asked, question, identities) for one in question.measures if one.columns)
        return cls(groups, meant, tuple(measured), tuple(columns), question.totals or "none", asked)

    @classmethod
    def read(cls, value: Any) -> Names:
        """Give what `json_value` gave."""
        by = tuple((reference, meant) for reference, meant in value["by"])
        meant = tuple(tuple(map(tuple, some)) for some in value.get("meant", ()))
        asked = tuple(
            Asked(name, tuple(columns), tuple((key, tuple(item) if isinstance(item, list) else item) for key, item in options))
            for name, columns, options in value.get("asked", ())
        )
        return cls(value["groups"], by, tuple(map(tuple, value.get("measured", ()))), meant, value.get("totals", "none"), asked)

    def json_value(self) -> dict[str, Any]:
        """Give it for storage."""
        return {
            "groups": dict(self.groups),
            "by": [list(one) for one in self.by],
            "measured": [list(one) for one in self.measured],
            "meant": [[list(one) for one in some] for some in self.meant],
            "totals": self.totals,
            "asked": [
                [
                    one.name,
                    list(one.columns),
                    [[key, list(item) if isinstance(item, tuple) else item] for key, item in one.options],
                ]
                for one in self.asked
            ],
        }

    def find_crossing(self, other: Names, *, parting: bool = False) -> bool:
        """Tell whether a measure of each question is over other columns that share one: the people who have one and lack another follow.

        What one of the questions asks itself is no crossing: what one question asks together tells nothing (`core/job/together.py`).

        Args:
            other: of the other question.
            parting: of measures alone of which one parts people at a threshold, in a condition, bands or a cap.
        """
        asked, before = ([set(one) for one in some] for some in (self.meant, other.meant))
        return any(
            set(mine) not in before
            and set(theirs) not in asked
            and not (_is_plain(mine) and _is_plain(theirs))
            and (not parting or _parts(mine) or _parts(theirs))
            and {one for some in mine for one in some[1:]} & {one for some in theirs for one in some[1:]}
            for mine in self.meant
            for theirs in other.meant
        )


def _is_plain(columns: tuple[tuple[str, ...], ...]) -> bool:
    """Tell whether a measure is over one column that parts nobody: of two such ones over one source, the same people have both."""
    return len(columns) == 1 and not _parts(columns)


def _parts(columns: tuple[tuple[str, ...], ...]) -> bool:
    """Tell whether a column of a measure parts people: it is not among the columns that it is worked out from."""
    return any(one[0] != one[1] for one in columns)


def family_of(question: Question, agreement: Agreement) -> str:
    """Give what two questions have in common whose tables can be subtracted, as 64 hexadecimal digits.

    Args:
        question: one that the agreement allows.
        agreement: it.
    """
    by = sorted(meant for _, meant in Names.of(question, agreement).by)
    if question.since is not None:
        by = [PERIOD]
    return digest_of({**_describe_counted(question, agreement), "by": by})


def cohort_of(question: Question, agreement: Agreement) -> str:
    """Give what two questions have in common that count the same people, by whatever columns, as 64 hexadecimal digits."""
    return digest_of({"cohort": _describe_counted(question, agreement)})


def ledger_of(question: Question, agreement: Agreement) -> str:
    """Give the name of the patterns that are kept of tables of the same people, as 64 hexadecimal digits."""
    return digest_of({"ledger": _describe_counted(question, agreement)})


def name_people(question: Question, agreement: Agreement) -> str:
    """Give what two questions have in common that count the same people, under whichever agreements, as 64 hexadecimal digits."""
    counted = _describe_counted(question, agreement)
    return digest_of({"people": counted["people"], "keep": counted["keep"]})


def _describe_counted(question: Question, agreement: Agreement) -> dict[str, Any]:
    """Give whom a question counts, which does not depend on its names."""
    identities = _identities(question, agreement)
    people = {identities[name]: describe_people(name, question, agreement) for name in question.people}
    terms = population_of(question).keep.terms
    keep = sorted([*sorted(identities[name] for name in names), str(coefficient)] for names, coefficient in terms.items())
    return {"agreement": question.agreement, "people": people, "keep": keep}


def describe_people(group: str, question: Question, agreement: Agreement) -> list[str]:
    """Give whom a group has, whatever it is called: agency, dataset, and the condition as `describe_filter` has it."""
    one = question.people[group]
    return [one.agency, one.dataset, "" if one.where is None else describe_filter(one, agreement.dataset_of(one.dataset))]


def _identities(question: Question, agreement: Agreement) -> dict[str, str]:
    """Give what each group is, which does not depend on names: its agency; of several groups of one, a digest of whom it has, too.

    Groups of the same people are told apart by their order, so that nothing is lost; what they are called then matters.
    """
    agencies = [people.agency for people in question.people.values()]
    identities: dict[str, str] = {}
    times: Counter[str] = Counter()
    for name, people in sorted(question.people.items()):
        several = agencies.count(people.agency) > 1
        identity = f"{people.agency} {digest_of(describe_people(name, question, agreement))[:16]}" if several else people.agency
        identities[name] = f"{identity} {times[identity]}" if times[identity] else identity
        times[identity] += 1
    for name, parts in (question.stacked or {}).items():
        identities[name] = "stacked " + " + ".join(identities[part] for part in parts)
    return identities


def rename_table(table: Mapping[str, Any], theirs: Names, mine: Names) -> dict[str, Any]:
    """Give a table of one question (`rows`, `linkage`) in the names of another of its family.

    Args:
        table: of the one question.
        theirs: its names.
        mine: the other's.
    """
    if theirs == mine:
        return dict(table)
    groups = {theirs.groups[identity]: name for identity, name in mine.groups.items() if identity in theirs.groups}
    called = {meant: reference for reference, meant in theirs.by}
    columns = {reference: called[meant] for reference, meant in mine.by}
    linkage = dict(table["linkage"])
    for what in ("people", "usable"):
        linkage[what] = _keys(linkage[what], groups)
    if "passes" in linkage:
        linkage["passes"] = [one | {"tokens": _join_under(one["tokens"], groups, LIST)} for one in linkage["passes"]]
    if "identifiers" in linkage:
        linkage["identifiers"] = [
            one | {what: _join_under(one[what], groups, LIST) for what in ("unread", "denied")}
            for one in linkage["identifiers"]
        ]
    if "pairs" in linkage:
        linkage["pairs"] = _join_under(linkage["pairs"], groups, PAIR)
    if "rates" in linkage:
        rates = linkage["rates"]
        back = {reference: name for name, reference in columns.items()}
        linkage["rates"] = {
            "overall": _keys(rates["overall"], groups),
            "by": [back[reference] for reference in rates["by"]],
            "groups": [_row(one, columns, {}) for one in rates["groups"]],
        }
        if "pairs" in rates:
            pairs = _join_under(rates["pairs"], groups, PAIR)
            linkage["rates"]["pairs"] = {pair: _keys(one, groups) for pair, one in pairs.items()}
    labels = _labels(theirs, mine, groups)
    made = {**table, "rows": [_row(row, columns, labels) for row in table["rows"]], "linkage": linkage}
    if "counts" in table:
        lists = ("columns", "among")
        made["counts"] = [
            one
            | {name: list(_swap_groups(one[name], groups)) for name in lists if name in one}
            | ({"band": [*_swap_groups(one["band"][:1], groups), *one["band"][1:]]} if "band" in one else {})
            for one in table["counts"]
        ]
    return made


def _describe_reference(reference: str, question: Question, identities: Mapping[str, str]) -> str:
    if reference == SYSTEMS:
        return SYSTEMS
    if reference == PERIOD and question.since is not None:
        since = question.since
        event, of = (_column(one, question, identities) for one in (since.event, since.of))
        return f"{PERIOD} of {of} since {event}, unit {since.unit}: {', '.join(map(str, sorted(map(str, since.periods))))}"
    edges = (question.bins or {}).get(reference)
    meant = _column(reference, question, identities)
    return meant if edges is None else f"{meant} at {', '.join(str(Fraction(edge)) for edge in edges)}"


def describe_column(reference: str, question: Question, agreement: Agreement) -> str:
    """Give what a column is, which does not depend on the question's names."""
    return _describe_measured(reference, question, _identities(question, agreement))[0]


def _describe_asked(asked: Asked, question: Question, identities: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """Give what a measure's columns are, as `Names.meant` has them; the edges of its bands make another column of the first."""
    columns = [_describe_measured(column, question, identities) for column in asked.columns]
    edges = dict(asked.options).get("at")
    if isinstance(edges, tuple):
        columns[0] = (f"{columns[0][0]} at {', '.join(str(Fraction(edge)) for edge in edges)}", *columns[0][1:])
    return tuple(columns)


def _describe_measured(reference: str, question: Question, identities: Mapping[str, str]) -> tuple[str, ...]:
    """Give what a measured column is, and after it each column that it is worked out from."""
    group, name = split(reference)
    read = {column: _column(f"{group}.{column}", question, identities) for column in list_columns_read(name)}
    made = derivations_of(question.people[question.parts_of(group)[0]])
    roots = {one for column in read for one in (*list_summaries(column, made), *list_sources(column, made))}
    sources = sorted(f"{identities[group]}.{one}" for one in roots)
    if not is_condition(name):
        # of a column that parts nobody, itself stands behind it: it can be asked for beside any other such one (`_is_plain`)
        first = () if read_reference(reference, question).parts else (read[name],)
        return (read[name], *first, *(one for one in sources if one not in first))
    return (rewrite_condition(name, read), *sources)


def _column(reference: str, question: Question, identities: Mapping[str, str]) -> str:
    group, column = split(reference)
    made = derivations_of(question.people[question.parts_of(group)[0]])
    return f"{identities[group]}.{describe_derived(column, made)}"


def _keys(value: Mapping[str, Any], groups: Mapping[str, str]) -> dict[str, Any]:
    return {groups.get(name, name): item for name, item in value.items()}


def _join_under(value: Mapping[str, Any], groups: Mapping[str, str], by: str) -> dict[str, Any]:
    """Give what stands under the names of several groups together, which are in the order of their names."""
    return {by.join(sorted(groups.get(one, one) for one in name.split(by))): item for name, item in value.items()}


def _labels(theirs: Names, mine: Names, groups: Mapping[str, str]) -> dict[str, str]:
    """Give, for every label that a number over either question's columns can have, what the other question calls the same number."""
    back = {name: their for their, name in groups.items()}
    pairs = [(columns, _swap_groups(columns, groups)) for columns in theirs.measured]
    pairs += [(_swap_groups(columns, back), columns) for columns in mine.measured]
    labels = {label: own for pair in pairs for label, own in zip(*map(_numbers, pair), strict=True)}
    more = [(one, replace(one, columns=_swap_groups(one.columns, groups))) for one in theirs.asked]
    more += [(replace(one, columns=_swap_groups(one.columns, back)), one) for one in mine.asked]
    return labels | {one.label: own.label for one, own in more}


def _numbers(columns: tuple[str, ...]) -> list[str]:
    """Give the labels of every number that a measure over columns can show, in an order that does not depend on their names."""
    asked = [Asked(measure.name, columns) for measure in load_measures().values() if measure.takes(len(columns))]
    return [label for one in asked for label in (one.label, one.rests_on.label)]


def _swap_groups(columns: Sequence[str], groups: Mapping[str, str]) -> tuple[str, ...]:
    """Give references with the other names of their groups."""
    return tuple(f"{groups.get(group, group)}.{column}" for group, column in map(split, columns))


def _row(row: Mapping[str, Any], columns: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    """Give a row's levels under the other question's names, and its measures under their labels there."""
    theirs = set(columns.values())
    made = {mine: row[reference] for mine, reference in columns.items() if reference in row}
    made |= {labels.get(name, name): item for name, item in row.items() if name not in theirs}
    if "hidden" in made:
        made["hidden"] = [labels.get(label, label) for label in made["hidden"]]
    for beside in ("undefined", "details"):
        if beside in made:
            made[beside] = {labels.get(label, label): told for label, told in made[beside].items()}
    return made
