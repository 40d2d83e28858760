"""What the keys of a linkage report and of the disclosure rules mean, in a steward's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from tallystick.core.pages.rendering import join_words

_PLAIN: Final = MappingProxyType(
    {
        "blur": "noise of the counts",
        "by": "by",
        "decoys": "decoys",
        "disclosure": "rules",
        "groups": "by group",
        "high": "at most",
        "in_groups": "people by how many groups have them",
        "low": "at least",
        "matched": "matched",
        "matches": "matches",
        "methods": "how it was estimated",
        "min_cell": "smallest number of people that is shown",
        "overall": "of all people",
        "pairs": "people of two groups",
        "pass": "linkage pass",
        "passes": "linkage passes, strict to loose",
        "people": "people",
        "precision": "links that are right",
        "quality": "quality, estimated without the truth",
        "rate": "match rate",
        "rates": "match rates, with 95% intervals",
        "recall": "people of both that are linked",
        "standard_deviation": "standard deviation",
        "tokens": "tokens, by list",
        "usable": "people with usable identifiers",
        "value": "value",
        "without": "left out",
    }
)


_WHY: Final = MappingProxyType(
    {
        "small-cell": "of too few people",
        "complementary": "from it, others could be worked out",
        "small-or-beside": "of too few people, or beside such",
        "group": "too few people in a group that it is part of",
        "dominance": "one or two people may make up most of it",
        "difference": "too much beside earlier results",
        "untested": "not tested",
    }
)


_EVENTS: Final = MappingProxyType(
    {
        "approved": "we approved a job",
        "attempt": "we entered an attempt",
        "candidate": "a result came to this desk",
        "desk-count": "somebody had rows and people counted",
        "desk-link": "somebody took a login link",
        "desk-login": "somebody logged in",
        "desk-login-refused": "somebody was not let in",
        "desk-passphrase": "somebody chose a passphrase",
        "desk-provider-login": "somebody signed in at the provider",
        "desk-refused": "a steward refused",
        "desk-signed": "a steward signed a yes",
        "ended": "a job ended",
        "failed": "a job failed here",
        "identifiers-unusable": "identifiers of some rows cannot be read",
        "job-asks": "a job came",
        "job-ignored": "a job was left alone",
        "log-forked": "another agency's log has two versions",
        "opening": "this desk opened shares",
        "refused": "we refused a job",
        "release-approved": "a result may go out",
        "release-signed": "stewards signed that a result may go out",
        "released": "a result went out",
        "consent-revoked": "a consent was revoked",
        "request-answered": "an answer to a request left",
        "request-decided": "a request was decided",
        "request-dropped": "a request was lost by a restart",
        "request-passed-on": "our worker asked another agency",
        "request-received": "a worker has read an answer",
        "request-seen": "a request came",
        "request-unsure": "whether an answer left is not known, after a restart",
        "requests-forgotten": "old requests were forgotten",
        "restored": "a restored state was accepted",
        "share": "our share went to the desk",
        "started": "the node began",
        "table-forgotten": "what was shown of a table was forgotten",
    }
)


def write_event(event: str) -> str:
    """Write what an entry of the log says in words; an event without words of its own by its name."""
    return _EVENTS.get(event, "")


def write_party(party: str) -> str:
    """Write who learns something: a party, or several that put together what they know."""
    names = party.split(" + ")
    return party if len(names) == 1 else f"{join_words(names)}, if they put together what they know"


def write_why(reason: str | None) -> str:
    """Write why numbers of a row are hidden; a rule without words of its own by its name, and nothing for None."""
    return "" if reason is None else _WHY.get(reason, reason)


def is_interval(value: object) -> bool:
    """Tell whether a value of a linkage report is a share with its interval."""
    return isinstance(value, Mapping) and {"value", "low", "high"} <= value.keys()


def is_table(value: object) -> bool:
    """Tell whether a value of a linkage report is a list of rows."""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, Mapping) for one in value)


def order_columns(row: Mapping[str, object]) -> list[str]:
    """Give the columns of a linkage report's rows: names and levels first, numbers after them."""
    return sorted(row, key=lambda key: not (isinstance(row[key], str) or "." in key))


def write_plain(key: str) -> str:
    """Write a key in words; one without words of its own as it is, without underscores."""
    return _PLAIN.get(key, key.replace("_", " "))


def write_share(share: float | None) -> str:
    """Write a share of people as a percentage; nothing for None."""
    return "" if share is None else f"{share:.1%}"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "columns": order_columns,
        "event": write_event,
        "party": write_party,
        "plain": write_plain,
        "share": write_share,
        "why": write_why,
    }
)
TESTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType({"interval": is_interval, "table_rows": is_table})
"""What the desk's templates call."""
