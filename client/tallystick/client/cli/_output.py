"""Facts for people: a name, and what it is."""

from __future__ import annotations

from collections.abc import Sequence

import click


def print_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print one fact a line, values under each other."""
    width = max((len(name) for name, _ in facts), default=0)
    for name, value in facts:
        click.echo(f"{name:<{width}}  {value}".rstrip())
