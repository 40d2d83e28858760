"""`tally link`: what linkage recipes do, before any job uses them."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.terminal import Format, format_option, print_json, print_table, run_cli

CSV = click.Path(path_type=Path, dir_okay=False)


@click.group()
def link() -> None:
    """See what linkage recipes do, before any job uses them; on this machine alone."""


@link.command()
@click.argument("recipes", nargs=-1)
@format_option
@run_cli
def explain(recipes: tuple[str, ...], format_: Format) -> None:
    """Show each recipe on a made-up person: what it needs, its token in the clear, how much it says.

    RECIPES are recipes or ladders (strict, default, loose, widest), or RECIPE@I.J as reports name a pass of other spellings; without any,
    everything known is shown. With no-twins or no-households beside them, ladders have what they have for lists without any.
    """
    from tallystick.lab.linking.explain import PERSON, SIZE, explain_recipes

    found = explain_recipes(recipes)
    if format_ == "json":
        print_json({"person": dict(PERSON), "people": SIZE, "recipes": [one.json_value() for one in found]})
        return
    click.echo("somebody who does not exist:")
    print_table(["identifier", "as written"], PERSON.items())
    click.echo()
    head = ["recipe", "from ladder", "needs", "token in the clear", "bits", "by chance"]
    rows = [
        (
            one.recipe if one.recipe == one.text else f"{one.recipe} = {one.text}",
            one.ladders[0] if one.ladders else "by name",
            ", ".join(one.needs),
            " | ".join(one.token),
            f"{one.bits:.0f}",
            f"{one.accidental:,.0f}" if one.accidental >= 1 else "<1",
        )
        for one in found
    ]
    print_table(head, rows)
    click.echo()
    click.echo("bits: how much a token says about a person, a low estimate; names and dates are not independent")
    click.echo(
        f"by chance: pairs of different people who agree, in two lists of {SIZE:,}; one that has its own match is not free"
    )
    click.echo("a person without one of the fields has no token at that pass")
    if any(any(one.spelling) for one in found):
        click.echo(
            "RECIPE@I.J: made of the left list's spelling I and the right list's J of a person, 0 for the first (aliases)"
        )


@link.command("try")
@click.argument("first", type=CSV, metavar="A.csv")
@click.argument("second", type=CSV, metavar="B.csv")
@click.option("--truth", type=CSV, help="The true pairs: two columns of keys, or columns dataset, key and person.")
@click.option(
    "--fields",
    multiple=True,
    metavar="NAME=COLUMN,…",
    help="Which column is which identifier; a.NAME or b.NAME for one file. The rest is guessed.",
)
@click.option("--key", "keys", multiple=True, metavar="COLUMN", help="The key of a person; twice: one for each file.")
@click.option(
    "--duplicates",
    multiple=True,
    metavar="WORD,…",
    help="Which keys of a file are one person: merge (whom strict links), another ladder or recipe, ids=COLUMN; a. or b. before "
    "it for one file.",
)
@click.option(
    "--aliases",
    multiple=True,
    metavar="WORD,…",
    help="Other spellings of a file's people: how many of each, 1 to 3, from rows that differ; and from a file of them, "
    "a.file=FILE, its columns guessed or a.key=COLUMN, a.NAME=COLUMN.",
)
@click.option(
    "--dates",
    multiple=True,
    metavar="format=FORMAT,…",
    help="How birth dates are read, where the file does not say: format=DD/MM/YYYY, pivot=30; a. or b. before it for one file.",
)
@click.option(
    "--link",
    "links",
    multiple=True,
    metavar="RECIPES",
    help="As in an agreement: recipes, a ladder, no-twins, similarity; commas between.  [default: default]",
)
@format_option
@run_cli
def try_(
    first: Path,
    second: Path,
    truth: Path | None,
    fields: tuple[str, ...],
    keys: tuple[str, ...],
    duplicates: tuple[str, ...],
    aliases: tuple[str, ...],
    dates: tuple[str, ...],
    links: tuple[str, ...],
    format_: Format,
) -> None:
    """Link A.csv and B.csv in the clear, as a job would under encryption, and say what each pass did.

    A dataset that is declared, written node.yaml:DATASET or lab.yaml:DATASET in place of a file, brings its identifiers,
    duplicates, aliases and number of people.

    Nothing leaves this machine, and no row is shown.
    """
    from tallystick.lab.cli._trial import print_rehearsal
    from tallystick.lab.linking.rehearse import rehearse

    if len(keys) > 2:
        raise click.UsageError("--key is given at most twice, once for each file")
    both = (keys[0] if keys else None, keys[-1] if keys else None)
    names = [name.strip() for text in links for name in text.split(",") if name.strip()]
    done = rehearse(
        (first, second), fields=fields, keys=both, duplicates=duplicates, aliases=aliases, dates=dates, link=names, truth=truth
    )
    if format_ == "json":
        print_json(done.json_value())
    else:
        print_rehearsal(done)
