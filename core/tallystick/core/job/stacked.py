"""Groups of agencies of one kind, stacked: `agency: [county-a, county-b]` in a job file is a group of each, and one of their people together.

    people:                                       people:
      tanf:                                         tanf-county-a: {agency: county-a, dataset: tanf_a, where: …}
        agency: [county-a, county-b]       →        tanf-county-b: {agency: county-b, dataset: tanf_b, where: …}
        dataset: [tanf_a, tanf_b]                 stacked:
        where: …                                    tanf: [tanf-county-a, tanf-county-b]

Whom several of them have is one person, of whom the first that has the person speaks: a column of `tanf` is a + (1 - p_a)·b, where p_a is 1
for people whom a has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallystick.core.errors import Invalid


def expand_stacked(value: object) -> object:
    """Give a job file's value with a group of each agency in place of those that list several; any other value as it is.

    Raises:
        Invalid: `job-invalid`: agencies and datasets do not go together, or a name is taken.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("people"), Mapping):
        return value
    lists = {
        name: one for name, one in value["people"].items() if isinstance(one, Mapping) and isinstance(one.get("agency"), list)
    }
    if not lists:
        return value
    people: dict[str, Any] = {name: one for name, one in value["people"].items() if name not in lists}
    stacked: dict[str, Any] = dict(value.get("stacked") or {})
    for name, one in lists.items():
        agencies, datasets = one["agency"], one.get("dataset")
        if not isinstance(datasets, list) or len(datasets) != len(agencies):
            raise Invalid(
                "job-invalid",
                f"people.{name}: {len(agencies)} agencies need a dataset each",
                hint="dataset: [NAME, …], in the order of the agencies",
            )
        parts = [f"{name}-{agency}" for agency in agencies]
        taken = sorted({part for part in parts if part in people or parts.count(part) > 1} | ({name} & stacked.keys()))
        if taken:
            raise Invalid(
                "job-invalid",
                f"people.{name}: there is a group {taken[0]} twice",
                hint="name each agency once, or rename the group",
            )
        people |= {part: {**one, "agency": a, "dataset": d} for part, a, d in zip(parts, agencies, datasets, strict=True)}
        stacked[name] = parts
    return {**value, "people": people, "stacked": stacked}
