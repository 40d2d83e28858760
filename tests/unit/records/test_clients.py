"""Finding exactly one person, strictly (S-30)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.records.clients import ClientList, hold_clients

ROWS = """\
key,ssn,first,last,born,zip,phone,street,updated,hidden
k1,219451237,Rosa,Delgado,1984-03-09,90210,555-201-3344,1 Old Rd,2024-01-05,no
k1,219451237,Rosa,Delgado,1984-03-09,90210,555-201-3344,22 New St,2025-06-30,no
k2,,Ann,Berg,1970-07-07,10001,,5 Elm St,2025-01-01,no
k3,331102200,Tim,Otis,2010-02-02,60601,,9 Oak St,2025-01-01,no
k4,331102201,Tom,Otis,2010-02-02,60601,,9 Oak St,2025-01-01,no
k5,412109911,Eva,Ruiz,1990-12-24,33101,,1 Bay St,2025-01-01,no
k6,412109911,Eva,Ruiz,1990-12-24,33101,,2 Bay St,2025-01-01,no
k7,512104455,Max,Stone,1965-05-05,73301,,7 Hill St,2025-01-01,yes
"""


@pytest.fixture(name="clients", scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientList]:
    folder = tmp_path_factory.mktemp("clients")
    (folder / "rows.csv").write_text(ROWS)
    names = {"first_name": "first", "last_name": "last", "birth_date": "born"}
    declared = DeclaredDataset.read(
        {
            "source": {"csv": "rows.csv"},
            "person": "key",
            "identifiers": {"ssn": "ssn", "zip": "zip", "phone": "phone", "street": "street"} | names,
            "columns": {"updated": {"type": "date"}, "hidden": {"type": "boolean"}},
        },
        what="dataset",
    )
    with hold_clients("clients", declared, folder, ["updated", "hidden"], max_memory_mib=512) as found:
        yield found


def test_s30_who_else_is_asked_for_changes_nothing(clients: ClientList) -> None:
    """One batch of everybody, in two orders, gives what each gives alone."""
    people = [
        ROSA,
        {"ssn": "219451237", "birth_date": "03/09/1984"},
        ROSA | {"ssn": "219451238"},
        ROSA | {"birth_date": "1984-09-03"},
        {"ssn": "331102200", "first_name": "Tom", "last_name": "Otis", "birth_date": "02/02/2010"},
        {"ssn": "331102200", "first_name": "Tim", "last_name": "Otis", "birth_date": "13.2.2010"},
        {"first_name": "Ann", "last_name": "Berg", "birth_date": "7/7/70", "zip": "10001"},
        {},
    ]
    alone = [clients.find([one])[0] for one in people]
    assert set(alone) > {None, "k1"}
    assert clients.find(people) == alone
    assert clients.find(people[::-1]) == alone[::-1]


ROSA = {"ssn": "219-45-1237", "first_name": "ROSA", "last_name": "Delgado", "birth_date": "1984-03-09", "zip": "90210"}


@pytest.mark.parametrize(
    ("person", "key"),
    [
        (ROSA, "k1"),
        ({"ssn": "219451237", "birth_date": "03/09/1984"}, "k1"),
        (ROSA | {"last_name": "Married"}, "k1"),
        ({key: one for key, one in ROSA.items() if key != "ssn"}, "k1"),
        ({"first_name": "Ann", "last_name": "Berg", "birth_date": "1970-07-07", "zip": "10001"}, "k2"),
        ({"first_name": "Ann", "last_name": "Berg", "birth_date": "1970-07-07"}, None),
        ({"first_name": "Ann", "last_name": "Berg", "zip": "10001"}, None),
        (ROSA | {"ssn": "219451238"}, None),  # a slip in a digit; the name would find her
        (ROSA | {"birth_date": "1984-09-03"}, None),
        (
            {"ssn": "331102200", "first_name": "Tom", "last_name": "Otis", "birth_date": "2010-02-02", "zip": "60601"},
            None,
        ),  # a twin
        ({"ssn": "331102200", "first_name": "Tim", "last_name": "Otis", "birth_date": "2010-02-02"}, "k3"),
        ({"ssn": "412109911", "first_name": "Eva", "last_name": "Ruiz", "birth_date": "1990-12-24"}, None),  # two records
        ({"ssn": "", "first_name": ""}, None),
        ({}, None),
        ({"ssn": "219451237' OR '1'='1", "birth_date": "1984-03-09"}, None),
    ],
)
def test_s30_exactly_one_is_found_or_nobody(clients: ClientList, person: dict[str, str], key: str | None) -> None:
    assert clients.find([person]) == [key]


def test_many_are_asked_about_at_once(clients: ClientList) -> None:
    assert clients.find([{}, ROSA, {"ssn": "512104455", "birth_date": "1965-05-05"}, ROSA]) == [None, "k1", "k7", "k1"]
    assert clients.find([]) == []


def test_fields_are_read_row_by_row(clients: ClientList) -> None:
    found = clients.read(["k1", "k7"], ["street", "updated", "hidden"])
    assert [dict(row) for row in found["k1"].rows] == [
        {"street": "1 Old Rd", "updated": "2024-01-05", "hidden": "no"},
        {"street": "22 New St", "updated": "2025-06-30", "hidden": "no"},
    ]
    assert [row["hidden"] for row in found["k7"].rows] == ["yes"]
    assert clients.read([], ["street"]) == {}
