"""docs/configuration.md names every key of every file, no other, with the defaults that the models have; its samples are read."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tallystick.coordinator.config import Config, Limits
from tallystick.core.agreement.clauses import Clauses, ReviewBoard
from tallystick.core.agreement.declaration import (
    Aliases,
    DeclaredColumn,
    DeclaredDataset,
    DeclaredIdentifier,
    DeclaredSource,
    Relation,
    SamePerson,
)
from tallystick.core.agreement.model import (
    Agreement,
    CoordinatorParty,
    Dataset,
    Disclosure,
    LinkageFacts,
    Party,
    Release,
    Stewards,
)
from tallystick.core.agreement.noise import Noise
from tallystick.core.agreement.records import RecordField, RecordOffer, RecordRates, RecordTerms, StaffMember
from tallystick.core.agreement.review import Reviewer, ReviewTerms
from tallystick.core.agreement.tiers import Memorandum, SharingAgreement, TierRef, UseLicense
from tallystick.core.job.model import BandsOf, ConditionColumn, JobMeasure, People, Question, RegressionOf, Since
from tallystick.core.job.overall import BetweenOf, JobOverall, ModelOf, TimesOf
from tallystick.core.model import Document
from tallystick.core.pages.settings import ProviderKeys
from tallystick.core.yaml import load_yaml
from tallystick.lab.network.model import LabAgency, LabAgreement, LabFile, LabRelease
from tallystick.node.config import ClusterFiles, CoordinatorConfig, NodeFile
from tallystick.node.policy.model import Policy, PolicyRule, RequestRetention, RequestRule
from tallystick.records.registry import adapter, settings_of, source_types
from tests.docs.generate import DOCS, configuration

TEXT: Final = (DOCS / "configuration.md").read_text(encoding="utf-8")
SECTIONS: Final[dict[str, tuple[type[BaseModel], ...]]] = {
    "Job file: keys": (Question,),
    "Job file: people": (People,),
    "Job file: measures": (JobMeasure,),
    "Job file: since": (Since,),
    "Job file: a condition": (ConditionColumn,),
    "Job file: bands": (BandsOf,),
    "Job file: a regression": (RegressionOf,),
    "Job file: overall": (JobOverall,),
    "Job file: a standardised mean": (BetweenOf,),
    "Job file: a logistic regression": (ModelOf,),
    "Job file: a log-rank test": (TimesOf,),
    "Dataset: keys": (DeclaredDataset, Dataset),
    **{f"Dataset: source {name}": (adapter(name).settings,) for name in source_types()},
    "Dataset: duplicates": (SamePerson,),
    "Dataset: aliases": (Aliases,),
    "Dataset: relation": (Relation,),
    "Dataset: linkage": (LinkageFacts,),
    "Dataset: identifiers": (DeclaredIdentifier,),
    "Dataset: columns": (DeclaredColumn,),
    "Agreement draft: keys": (Agreement,),
    "Agreement draft: a party, analyst or approver": (Party, CoordinatorParty),
    "Agreement draft: stewards": (Stewards,),
    "Agreement draft: clauses": (Clauses,),
    "Agreement draft: a review board": (ReviewBoard,),
    "Agreement draft: disclosure": (Disclosure,),
    "Agreement draft: noise": (Noise,),
    "Agreement draft: release": (Release,),
    "Agreement draft: review": (ReviewTerms,),
    "Agreement draft: a reviewer": (Reviewer,),
    "Agreement draft: records": (RecordTerms,),
    "Agreement draft: staff": (StaffMember,),
    "Agreement draft: an offer": (RecordOffer,),
    "Agreement draft: a field": (RecordField,),
    "Agreement draft: rates": (RecordRates,),
    "Tiers: a memorandum": (Memorandum,),
    "Tiers: a sharing agreement": (SharingAgreement,),
    "Tiers: a license": (UseLicense,),
    "Tiers: a tier above": (TierRef,),
    "node.yaml: keys": (NodeFile,),
    "node.yaml: coordinator": (CoordinatorConfig,),
    "node.yaml: cluster": (ClusterFiles,),
    "pages_provider": (ProviderKeys,),
    "policy.yaml: keys": (Policy,),
    "policy.yaml: rules": (PolicyRule,),
    "policy.yaml: requests": (RequestRule,),
    "policy.yaml: keep_requests": (RequestRetention,),
    "coordinator.yaml: keys": (Config,),
    "coordinator.yaml: limits": (Limits,),
    "Lab file: keys": (LabFile,),
    "Lab file: an agency": (LabAgency,),
    "Lab file: agreement": (LabAgreement,),
    "Lab file: release": (LabRelease,),
}
SAMPLES: Final[dict[str, type[Document]]] = {
    "Job file": Question,
    "Agreement draft": Agreement,
    "node.yaml": NodeFile,
    "policy.yaml": Policy,
    "coordinator.yaml": Config,
    "Lab file": LabFile,
}


def section(heading: str, level: str) -> str:
    found = re.search(rf"^{level} {re.escape(heading)}\n(.*?)(?=^##|\Z)", TEXT, re.M | re.S)
    assert found, heading
    return found[1]


def rows(heading: str) -> dict[str, str]:
    """Give each key of a section's table and what stands as its default."""
    cells = [line.split(" | ") for line in section(heading, "###").splitlines() if line.startswith("| `")]
    assert all(len(cell) == 4 and all(part.strip(" |") for part in cell) for cell in cells)
    return {cell[0].strip("| `"): cell[2] for cell in cells}


def fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_told_and_no_other(heading: str) -> None:
    known = {name for model in SECTIONS[heading] for name in fields(model)}
    assert rows(heading).keys() == known


def test_the_table_of_measures_is_that_of_the_code() -> None:
    assert configuration() == TEXT


@pytest.mark.parametrize("heading", SECTIONS)
def test_defaults_are_those_of_the_models(heading: str) -> None:
    told = rows(heading)
    for model in SECTIONS[heading]:
        for name, field in fields(model).items():
            default = field.get_default(call_default_factory=True)
            if default is PydanticUndefined:
                assert told[name] == "required", (heading, name)
            elif default is not None:
                assert told[name] != "required", (heading, name)
                shown = re.match(r"`([^`]*)`", told[name])
                if shown:
                    value: Any = load_yaml(f"v: {shown[1]}", what="default")
                    if isinstance(default, Document):  # some have a short form
                        value = {"v": type(default).read(value["v"], what=name).json_value()}
                    assert written(default) == value, (heading, name)


def written(default: object) -> Any:
    value = default.json_value() if isinstance(default, Document) else default
    return {"v": json.loads(json.dumps(value))}


def test_every_model_of_a_file_has_its_section() -> None:
    """Models inside models are found by walking the schemas of the files."""
    told = {model.__name__ for models in SECTIONS.values() for model in models} | {"Column", "DeclaredSource"}
    told |= {"DocumentFile", "Signature"}  # a tier inside an agreement: `tally agreement bind` writes it
    for model in SAMPLES.values():
        assert model.model_json_schema().get("$defs", {}).keys() - told == set()


@pytest.mark.parametrize("heading", SAMPLES)
def test_samples_are_read(heading: str) -> None:
    sample = re.search(r"```yaml\n(.*?)```", section(heading, "##"), re.S)
    assert sample
    text = sample[1].replace("SEALING_KEY", '"' + "ab" * 1216 + '"')
    SAMPLES[heading].read(load_yaml(text, what=heading), what=heading)


def test_every_type_of_source_is_told_and_no_other() -> None:
    assert rows("Dataset: source").keys() == set(source_types())


@pytest.mark.parametrize("name", source_types())
def test_samples_of_sources_are_read(name: str) -> None:
    text = section(f"Dataset: source {name}", "###")
    sample = re.search(r"```yaml\n(.*?)```", text, re.S)
    if sample is None:
        assert adapter(name).short
        assert f"`{{{name}: FILE}}`" in text
    else:
        written: Any = load_yaml(sample[1], what=name)
        settings_of(DeclaredSource(written["source"]), what="source")
