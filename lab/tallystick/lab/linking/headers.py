"""Which column of a file is which identifier, by the names that such files usually give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from tallystick.core.errors import Invalid

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

WHOLE: Final = (
    "name", "fullname", "personname", "clientname", "patientname", "studentname", "membername", "employeename", "workername", "wholename",
    "nombre", "nombrecompleto",
)  # fmt: skip
"""Usual names of a column of whole names, where there is no other column of names: it is declared for both, and taken apart."""
KEYS: Final = ("personid", "personalid", "clientid", "recid", "recordid", "memberid", "participantid", "uid", "key", "id")


def guess_fields(header: Sequence[str]) -> dict[str, str]:
    """Give the column of each identifier whose usual names the header has; of several, the likeliest."""
    plain = _plain(header)
    found = {identifier: next((plain[name] for name in names if name in plain), None) for identifier, names in USUAL.items()}
    if found["first_name"] is None and found["last_name"] is None:
        found["first_name"] = found["last_name"] = next((plain[name] for name in WHOLE if name in plain), None)
    return {identifier: column for identifier, column in found.items() if column is not None}


def guess_key(header: Sequence[str]) -> str | None:
    """Give the column that seems to be the agency's own key of a person."""
    plain = _plain(header)
    return next((plain[name] for name in KEYS if name in plain), None)


def fields_of(header: Sequence[str], declared: Mapping[str, str], *, file: str) -> dict[str, str]:
    """Give the column of each identifier, as it stands in the header: declared, else guessed; an empty one takes it out.

    Raises:
        Invalid: `source-columns`: a declared column that the file lacks.
    """
    standing = {name.strip(): name for name in header} | {name: name for name in header}
    lacking = sorted({column for column in declared.values() if column and column not in standing})
    if lacking:
        raise Invalid(
            "source-columns", f"{file} has no column {', '.join(lacking)}", hint="use a.… or b.… where only one file has it"
        )
    found = {**guess_fields(header), **{name: standing.get(column, "") for name, column in declared.items()}}
    return {name: column for name, column in found.items() if column}


def _plain(header: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in header:
        found.setdefault(re.sub(r"[^a-z0-9]", "", column.lower()), column)
    return found
