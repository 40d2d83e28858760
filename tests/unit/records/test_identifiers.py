"""One identifier a person: which of those in the person's rows, whatever a program or clerk wrote where none is known."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tallystick.records.identifiers import hold_known_people, identifiers_of
from tallystick.records.reading import load_dataset
from tests.unit.records.test_sources import dataset

NAMES = {"ssn": "ssn", "first_name": "first", "last_name": "last"}


def chosen(folder: Path, *rows: str) -> list[tuple[str | None, ...]]:
    """Give ssn, first and last name of each person, in the order of their keys."""
    (folder / "people.csv").write_text("id,ssn,first,last\n" + "".join(f"{row}\n" for row in rows))
    declared, names = dataset(identifiers=NAMES, columns={}, rows_per_person=9), tuple(NAMES)
    with (
        load_dataset("exits", declared, folder, max_memory_mib=256) as records,
        hold_known_people(records.connection, names, single=records.most <= 1),
    ):
        found = identifiers_of(records.connection, names)
    return list(zip(*(found[name] for name in NAMES), strict=True))


def test_the_most_frequent_is_taken_and_of_equally_frequent_ones_the_smallest(tmp_path: Path) -> None:
    rows = ["a,219-45-6789,Ann,Ray", "a,219-45-6789,Ann,Roe", "a,219-45-6780,Bea,Roe", "b,,Bo,Ray", "b,,Cy,Ray"]
    assert chosen(tmp_path, *rows) == [("219-45-6789", "Ann", "Roe"), (None, "Bo", "Ray")]


@pytest.mark.parametrize("nothing", ["999-99-9999", "000000000", "N/A", "UNKNOWN", "   ", "xxx-xx-xxxx"])
def test_what_says_nothing_never_hides_what_does(tmp_path: Path, nothing: str) -> None:
    rows = [f"a,{nothing},Ann,Ray", f"a,{nothing},Ann,Ray", "a,219-45-6789,Ann,Ray"]
    assert chosen(tmp_path, *rows) == [("219-45-6789", "Ann", "Ray")]


def test_a_name_that_is_not_known_never_hides_one_that_is(tmp_path: Path) -> None:
    assert chosen(tmp_path, "a,,NA,  ", "a,,NA,Unknown", "a,,Ann,Unknown", "a,,NA,Ray") == [(None, "Ann", "Ray")]


def test_a_whole_number_comes_before_its_last_four_digits(tmp_path: Path) -> None:
    rows = ["a,xxx-xx-6789,Ann,Ray", "a,xxx-xx-6789,Ann,Ray", "a,219-45-6789,Ann,Ray", "b,N/A,Bo,Ray", "b,xxx-xx-1234,Bo,Ray"]
    assert [one[0] for one in chosen(tmp_path, *rows)] == ["219-45-6789", "xxx-xx-1234"]


def test_what_is_spelt_alike_counts_together(tmp_path: Path) -> None:
    rows = ["a,,ANN,Ray", "a,,Ann,Ray", "a,,Ann ,Ray", "a,,Bea,Ray", "a,,Bea,Ray"]
    assert chosen(tmp_path, *rows)[0][1] == "ANN"


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path) -> None:
    draw = random.Random(4)
    values = ["219-45-6789", "219456789", "999-99-9999", "", "219-45-6780", "xxx-xx-6789", "NA"]
    rows = [
        f"p{draw.randrange(40):02d},{draw.choice(values)},{draw.choice(['Ann', 'ANN', 'Bea', 'NA', ''])},Ray"
        for _ in range(200)
    ]
    first = chosen(tmp_path, *rows)
    draw.shuffle(rows)
    assert chosen(tmp_path, *rows) == first
