"""Forms of consents: data files in `papers/`, one a form, that say which elements a consent on it must have.

A new form is one new file. An element names the keys of a consent that hold it (`person.first_name`, `statements.expiry`); with a bar, one of
several is enough. `statements` holds what stands on the paper and in no other key.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from tallystick.core.agreement.records import Tag
from tallystick.core.consent.model import Consent
from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Name, Text
from tallystick.core.yaml import read_folder

PAPERS: Final = Path(__file__).parent / "papers"
_Path = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(\.[a-z_]+)?(\|[a-z_]+(\.[a-z_]+)?)*$")]


class FormElement(Document):
    """One element of a form.

    Attributes:
        name: what an error calls it.
        title: what it is.
        citation: what asks for it, where a rule does.
        needs: the keys of the consent that hold it.
    """

    name: Name
    title: Text
    citation: Text | None = None
    needs: Annotated[tuple[_Path, ...], Field(min_length=1)]


class ConsentForm(Document):
    """A form.

    Attributes:
        form, version: its name; a consent says both.
        title: what stands above it.
        basis: on which basis a consent on it may rest.
        opens: regimes whose fields need a consent on such a form.
        choices: `every`: it needs a choice for every category of the agreement's fields.
        elements: what it must have.
    """

    form: Name
    version: Annotated[int, Field(ge=1, le=9999)]
    title: Text
    basis: tuple[Literal["consent", "authority"], ...]
    opens: tuple[Tag, ...] = ()
    choices: Literal["every"] | None = None
    elements: tuple[FormElement, ...]

    @property
    def name(self) -> str:
        """What a consent calls the form: `part2 1`."""
        return f"{self.form} {self.version}"


@cache
def list_forms() -> Mapping[str, ConsentForm]:
    """Give every form, by the name that consents give it."""
    forms = [ConsentForm.read(value, what=f"{name}.yaml") for name, value in read_folder(PAPERS).items()]
    return {form.name: form for form in forms}


def find_form(name: str) -> ConsentForm:
    """Give a form by the name that a consent gives it.

    Raises:
        Invalid: `document-invalid`: there is none.
    """
    forms = list_forms()
    if name not in forms:
        raise Invalid("document-invalid", f"there is no consent form {name}", hint=f"forms: {', '.join(forms)}")
    return forms[name]


def check_form(form: ConsentForm, consent: Consent, categories: frozenset[str] = frozenset()) -> None:
    """Check that a consent has every element of its form.

    Args:
        form: the form.
        consent: the consent.
        categories: those of the fields that its disclosers offer.

    Raises:
        Invalid: `consent-incomplete`: names the first element that is missing, and the rule that asks for it.
    """
    value = consent.json_value()
    if consent.basis not in form.basis:
        raise Invalid(
            "consent-incomplete", f"form {form.name} is not for a basis of {consent.basis}", hint="choose another form"
        )
    for element in form.elements:
        missing = [path for path in element.needs if not any(_find(value, one) for one in path.split("|"))]
        if missing:
            rule = f", {element.citation}" if element.citation else ""
            raise Invalid(
                "consent-incomplete",
                f"the consent lacks {element.name} ({element.title}{rule}), which form {form.name} asks for",
                hint=f"fill in {missing[0].replace('|', ' or ')}",
            )
    if form.choices == "every" and (open_ := sorted(categories - consent.choices.keys())):
        raise Invalid(
            "consent-incomplete",
            f"the consent has no choice for {', '.join(open_)}, and form {form.name} asks for one for every category",
            hint='write "share" or "do not share" for each: choices',
        )


def _find(value: Any, path: str) -> object:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
