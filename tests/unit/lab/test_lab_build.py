"""A lab's papers: an agreement that counts, and node folders that nodes read, whose policy allows this analyst alone."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tallystick.client.questions import read_question
from tallystick.coordinator.config import read_settings
from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.model import CoordinatorParty, Party
from tallystick.core.documents import read_document
from tallystick.core.keyfile import new_identity, read_identity
from tallystick.crypto.envelope import SealingKey
from tallystick.lab.county.write import generate
from tallystick.lab.network import build
from tallystick.lab.network.model import Lab, read_lab
from tallystick.node.config import read_config
from tallystick.node.policy.model import read_policy

NOW = datetime.now(UTC)
COORDINATOR = CoordinatorParty(key=new_identity().key, sealing_key=SealingKey.generate().public.hex())


@pytest.fixture(name="lab")
def county_lab(tmp_path: Path) -> Lab:
    return read_lab(generate(tmp_path / "county", 50).lab)


def test_the_agreement_is_signed_by_every_agency_and_allows_what_the_file_says(lab: Lab) -> None:
    keys = build.throw_away_keys(lab)
    questions = [read_question(lab.folder / "jobs" / name) for name in ("employment.yaml", "overlap.yaml")]
    (document,) = build.lab_agreements(lab, build.collect_names(questions), keys, COORDINATOR, NOW).values()
    agreement = valid_agreement(document, NOW, own=("labor", keys.agencies["labor"].key))
    assert agreement.agreement == "county"
    assert agreement.purposes == ("program-evaluation",)
    assert agreement.release.desk == "human-services"
    assert agreement.disclosure.profile == "cms"
    assert set(agreement.datasets) == {"tanf_exits", "ui_wages", "hmis_entries"}
    assert agreement.analysts == {"analyst": Party(key=keys.analyst.key)}


def test_one_agreement_for_each_name_that_jobs_give(lab: Lab) -> None:
    named = build.Named(("a", "b"), ("p",))
    made = build.lab_agreements(lab, named, build.throw_away_keys(lab), COORDINATOR, NOW)
    assert set(made) == {"a", "b"}


def test_nodes_and_coordinator_read_what_is_written(lab: Lab, tmp_path: Path) -> None:
    keys = build.throw_away_keys(lab)
    agreements = build.lab_agreements(lab, build.Named(), keys, COORDINATOR, NOW)
    for agency, identity in keys.agencies.items():
        path = build.write_node(tmp_path / agency, lab, agency, identity, agreements, address="127.0.0.1:7700", workers=1)
        config = read_config(path)
        assert config.agency == agency
        assert set(config.file.datasets) == set(lab.file.agencies[agency].datasets)
        assert config.file.desk == "auto"
        assert read_identity(config.path(config.file.identity)).key == identity.key
        document = read_document(config.path(config.file.agreements[0]), kind="agreement")
        config.check_declared(valid_agreement(document, NOW))
        (rule,) = read_policy(config.path(config.file.policy or "")).rules
        assert (rule.decision, rule.agreement, rule.analyst) == ("auto", "lab", "analyst")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    settings = read_settings(build.write_coordinator(tmp_path / "coordinator", network="lab"))
    assert settings.config.listen == "127.0.0.1:0"


def test_two_labs_share_no_key(lab: Lab) -> None:
    one, two = build.throw_away_keys(lab), build.throw_away_keys(lab)
    assert {k.key for k in one.agencies.values()}.isdisjoint(k.key for k in two.agencies.values())


def test_the_analyst_takes_a_name_that_no_agency_has(tmp_path: Path) -> None:
    text = "agencies:\n"
    for name in ("analyst", "labor"):
        text += f"  {name}: {{datasets: {{d_{name}: {{source: {{csv: x.csv}}, person: id, identifiers: {{ssn: s}}, columns: {{}}}}}}}}\n"
    (tmp_path / "x.csv").touch()
    (tmp_path / "lab.yaml").write_text(text)
    assert build.analyst_of(read_lab(tmp_path / "lab.yaml")) == "lab-analyst"
