"""A tick of two hundred requests over a million people: the work is printed, and every answer is right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tallystick.core.clock import SystemClock
from tallystick.core.consent.asking import RecordRequest
from tallystick.node.requests.deciding import PendingRequest, decide_requests
from tallystick.node.requests.people import HeldPeople
from tests.requesting import Requesting, lasting_terms, write_agency

PEOPLE = 1_000_000
STEP = 5003


def born(one: int) -> str:
    return f"19{50 + one % 50}-0{1 + one % 9}-1{one % 9 + 1}"


def spell(number: int) -> str:
    return "X" + "".join("abcdefghij"[int(digit)] for digit in str(number))


@pytest.mark.slow
def test_a_tick_of_two_hundred_requests_over_a_million_people(tmp_path: Path) -> None:
    terms = lasting_terms()
    config = write_agency(tmp_path, "housing", terms)
    declared = config.file.datasets["clients"].model_copy(update={"people": 2_000_000})
    config.file.datasets["clients"] = declared
    with (tmp_path / "housing" / "clients.csv").open("w") as file:
        file.write("key,ssn,first,last,born,sex,street,city,zip,phone,updated,treated,hidden\n")
        for one in range(PEOPLE):
            file.write(
                f"k{one},{212_010_001 + one * 7},{spell(one % 997)},{spell(one)},{born(one)},F,{one} Elm St,Reno,90210,,2025-01-01,no,no\n"
            )
    world = Requesting(tmp_path, terms)
    batch = []
    for one in range(0, PEOPLE, STEP):
        person = {"ssn": str(212_010_001 + one * 7), "birth_date": born(one)}
        paper = world.paper(form="general 1", person=person | {"first_name": spell(one % 997), "last_name": spell(one)})
        document = world.request(paper, ("ann", "labor"), fields=["address"])
        batch.append(PendingRequest(document.digest, document, paper, document.read(RecordRequest), terms, 0.0))
    people = HeldPeople(config)
    began = time.perf_counter()
    people.prepare(terms)
    read = time.perf_counter() - began
    began = time.perf_counter()
    decided = decide_requests(batch, people, "housing", SystemClock().now())
    spent = time.perf_counter() - began
    began = time.perf_counter()
    decide_requests(batch[:1], people, "housing", SystemClock().now())
    single = time.perf_counter() - began
    people.close()
    given = [answer for answer in decided if not answer.reason]
    print(f"read in {read:.1f} s; {len(batch)} requests decided in {spent:.2f} s, one in {single:.3f} s; {len(given)} given")
    assert len(given) > 0.9 * len(batch), {answer.reason for answer in decided}  # some numbers are never given out
    for answer in given:
        number = int(answer.person.removeprefix("k"))
        assert answer.fields["address"].rows[0]["street"] == f"{number} Elm St"
