"""`tally consent`: what one person agreed to, on paper and as a signed document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallystick.client.cli._output import print_facts
from tallystick.core.terminal import Format, format_option, print_done, print_json, run_cli

if TYPE_CHECKING:
    from tallystick.core.agreement.model import Agreement
    from tallystick.core.documents import SignedDocument

FILE = click.Path(path_type=Path, dir_okay=False)
agreement_option = click.option(
    "--agreement", "agreed", type=FILE, help="The signed agreement; default: the one that the profile keeps."
)


@click.group()
def consent() -> None:
    """Write, sign, show and revoke a person's consent.

    A consent names a person. Its files are readable by their owner alone; nothing of it is sent but by `tally record ask`.
    """


@consent.command()
@click.argument("draft", type=FILE, required=False)
@click.option("--form", "form_name", help="Write a draft on this form instead: general, part2, hmis, cross-sector.")
@click.option("--agreement", "agreed", type=FILE, required=True, help="The signed agreement under which it shall count.")
@click.option("--out", type=FILE, required=True, help="The file to write; it must not exist.")
@format_option
@run_cli
def new(draft: Path | None, form_name: str | None, agreed: Path, out: Path, format_: Format) -> None:
    """Write a DRAFT on a form, or turn a filled-in DRAFT into a document to sign. A missing element of the form is named."""
    from datetime import UTC, datetime

    from tallystick.client.consents import open_agreement, read_consent_draft, write_consent_draft
    from tallystick.core.files import write_new_private

    if (draft is None) == (form_name is None):
        raise click.UsageError("give a draft, or --form FORM for a new one")
    now = datetime.now(UTC)
    agreement, _ = open_agreement(agreed, "", now)
    if draft is None:
        assert form_name is not None
        write_consent_draft(form_name, agreement, out, now)
        click.echo(f"wrote {out}; fill it in, then: tally consent new {out} --agreement {agreed} --out FILE")
        return
    document = read_consent_draft(draft, agreement)
    write_new_private(out, document.text().encode())
    _tell(document, out, format_)


@consent.command()
@click.argument("file", type=FILE)
@click.option(
    "--as", "name", required=True, metavar="NAME", help="The officer or the witness, as the agreement names them; or: client."
)
@click.option("--key", type=FILE, required=True, help="Their identity key.")
@agreement_option
@format_option
@run_cli
def sign(file: Path, name: str, key: Path, agreed: Path | None, format_: Format) -> None:
    """Add a signature to FILE: of the officer who took it and of the witness, or of the person's own key."""
    from tallystick.client.consents import sign_consent
    from tallystick.core.files import write_private
    from tallystick.core.keyfile import read_identity

    document, agreement = _open(file, agreed)
    document = sign_consent(document, agreement, name, read_identity(key))
    write_private(file, document.text().encode())
    _tell(document, file, format_)


@consent.command()
@click.argument("file", type=FILE)
@agreement_option
@format_option
@run_cli
def show(file: Path, agreed: Path | None, format_: Format) -> None:
    """Show what FILE allows, who has signed it, and whether it counts now."""
    from datetime import UTC, datetime

    from tallystick.core.consent.checking import check_consent, is_in_force
    from tallystick.core.consent.model import Consent
    from tallystick.core.errors import TallyError

    document, agreement = _open(file, agreed)
    read = document.read(Consent)
    problem = ""
    try:
        check_consent(document, agreement)
        problem = "" if is_in_force(read, datetime.now(UTC)) else "it is not in force now"
    except TallyError as error:
        problem = error.message
    if format_ == "json":
        print_json({"sha256": document.digest, "signed": list(document.signers), "problem": problem, "body": read.json_value()})
        return
    choices = [f"{name}: {choice}" for name, choice in read.choices.items()]
    lines = [
        ("consent", read.consent),
        ("sha256", document.digest),
        ("form", read.form),
        ("basis", read.basis if read.citation is None else f"{read.basis}: {read.citation}"),
        ("may tell", ", ".join(read.discloser)),
        ("may be told", "; ".join(f"{one.agency} ({', '.join(one.roles)})" for one in read.recipients)),
        ("purposes", ", ".join(read.purposes)),
        ("fields", ", ".join(read.fields)),
        ("choices", "; ".join(choices)),
        ("in force", f"{read.valid_from} to {read.valid_until}"),
        ("signed by", ", ".join(document.signers) or "nobody"),
        ("problem", problem or "none: it counts, unless it was revoked"),
    ]
    print_facts([(name, text) for name, text in lines if text])


