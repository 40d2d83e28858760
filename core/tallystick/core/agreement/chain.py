"""What a memorandum, sharing agreements and a license allow together, and whether they are a chain.

`bind_tiers` makes one agreement of the signed documents: what the license says, with keys of the memorandum and datasets of the sharing
agreements. Every node makes it again from the documents in it (`check_chain`), so an agreement of tiers needs no signature of its own.

- Each tier is signed by those whom it concerns, with keys that the memorandum pins; analysts' keys are the license's.
- A lower tier names the tiers above it by digest, so that no document can stand in for another one.
- A lower tier that allows what a tier above it does not is refused (`tier-widens`): nothing is cut to fit.
- Clauses add up: what each tier says holds.

Security: the body that follows from the documents must be the body that is given, byte for byte. A key, column, rule or clause that stands
in it and in no tier makes it another text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from tallystick.core.agreement.clauses import CLAUSE_NAMES, Clauses
from tallystick.core.agreement.disclosure import Disclosure
from tallystick.core.agreement.model import Agreement, Dataset, Party
from tallystick.core.agreement.narrowing import find_widenings
from tallystick.core.agreement.review import join_reviews
from tallystick.core.agreement.tiers import Memorandum, SharingAgreement, Tier, TierKind, TierRef, UseLicense
from tallystick.core.documents import SignedDocument, build_unsigned
from tallystick.core.errors import Invalid, Refused
from tallystick.core.model import Document


@dataclass(frozen=True)
class Chain:
    """Three tiers: texts and the documents that they stand in.

    Attributes:
        sharing: text and document of each dataset's, in the order of the license.
    """

    memorandum: tuple[Memorandum, SignedDocument]
    sharing: tuple[tuple[SharingAgreement, SignedDocument], ...]
    license: tuple[UseLicense, SignedDocument]

    @property
    def documents(self) -> tuple[SignedDocument, ...]:
        """The documents, from the highest tier to the lowest."""
        return (self.memorandum[1], *(document for _, document in self.sharing), self.license[1])

    @property
    def texts(self) -> tuple[tuple[Tier, TierKind], ...]:
        """The texts and what each is, from the highest tier to the lowest."""
        return (
            (self.memorandum[0], "memorandum"),
            *((text, "sharing") for text, _ in self.sharing),
            (self.license[0], "license"),
        )

    @property
    def agencies(self) -> tuple[str, ...]:
        """The agencies that take part: whose datasets they are, and the desk's; in name order."""
        return tuple(sorted({*(text.terms.agency for text, _ in self.sharing), self.license[0].desk}))


def read_chain(documents: Sequence[SignedDocument]) -> Chain:
    """Put documents in order by what each names; signatures are not looked at.

    Raises:
        Refused: `tier-chain`: one is missing, left over, or another one than is named.
        Invalid: `document-invalid`.
    """
    texts: dict[str, list[tuple[Any, SignedDocument]]] = {"memorandum": [], "sharing": [], "license": []}
    models = (("memorandum", Memorandum), ("sharing", SharingAgreement), ("license", UseLicense))
    for document in documents:
        for kind, model in models:
            if document.kind == kind:
                texts[kind].append((document.read(model), document))
    for kind in ("memorandum", "license"):
        if len(texts[kind]) != 1:
            raise Refused("tier-chain", f"there is not one {kind} but {len(texts[kind])}", hint="give one of each")
    [memorandum], [license_] = texts["memorandum"], texts["license"]
    found = {text.name: (text, document) for text, document in texts["sharing"]}
    named = [ref.name for ref in license_[0].sharing]
    apart = sorted(set(named) ^ found.keys())
    if apart or len(named) != len(found) or len(found) != len(texts["sharing"]):
        told = ", ".join(apart) or "one is there twice"
        raise Refused(
            "tier-chain",
            f"the sharing agreements are not those that the license names: {told}",
            hint="give exactly those that it names",
        )
    datasets = [text.dataset for text, _ in texts["sharing"]]
    if len(set(datasets)) != len(datasets):
        raise Refused("tier-chain", "two sharing agreements are of one dataset", hint="give one of each dataset")
    result = Chain(memorandum, tuple(found[name] for name in named), license_)
    for text, what in [*((text, f"sharing agreement {text.name}") for text, _ in result.sharing), (license_[0], "the license")]:
        _check_named(text.memorandum, memorandum, what, "memorandum")
    for ref in license_[0].sharing:
        _check_named(ref, found[ref.name], "the license", "sharing agreement")
    return result


