"""How the linkage report of a result reads in a terminal."""

from __future__ import annotations

from typing import Any

import click

from tallystick.client.cli._tables import say
from tallystick.client.words import blur, count, estimate, group_rate, level, list_lost, list_pair_rates, rate
from tallystick.core.terminal import print_table


def print_linkage(linkage: dict[str, Any]) -> None:
    """Print the report: totals, passes, match rates, estimated quality. An older result has totals alone."""
    say(linkage_line(linkage))
    if linkage.get("passes"):
        click.echo()
        sides = list(dict.fromkeys(side for one in linkage["passes"] for side in one["tokens"]))
        rows = [
            (one["pass"], *(count(one["tokens"].get(side)) for side in sides), count(one["matches"]))
            for one in linkage["passes"]
        ]
        print_table(["linkage pass", *(f"tokens {side}" for side in sides), "matches"], rows)
        say(blur(linkage))
    if lost := list_lost(linkage):
        click.echo()
        print_table(["identifier", "list", "not read", "stands for nothing"], lost)
    if linkage.get("rates"):
        click.echo()
        _print_rates(linkage["rates"])
    if linkage.get("quality"):
        told = ", ".join(f"{name} {estimate(linkage['quality'][name])}" for name in ("precision", "recall"))
        say(f"estimated without the truth, exact passes: {told}")


def linkage_line(linkage: dict[str, Any]) -> str:
    """Give the totals in one line."""
    people, usable = linkage.get("people") or {}, linkage.get("usable") or {}
    parts = [
        f"{group}: {count(people.get(group))} people"
        + (f", {count(usable[group])} with usable identifiers" if group in usable else "")
        for group in people
    ]
    if "pairs" in linkage:
        parts += [f"{pair}: {count(number)}" for pair, number in linkage["pairs"].items()]
        parts += [f"in {groups} of {len(people)}: {count(number)}" for groups, number in linkage.get("in_groups", {}).items()]
    elif len(people) > 1:
        parts.append(f"{count(linkage.get('matched'))} matched")
    return f"linkage: {'; '.join(parts)}"


def _print_rates(rates: dict[str, Any]) -> None:
    if rates["groups"]:
        rows = [
            (*(level(one[name]) for name in rates["by"]), count(one["people"]), count(one["matched"]), group_rate(one))
            for one in rates["groups"]
        ]
        print_table([*rates["by"], "people", "matched", "match rate"], rows)
    for group, one in rates["overall"].items():
        say(f"match rate of {group}: {rate(one)}")
    pairs = rates.get("pairs") or {}
    if pairs:
        print_table(["groups", "people of", "found in the other"], list_pair_rates(pairs))
