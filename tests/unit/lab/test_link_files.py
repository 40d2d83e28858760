"""Files of a rehearsal that say too little by themselves: dates whose order is told, names in one column."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.core.errors import Invalid
from tallystick.lab.linking.rehearse import rehearse


def test_an_option_says_how_dates_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,last_name,first_name,dob\n1,Falkner,Ilse,03/04/1990\n2,Nordahl,Eve,010203\n", "utf-8")
    (tmp_path / "b.csv").write_text(
        "id,last_name,first_name,dob\n1,Falkner,Ilse,1990-04-03\n2,Nordahl,Eve,2003-02-01\n", "utf-8"
    )
    files = (tmp_path / "a.csv", tmp_path / "b.csv")
    link = ["first_name+last_name+birth_date"]

    def links(*dates: str) -> int:
        return len(rehearse(files, dates=dates, link=link).trial.a)

    assert [links(), links("a.format=DD/MM/YYYY"), links("a.format=DDMMYY,a.pivot=30")] == [0, 1, 1]
    for bad in ("format", "a.format=soon", "pivot=next", "ssn=DDMMYY"):
        with pytest.raises(Invalid):
            links(bad)
    (tmp_path / "a.csv").write_text("id,last_name,first_name\n1,Falkner,Ilse\n", "utf-8")
    with pytest.raises(Invalid, match="has no birth dates"):
        links("a.format=DD/MM/YYYY")


def test_a_column_of_whole_names_alone_is_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,Name,dob\n1,"Falkner, Ilse M",1990-03-04\n2,"Diallo, Omar",1976-09-14\n', "utf-8")
    (tmp_path / "b.csv").write_text("id,full_name,dob\n1,Ilse Falkner,1990-03-04\n2,Omar Diallo,1976-09-14\n", "utf-8")
    done = rehearse((tmp_path / "a.csv", tmp_path / "b.csv"), link=["first_name+last_name+birth_date"])
    assert sorted(zip(done.trial.a.tolist(), done.trial.b.tolist(), strict=True)) == [(0, 0), (1, 1)]
    assert all("taken apart" in " ".join(people.notes) for people in done.lists)
