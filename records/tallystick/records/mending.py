"""The smallest change that would let values pass, told from their form alone (`core/values/forms.py`), so that no value is looked at.

Security: what would mend a value says something of it, such as how many digits it has; it stands in `detail` of errors, which stays with the
agency.
"""

from __future__ import annotations

import re
from typing import Final

from tallystick.core.agreement.declaration import DeclaredColumn

_RUN: Final = re.compile(r"(.)\{(\d+)\}")
_DAY_MARKS: Final = re.compile(r"9{1,2}([-/. ])9{1,2}\1(9{2}|9{4})(?:[ T].*)?")
_SHORT_YEAR: Final = re.compile(r"9{1,2}([-/. ])(?:9{1,2}|A{3}|Aaa?)\1?9{2}")
_SIX: Final = re.compile(r"9{5,6}")
_NUMBER: Final = re.compile(r"[-+$]*9+(?:,9{3})*(?:\.(9+))?")
_COMMA: Final = re.compile(r"[-+$]*9{1,3}(?:\.9{3})*,9{1,2}|[-+$]*9+,9+")
_POWER: Final = re.compile(r"9(?:\.9+)?[Aa][+-]?9+")


def spread(form: str) -> str:
    """Write a form without counts: 99/99/9999 of `9{2}/9{2}/9{4}`."""
    return _RUN.sub(lambda found: found[1] * int(found[2]), form).replace("_", " ")


def mend_column(name: str, entry: DeclaredColumn, form: str) -> str:
    """Say what would let a column's values of this form pass.

    Args:
        name: the column's.
        entry: its declaration.
        form: that most of the values have that did not pass.
    """
    shape = spread(form)
    if entry.type == "date":
        if told := _date(name, shape):
            return told
    elif entry.type in {"integer", "decimal"}:
        if _POWER.fullmatch(shape):
            return f"export {name} as text or with all its digits: a spreadsheet rounded it"
        if (found := _NUMBER.fullmatch(shape)) and found[1] is not None:
            return f"declare {name}: {{type: decimal, scale: {len(found[1])}, …}}, or round the values"
        if _COMMA.fullmatch(shape):
            return "declare what stands before the fraction: {file: FILE, decimal: ','}"
    return f"correct them; words that stand for no value are declared: {name}: {{…, missing: [WORD]}}"


def mend_identifier(name: str, form: str) -> str:
    """Say what would let an identifier's unread values of this form be read; "" where nothing general can be said."""
    shape = spread(form)
    if name == "birth_date":
        return _date(name, shape)
    if name in {"ssn", "phone", "state_id", "school_id", "zip"} and _POWER.fullmatch(shape):
        return "export the column as text: a spreadsheet rounded it"
    if name == "zip" and re.fullmatch(r"9{1,3}", shape):
        return "export the column as text: zeros before the number were lost"
    if name == "sex" and re.fullmatch(r"9", shape):
        return "write F, M or X: registers disagree on what digits mean"
    if name == "ssn" and re.fullmatch(r"[A*#?-]*9{4}", shape):
        return "declare the column as ssn4: it has the last four digits alone"
    return ""


def _date(name: str, shape: str) -> str:
    formats = f"declare {name}: {{…, format: "
    if _SIX.fullmatch(shape):
        return f"{formats}MMDDYY}} (or DDMMYY, YYMMDD; serial, where a spreadsheet counted days)"
    if found := _DAY_MARKS.fullmatch(shape):
        if len(found[2]) == 4:
            return "correct them: they are no days of the calendar"
        return f"declare {name}: {{…, pivot: 30}}, where years up to 30 are of this century, or {formats[8:]}MM/DD/YY}}"
    if _SHORT_YEAR.fullmatch(shape):
        return f"declare {name}: {{…, pivot: 30}}, where years up to 30 are of this century"
    if re.fullmatch(r"9{4}", shape):
        return "a year alone is no birth date: export the whole date"
    return ""
