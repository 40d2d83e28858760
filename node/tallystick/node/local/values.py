"""Open-ended values (a linkage report, a log entry's details) as typed messages and back, with whole numbers of any size kept exact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from tallystick.core.errors import Broken, Invalid
from tallystick.node.views import Cell, Tree
from tallystick.v1 import steward_pb2 as pb

MAX_DEPTH: Final = 16
"""How deep a value may nest; below what a protobuf parser takes."""
MAX_DIGITS: Final = 1000
_LARGE: Final = re.compile(rf"-?[1-9][0-9]{{0,{MAX_DIGITS - 1}}}")
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def foreign(what: str) -> Broken:
    """Give the error for a message that is no view's: it comes from another version of this software."""
    return Broken(
        "protocol-broken",
        f"the agency's node and this command do not speak alike ({what})",
        hint="start the node again after installing another version",
    )


def write_value(value: Tree, depth: int = MAX_DEPTH) -> pb.Value:
    """Write a value as a message.

    Raises:
        Invalid: `document-invalid`: it nests deeper than `MAX_DEPTH`, or holds what is no value.
    """
    if depth < 0:
        raise Invalid("document-invalid", f"a value nests deeper than {MAX_DEPTH}")
    match value:
        case None:
            return pb.Value()
        case bool():
            return pb.Value(truth=value)
        case int():
            return pb.Value(whole=value) if _LEAST <= value <= _MOST else pb.Value(large=_digits(value))
        case float():
            return pb.Value(decimal=value)
        case str():
            return pb.Value(text=value)
        case list() | tuple():
            return pb.Value(list=pb.Values(values=[write_value(one, depth - 1) for one in value]))
        case dict():
            return pb.Value(fields=write_fields(value, depth - 1))
        case _:
            raise Invalid("document-invalid", f"a {type(value).__name__} is no value")


def write_fields(values: Mapping[str, Tree], depth: int = MAX_DEPTH) -> pb.Fields:
    """Write named values as a message, in order.

    Raises:
        Invalid: `document-invalid`: as `write_value`.
    """
    return pb.Fields(fields=[pb.Field(name=name, value=write_value(value, depth)) for name, value in values.items()])


def read_value(message: pb.Value) -> Tree:
    """Read a value back.

    Raises:
        Broken: `protocol-broken`: a name twice, or digits that are no number beyond 64 bits.
    """
    match message.WhichOneof("value"):
        case "list":
            return [read_value(one) for one in message.list.values]
        case "fields":
            return read_fields(message.fields)
        case _:
            return read_cell(message)


def read_cell(message: pb.Value) -> Cell:
    """Read a scalar, or nothing, back.

    Raises:
        Broken: `protocol-broken`: a list or fields; as `read_value`.
    """
    match message.WhichOneof("value"):
        case None:
            return None
        case "truth":
            return message.truth
        case "whole":
            return message.whole
        case "large":
            if not _LARGE.fullmatch(message.large) or _LEAST <= (number := int(message.large)) <= _MOST:
                raise foreign("a large number")
            return number
        case "decimal":
            return message.decimal
        case "text":
            return message.text
        case _:
            raise foreign("a cell that is no scalar")


def read_fields(message: pb.Fields) -> dict[str, Tree]:
    """Read named values back, in order.

    Raises:
        Broken: `protocol-broken`: as `read_value`.
    """
    values = {one.name: read_value(one.value) for one in message.fields}
    if len(values) != len(message.fields):
        raise foreign("a name twice")
    return values


def _digits(value: int) -> str:
    text = str(value)
    if not _LARGE.fullmatch(text):
        raise Invalid("document-invalid", f"a whole number has more than {MAX_DIGITS} digits")
    return text
