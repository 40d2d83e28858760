"""The lab file: which agencies, which files, which columns; and what differs from "everything here is allowed".

Paths are relative to the file; unknown keys are refused. A node's own configuration names its datasets in the same words
(`core/agreement/declaration.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.agreement.model import Disclosure, Link
from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Name
from tallystick.core.yaml import read_yaml
from tallystick.records.registry import check_sources, files_of


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


class LabAgency(Document):
    """One agency."""

    datasets: Annotated[dict[Name, DeclaredDataset], Field(min_length=1)]


class LabRelease(Document):
    """How results leave; the desk is the first agency of the file unless it is named."""

    mode: Literal["desk", "direct"] = "desk"
    desk: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"mode": value} if isinstance(value, str) else value


class LabAgreement(Document):
    """What differs from "everything in this file is allowed to the lab's analyst".

    Attributes:
        name: the agreement's name; without one, the name that the jobs give.
        purposes: without any, those that the jobs give.
        disclosure: `cms` unless it says otherwise.
        link: recipes from strict to loose, or ladders; without any, all ladders.
        release: through the desk of the first agency.
        decoys, min_people: as in an agreement.
    """

    name: Name | None = None
    purposes: tuple[Name, ...] | None = None
    disclosure: Disclosure = Disclosure(profile="cms")
    link: Annotated[tuple[Link, ...], Field(min_length=1), BeforeValidator(_one_or_more)] = ("strict", "default", "loose")
    release: LabRelease = LabRelease()
    decoys: Annotated[int, Field(ge=0, le=65_536)] = 1024
    min_people: Annotated[int, Field(ge=0)] = 0


class LabFile(Document):
    """The whole file."""

    agencies: Annotated[dict[Name, LabAgency], Field(min_length=2, max_length=16)]
    agreement: LabAgreement = LabAgreement()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        owners: dict[str, str] = {}
        for agency, entry in self.agencies.items():
            for dataset in entry.datasets:
                if dataset in owners:
                    raise ValueError(
                        f"{owners[dataset]} and {agency} both have a dataset {dataset}; give one of them another name"
                    )
                owners[dataset] = agency
        if "coordinator" in self.agencies:
            raise ValueError("an agency cannot be named coordinator")
        if self.agreement.release.desk is not None and self.agreement.release.desk not in self.agencies:
            raise ValueError(f"release: {self.agreement.release.desk} is no agency of this file")
        return self


@dataclass(frozen=True)
class Lab:
    """A lab file that was read.

    Attributes:
        file: its content.
        folder: what its paths are relative to.
        first: the agency that stands first in it.
    """

    file: LabFile
    folder: Path
    first: str

    @property
    def desk(self) -> str:
        """The agency whose node is the desk."""
        return self.file.agreement.release.desk or self.first

    def check_sources(self) -> None:
        """Check that every file is there and can be read.

        Raises:
            Invalid: `source-missing`: names every dataset whose file is not.
        """
        missing = []
        for agency, entry in self.file.agencies.items():
            for name, dataset in entry.datasets.items():
                sources = filter(None, (dataset.source, dataset.aliases.source))
                for path in (path for source in sources for path in files_of(source, self.folder)):
                    try:
                        with path.open("rb"):
                            pass
                    except OSError:
                        missing.append(f"{path} ({agency}, {name})")
        if missing:
            files = "files that cannot be read" if len(missing) > 1 else "a file that cannot be read"
            raise Invalid(
                "source-missing",
                f"the lab file names {files}: {', '.join(missing)}",
                hint="paths are relative to the lab file",
            )


def read_lab(path: Path) -> Lab:
    """Read a lab file and check that its sources are there.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`, `source-missing`.
    """
    value: Any = read_yaml(path, what="the lab file")
    if value is None:
        raise Invalid("document-invalid", f"{path} is empty", hint="it needs at least: agencies")
    file = LabFile.read(value, what="the lab file")
    check_sources(
        (f"the lab file: agencies.{agency}.datasets.{name}", dataset)
        for agency, entry in file.agencies.items()
        for name, dataset in entry.datasets.items()
    )
    # the model's own order is by name; the desk's default is the first as it is written
    lab = Lab(file, path.absolute().parent, next(iter(value["agencies"])))
    lab.check_sources()
    return lab
