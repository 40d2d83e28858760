"""What a lab needs before anything starts: throw-away keys, signed agreements, and each node's folder.

The agreement is real: it pins every key, every agency signs it, and the nodes check it as they check any. Each node's policy
says `auto` to exactly the lab's analyst under exactly this agreement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tallystick.client.profile import AnalystProfile
from tallystick.core.agreement.model import Agreement, CoordinatorParty, Party, Release
from tallystick.core.documents import SignedDocument, build_unsigned, write_document
from tallystick.core.errors import Invalid
from tallystick.core.files import make_private, write_private
from tallystick.core.job.model import Question
from tallystick.core.keyfile import IdentityKey, new_identity, write_identity
from tallystick.core.net.joining import exchange_invitation, read_invitation
from tallystick.core.net.membership import Membership
from tallystick.core.net.tls import new_key
from tallystick.core.overall import list_operations
from tallystick.crypto.envelope import SealingKey
from tallystick.lab.network.model import Lab
from tallystick.records.registry import node_entry

ANALYST: Final = "analyst"
"""The lab's analyst, where no agency has that name."""
TERM: Final = timedelta(days=1)
DEFAULT_NAME: Final = "lab"
DEFAULT_PURPOSE: Final = "rehearsal"


@dataclass(frozen=True)
class LabKeys:
    """Throw-away identities: one for each agency, and the analyst's."""

    agencies: dict[str, IdentityKey]
    analyst: IdentityKey


def throw_away_keys(lab: Lab) -> LabKeys:
    """Make identities that live as long as the lab."""
    return LabKeys({name: new_identity() for name in lab.file.agencies}, new_identity())


def analyst_of(lab: Lab) -> str:
    """Give the analyst's name: one that no agency has."""
    name = ANALYST
    while name in lab.file.agencies:
        name = f"lab-{name}"
    return name


def agreement_of(
    lab: Lab,
    *,
    name: str,
    purposes: Sequence[str],
    parties: Mapping[str, str],
    analysts: Mapping[str, str],
    coordinator: CoordinatorParty,
    start: datetime,
    end: datetime,
) -> Agreement:
    """Give the agreement of a lab file: everything in it is allowed to the analysts, as its `agreement` section narrows it.

    Args:
        lab: the lab file.
        name: the agreement's.
        purposes: what is allowed, where the lab file does not say.
        parties: each agency's public key, hexadecimal.
        analysts: each analyst's.
        coordinator: its keys.
        start: when it begins to be in force.
        end: when it ends.

    Raises:
        Invalid: `agreement-contradiction`.
    """
    terms = lab.file.agreement
    try:
        return Agreement(
            agreement=name,
            title=f"everything in {lab.folder.name or 'the lab'}/, for rehearsal",
            valid_from=_stamp(start),
            valid_until=_stamp(end),
            parties={party: Party(key=parties[party]) for party in lab.file.agencies},
            coordinator=coordinator,
            analysts={analyst: Party(key=key) for analyst, key in analysts.items()},
            purposes=terms.purposes or tuple(purposes),
            datasets={
                dataset: entry.to_dataset(agency)
                for agency, group in lab.file.agencies.items()
                for dataset, entry in group.datasets.items()
            },
            operations=list_operations(),
            joins=("inner", "left", "any"),
            link=terms.link,
            disclosure=terms.disclosure,
            release=Release(mode=terms.release.mode, desk=lab.desk),
            decoys=terms.decoys,
            min_people=terms.min_people,
        )
    except ValidationError as error:
        told = "; ".join(str(fault["msg"]) for fault in error.errors()[:8])
        raise Invalid("agreement-contradiction", f"the lab's agreement: {told}") from error


def sign_by_all(agreement: Agreement, keys: LabKeys) -> SignedDocument:
    """Give an agreement with the signature of every agency."""
    document = build_unsigned("agreement", agreement)
    for name, identity in keys.agencies.items():
        document = document.with_signature(name, identity)
    return document


@dataclass(frozen=True)
class Named:
    """What jobs name that the lab's agreements must allow.

    Attributes:
        agreements: names; one agreement is made for each, unless the lab file names one.
        purposes: allowed where the lab file does not say.
    """

    agreements: tuple[str, ...] = (DEFAULT_NAME,)
    purposes: tuple[str, ...] = (DEFAULT_PURPOSE,)


