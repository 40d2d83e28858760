"""How `tally link try` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.client.cli._output import print_facts
from tallystick.core.linkage.quality.intervals import wilson
from tallystick.core.terminal import print_table
from tallystick.records.usable import HALF, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tallystick.core.linkage.quality.estimates import Estimate
    from tallystick.lab.linking.people import AliasReport, ListPeople
    from tallystick.lab.linking.rehearse import Rehearsal
    from tallystick.lab.linking.score import Score
    from tallystick.lab.linking.trial import Trial


def print_rehearsal(value: Rehearsal) -> None:
    """Print what was read, what each pass did, and how good it is where that is known."""
    print_table(["read", *(people.name for people in value.lists)], _read(value.lists))
    for people in value.lists:
        for note in people.notes:
            click.echo(f"{people.name}: {note}")
    for line in _unusable(value.lists):
        click.echo(line, err=True)
    click.echo()
    _print_passes(value.trial)
    click.echo()
    print_facts([*_facts(value.trial), *_describe_truth(value)])


def _read(lists: Sequence[ListPeople]) -> list[tuple[str, ...]]:
    """Say what was read of each list: what is the same for nobody is left out."""
    rows = [
        ("rows", *(f"{one.rows:,}" for one in lists)),
        ("keys", *("none (--key): every row is one" if one.key is None else f"{len(one.keys):,}: {one.key}" for one in lists)),
        ("people", *(f"{one.count:,}" for one in lists)),
        ("  merged", *(_format_counts(one, "merged") for one in lists)),
        ("  pairs told apart", *(_format_counts(one, "contradicted") for one in lists)),
        ("  values of too many", *(_format_counts(one, "common") for one in lists)),
        ("aliases", *("" if one.aliases is None else _aliases(one.aliases) for one in lists)),
        ("  rows of nobody", *(_strangers(one.aliases) for one in lists)),
        ("  columns", *("" if one.aliases is None else _columns(one.aliases.columns) for one in lists)),
    ]
    identifiers = dict.fromkeys(name for one in lists for name in one.columns)
    rows += [(name, *(one.columns.get(name, "") for one in lists)) for name in identifiers]
    return [row for row in rows if any(row[1:])]


def _unusable(lists: Sequence[ListPeople]) -> list[str]:
    """Say what could not be read or used; a warning where that is most of what is written."""
    lines = []
    for people in lists:
        for name, found in people.fields.items():
            if told := sentence(name, found):
                lines.append(f"{'warning: ' if found.share < HALF else ''}{people.name}: {told}")
    return lines


def _format_counts(people: ListPeople, what: str) -> str:
    """Write counts of what merging did, by evidence or by what spoke against it."""
    if people.duplicates is None:
        return ""
    counts = {name: count for name, count in getattr(people.duplicates, what).items() if count}
    if what == "merged" and not counts:
        return "nobody"
    return ", ".join(f"{count:,} by {name}" for name, count in counts.items())


def _aliases(found: AliasReport) -> str:
    if not found.people[0]:
        return "nobody has others"
    more = sum(found.people[found.most :])
    return f"{found.people[0]:,} people have others, {found.most} of each used" + (f", {more:,} left over" if more else "")


def _strangers(found: AliasReport | None) -> str:
    return "" if found is None or not found.unknown else f"{found.unknown:,} of {found.rows:,}"


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(name if name == column else f"{name}: {column}" for name, column in columns.items())


def _print_passes(trial: Trial) -> None:
    head = ["pass", "tokens", "", "shared", "", "links", "ties"]
    known = trial.score is not None
    if known:
        head += ["agree", "found", "wrong", "missed"]
    rows = []
    idle = [step for step in trial.others if not trial.passes[step].links + trial.passes[step].ties]
    for step, one in enumerate(trial.passes):
        row = [one.recipe, *(f"{n:,}" for n in (*one.tokens, *one.shared, one.links, one.ties))]
        if one.score is not None:
            row += [f"{n:,}" for n in (one.agree or 0, one.score.found, one.score.wrong, one.score.missed)]
        if step not in idle:
            rows.append(row)
    print_table(head, rows)
    if trial.others:
        click.echo("RECIPE@I.J: the first list's spelling I with the second's J; 0 is the one that comes first")
    if idle:
        click.echo(f"left out: {len(idle)} of {len(trial.others)} passes of other spellings, which link nobody")
    reasons: dict[str, list[str]] = {}
    for name, reason in trial.unusable:
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        click.echo(f"not used: {', '.join(names)}: {reason}")
    click.echo("tokens: people who can link at this pass; shared: people who cannot, as another of their own list has the same")
    if known:
        click.echo("agree: same people whose tokens agree here; missed: same people linked neither here nor before")


def _facts(trial: Trial) -> list[tuple[str, object]]:
    links = len(trial.a)
    facts: list[tuple[str, object]] = [("links", f"{links:,} of {trial.people[0]:,} and {trial.people[1]:,} people")]
    if trial.others:
        facts.append(("by other spellings", f"{sum(trial.passes[step].links for step in trial.others):,} of the links"))
    if trial.plan is not None:
        plan = trial.plan
        told = f"{plan.need} of {plan.bands} bands, {len(plan.elements)} values each; expects fewer than {plan.accidental + 1:.0f} wrong"
        if trial.fewest < plan.need:
            told += f"; {trial.fewest} in the end, when few were without a partner"
        facts.append(("similarity", told))
    found, seen = trial.estimates()
    exact = sum(one.links for one in trial.passes[: len(trial.recipes)])
    facts.append(("exact precision, estimated", _format_estimate(found) if exact else "cannot be told: no links"))
    untold = "cannot be told: too few links, or every pass takes the same identifier"
    told = untold if seen is None else _format_estimate(seen)
    facts.append(("exact recall, estimated", told + ("; of first spellings" if seen and trial.others else "")))
    if trial.score is not None:
        facts += _describe_score(trial.score)
    return facts


def _format_estimate(figure: Estimate) -> str:
    return f"{figure.value:.4f}  (95 %: {figure.low:.4f} to {figure.high:.4f})"


def _describe_score(score: Score) -> list[tuple[str, object]]:
    told = f"{score.found:,} found, {score.wrong:,} wrong, {score.missed:,} missed"
    if score.again:
        told += f"; {score.again:,} right links of people who were found already: they are twice in both lists"
    return [
        ("against the truth", told),
        ("precision", _share(score.right, score.right + score.wrong)),
        ("recall", _share(score.found, score.found + score.missed)),
    ]


def _describe_truth(value: Rehearsal) -> list[tuple[str, object]]:
    """Say where keys were put together otherwise than the truth has them, and what of the truth says nothing."""
    if value.truth is None:
        return []
    facts: list[tuple[str, object]] = []
    for people, kept in zip(value.lists, value.truth.kept or (), strict=False):
        told = []
        if kept.apart:
            told.append(f"{kept.apart:,} of the truth's people are several people here")
        if kept.mixed:
            told.append(f"{kept.mixed:,} people here are several of the truth's, merged")
        if told:
            facts.append((f"keys of {people.name}", "; ".join(told)))
    if value.truth.unused:
        facts.append(("truth", f"{value.truth.unused:,} rows name a key that is not there"))
    return facts


def _share(hits: int, trials: int) -> str:
    if not trials:
        return "nothing to judge by"
    low, high = wilson(hits, trials)
    return f"{hits / trials:.4f}  (95 %: {low:.4f} to {high:.4f})"
