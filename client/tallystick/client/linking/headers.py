"""Which column of a file is which identifier, by the names that such files usually give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from tallystick.core.errors import Invalid
from tallystick.core.linkage.normalise import RULES

USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "ssn": ("ssn", "ssn9", "socsecid", "socialsecuritynumber", "socialsecurityno", "socialsecurity", "ssno"),
    "ssn4": ("ssn4", "ssnlast4", "last4ssn", "ssnlastfour", "last4"),
    "state_id": ("stateid", "sid", "statenumber", "dmvno", "dmvnumber"),
    "school_id": ("schoolid", "sasid", "studentid", "statestudentid"),
    "first_name": ("firstname", "fname", "givenname", "first", "forename", "namefirst"),
    "first_initial": ("firstinitial", "finitial", "firstinit"),
    "middle_name": ("middlename", "mname", "middle", "middleinitial", "namemiddle"),
    "last_name": ("lastname", "lname", "surname", "familyname", "last", "namelast"),
    "birth_date": ("birthdate", "dob", "dateofbirth", "birthday", "birthdt", "bdate"),
    "sex": ("sex", "gender", "sexcode"),
    "street": ("street", "streetaddress", "address", "address1", "addressline1", "addr1"),
    "city": ("city", "town", "suburb", "municipality"),
    "zip": ("zip", "zipcode", "zip5", "postcode", "postalcode"),
    "phone": ("phone", "phonenumber", "telephone", "mobile", "cellphone", "homephone"),
}
"""By identifier, column names in lower case without anything but letters and digits, the likeliest first."""

KEYS: Final = ("personid", "personalid", "clientid", "recid", "recordid", "memberid", "participantid", "uid", "key", "id")

_PART: Final = re.compile(r"(?:([ab])\.)?([a-z0-9_]+)=(.*)", re.ASCII | re.DOTALL)


def guessed_fields(header: Sequence[str]) -> dict[str, str]:
    """Give the column of each identifier whose usual names the header has; of several, the likeliest."""
    plain = _plain(header)
    found = {identifier: next((plain[name] for name in names if name in plain), None) for identifier, names in USUAL.items()}
    return {identifier: column for identifier, column in found.items() if column is not None}


def guessed_key(header: Sequence[str]) -> str | None:
    """Give the column that seems to be the agency's own key of a person."""
    plain = _plain(header)
    return next((plain[name] for name in KEYS if name in plain), None)


def declared_fields(texts: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Read what `--fields` declares: IDENTIFIER=COLUMN for both files, a.IDENTIFIER=COLUMN or b. for one; commas part several.

    An empty column takes the identifier out.

    Raises:
        Invalid: `link-invalid`.
    """
    sides: dict[str, dict[str, str]] = {"a": {}, "b": {}}
    for text in texts:
        for word in text.split(","):
            match = _PART.fullmatch(word.strip())
            if match is None or match[2] not in RULES:
                raise Invalid(
                    "link-invalid",
                    "a field is declared as IDENTIFIER=COLUMN, or a.IDENTIFIER=COLUMN for the first file",
                    hint=f"identifiers: {', '.join(RULES)}",
                )
            for side in match[1] or "ab":
                sides[side][match[2]] = match[3]
    return sides["a"], sides["b"]


def fields_of(header: Sequence[str], declared: Mapping[str, str], *, file: str) -> dict[str, str]:
    """Give the column of each identifier: declared, else guessed.

    Raises:
        Invalid: `source-columns`: a declared column that the file lacks.
    """
    lacking = sorted({column for column in declared.values() if column and column not in header})
    if lacking:
        raise Invalid(
            "source-columns", f"{file} has no column {', '.join(lacking)}", hint="use a.… or b.… where only one file has it"
        )
    return {name: column for name, column in {**guessed_fields(header), **declared}.items() if column}


def _plain(header: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in header:
        found.setdefault(re.sub(r"[^a-z0-9]", "", column.lower()), column)
    return found
