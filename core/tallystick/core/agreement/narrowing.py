"""Whether a lower tier of an agreement only narrows: nothing that a tier above it does not allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tallystick.core.agreement.disclosure import Disclosure
from tallystick.core.agreement.tiers import Memorandum, SharingAgreement, UseLicense
from tallystick.core.errors import Refused


def find_widenings(
    memorandum: Memorandum, sharings: Sequence[SharingAgreement], license_: UseLicense, agencies: Sequence[str]
) -> Iterator[Refused]:
    """Give every place where a lower tier allows what a tier above it does not: `tier-widens`.

    Args:
        memorandum: the highest tier.
        sharings: the sharing agreements that the license names.
        license_: the lowest tier.
        agencies: those that take part in its jobs.
    """
    for sharing in sharings:
        below = _Step(f"sharing agreement {sharing.name}", sharing, "the memorandum", memorandum)
        yield from below.of_both(retention=sharing.retention_days)
        yield from below.of_names("signers", sharing.signers, memorandum.parties)
        step = _Step("the license", license_, f"sharing agreement {sharing.name}", sharing)
        yield from step.of_both(retention=license_.retention_days)
        for field in ("purposes", "operations", "joins", "link"):
            yield from step.of_names(field, getattr(license_, field), getattr(sharing, field))
        yield from step.of_names("agencies that take part", agencies, sharing.signers)
        yield from step.of_names(
            f"columns of {sharing.dataset}", license_.datasets.get(sharing.dataset, ()), sharing.terms.columns
        )
        if license_.min_people < sharing.min_people:
            yield step.widens(f"min_people: {license_.min_people}", str(sharing.min_people))
    yield from _Step("the license", license_, "the memorandum", memorandum).of_both(retention=license_.retention_days)
    yield from _Step("the license", license_, "the memorandum", memorandum).of_names(
        "desk", (license_.desk,), memorandum.parties
    )
    yield from _Step("the license", license_, "its sharing agreements", license_).of_names(
        "datasets", license_.datasets, {sharing.dataset for sharing in sharings}
    )


@dataclass(frozen=True)
class _Step:
    """One lower tier beside one above it."""

    lower: str
    low: Any
    higher: str
    high: Any

    def widens(self, what: str, limit: str) -> Refused:
        return Refused("tier-widens", f"{self.lower} says {what}, more than {self.higher} allows", hint=f"at most: {limit}")

    def of_names(self, field: str, names: Iterable[str], allowed: Iterable[str]) -> Iterator[Refused]:
        known = list(allowed)
        if more := sorted(set(names) - set(known)):
            yield self.widens(f"{field}: {', '.join(more)}", ", ".join(known) or "none")

    def of_both(self, *, retention: int) -> Iterator[Refused]:
        if self.low.valid_from < self.high.valid_from:
            yield self.widens(f"valid_from: {self.low.valid_from}", self.high.valid_from)
        if self.low.valid_until > self.high.valid_until:
            yield self.widens(f"valid_until: {self.low.valid_until}", self.high.valid_until)
        if retention > self.high.retention_days:
            yield self.widens(f"retention_days: {retention}", str(self.high.retention_days))
        if self.high.clauses.purpose_class == "statistical" and self.low.clauses.purpose_class == "operational":
            yield self.widens("clauses.purpose_class: operational", "statistical")
        yield from self._of_disclosure(self.low.disclosure or Disclosure(), self.high.disclosure or Disclosure())

    def _of_disclosure(self, low: Disclosure, high: Disclosure) -> Iterator[Refused]:
        for field in Disclosure.model_fields.keys() - {"min_cell", "budget"}:  # of a key that is not known here, the same
            wanted = getattr(high, field)
            if wanted and getattr(low, field) != wanted:
                yield self.widens(f"disclosure.{field}: {getattr(low, field) or 'nothing'}", str(wanted).lower())
        if high.min_cell is not None and (low.min_cell is None or low.min_cell < high.min_cell):
            yield self.widens(f"disclosure.min_cell: {low.min_cell or 'nothing'}", f"{high.min_cell} or more")
        if high.budget is not None and (low.budget is None or low.budget > high.budget):
            yield self.widens(f"disclosure.budget: {low.budget or 'nothing'}", str(high.budget))
