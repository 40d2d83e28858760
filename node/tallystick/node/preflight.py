"""What `tally node check` and `tally node datasets` look at: everything that would stop a job, before there is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.clock import SystemClock
from tallystick.core.errors import Refused, TallyError
from tallystick.core.net.tls import load_certificate as loaded_certificate
from tallystick.node.agreements import NodeAgreements
from tallystick.node.config import NodeConfig
from tallystick.node.joining import membership_of
from tallystick.node.policy.model import read_policy
from tallystick.node.reaching import walk_to_coordinator
from tallystick.records.survey import DatasetCheck, DatasetProblem, DatasetSummary, survey
from tallystick.records.usable import check_usable, sentence

SOON_DAYS: Final = 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        check: what.
        problem: what would stop a job; "" if there is nothing.
        fix: what would mend it.
        warnings: what would stop no job, and yet is odd.
        shown: values that were not read, for the owner's terminal alone.
    """

    check: str
    problem: str = ""
    fix: str = ""
    warnings: tuple[str, ...] = ()
    shown: tuple[str, ...] = field(default=(), repr=False)


def findings(config: NodeConfig, agreements: NodeAgreements, now: datetime, *, show: bool = False) -> Iterator[Finding]:
    """Look at everything, in the order in which a node needs it; with `show`, for the owner's terminal, values that were not read."""
    yield from _agreements(config, agreements, now)
    yield _policy(config)
    for name, entry in config.file.datasets.items():
        shown: dict[str, str] = {}
        check = survey(name, entry, config.folder, max_memory_mib=config.file.max_memory_mib, shown=shown if show else None)
        match check.outcome:
            case DatasetProblem(message=message, hint=hint, detail=detail):
                values = tuple(f"{name}: {value}" for name, value in shown.items())
                yield Finding(f"dataset {check.dataset}", f"{message} ({detail})" if detail else message, hint, shown=values)
            case DatasetSummary() as summary:
                yield _dataset(config, check, summary, shown)
    yield _certificate(config, now)
    yield _coordinator(config)


def _dataset(config: NodeConfig, check: DatasetCheck, summary: DatasetSummary, values: Mapping[str, str]) -> Finding:
    """Tell what became of a dataset's identifiers: too few usable ones are a problem where the declaration says how many are asked for."""
    problem = fix = ""
    try:
        check_usable(check.dataset, config.dataset(check.dataset), summary.fields)
    except Refused as error:
        problem, fix = f"{error.message} ({error.detail})", "declare the column's format, or agree on a smaller share: usable"
    told = tuple(filter(None, (sentence(name, found) for name, found in summary.fields.items())))
    shown = tuple(f"{name}: {value}" for name, value in values.items())
    return Finding(f"dataset {check.dataset}", problem, fix, (*summary.notes, *told), shown)


def check_datasets(config: NodeConfig) -> list[DatasetCheck]:
    """Hold every dataset's source against its declaration: counts, never values; or what is wrong with it."""
    memory = config.file.max_memory_mib
    return [survey(name, entry, config.folder, max_memory_mib=memory) for name, entry in config.file.datasets.items()]


def key_counts(checks: Iterable[DatasetCheck]) -> list[tuple[str, str, str, int]]:
    """List what was found about keys as (dataset, what, by, number): merged and why, not merged and why, other spellings."""
    counts: list[tuple[str, str, str, int]] = []
    for check in checks:
        name, outcome = check.dataset, check.outcome
        if isinstance(outcome, DatasetProblem):
            continue
        if outcome.duplicates is not None:
            counts += [(name, "keys merged", by, count) for by, count in outcome.duplicates.merged.items()]
            counts += [(name, "pairs of keys told apart", by, count) for by, count in outcome.duplicates.contradicted.items()]
            counts += [(name, "values of too many keys", by, count) for by, count in outcome.duplicates.common.items()]
        if outcome.aliases is not None:
            counts.append((name, "people with aliases", "", outcome.aliases.people))
            if outcome.aliases.unknown_rows:
                counts.append((name, "alias rows of nobody", "", outcome.aliases.unknown_rows))
    return counts


def _agreements(config: NodeConfig, agreements: NodeAgreements, now: datetime) -> Iterator[Finding]:
    if not config.file.agreements:
        yield Finding("agreements", "none is named: no job is allowed", "add the signed files to agreements in node.yaml")
    agreements.load()
    for written, error in agreements.problems.items():
        yield Finding(f"agreement {written}", error.message, error.hint)
    for name, document in agreements.all().items():
        agreement = document.read(Agreement)
        days = (moment(agreement.valid_until) - now).days
        soon = f"it ends in {days} days" if days < SOON_DAYS else ""
        yield Finding(f"agreement {name}", soon, "sign a new version" if soon else "")
        for dataset, agreed in agreement.datasets.items():
            if agreed.agency != config.agency:
                continue
            if dataset not in config.file.datasets:
                yield Finding(f"agreement {name}: dataset {dataset}", "node.yaml does not declare it", "add it to datasets")
                continue
            differs = "; ".join(config.file.datasets[dataset].differences(agreed))
            yield Finding(f"agreement {name}: dataset {dataset}", differs, "make the two say the same" if differs else "")


def _policy(config: NodeConfig) -> Finding:
    if config.file.policy is None:
        return Finding("policy", "none is named: every job is refused", "name a policy file in node.yaml")
    try:
        empty = not read_policy(config.path(config.file.policy)).rules
    except TallyError as error:
        return Finding("policy", error.message, error.hint)
    return Finding("policy", "it has no rule: every job is refused" if empty else "", "add a rule" if empty else "")


def _certificate(config: NodeConfig, now: datetime) -> Finding:
    path = config.path(config.file.coordinator.certificate)
    try:
        days = (loaded_certificate(path.read_bytes()).not_valid_after_utc - now).days
    except OSError:
        return Finding("certificate", "there is none", "join with an invitation: tally node join INVITE")
    except TallyError as error:
        return Finding("certificate", error.message, error.hint)
    soon = f"it ends in {days} days" if days < SOON_DAYS else ""
    return Finding("certificate", soon, "join with a new invitation" if soon else "")


def _coordinator(config: NodeConfig) -> Finding:
    """Try each hop to the coordinator; the first that fails is the problem."""
    hops = walk_to_coordinator(membership_of(config), config.file.coordinator.address, config.agency, SystemClock())
    for hop in hops:
        if hop.problem is not None:
            return Finding("coordinator", f"{hop.problem.message} [{hop.problem.code}]", hop.problem.hint)
    return Finding("coordinator")