def bind_tiers(documents: Sequence[SignedDocument]) -> SignedDocument:
    """Make the agreement that tiers allow together, if each is signed and none allows more than a tier above it.

    Args:
        documents: one memorandum, the sharing agreements that the license names, one license.

    Raises:
        Refused: `tier-chain`, `tier-widens`, `agreement-unsigned`, `agreement-signature`.
        Invalid: `document-invalid`, `agreement-contradiction`: two tiers say things that cannot both hold.
    """
    tiers = read_chain(documents)
    _check_signatures(tiers)
    texts = [text for text, _ in tiers.sharing]
    if problem := next(find_widenings(tiers.memorandum[0], texts, tiers.license[0], tiers.agencies), None):
        raise problem
    return build_unsigned("agreement", _effective(tiers))


def check_chain(document: SignedDocument, agreement: Agreement) -> None:
    """Check that an agreement of tiers is exactly what its tiers allow together.

    Args:
        document: of the agreement.
        agreement: its text, with `tiers`.

    Raises:
        Refused: `tier-chain`: it is another text, or somebody signed it; and as `bind_tiers`.
        Invalid: as `bind_tiers`.
    """
    if document.signatures:
        raise Refused("tier-chain", "an agreement of tiers is signed by nobody: its tiers are", hint="tally agreement bind")
    made = bind_tiers([one.open("memorandum", "sharing", "license") for one in agreement.tiers or ()])
    if made.body != document.body:
        places = [key for key in Agreement.model_fields if getattr(made.read(Agreement), key) != getattr(agreement, key)]
        raise Refused(
            "tier-chain", f"it says otherwise than its tiers: {', '.join(places) or 'order'}", hint="tally agreement bind"
        )


def read_tiers(agreement: Agreement) -> Chain | None:
    """Give the tiers of an agreement; None where it has none.

    Raises:
        Refused, Invalid: as `read_chain`.
    """
    if agreement.tiers is None:
        return None
    return read_chain([one.open("memorandum", "sharing", "license") for one in agreement.tiers])


def list_declared(agreement: Agreement) -> Mapping[str, Dataset]:
    """Give the datasets as their agencies' nodes declare them, by name: of tiers, with the columns that the license leaves out.

    Raises:
        Refused, Invalid: as `read_chain`.
    """
    tiers = read_tiers(agreement)
    return agreement.datasets if tiers is None else {text.dataset: text.terms for text, _ in tiers.sharing}


def list_tiers(agreement: Agreement) -> list[tuple[str, int, str]]:
    """Give the tiers above an agreement's license: (kind and name, version, digest); nothing where it has no tiers.

    Raises:
        Refused, Invalid: as `read_chain`.
    """
    tiers = read_tiers(agreement)
    if tiers is None:
        return []
    held: list[tuple[str, Memorandum | SharingAgreement, SignedDocument]] = [("memorandum", *tiers.memorandum)]
    held += [("sharing", *one) for one in tiers.sharing]
    return [(f"{kind} {text.name}", text.version, document.digest) for kind, text, document in held]


def _check_named(ref: TierRef, found: tuple[Any, SignedDocument], lower: str, higher: str) -> None:
    text, document = found
    if (ref.name, ref.version, ref.digest) != (text.name, text.version, document.digest):
        raise Refused(
            "tier-chain",
            f"{lower} is under another {higher} than {text.name} version {text.version} ({document.digest[:12]})",
            hint=f"it names {ref.name} version {ref.version} ({ref.digest[:12]}); give that one, or sign {lower} again under this one",
        )


