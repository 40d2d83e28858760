"""What an agreement allows, as people read it, and what one version of it says otherwise than another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.agreement.records import RecordTerms
from tallystick.core.agreement.review import ReviewTerms
from tallystick.core.model import Document

_KEY_DIGITS: Final = 12
_LONG: Final = 80
"""Letters of a value that are shown; keys and lists of values may be longer."""


def describe_column(column: Column) -> str:
    """Say which values a column may have: its levels, or its bounds."""
    if column.values is not None:
        return ", ".join(column.values)
    if column.min is not None:
        return f"{column.min} to {column.max}"
    return "true, false" if column.type == "boolean" else "not declared"


def column_rows(agreed: Agreement) -> list[tuple[str, str, str, str]]:
    """List every column of every dataset: dataset, column, type, and which values it may have."""
    return [
        (name, column, one.type + (f", {one.scale} digits after the point" if one.scale else ""), describe_column(one))
        for name, dataset in agreed.datasets.items()
        for column, one in dataset.columns.items()
    ]


def describe_review(terms: ReviewTerms) -> str:
    """Say who reviews results before they go out, and what follows from what they say."""
    objection = "an objection stops it" if terms.objection == "stops" else "an objection goes along with it"
    return f"{', '.join(terms.reviewers)} see each result before it goes out; it waits {terms.days} days for who says nothing; {objection}"


def limit_rows(agreed: Agreement) -> list[tuple[str, str]]:
    """List the numbers that bound what may be asked and kept, each with what it does."""
    rule = agreed.disclosure
    least = f"profile {rule.profile}" if rule.min_cell is None else f"counts of 1 to {rule.min_cell - 1} are hidden"
    least += ", opened for nobody (gate)" if rule.gate else ""
    least += ", people of jobs compared at each node (cohorts)" if rule.cohorts else ""
    least += "" if rule.households is None else f", cells of fewer than {rule.households} households are hidden"
    if rule.noise is not None:
        least += f", every number with noise: epsilon {rule.noise.epsilon} a job, {rule.noise.budget} for all"
    least += "" if rule.budget is None else f", {rule.budget:,} cells over each dataset"
    return [
        ("disclosure", least if rule.profile is None or rule.min_cell is None else f"profile {rule.profile}; {least}"),
        ("fewest people", f"{agreed.min_people:,} in each group, or no answer" if agreed.min_people else "no minimum"),
        ("decoys", f"{agreed.decoys:,} at most in each list" if agreed.decoys else "none: matches by pass are exact"),
        *([] if agreed.review is None else [("review", describe_review(agreed.review))]),
        ("retention", f"{agreed.retention_days:,} days after the end, the desk deletes what its results showed"),
    ]


def dataset_rows(agreed: Agreement) -> list[tuple[str, str, str, str, str, str]]:
    """List the datasets: name, agency, identifiers, most people, most rows of a person, what becomes of values out of bounds."""
    return [
        (
            name if one.relation is None else f"{name} (by {one.relation})",
            one.agency,
            ", ".join(one.identifiers),
            f"{one.people:,}",
            f"{one.rows_per_person:,}",
            "refused" if one.out_of_bounds == "refuse" else "clipped",
        )
        for name, one in agreed.datasets.items()
    ]


def differences(before: Document, after: Document) -> list[tuple[str, str, str]]:
    """List what differs between two texts: place, before, after; "" where there is nothing.

    Of an agreement of tiers it is what they allow together; two versions of one tier are compared by themselves.
    """
    old, new = (
        {place: said for place, said in flatten(text.json_value()).items() if not place.startswith("tiers.")}
        for text in (before, after)
    )
    places = [*old, *(place for place in new if place not in old)]
    return [(place, old.get(place, ""), new.get(place, "")) for place in places if old.get(place, "") != new.get(place, "")]


def shorten(text: str) -> str:
    """Cut a long value: of a key its first digits are enough to compare it by, for people who compare it over another channel."""
    if len(text) in {64, 2432} and set(text) <= set("0123456789abcdef"):
        return f"{text[:_KEY_DIGITS]}…"
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def flatten(value: Any, place: str = "") -> dict[str, str]:
    """Give every value of a document by its place; a list of words is one value, in its order, and a list of objects each of them."""
    if isinstance(value, Mapping) and value:
        found: dict[str, str] = {}
        for key, one in value.items():
            found |= flatten(one, f"{place}.{key}" if place else str(key))
        return found
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        return {
            key: said for number, one in enumerate(value, start=1) for key, said in flatten(one, f"{place}.{number}").items()
        }
    if isinstance(value, list):
        return {place: ", ".join(map(str, value))} if value else {}
    return {} if value is None or value == {} else {place: str(value).lower() if isinstance(value, bool) else str(value)}


def list_offers(terms: RecordTerms) -> str:
    """Say in a line what may be asked of one client, by whom."""
    return "; ".join(
        f"{', '.join(offer.to)} may ask {offer.dataset} for {', '.join(offer.fields)} ({', '.join(offer.purposes)})"
        for offer in terms.offers
    )
