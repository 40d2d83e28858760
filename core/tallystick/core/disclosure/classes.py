"""Rows of periods since an event that count the same people: classes, whose rows of each period add up to one number.

In every period the same people are counted (`core/job/since.py`), so rows with the same levels of all columns but those of the group that is
followed have as many of them in each: any period that is shown whole tells the sum of another. So where a desk hides small cells,

1. the hidden rows of a class in one period must be loose with that sum known, one more row hidden with a lone one;
2. where they are not, the class is hidden in all periods, with one word for all its rows, so that none says which are small;
3. so it is where a measure is over another group's column: its sums over a class do not depend on the period either;
4. and a measure of such a column that is hidden in one row is hidden in all rows of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.rule import CROWD
from tallystick.core.job.columns import split
from tallystick.core.job.model import Question
from tallystick.core.job.since import PERIOD, find_follow_up
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Row


def list_classes(rows: Sequence[Row], plan: Plan) -> list[set[int]]:
    """Give the rows by their levels of all columns but the period and those of the group that is followed.

    Args:
        rows: of a table of periods.
        plan: the table's.
    """
    followed = find_followed(plan)
    names = [name for name in plan.by if name != PERIOD and split(name)[0] != followed]
    classes: dict[tuple[object, ...], set[int]] = {}
    for index, row in enumerate(rows):
        classes.setdefault(tuple(row[name] for name in names), set()).add(index)
    return list(classes.values())


def hide_in_classes(
    rows: Sequence[Row],
    plan: Plan,
    small: set[int],
    complement: Callable[[set[int], Collection[int] | None], int | None],
    is_loose: Callable[[set[int]], bool],
) -> set[int]:
    """Give the rows that are hidden beside small ones, and small ones of classes that are hidden in all periods.

    Args:
        rows: of a table of periods.
        plan: the table's.
        small: rows of small counts.
        complement: gives the row to hide beside others, among some.
        is_loose: whether hidden rows could each be any small count, for who knows their sum.
    """
    measured = {group for present in plan.present for group in plan.groups_of(present)}
    found: set[int] = set()
    for some in list_classes(rows, plan):
        if not some & small:
            continue
        loose, beside = measured <= {find_followed(plan)}, set[int]()
        for period in {rows[index][PERIOD] for index in some}:
            together = {index for index in some if rows[index][PERIOD] == period}
            hidden = together & small
            extra = complement(hidden, together) if 0 < len(hidden) < CROWD else None
            if extra is not None:
                hidden.add(extra)
                beside.add(extra)
            loose = loose and is_loose(hidden)
        found |= beside if loose else some
    return found


def describe_periods(question: Question, agreement: Agreement) -> list[str]:
    """Say what rows of periods are sums of, and whom they count; nothing of a question that has none."""
    follow = find_follow_up(question, agreement)
    if follow is None:
        return []
    labels = ", ".join(str(period.label) for period in follow.periods)
    told = (
        f"the cells by {follow.heading} ({labels}): each is a sum over the {follow.unit}s of the event, and of one {follow.unit} there is a "
        f"number only where a column of by tells it; counted in every period are the same {follow.counted}"
    )
    return [told]


def find_followed(plan: Plan) -> str:
    """Give the group whose rows are of periods. Pre-condition: there is one."""
    assert plan.follow is not None
    return split(plan.follow.of)[0]


def widen_hidden(found: Mapping[int, Sequence[str]], rows: Sequence[Row], plan: Plan) -> dict[int, list[str]]:
    """Give what is hidden of rows with measures over columns of other groups than the followed one hidden in every row of a class.

    Their sums over a class do not depend on the period, so another period would say what is hidden in one.

    Args:
        found: by row, the labels that are hidden there.
        rows: of a table.
        plan: the table's; if its rows are of no periods, nothing more is hidden.
    """
    if plan.follow is None:
        return {index: list(labels) for index, labels in found.items()}
    followed, out = find_followed(plan), {index: list(labels) for index, labels in found.items()}
    others = {
        label
        for present in plan.present
        if {*plan.groups_of(present)} != {followed}
        for label in (present.label, *(one.label for one in plan.over(present)))
    }
    for some in list_classes(rows, plan):
        hidden = dict.fromkeys(label for index in sorted(some & out.keys()) for label in out[index] if label in others)
        for index in some if hidden else ():
            if rows[index]["count"] or index in out:
                out[index] = list(dict.fromkeys([*out.get(index, ()), *hidden]))
    return out