def _check_signatures(tiers: Chain) -> None:
    memorandum, license_ = tiers.memorandum[0], tiers.license[0]
    keys = {name: party.key for name, party in memorandum.parties.items()}
    wanted: list[tuple[str, SignedDocument, Sequence[str], Mapping[str, str]]] = [
        (f"memorandum {memorandum.name}", tiers.memorandum[1], memorandum.signers, keys),
        *((f"sharing agreement {text.name}", document, text.signers, keys) for text, document in tiers.sharing),
        (
            f"license {license_.name}",
            tiers.license[1],
            (*tiers.agencies, *license_.analysts),
            {name: party.key for name, party in license_.analysts.items()} | keys,
        ),
    ]
    for what, document, signers, pinned in wanted:
        if missing := [name for name in signers if name not in document.signers]:
            raise Refused(
                "agreement-unsigned", f"{', '.join(missing)} has not signed {what}", hint=f"{missing[0]}: tally agreement sign"
            )
        if strangers := [name for name in document.signers if name not in signers]:
            raise Refused(
                "agreement-signature", f"{', '.join(strangers)} signed {what} but has no part in it", hint="remove it"
            )
        for name in signers:
            if name not in pinned:
                raise Refused("tier-widens", f"{what} names {name}, which is no party of the memorandum")
            try:
                document.verify_signature_of(name, pinned[name])
            except Refused as error:
                raise Refused(
                    "agreement-signature",
                    f"{what}: {error.message}",
                    hint=f"{name} must sign this very text: tally agreement sign",
                ) from error


def _effective(tiers: Chain) -> Agreement:
    memorandum, license_ = tiers.memorandum[0], tiers.license[0]
    texts = [text for text, _ in tiers.sharing]
    value: dict[str, Any] = {
        "agreement": license_.license,
        "version": license_.version,
        "title": license_.title,
        "authority": memorandum.authority,
        "valid_from": license_.valid_from,
        "valid_until": license_.valid_until,
        "retention_days": license_.retention_days,
        "parties": {name: memorandum.parties[name] for name in tiers.agencies},
        "coordinator": memorandum.coordinator,
        "analysts": license_.analysts,
        "approvers": _union("approvers", [*(text.approvers for text in texts), license_.approvers]),
        "stewards": _union("stewards", [{text.terms.agency: text.stewards} for text in texts if text.stewards is not None]),
        "purposes": license_.purposes,
        "datasets": {text.dataset: _narrow(text, license_) for text in texts},
        "operations": license_.operations,
        "joins": license_.joins,
        "link": license_.link,
        "disclosure": license_.disclosure or Disclosure(),
        "release": {"mode": "desk", "desk": license_.desk},
        "decoys": memorandum.decoys,
        "min_people": license_.min_people,
        "clauses": _add_up([memorandum.clauses, *(text.clauses for text in texts), license_.clauses]),
        "review": join_reviews([*(text.review for text in texts), license_.review]),
        "tiers": [document.to_file() for document in tiers.documents],
    }
    return Agreement.read(_plain(value), what="the agreement of these tiers")


def _narrow(sharing: SharingAgreement, license_: UseLicense) -> dict[str, Any]:
    value = sharing.terms.json_value()
    wanted = license_.datasets.get(sharing.dataset, ())
    value["columns"] = {name: column for name, column in value["columns"].items() if name in wanted}
    return value


def _union(what: str, parts: Sequence[Mapping[str, Party | Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, entry in chain.from_iterable(part.items() for part in parts):
        if result.setdefault(name, entry) != entry:
            raise Invalid("agreement-contradiction", f"{what}: two tiers name {name} otherwise", hint="let them say the same")
    return result


def _add_up(parts: Sequence[Clauses]) -> dict[str, Any] | None:
    """Give the clauses of all tiers: texts one after the other, lists together."""
    result: dict[str, Any] = {}
    for name in CLAUSE_NAMES:
        said = [getattr(part, name) for part in parts if part.has(name)]
        if not said:
            continue
        if name == "purpose_class":
            result[name] = "statistical" if "statistical" in said else said[0]
        elif name == "contacts":
            result[name] = _union("clauses.contacts", said)
        elif name in {"prohibitions", "review_boards"}:
            listed = list(chain.from_iterable(said))
            result[name] = [one for place, one in enumerate(listed) if one not in listed[:place]]
        else:
            result[name] = "\n".join(dict.fromkeys(said))
    return result or None


def _plain(value: Any) -> Any:
    """Give a value whose documents are JSON, without what is None."""
    if isinstance(value, Document):
        return value.json_value()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
