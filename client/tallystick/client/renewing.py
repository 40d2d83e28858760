"""The next version of an agreement or of a tier: the same text with other dates, under the present tiers above it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from tallystick.client.tiering import KINDS, is_tier, open_tier, read_governing
from tallystick.core.agreement.model import Agreement
from tallystick.core.documents import Kind, SignedDocument, build_unsigned, read_one_of
from tallystick.core.errors import Invalid, Refused
from tallystick.core.model import Document


def renew(
    path: Path, *, until: str, since: str | None = None, under: Sequence[Path] = (), boards: Mapping[str, str] | None = None
) -> tuple[Document, SignedDocument]:
    """Give the text that was, and the next version of it as an unsigned document.

    Args:
        path: an agreement or a tier of one, signed or not.
        until: the last day of its term, which ends with it.
        since: the first day; None keeps the moment.
        under: of a sharing agreement or a license: the present documents of the tiers above it.
        boards: approvals of review boards that were renewed: until which day, by reference.

    Raises:
        Invalid: `file-missing`; `document-invalid`: of a date, a reference or the text that follows.
        Refused: `tier-chain`: an agreement of tiers, which is bound anew; a document that this tier is not under.
    """
    document = read_governing(path)
    text: Document = open_tier(document)[0] if is_tier(document) else document.read(Agreement)
    if isinstance(text, Agreement) and text.tiers is not None:
        raise Refused(
            "tier-chain",
            "an agreement of tiers has no dates of its own",
            hint="renew its license, then: tally agreement bind",
        )
    value = text.json_value()
    value["version"] = value.get("version", 1) + 1
    value["valid_until"] = f"{_read_day(until)}T23:59:59Z"
    if since is not None:
        value["valid_from"] = f"{_read_day(since)}T00:00:00Z"
    for file in under:
        _put_under(value, document.kind, file)
    listed = (value.get("clauses") or {}).get("review_boards", [])
    for reference, day in (boards or {}).items():
        found = [one for one in listed if one["reference"] == reference]
        if not found:
            named = ", ".join(one["reference"] for one in listed) or "none"
            raise Invalid("document-invalid", f"no review board's approval is {reference}", hint=f"there are: {named}")
        for one in found:
            one["until"] = _read_day(day)
    kind: Kind = open_tier(document)[1] if is_tier(document) else "agreement"
    return text, build_unsigned(kind, type(text).read(value, what="the next version"))


def _put_under(value: dict[str, Any], kind: str, path: Path) -> None:
    above, found = open_tier(read_one_of(path, KINDS))
    ref = {"name": above.name, "version": above.version, "digest": read_one_of(path, KINDS).digest}
    if found == "memorandum" and kind in {"sharing", "license"} and value["memorandum"]["name"] == above.name:
        value["memorandum"] = ref
        return
    if found == "sharing" and kind == "license":
        places = [place for place, one in enumerate(value["sharing"]) if one["name"] == above.name]
        for place in places:
            value["sharing"][place] = ref
        if places:
            return
    raise Refused("tier-chain", f"this {kind} is not under the {found} {above.name}", hint="give the tiers that it names")


def _read_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise Invalid("document-invalid", f"{text} is no day", hint="write it as 2027-06-30") from error