@consent.command()
@click.argument("file", type=FILE)
@click.option("--as", "name", required=True, metavar="NAME", help="An intake officer, or: client.")
@click.option("--key", type=FILE, required=True, help="Their identity key.")
@click.option("--out", type=FILE, required=True, help="The revocation to write; it must not exist.")
@click.option(
    "--send",
    is_flag=True,
    help="Send it to every agency's node, with the profile of a member of the staff; wait for their word.",
)
@click.option(
    "--wait", "seconds", type=click.IntRange(1, 600), default=30, show_default=True, help="How many seconds to wait for them."
)
@agreement_option
@format_option
@run_cli
def revoke(  # click's flag
    file: Path, name: str, key: Path, out: Path, send: bool, seconds: int, agreed: Path | None, format_: Format
) -> None:
    """Write the signed revocation of FILE, and send it. It tells a reader who lacks the consent nothing about whom it is.

    Ends with 1 where it was sent and some node has not signed that it heard of it: until then that node may answer under the consent.
    """
    import sys
    from datetime import UTC, datetime

    from tallystick.client.consents import revoke_consent
    from tallystick.client.profile import open_profile
    from tallystick.client.records import RecordClient
    from tallystick.core.files import write_new_private
    from tallystick.core.keyfile import read_identity
    from tallystick.core.terminal import FAILED

    document, agreement = _open(file, agreed)
    revocation = revoke_consent(document, agreement, name, read_identity(key), datetime.now(UTC))
    write_new_private(out, revocation.text().encode())
    heard: dict[str, bool] = {}
    if send:
        with RecordClient(open_profile()) as client:
            heard = dict(client.revoke(revocation, agreement, seconds=seconds))
    lines = [f"{out}: revocation; every node that answers under the consent must hear of it", *_say_heard(heard)]
    print_done(format_, "\n".join(lines), {"file": str(out), "heard": heard})
    if not all(heard.values()):
        click.echo(f"hint: send it again when their nodes run: tally consent resend {out}", err=True)
        sys.exit(FAILED)


@consent.command()
@click.argument("revocation", type=FILE)
@click.option(
    "--wait", "seconds", type=click.IntRange(1, 600), default=30, show_default=True, help="How many seconds to wait for nodes."
)
@click.option("--agreement", "agreed", type=FILE, help="The signed agreement; default: the one that the profile keeps.")
@format_option
@run_cli
def resend(revocation: Path, seconds: int, agreed: Path | None, format_: Format) -> None:
    """Send a REVOCATION again to every agency's node, and say which have signed that they heard of it."""
    import sys
    from datetime import UTC, datetime

    from tallystick.client.consents import open_agreement
    from tallystick.client.profile import open_profile
    from tallystick.client.records import RecordClient
    from tallystick.core.consent.revoking import Revocation
    from tallystick.core.documents import read_document
    from tallystick.core.terminal import FAILED

    document = read_document(revocation, kind="revocation")
    agreement, _ = open_agreement(agreed, document.read(Revocation).agreement, datetime.now(UTC))
    with RecordClient(open_profile()) as client:
        heard = client.revoke(document, agreement, seconds=seconds)
    print_done(format_, "\n".join(_say_heard(heard)), {"heard": dict(heard)})
    if not all(heard.values()):
        sys.exit(FAILED)


