"""The made-up county as folders, one for each party and nothing of another's in it: what compose/county.yaml starts.

Keys are made here, once, and stay in the folders; nobody joins over the network, as the coordinator's authority is at hand.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tallystick.client.profile import AnalystProfile
from tallystick.coordinator.app import compose, initialise, keys
from tallystick.coordinator.authority import Authority, Member
from tallystick.coordinator.config import Settings, read_settings
from tallystick.core.agreement.model import CoordinatorParty
from tallystick.core.documents import write_document
from tallystick.core.errors import Invalid, NotReady
from tallystick.core.files import make_private, write_private
from tallystick.core.keyfile import write_identity
from tallystick.core.net import tls
from tallystick.core.net.joining import InvitationFile
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import Credentials
from tallystick.lab.county.write import generate
from tallystick.lab.network import build
from tallystick.lab.network.model import Lab, read_lab
from tallystick.records.registry import files_of

COORDINATOR: Final = "coordinator"
ANALYST: Final = "analyst"
AGREEMENT: Final = build.Named(("county",), ("program-evaluation",))
DATABASE_SECONDS: Final = 90.0
"""So long is a database waited for that has just been started."""


def write_county(out: Path, *, people: int, address: str, database: str | None, home: Path) -> bool:
    """Write the folders; say whether there was anything to do: a county that is there already is left as it is.

    Args:
        out: `coordinator`, `analyst` and one folder an agency are made in it, or filled where they are empty.
        people: of each agency.
        address: `host:port` at which members reach the coordinator.
        database: a PostgreSQL; without one a SQLite file.
        home: where each party sees its own folder when it runs.

    Raises:
        Invalid: `document-invalid`. NotReady: `unavailable`: the database.
    """
    done = out / ANALYST / "network.json"
    if done.exists():
        return False
    lab = _write_records(out / ANALYST / "county", people)
    made = build.throw_away_keys(lab)
    folder = out / COORDINATOR
    make_private(folder / "agreements")
    settings = {"network": "county", "listen": f"0.0.0.0:{address.rpartition(':')[2]}", "address": address}
    write_private(folder / "coordinator.yaml", _json(settings if database is None else settings | {"database": database}))
    read = read_settings(folder / "coordinator.yaml")
    try:
        initialise(read)
    except Invalid as error:  # a start before this one was cut off: its keys are as good
        if error.code != "file-exists":
            raise
    identity, sealing = keys(read)
    party = CoordinatorParty(key=identity.key, sealing_key=sealing.public.hex())
    agreements = build.lab_agreements(lab, AGREEMENT, made, party, datetime.now(UTC))
    for name, document in agreements.items():
        (folder / "agreements" / f"{name}.json").unlink(missing_ok=True)
        write_document(folder / "agreements" / f"{name}.json", document)
    authority = _wait_for(read)
    for agency in lab.file.agencies:
        node = out / agency
        _empty(node)
        _copy_records(lab, agency, node / "records")
        inside = replace(lab, folder=home / "records")
        build.write_node(node, inside, agency, made.agencies[agency], agreements, address=address, workers=1)
        Membership.in_folder(node, "tally node join INVITE").keep(_join(authority, "agency", agency, address)[1])
    profile = AnalystProfile(out / ANALYST)
    (out / ANALYST / "identity.key").unlink(missing_ok=True)
    write_identity(out / ANALYST / "identity.key", made.analyst)
    for document in agreements.values():
        profile.keep_agreement(document)
    shutil.rmtree(out / ANALYST / "county")  # records are the agencies' alone
    profile.enrol(*_join(authority, "analyst", build.analyst_of(lab), address))  # last: now it is done
    return True


def _write_records(folder: Path, people: int) -> Lab:
    """Invent the county in a folder of its own; the analyst keeps the questions, no records."""
    made = generate(folder / "made", people)
    for job in made.jobs:
        shutil.copy(job, folder.parent / job.name)
    return read_lab(made.lab)


def _copy_records(lab: Lab, agency: str, folder: Path) -> None:
    """Give an agency its own records, and nobody else's."""
    for dataset in lab.file.agencies[agency].datasets.values():
        for source in filter(None, (dataset.source, dataset.aliases.source)):
            for path in files_of(source, lab.folder):
                target = folder / path.relative_to(lab.folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target)


def _wait_for(settings: Settings) -> Authority:
    """Put the coordinator together as soon as its database answers."""
    end = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            return compose(settings).authority
        except NotReady:
            if time.monotonic() >= end:
                raise
            time.sleep(1)


def _join(authority: Authority, role: Member, name: str, address: str) -> tuple[InvitationFile, Credentials]:
    """Let a member join, as it would over the network."""
    invitation = authority.invite(role, name, address)
    key = tls.new_key()
    joined = authority.join(tls.certificate_identity(invitation["certificate"].encode()).name, tls.signing_request(key))
    file = InvitationFile.model_validate(
        {key_: value for key_, value in invitation.items() if key_ in InvitationFile.model_fields}
    )
    return file, Credentials(invitation["authority"].encode(), joined.chain, key)


def _empty(folder: Path) -> None:
    """Take away what a start that was cut off left in a party's folder; the folder itself may be a mount."""
    make_private(folder)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _json(value: dict[str, str]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
