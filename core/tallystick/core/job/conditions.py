"""A condition as a column of a measure: `share: {of: "wages.earnings >= 2500"}`.

It is of one group's columns, declared or derived, and says of each person whether it holds: 1 where it does, 0 where it does not, missing
where it cannot be said because a value is missing. The agency of the group works it out at home, so it is a boolean column like any other,
and its sum a count of people that the disclosure rules test.

What a condition may hold is `where.py`'s to say. A measure's reference for it is the group and the condition, written in one way with the
columns bare, `wages.earnings >= 2500`, and in brackets where it is more than one test: `wages.(earnings >= 2500 AND jobs > 1)`. So two
spellings that differ in spaces and letter case are one column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tallystick.core.agreement.model import Column
from tallystick.core.errors import Invalid

if TYPE_CHECKING:
    from tallystick.core.job.where import Condition

MAX_CONDITION: Final = 300
"""Characters of a condition."""
_COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TOKEN: Final = re.compile(
    r"(?P<text>'(?:[^']|'')*')"
    r"|(?P<reference>[a-z][a-z0-9_-]{0,63}\.[A-Za-z_][A-Za-z0-9_]{0,63})(?![\w.])"
    r"|(?P<number>\d+(?:\.\d+)?)(?![\w.])"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)(?![\w.])"
    r"|(?P<sign><=|>=|<>|!=|[=<>(),-])"
)
_SPACE: Final = re.compile(r"\s*")
_WORDS: Final = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "IS", "NULL", "TRUE", "FALSE", "DATE"})
_JOINING: Final = frozenset({"AND", "OR", "NOT"})
_HINT: Final = 'write each column with its group, of one group alone: "wages.earnings >= 2500 AND wages.jobs > 1"'


@lru_cache(maxsize=1024)
def refer_to_condition(text: str) -> str:
    """Give the reference of a condition's column; of a column alone its own reference.

    Args:
        text: a condition whose columns are written `GROUP.COLUMN`.

    Raises:
        Invalid: `where-invalid`: it cannot be read, names a column without its group, or names columns of several groups.
    """
    if len(text) > MAX_CONDITION:
        raise _refusal(f"it is longer than {MAX_CONDITION} characters")
    groups: dict[str, None] = {}
    written: list[str] = []
    joined = False
    for kind, word in _tokens(text):
        match kind:
            case "reference":
                group, _, column = word.partition(".")
                groups[group] = None
                written.append(column)
            case "word":
                if word.upper() not in _WORDS:
                    raise _refusal(f"the column {word} without its group")
                joined |= word.upper() in _JOINING
                written.append(word.upper())
            case _:
                written.append("<>" if word == "!=" else word)
    if not groups:
        raise _refusal("no column at all")
    if len(groups) > 1:
        raise _refusal(
            f"columns of {' and '.join(groups)}", "a condition is worked out where the columns are: name one group's"
        )
    while _is_wrapped(written):
        written = written[1:-1]
    bare = _join(written)
    (group,) = groups
    return f"{group}.{bare}" if not joined and _COLUMN.match(bare) else f"{group}.({bare})"


def spell_condition(text: str) -> str:
    """Give a condition over bare columns in the one way in which it is written: reserved words in capitals, and spaces alike.

    Raises:
        Invalid: `where-invalid`: it holds what no condition does, or a column with its group.
    """
    written = []
    for kind, word in _tokens(text):
        if kind == "reference":
            raise _refusal("a column with its group", "inside a group's derive, name its columns alone")
        reserved = kind == "word" and word.upper() in _WORDS
        written.append(word.upper() if reserved else "<>" if word == "!=" else word)
    while _is_wrapped(written):
        written = written[1:-1]
    return _join(written)


def list_words(condition: str) -> tuple[str, ...]:
    """Give the columns that a condition of `spell_condition` reads."""
    return tuple(dict.fromkeys(token for kind, token in _tokens(condition) if kind == "word" and token not in _WORDS))


def is_condition(name: str) -> bool:
    """Tell whether what a reference names behind its group is a condition, and no column."""
    return _COLUMN.fullmatch(name) is None


def list_columns_read(name: str) -> tuple[str, ...]:
    """Give the columns that a reference's name is made of: those of its condition, or itself."""
    if not is_condition(name):
        return (name,)
    return list_words(name)


def rewrite_condition(name: str, columns: Mapping[str, str]) -> str:
    """Give a reference's condition with other words in place of its columns, which nothing reads back."""
    return _join([columns.get(token, token) if kind == "word" else token for kind, token in _tokens(name)])


def check_condition(name: str, columns: Mapping[str, Column]) -> Condition:
    """Give a condition of a reference, checked and written out for DuckDB.

    Args:
        name: what the reference has behind its group.
        columns: those of the group, declared and derived.

    Raises:
        Invalid: `where-invalid`.
    """
    from tallystick.core.job.where import parse_where  # a parser, which few jobs need

    known = {called: column for called, column in columns.items() if column.type != "category" or column.values is not None}
    for column in list_columns_read(name):
        if column in columns and column not in known:
            raise Invalid(
                "where-invalid",
                f"the category {column} declares no values, so no condition of a measure can be over it",
                hint="declare its values in the dataset, or use it in the group's where",
            )
    return parse_where(name, known)


def declare_condition(name: str, columns: Mapping[str, Column]) -> Column:
    """Give what a condition's column is declared as.

    Raises:
        Invalid: `where-invalid`.
    """
    check_condition(name, columns)
    return Column(type="boolean")


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space is not None else at
        if at == len(text):
            return found
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _refusal("a sign that no condition has")
        found.append((match.lastgroup, match[0]))
        at = match.end()


def _is_wrapped(written: list[str]) -> bool:
    """Tell whether one pair of brackets holds everything."""
    depth = 0
    for at, word in enumerate(written):
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return word == ")" and at == len(written) - 1
    return False


def _join(written: list[str]) -> str:
    text = ""
    for before, word in zip(["", *written], written, strict=False):
        tight = before in {"", "(", "-"} or word in {")", ","}
        text += word if tight else f" {word}"
    return text


def _refusal(what: str, hint: str = _HINT) -> Invalid:
    return Invalid("where-invalid", f"a condition holds what is not allowed: {what}", hint=hint)
