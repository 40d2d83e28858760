"""The base of every document: frozen, typed, unknown keys refused."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from tallystick.core.canonical import canonical_bytes, digest_of
from tallystick.core.errors import Invalid
from tallystick.core.faults import explain_fault

M = TypeVar("M", bound="Document")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
"""An identifier of a party, agreement, dataset, purpose, analyst: lower-case, digits, hyphen, underscore."""

ColumnName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Hex32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Document(BaseModel):
    """A frozen model whose unknown keys are refused; integers stay integers and text stays text."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    def json_value(self) -> dict[str, Any]:
        """Give the document as a JSON value, without what was left at its default of None."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def canonical(self) -> bytes:
        """Give the document's canonical bytes."""
        return canonical_bytes(self.json_value())

    def digest(self) -> str:
        """Give the SHA-256 of the canonical bytes, in hexadecimal."""
        return digest_of(self.json_value())

    @classmethod
    def read(cls, value: object, *, what: str) -> Self:
        """Make the document from a JSON value (as YAML or JSON gave it).

        Raises:
            Invalid: `document-invalid`: names every key that is unknown, missing or of a wrong type.
        """
        return cls.read_canonical(canonical_bytes(value), value, what=what)

    @classmethod
    def read_canonical(cls, data: bytes, value: object, *, what: str) -> Self:
        """Make the document from a JSON value whose canonical bytes are known.

        Raises:
            Invalid: `document-invalid`, as `read`.
        """
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            faults, hint = explain_fault(error.errors(), cls, value)
        # without its cause: pydantic's message quotes the values
        raise Invalid("document-invalid", f"{what}: {faults}", hint=hint)
