"""How `tally link try` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.client.cli._output import print_facts
from tallystick.core.linkage.intervals import wilson
from tallystick.core.terminal import print_table

if TYPE_CHECKING:
    from tallystick.client.linking.rehearse import Rehearsal
    from tallystick.client.linking.trial import Trial
    from tallystick.client.linking.truth import Score
    from tallystick.core.linkage.estimates import Estimate


def print_rehearsal(value: Rehearsal) -> None:
    """Print what was read, what each pass did, and how good it is where that is known."""
    identifiers = list(dict.fromkeys(name for people in value.lists for name in people.columns))
    rows: list[tuple[str, ...]] = [("people", *(f"{p.count:,} in {p.rows:,} rows" for p in value.lists))]
    rows.append(("key", *(p.key or "none: every row is a person" for p in value.lists)))
    rows += [(name, *(p.columns.get(name, "") for p in value.lists)) for name in identifiers]
    print_table(["read", *(p.name for p in value.lists)], rows)
    click.echo()
    _print_passes(value.trial)
    click.echo()
    print_facts(_facts(value.trial))


def _print_passes(trial: Trial) -> None:
    head = ["pass", "tokens", "", "shared", "", "links", "ties"]
    known = trial.score is not None
    if known:
        head += ["agree", "found", "wrong", "missed"]
    rows = []
    for one in trial.passes:
        row = [one.recipe, *(f"{n:,}" for n in (*one.tokens, *one.shared, one.links, one.ties))]
        if one.score is not None:
            row += [f"{n:,}" for n in (one.agree or 0, one.score.found, one.score.wrong, one.score.missed)]
        rows.append(row)
    print_table(head, rows)
    for name, reason in trial.unusable:
        click.echo(f"not used: {name}: {reason}")
    click.echo("tokens: people who can link at this pass; shared: people who cannot, as another of their own list has the same")
    if known:
        click.echo("agree: same people whose tokens agree here; missed: same people linked neither here nor before")


def _facts(trial: Trial) -> list[tuple[str, object]]:
    links = len(trial.a)
    facts: list[tuple[str, object]] = [("links", f"{links:,} of {trial.people[0]:,} and {trial.people[1]:,} people")]
    if trial.plan is not None:
        plan = trial.plan
        told = f"{plan.need} of {plan.bands} bands, {len(plan.elements)} values each; expects fewer than {plan.accidental + 1:.0f} wrong"
        facts.append(("similarity", told))
    found, seen = trial.estimates()
    facts.append(("exact precision, estimated", _estimated(found)))
    untold = "cannot be told: too few links, or every pass takes the same identifier"
    facts.append(("exact recall, estimated", untold if seen is None else _estimated(seen)))
    if trial.score is not None:
        facts += _scored(trial.score)
    return facts


def _estimated(figure: Estimate) -> str:
    return f"{figure.value:.4f}  (95 %: {figure.low:.4f} to {figure.high:.4f})"


def _scored(score: Score) -> list[tuple[str, object]]:
    made, true = score.found + score.wrong, score.found + score.missed
    return [
        ("against the truth", f"{score.found:,} found, {score.wrong:,} wrong, {score.missed:,} missed"),
        ("precision", _share(score.found, made)),
        ("recall", _share(score.found, true)),
    ]


def _share(hits: int, trials: int) -> str:
    if not trials:
        return "nothing to judge by"
    low, high = wilson(hits, trials)
    return f"{hits / trials:.4f}  (95 %: {low:.4f} to {high:.4f})"
