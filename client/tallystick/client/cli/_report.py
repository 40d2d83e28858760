"""How `tally job check` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tallystick.core.terminal import print_table

if TYPE_CHECKING:
    from tallystick.client.checking import Report


def print_report(report: Report) -> None:
    """Print a report: problems on stderr, the rest on stdout."""
    if report.passes or report.unusable:
        rows = [(name, "used") for name in report.passes] + [(name, f"not used: {reason}") for name, reason in report.unusable]
        print_table(["linkage pass", ""], rows)
        click.echo()
    if report.leakage:
        print_leakage(report.leakage)
        click.echo()
    need = [*report.required.agencies, *report.required.approvers]
    need += [f"{count} of {', '.join(of)} ({agency})" for agency, count, of in report.required.stewards]
    click.echo(f"to approve: {', '.join(need)}")
    if report.estimate is not None:
        work = report.estimate
        click.echo(
            f"work: {work.masks:,} masks, {work.products:,} products in {work.ciphertexts:,} ciphertexts, "
            f"{work.cells:,} cells, {work.bytes / 1e6:,.0f} MB on the wire"
        )
    for problem in report.problems:
        click.echo(f"error: {problem.message} [{problem.code}]", err=True)
        if problem.hint:
            click.echo(f"hint: {problem.hint}", err=True)
    if not report.problems:
        click.echo("nothing stands against it")


def print_leakage(leakage: dict[str, list[str]]) -> None:
    """Print who learns what."""
    rows = [(who if first == 0 else "", line) for who, lines in leakage.items() for first, line in enumerate(lines)]
    print_table(["who", "learns"], rows)
