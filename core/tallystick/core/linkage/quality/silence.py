"""Identifiers that used to link and link nobody any more: a column that was exported otherwise is found here, at the latest.

Reports of one family of questions are compared as they went out, under the disclosure rules: a pass whose matches are hidden, because they
are few, counts as one that links nobody. So nothing is told that the reports do not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tallystick.core.linkage.fields.fields import FIELDS

_GUARD: Final = re.compile(r"[~^][a-z0-9_:]+")
"""A field that may be missing does not link."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")


def fields_of_pass(name: str) -> frozenset[str]:
    """Give the fields that a pass takes, by its name in a report."""
    return frozenset(_NAME.findall(_GUARD.sub("", name.split("@")[0]))) & FIELDS.keys()


def linking(report: Mapping[str, Any]) -> frozenset[str]:
    """Give the fields by which people were linked, as a linkage report shows it."""
    return frozenset(
        field for one in report.get("passes", ()) if (one["matches"] or 0) > 0 for field in fields_of_pass(one["pass"])
    )


def find_silent(report: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the fields that linked people in an earlier report, are asked for in this one, and link nobody in it.

    Args:
        report: what a result carries under `linkage`.
        earlier: the same of earlier results of the family.
    """
    asked = frozenset(field for one in report.get("passes", ()) for field in fields_of_pass(one["pass"]))
    before = frozenset(field for one in earlier for field in linking(one))
    return sorted((asked & before) - linking(report))


def tell_silent(fields: Sequence[str]) -> str:
    """Say it to the desk's people; "" where nothing is to be said."""
    if not fields:
        return ""
    return (
        f"{', '.join(fields)} linked people in an earlier result of this question and {'links' if len(fields) == 1 else 'link'} nobody, "
        "or few, in this one: ask the agencies whether a column is read otherwise now (tally node datasets)"
    )