def collect_names(questions: Sequence[Question]) -> Named:
    """Give what questions name."""
    return Named(
        tuple(sorted({question.agreement for question in questions})),
        tuple(sorted({question.purpose for question in questions})),
    )


def lab_agreements(
    lab: Lab, named: Named, keys: LabKeys, coordinator: CoordinatorParty, now: datetime
) -> dict[str, SignedDocument]:
    """Give the signed agreements of a lab by name: those that its jobs name, or the one that the lab file names.

    Raises:
        Invalid: `agreement-contradiction`.
    """
    own = lab.file.agreement.name
    return {
        name: sign_by_all(
            agreement_of(
                lab,
                name=name,
                purposes=named.purposes,
                parties={agency: identity.key for agency, identity in keys.agencies.items()},
                analysts={analyst_of(lab): keys.analyst.key},
                coordinator=coordinator,
                start=now - TERM,
                end=now + TERM,
            ),
            keys,
        )
        for name in ((own,) if own is not None else named.agreements)
    }


def rehearsal_agreement(lab: Lab, question: Question) -> SignedDocument:
    """Give the agreement that a lab would sign for a question, to check against before anything starts.

    Raises:
        Invalid: `agreement-contradiction`.
    """
    coordinator = CoordinatorParty(key=new_identity().key, sealing_key=SealingKey.generate().public.hex())
    made = lab_agreements(lab, collect_names([question]), throw_away_keys(lab), coordinator, datetime.now(UTC))
    return next(iter(made.values()))


def write_node(
    folder: Path,
    lab: Lab,
    agency: str,
    identity: IdentityKey,
    agreements: Mapping[str, SignedDocument],
    *,
    address: str,
    workers: int,
) -> Path:
    """Write one node's folder: its configuration, identity, policy and agreements; give the configuration's path.

    Raises:
        Invalid, Broken: as `write_identity` and `write_document`.
    """
    make_private(folder)
    write_identity(folder / "identity.key", identity)
    files = []
    for name, document in agreements.items():
        write_document(folder / f"{name}.agreement.json", document)
        files.append(f"{name}.agreement.json")
    rules = [{"decision": "auto", "agreement": name, "analyst": analyst_of(lab)} for name in agreements]
    write_private(folder / "policy.yaml", _yaml({"rules": rules}))
    config: dict[str, Any] = {
        "agency": agency,
        "coordinator": {"address": address},
        "agreements": files,
        "policy": "policy.yaml",
        "desk": "auto",
        "workers": workers,
        "datasets": {name: node_entry(entry, lab.folder) for name, entry in lab.file.agencies[agency].datasets.items()},
    }
    write_private(folder / "node.yaml", _yaml(config))
    return folder / "node.yaml"


def write_coordinator(folder: Path, *, network: str) -> Path:
    """Write the coordinator's configuration; give its path. Its agreements come into `agreements/` beside it."""
    make_private(folder / "agreements")
    write_private(folder / "coordinator.yaml", _yaml({"network": network, "listen": "127.0.0.1:0"}))
    return folder / "coordinator.yaml"


def join_node(folder: Path, invitation: Path) -> None:
    """Exchange a node's invitation and keep what it gives beside its configuration.

    Raises:
        TallyError: as `read_invitation` and `exchange_invitation`.
    """
    shown = exchange_invitation(read_invitation(invitation), new_key())
    Membership.in_folder(folder, "tally node join INVITE").keep(shown)


def join_analyst(folder: Path, identity: IdentityKey, invitation: Path, agreements: Iterable[SignedDocument]) -> AnalystProfile:
    """Make the analyst's profile: identity, certificate, agreements.

    Raises:
        TallyError: as `read_invitation`, `exchange_invitation` and `Profile.keep_agreement`.
    """
    make_private(folder)
    profile = AnalystProfile(folder)
    write_identity(folder / "identity.key", identity)
    held = read_invitation(invitation)
    profile.enrol(held, exchange_invitation(held, new_key()))
    for document in agreements:
        profile.keep_agreement(document)
    return profile


def _yaml(value: dict[str, Any]) -> bytes:
    """JSON is YAML."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
