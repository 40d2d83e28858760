"""One question by three ladders through a real network: three jobs, and a desk that lets no two answers differ by few."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

from tallystick.client.results import read_result
from tallystick.client.triple import triple_of
from tallystick.core.errors import Refused
from tests.e2e import records
from tests.e2e.network import Network
from tests.e2e.records import question

pytestmark = pytest.mark.slow

K = 5
ADDED = {"north": 2, "south": 9}
"""People by region whom the default ladder finds and the strict one does not."""


def damaged(left: pd.DataFrame, right: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the people names, and some who are in both lists another birth date in the second."""
    places = left.set_index("ssn").region
    sides = [
        frame.assign(last=[f"name{chr(97 + int(ssn[-1]))}{chr(97 + int(ssn[-2]))}" for ssn in frame.ssn])
        for frame in (left, right)
    ]
    birth = dict(zip(right.ssn, right.dob, strict=True))
    for region, number in ADDED.items():
        both = [ssn for ssn in right.ssn if places.get(ssn) == region]
        assert len(both) > number + K
        for ssn in both[:number]:
            birth[ssn] = "1911-11-11"
    return sides[0], sides[1].assign(dob=[birth[ssn] for ssn in right.ssn])


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with pytest.MonkeyPatch.context() as patch:
        lab = json.loads(json.dumps(records.LAB))
        lab["agreement"] |= {"link": ["strict", "default", "loose"], "disclosure": {"min_cell": K}, "decoys": 4}
        for agency in lab["agencies"].values():
            for dataset in agency["datasets"].values():
                dataset["identifiers"]["last_name"] = "last"
        people = records.people
        patch.setattr(records, "LAB", lab)
        patch.setattr(records, "people", lambda seed: damaged(*people(seed, here=120, shared=80)))
        with Network(tmp_path_factory.mktemp("network")) as running:
            yield running


@pytest.fixture(scope="module")
def answers(network: Network, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Ask by three ladders; give what each result file says."""
    folder = tmp_path_factory.mktemp("results")
    jobs = network.client.submit_ladders(question("three ladders", by=["exits.region"], measures=["count"]), network.document)
    assert list(jobs) == ["strict", "default", "loose"]
    found = {}
    for ladder, job in jobs.items():
        view = network.wait(job)
        assert view.state == "released", (view, network.told())
        path = folder / f"{ladder}.json"
        path.write_bytes(network.result(job).encode())
        found[ladder] = read_result(path)[1] | {"path": path}
    return found


def test_each_ladder_is_a_job_of_its_own_and_the_three_read_as_one(answers: dict[str, dict[str, Any]]) -> None:
    made = triple_of([read_result(value["path"]) for value in answers.values()])
    assert made.ladders == ("strict", "default", "loose")
    assert len(set(made.jobs.values())) == 3
    assert [value["disclosure"]["compared_with"] for value in answers.values()].count(0) == 1


def test_s19_no_number_of_two_ladders_differs_by_few(answers: dict[str, dict[str, Any]]) -> None:
    tables = [{row["exits.region"]: row["count"] for row in value["rows"]} for value in answers.values()]
    differences = [
        abs(one[region] - other[region])
        for one in tables
        for other in tables
        for region in one.keys() & other.keys()
        if one[region] is not None and other[region] is not None
    ]
    assert not [number for number in differences if 0 < number < K]
    assert any(count is not None for table in tables for count in table.values())
    assert len({tuple(table.values()) for table in tables}) > 1, "the ladders find others, else nothing could differ"


def test_a_ladder_that_the_agreement_does_not_have_is_refused_before_anything_is_asked(network: Network) -> None:
    before = set(network.client.profile.jobs())
    with pytest.raises(Refused):
        network.client.submit_ladders(question("no such purpose", purpose="another"), network.document)
    assert set(network.client.profile.jobs()) == before
