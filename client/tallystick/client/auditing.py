"""What a node's log says to an auditor: who asked what of whom under which agreement, who decided, and what left (S-29).

Pure: entries of a log that was checked, and documents, come in. Everything here rests on the log of one node. What another agency
decided stands in a result's own evidence, where one is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tallystick.core.net.status import printable

Entry = Mapping[str, Any]

LEFT: Final[Mapping[str, str]] = {
    "share": "a share of the numbers, sealed to the desk",
    "review-begun": "the candidate, in copies for its reviewers",
    "released": "the result, sealed to the analyst",
    "request-decided": "an answer about one client",
    "request-unsure": "perhaps an answer about one client: the node ended meanwhile",
}
"""Events at which something leaves the agency for somebody who may learn from it, and what."""
DECISIONS: Final = frozenset({"approved", "refused", "release-signed", "release-approved"})
NOT_TOLD: Final = (
    "Whether somebody was among the people that a job counted: no log says so, and no node keeps it with its log.",
    "Who is meant by a request: its entry names the request, not the client; the node's disclosures do, by its own key.",
    "What other agencies decided or sent, but for approvals that stand in a result that was given.",
)
"""What no log of a node says."""


@dataclass
class Matter:
    """A job, or a request for one client's fields, and all that the log says of it.

    Attributes:
        name: digest of the job, or the first digits of that of a request.
        kind: which.
        entries: of the log, oldest first.
        asker: who asked, or "".
        purpose: what for, or "".
        agreement: under which agreement, or "".
        terms: its digest, or "".
        datasets: `agency: dataset`.
        fields: of a request.
        person: of a request, by the agency's own key, where its disclosures were given.
        approvals: of all parties, from a result: (signer, role, decision).
        papers: sentences on what else documents say.
    """

    name: str
    kind: str
    entries: list[Entry] = field(default_factory=list)
    asker: str = ""
    purpose: str = ""
    agreement: str = ""
    terms: str = ""
    datasets: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    person: str = ""
    approvals: tuple[tuple[str, str, str], ...] = ()
    papers: list[str] = field(default_factory=list)

    @property
    def left(self) -> list[tuple[int, str, str]]:
        """What left: (number of the entry, when, what)."""
        return [(one["number"], one["time"], what) for one in self.entries if (what := _name_left(one))]

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {
            self.kind: self.name,
            "asker": self.asker,
            "purpose": self.purpose,
            "agreement": self.agreement,
            "terms": self.terms,
            "datasets": list(self.datasets),
            "fields": list(self.fields),
            "person": self.person,
            "decided": [dict(one) for one in self.entries if is_decision(one)],
            "left": [{"entry": number, "time": time, "what": what} for number, time, what in self.left],
            "approvals": [{"signer": signer, "role": role, "decision": said} for signer, role, said in self.approvals],
            "papers": self.papers,
            "entries": [dict(one) for one in self.entries],
        }


@dataclass(frozen=True)
class Wanted:
    """What an auditor asks for; "" leaves it open.

    Attributes:
        person: the agency's own key of a client, as its disclosures have it.
        dataset: a dataset's name, or `agency: dataset`.
        analyst: an analyst, or the worker of a request.
        since, until: first and last day, `YYYY-MM-DD`; a matter counts that has an entry in between.
    """

    person: str = ""
    dataset: str = ""
    analyst: str = ""
    since: str = ""
    until: str = ""

    def wants(self, one: Matter) -> bool:
        """Tell whether a matter is asked for."""
        days = [entry["time"][:10] for entry in one.entries]
        return (
            (not self.person or one.person == self.person)
            and (not self.dataset or any(self.dataset in {name, name.partition(": ")[2]} for name in one.datasets))
            and (not self.analyst or one.asker == self.analyst)
            and any((not self.since or self.since <= day) and (not self.until or day <= self.until) for day in days)
        )

    def wants_other(self, entry: Entry) -> bool:
        """Tell whether an entry that is of no matter is asked for: where only a period is."""
        day = entry["time"][:10]
        narrow = self.person or self.dataset or self.analyst
        return not narrow and (not self.since or self.since <= day) and (not self.until or day <= self.until)


class LogAudit:
    """Takes in a log entry by entry, then documents; gives what is asked for."""

    def __init__(self) -> None:
        self.matters: dict[str, Matter] = {}
        self.others: list[Entry] = []

    def take(self, entry: Entry) -> None:
        """Take in an entry of the log."""
        details = entry["details"]
        request = details.get("request")
        name, kind = (entry["job"], "job") if entry["job"] else (str(request or ""), "request")
        if not name:
            self.others.append(entry)
            return
        one = self.matters.setdefault(name, Matter(name, kind))
        one.entries.append(entry)
        for key, value in (
            ("asker", details.get("analyst") or details.get("worker")),
            ("purpose", details.get("purpose")),
            ("agreement", details.get("agreement")),
            ("terms", details.get("terms")),
        ):
            if value and not getattr(one, key):
                setattr(one, key, str(value))
        if not one.datasets:
            one.datasets = _read_names(details.get("datasets"))
        if kind == "request" and not one.datasets:
            one.datasets = (f"{details.get('owner', '')}: {details.get('dataset', '')}",)
            one.fields = _read_names(details.get("fields"))

    def take_agreement(self, digest: str, text: str, purposes: Collection[str]) -> bool:
        """Take in an agreement; tell whether a matter is under it.

        Args:
            digest: the document's.
            text: what it is, in a few words: name, version, authority.
            purposes: those that it allows.
        """
        found = [one for one in self.matters.values() if one.terms == digest]
        for one in found:
            allowed = "which allows this purpose" if one.purpose in purposes else "which does NOT name this purpose"
            one.papers.append(f"under {text}, {allowed}")
        return bool(found)

    def take_result(self, job: str, digest: str, asked: Mapping[str, Any], approvals: Iterable[tuple[str, str, str]]) -> bool:
        """Take in a result whose signatures hold; tell whether the log has its job.

        Args:
            job: the job's digest.
            digest: the result's body's.
            asked: `asker`, `purpose`, `agreement`, `terms`, `datasets` of the signed job.
            approvals: (signer, role, decision).
        """
        one = self.matters.get(job)
        if one is None:
            return False
        for key, value in asked.items():
            if not getattr(one, key):
                setattr(one, key, value)
        one.approvals = tuple(approvals)
        logged = [entry["details"].get("digest") for entry in one.entries if entry["event"] == "released"]
        if logged and digest not in logged:
            one.papers.append("the result that was given is NOT the one that the log says was released")
        elif logged:
            one.papers.append("the result that was given is the one that the log says was released")
        else:
            one.papers.append("a result was given; this log has no release, which only the desk's has")
        return True

    def take_disclosure(self, request: str, person: str) -> bool:
        """Take in whom a request is about, from the node's disclosures; tell whether the log has the request."""
        one = self.matters.get(request[:16])
        if one is not None:
            one.person = person
        return one is not None

    def find(self, wanted: Wanted) -> list[Matter]:
        """Give the matters that are asked for, in the order in which they began."""
        return [one for one in self.matters.values() if wanted.wants(one)]


def _read_names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def is_decision(entry: Entry) -> bool:
    """Tell whether an entry is a decision of the agency, by its policy or its people."""
    return entry["event"] in DECISIONS or entry["event"] == "request-decided"


def _name_left(entry: Entry) -> str:
    """Say what left the agency at an entry, or ""."""
    what = LEFT.get(entry["event"], "")
    if what and entry["event"] == "request-decided":
        given = entry["details"].get("outcome") == "given"
        return f"{what}: {'the fields' if given else 'nothing of the client'}"
    return what


def describe_entry(entry: Entry) -> str:
    """Give an entry's event and details in one line that a terminal prints as it is."""
    shown = (
        f"{key} {_show(value)}"
        for key, value in sorted(entry["details"].items())
        if key not in _SAID and value not in ("", None)
    )
    text = ", ".join(shown)
    return printable(f"{entry['event']}: {text}" if text else str(entry["event"]))


_SAID: Final = frozenset(
    {"analyst", "worker", "purpose", "agreement", "terms", "datasets", "request", "owner", "dataset", "fields"}
)
"""Details that stand at the head of a matter."""


def _show(value: Any) -> str:
    return ", ".join(map(_show, value)) if isinstance(value, list) else str(value)
