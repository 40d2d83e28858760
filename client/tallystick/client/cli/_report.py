"""How `tally job check` and `tally lab check` read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.core.terminal import print_table

if TYPE_CHECKING:
    from tallystick.client.checking import Report
    from tallystick.core.linkage.passes.similarity import SimilarityPlan


def print_report(report: Report) -> None:
    """Print a report: problems on stderr, the rest on stdout."""
    if report.passes or report.unusable:
        rows = [(name, "used") for name in report.passes]
        if report.similarity is not None:
            rows[-1] = (rows[-1][0], _similarity(report.similarity))
        rows += [(name, f"not used: {reason}") for name, reason in report.unusable]
        print_table(["linkage pass", ""], rows)
        click.echo()
    if report.leakage:
        print_leakage(report.leakage)
        click.echo()
    need = [*report.required.agencies, *report.required.approvers]
    need += [f"{count} of {', '.join(of)} ({agency})" for agency, count, of in report.required.stewards]
    click.echo(f"to approve: {', '.join(need)}")
    if report.estimate is not None:
        from tallystick.client.estimate import unit_seconds

        work = report.estimate
        masks = f"{work.masks:,} masks"
        if work.bands:
            masks += f" ({work.similarity_masks:,} of them for {work.bands} bands of the similarity pass)"
        click.echo(
            f"work: {masks}, {work.products:,} products in {work.ciphertexts:,} ciphertexts, "
            f"{work.cells:,} cells, {work.bytes / 1e6:,.0f} MB on the wire"
        )
        unit = unit_seconds()
        parts = [
            (
                one.agency,
                f"{one.masks:,}",
                f"{one.encryptions:,}",
                f"{one.answers:,}",
                f"{one.sent / 1e6:,.0f}",
                f"{one.memory / 2**20:,.0f}",
                f"{unit.of(one):,.1f}",
            )
            for one in work.parties
        ]
        print_table(["agency", "masks", "encrypted", "answers", "MB sent", "MiB held", "core-seconds"], parts)
        click.echo("time: on cores like this machine's; an agency waits for the others between its parts")
    for problem in report.problems:
        click.echo(f"error: {problem.message} [{problem.code}]", err=True)
        if problem.hint:
            click.echo(f"hint: {problem.hint}", err=True)
    if not report.problems:
        click.echo("nothing stands against it")


def _similarity(plan: SimilarityPlan) -> str:
    """Say when a similarity pass links two rows, and how often that is expected to be right."""
    later = f", later {plan.least}" if plan.least < plan.need else ""
    return (
        f"used: {plan.need} of {plan.bands} bands or more{later}, over {', '.join(plan.fields)}; expected precision "
        f"{plan.precision:.4f} if it links one person in ten"
    )


def print_leakage(leakage: dict[str, list[str]]) -> None:
    """Print who learns what."""
    rows = [(who if first == 0 else "", line) for who, lines in leakage.items() for first, line in enumerate(lines)]
    print_table(["who", "learns"], rows)