def _say_heard(heard: Mapping[str, bool]) -> list[str]:
    """Say of each agency whether its node signed that it heard of a revocation."""
    return [f"{agency}: {'has heard of it' if signed else 'has not heard of it'}" for agency, signed in heard.items()]


@consent.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="Write it as a page to print (HTML) instead; the file must not exist.")
@agreement_option
@format_option
@run_cli
def receipt(file: Path, out: Path | None, agreed: Path | None, format_: Format) -> None:
    """Give the person's receipt in plain words; as JSON with the fields of ISO/IEC TS 27560."""
    from tallystick.core.consent.checking import check_consent
    from tallystick.core.consent.receipt import build_record, draw_receipt, write_receipt
    from tallystick.core.files import write_new_private

    document, agreement = _open(file, agreed)
    read = check_consent(document, agreement)
    if out is not None:
        write_new_private(out, draw_receipt(read, agreement).encode())
        click.echo(f"wrote {out}: print it for the person")
    elif format_ == "json":
        print_json(build_record(read, agreement))
    else:
        print_facts(write_receipt(read, agreement))


@consent.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, required=True, help="The file to write; it must not exist.")
@format_option
@run_cli
def export(file: Path, out: Path, format_: Format) -> None:
    """Write FILE as a FHIR R4 Consent (IHE PCF), with the signed document inside."""
    import json

    from tallystick.core.consent.fhir import export_consent
    from tallystick.core.documents import read_document
    from tallystick.core.files import write_new_private

    resource = export_consent(read_document(file, kind="consent"))
    write_new_private(out, (json.dumps(resource, ensure_ascii=False, indent=2) + "\n").encode())
    print_done(format_, f"wrote {out}: a FHIR R4 Consent", {"file": str(out)})


@consent.command("import")
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, required=True, help="The file to write; it must not exist.")
@format_option
@run_cli
def import_(file: Path, out: Path, format_: Format) -> None:
    """Read a FHIR R4 Consent: the signed document that it holds, or else a draft (YAML) of what it says."""
    import yaml

    from tallystick.core.consent.fhir import import_consent
    from tallystick.core.consent.model import MAX_CONSENT
    from tallystick.core.documents import SignedDocument
    from tallystick.core.files import read_at_most, write_new_private

    found = import_consent(read_at_most(file, 8 * MAX_CONSENT, hint="check the path"))
    if isinstance(found, SignedDocument):
        write_new_private(out, found.text().encode())
        told = f"wrote {out}: the signed consent; check it: tally consent show {out} --agreement FILE"
        print_done(format_, told, {"file": str(out), "signed": True})
        return
    write_new_private(out, yaml.safe_dump(found, sort_keys=False, allow_unicode=True).encode())
    told = f"wrote {out}: a draft, signed by nobody; add form, roles and collected, then: tally consent new {out} --out FILE"
    print_done(format_, told, {"file": str(out), "signed": False})


def _open(file: Path, agreed: Path | None) -> tuple[SignedDocument, Agreement]:
    """Read a consent, and the agreement that it names or that is given."""
    import json
    from datetime import UTC, datetime

    from tallystick.client.consents import open_agreement
    from tallystick.core.documents import read_document

    document = read_document(file, kind="consent")
    name: Any = json.loads(document.body).get("agreement")
    agreement, _ = open_agreement(agreed, str(name), datetime.now(UTC))
    return document, agreement


def _tell(document: SignedDocument, path: Path, format_: Format) -> None:
    from tallystick.core.consent.model import Consent

    read = document.read(Consent)
    missing = [name for name in read.signers if name not in document.signers]
    if format_ == "json":
        print_json({"file": str(path), "consent": read.consent, "sha256": document.digest, "missing": missing})
        return
    click.echo(f"{path}: consent {read.consent} on form {read.form}, sha256 {document.digest}")
    if missing:
        click.echo(f"still to sign: {', '.join(missing)}")
    else:
        click.echo("signed by all who must")
