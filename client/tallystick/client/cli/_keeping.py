"""The part of `tally agreement` that is about the end of a term: renewal, and certificates of destruction."""

from __future__ import annotations

from pathlib import Path

import click

from tallystick.core.terminal import Format, format_option, print_done, print_json, print_table, run_cli

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
@click.option("--until", required=True, metavar="DAY", help="The last day of the new term.")
@click.option("--from", "since", metavar="DAY", help="The first day of it; default: as before, so that the term is longer.")
@click.option(
    "--under", type=FILE, multiple=True, help="Of a sharing agreement or a license: the present document of a tier above it."
)
@click.option(
    "--board",
    "boards",
    nargs=2,
    multiple=True,
    metavar="REFERENCE DAY",
    help="A review board's approval, and its new last day; once for each.",
)
@click.option("--out", type=FILE, required=True, help="The file to write; it must not exist.")
@format_option
@run_cli
def renew(
    file: Path,
    until: str,
    since: str | None,
    under: tuple[Path, ...],
    boards: tuple[tuple[str, str], ...],
    out: Path,
    format_: Format,
) -> None:
    """Write the next version of FILE, an agreement or a tier of one, with another term; say what it newly allows.

    Nothing else changes, and nobody has signed it: all sign it again. Tiers under it must be renewed under it, too.
    """
    from tallystick.client.allowing import compare_texts
    from tallystick.client.cli._tiers import print_differences, read_text
    from tallystick.client.renewing import renew as renew_text
    from tallystick.core.documents import write_document
    from tallystick.core.errors import Invalid

    if out.exists():
        raise Invalid("file-exists", f"{out} exists", hint="choose another --out")
    before, document = renew_text(file, until=until, since=since, under=under, boards=dict(boards))
    write_document(out, document)
    found = compare_texts(before, read_text(document))
    if format_ == "json":
        print_json({"file": str(out), "digest": document.digest, "differences": [vars(one) for one in found]})
        return
    print_differences(found)
    click.echo(f"wrote {out}, digest {document.digest}; now all sign it: tally agreement sign {out}")


@click.command(name="destroyed")
@click.argument("file", type=FILE)
@click.option(
    "--as", "name", metavar="NAME", help="Who certifies: a party, an analyst or an approver, as the agreement names it."
)
@click.option("--key", type=FILE, help="The identity key; default: the profile's.")
@click.option("--what", multiple=True, help="What was destroyed; once for each.")
@click.option("--on", metavar="DAY", help="When.")
@click.option("--how", help="By which means.")
@click.option("--person", help="Who did it, or saw it done.")
@click.option("--out", type=FILE, help="The certificate to write; it must not exist.")
@click.option(
    "--check", "certificates", type=FILE, multiple=True, help="A certificate to read in place of writing one; once for each."
)
@format_option
@run_cli
def certify_destruction(
    file: Path,
    name: str | None,
    key: Path | None,
    what: tuple[str, ...],
    on: str | None,
    how: str | None,
    person: str | None,
    out: Path | None,
    certificates: tuple[Path, ...],
    format_: Format,
) -> None:
    """Certify that what is held under FILE, an agreement, was destroyed; or say who certified it, and who has not.

    A certificate is a signed statement. That it is true no program can check. Without options: until when what is kept, and by whom.
    """
    from tallystick.client.destroying import certify
    from tallystick.core.documents import write_document
    from tallystick.core.errors import Invalid

    if name is None:
        if what or on or how or out or person:
            raise click.UsageError("a certificate is somebody's: give --as")
        _print_certified(file, certificates, format_)
        return
    if not (what and on and how and out) or certificates:
        raise click.UsageError("a certificate needs --what, --on, --how and --out, and no --check")
    if out.exists():
        raise Invalid("file-exists", f"{out} exists", hint="choose another --out")
    document = certify(file, name, key, what=what, on=on, how=how, person=person)
    write_document(out, document)
    print_done(format_, f"{out}: {name} certifies what was destroyed on {on}", {"file": str(out), "by": name, "on": on})


def _print_certified(file: Path, certificates: tuple[Path, ...], format_: Format) -> None:
    from tallystick.client.destroying import read_certificates
    from tallystick.core.agreement.destruction import find_due, find_uncertified

    agreed, found = read_certificates(file, certificates)
    missing, due = find_uncertified(agreed, found), find_due(agreed).date().isoformat()
    if format_ == "json":
        print_json({"due": due, "certificates": [one.json_value() for one in found], "missing": list(missing)})
        return
    if found:
        print_table(("who", "when", "what", "how"), [(one.by, one.on, "; ".join(one.what), one.how) for one in found])
    click.echo(
        f"to be destroyed by {due}: {agreed.retention_days} days after the end of {agreed.agreement} version {agreed.version}"
    )
    click.echo(f"no certificate of: {', '.join(missing)}" if missing else "the desk and all analysts have certified")
