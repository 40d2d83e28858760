"""What a result may show beside earlier results of the same people and groups: a difference of two numbers is a number too.

One question under three ladders gives three tables of nearly the same matches. Where one says 100 and the next 103, three people are
told of, and the sum of what they earn. So the desk keeps what it released (by people, formula and groups: `families.py`), and holds a new
table against each earlier one before anybody sees it:

1. A row that an earlier table hides is hidden (`difference`), and so is a measure that it hides: the looser of two tables bounds the
   stricter.
2. A row is hidden where its count, or the count behind one of its measures, differs by a small number. A sum of 0 and 1 that
   differs so, or leaves so many of the difference, is hidden with its mean.
3. Fewer than `CROWD` hidden rows, if rule 2 hides one, take one more with them: the first that is shown. (Not where rule 5 hides more.)
4. The rows that are hidden now add up, against the earlier table, to a difference that totals and shown rows say. While that is small and no
   row can balance it, one more row is hidden; at the end the total.
5. The rows of `keep: a and b` add up to the matches, and so do those of `keep: a` whose people are in b. So the matches are hidden
   unless, with their difference known, each hidden difference by few can still be any small number, and a little more. All rows of
   `keep: a` add up to the first group's people, by each combination of its own levels, and people do not change: where one row of a
   combination differs by few, all of them are hidden.
6. A total, or a number of tokens, that differs by a small number is hidden. With the matches goes all that says them: rates, matches by
   pass, estimates. Groups are hidden all together, where one of theirs differs so, rules 1 to 5 hid a row, or an earlier table of
   `b and a` shows groups by the other margin.
7. Of any other formula, of more than two groups, or of groups of one agency, all rows and the whole linkage report are hidden where
   rule 1, 2 or 6 hides anything; and where totals are shown beside both tables, if a row is hidden that the earlier one shows, or the hidden
   rows of one combination of presences together differ by few.

What this does not see: tables by other columns, other conditions or formulas, measures over other conditions, bands or columns together, or
people that changed in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from tallystick.core.disclosure.held import REASON, EarlierTable, HeldTable
from tallystick.core.disclosure.kept import extract_counts, read_counts
from tallystick.core.disclosure.rule import Context, DisclosureProfile, Draft
from tallystick.core.statistics.plan import Plan

Table = Mapping[str, Any]
"""What was or will be released: `rows` and `linkage`, numbers as numbers; `counts` where a measure tells some."""


@dataclass(frozen=True)
class Differences:
    """The rule."""

    order: ClassVar[int] = 100

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Hide what earlier tables of the family would turn into a small number; the last of a profile's rules."""
        counts = extract_counts(context.plan, draft.rows, context.moments)
        table = {"rows": draft.rows, "linkage": draft.linkage, "counts": counts}
        made, hidden = without_differences(table, context.earlier, context.profile, context.plan)
        told = {**draft.told, "compared_with": len(context.earlier)}
        if hidden:
            told["rows_hidden"] = {**draft.told["rows_hidden"], REASON: hidden}
        return replace(draft, rows=tuple(made["rows"]), linkage=made["linkage"], told=told)


RULE: Final = Differences()


def without_differences(
    table: Table, earlier: Sequence[Table], profile: DisclosureProfile, plan: Plan
) -> tuple[dict[str, Any], int]:
    """Hide what the earlier tables would turn into a small number; give the table, and how many rows were hidden.

    Args:
        table: `rows` and `linkage` as every other rule leaves them, and `counts` (`kept.py`).
        earlier: tables of the same family, in the names of this one (`families.rename_table`).
        profile: the rules.
        plan: the job's.
    """
    made = HeldTable(dict(table["linkage"]), [dict(row) for row in table["rows"]], read_counts(table, plan), profile, plan)
    if not profile.hides:
        return {"rows": made.rows, "linkage": made.linkage}, 0
    others = [EarlierTable.of(one, plan) for one in earlier]
    while any(made.against(other) for other in others):  # a row hidden for one may matter to another
        pass
    return {"rows": made.rows, "linkage": made.linkage}, len(made.hidden)
