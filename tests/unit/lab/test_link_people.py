"""Who a rehearsal's people are: keys that are merged, other spellings, datasets as they are declared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tallystick.client.cli import main
from tallystick.core.errors import Refused, TallyError
from tallystick.lab.linking.declared import Options, build_lists
from tallystick.lab.linking.people import ListPeople, people_of
from tallystick.lab.linking.rehearse import rehearse

A = """id,ssn,fname,lname,dob,master
a3,742-04-3218,Peggy,Garcia,1987-03-04,m1
a1,742-04-3218,Peggy,Garcia,1987-03-04,
a1,742-04-3218,Peggy,Lopez,1987-03-04,
a2,,Ann,Reed,1990-05-06,m2
a4,743-11-0001,Ann,Reid,1990-05-06,m2
"""
B = "client,ssn,fname,lname,dob\nx,,Peggy,Stone,1987-03-04\ny,743-11-0001,Ann,Reed,1990-05-06\n"
AKA = "id,was\na3,Stone\na2,Reeves\nz9,Nobody\n"
LINK = ["ssn+last_name:4", "first_name+last_name+birth_date"]


@pytest.fixture(autouse=True)
def write_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("a.csv", A), ("b.csv", B), ("aka.csv", AKA)):
        Path(name).write_text(text, encoding="utf-8")


def first_of(duplicates: list[str] | None = None, aliases: list[str] | None = None, **more: Any) -> ListPeople:
    options = Options.read(duplicates=duplicates or [], aliases=aliases or [], **more)
    return people_of(build_lists((Path("a.csv"), Path("b.csv")), options)[0])


def told(people: ListPeople) -> list[tuple[str, ...]]:
    """Give each person's keys."""
    return [tuple(people.keys[people.persons() == one].tolist()) for one in range(people.count)]


# --- merged keys ---------------------------------------------------------------------------------------------------------------------


def test_keys_are_people_unless_they_are_to_be_merged() -> None:
    plain = first_of()
    assert told(plain) == [("a1",), ("a2",), ("a3",), ("a4",)]
    assert (plain.rows, plain.count, plain.duplicates, plain.aliases) == (5, 4, None, None)


@pytest.mark.parametrize(
    ("duplicates", "expected"),
    [
        (["a.merge"], [("a1", "a3"), ("a2",), ("a4",)]),
        (["strict"], [("a1", "a3"), ("a2",), ("a4",)]),
        (["a.ssn+birth_date"], [("a1", "a3"), ("a2",), ("a4",)]),
        (["a.ids=master"], [("a1",), ("a2", "a4"), ("a3",)]),
        (["a.ids=master,link=strict"], [("a1", "a3"), ("a2", "a4")]),
        (["b.merge"], [("a1",), ("a2",), ("a3",), ("a4",)]),
    ],
)
def test_merged_keys_are_one_person(duplicates: list[str], expected: list[tuple[str, ...]]) -> None:
    people = first_of(duplicates)
    assert told(people) == expected
    counts = people.json_value()
    assert (counts["rows"], counts["keys"], counts["people"]) == (5, 4, len(expected))
    assert all(len(values) == len(expected) for values in people.identifiers.values())


def test_rows_without_a_key_may_be_merged_too() -> None:
    Path("a.csv").write_text(A.replace("id,", "row_of,"), encoding="utf-8")
    people = first_of(["a.merge"])
    assert people.key is None
    assert told(people) == [("1", "2", "3"), ("4",), ("5",)]


def test_recipes_must_say_enough_for_the_keys_that_are_merged() -> None:
    # a surname and a birth date tell a handful of people apart, not the thirty thousand of a long list
    recipe = "first_name:1+last_name+birth_date"
    assert first_of([f"a.{recipe}"]).duplicates is not None
    rows = "".join(f"k{n},,First{n},Last{n},1987-03-04,\n" for n in range(100_000))
    Path("a.csv").write_text(A + rows, encoding="utf-8")
    with pytest.raises(TallyError) as refusal:
        first_of([f"a.{recipe}"])
    assert refusal.value.code == "link-impossible"


# --- other spellings -----------------------------------------------------------------------------------------------------------------


def test_rows_of_one_key_that_differ_are_other_spellings() -> None:
    people = first_of(aliases=["a.1"])
    assert people.spellings is not None
    assert people.spellings.who.tolist() == [0]
    assert people.spellings.identifiers["last_name"].tolist() == ["Lopez"]
    assert people.aliases is not None
    assert (people.most, people.aliases.people, people.aliases.rows) == (1, (1, 0, 0), 0)


def test_a_file_of_aliases_is_read_by_its_header_or_as_declared() -> None:
    people = first_of(["a.merge"], ["a.2", "a.file=aka.csv,a.last_name=was"])
    assert people.spellings is not None
    spelt = zip(people.spellings.who.tolist(), people.spellings.identifiers["last_name"].tolist(), strict=True)
    assert list(spelt) == [(0, "Stone"), (0, "Lopez"), (1, "Reeves")]
    assert people.aliases is not None
    assert (people.aliases.rows, people.aliases.unknown, people.aliases.people) == (3, 1, (2, 1, 0))
    assert people.aliases.columns == {"last_name": "was"}
    fewer = first_of(["a.merge"], ["a.file=aka.csv,a.last_name=was"])
    assert fewer.spellings is not None
    assert fewer.spellings.who.tolist() == [0, 1]
    Path("aka.csv").write_text(AKA.replace("id,was", "personal_id,surname"), encoding="utf-8")
    guessed = first_of(aliases=["a.file=aka.csv"])
    assert guessed.aliases is not None
    assert guessed.aliases.columns == {"last_name": "surname"}


def test_what_merging_and_aliases_change_is_what_is_linked() -> None:
    files = (Path("a.csv"), Path("b.csv"))
    plain = rehearse(files, link=LINK, keys=("id", "client"))
    both = rehearse(
        files, link=LINK, keys=("id", "client"), duplicates=["a.ids=master"], aliases=["a.file=aka.csv,a.last_name=was"]
    )
    linked = {
        (both.lists[0].keys[both.lists[0].persons() == a].tolist()[0], both.lists[1].keys[b])
        for a, b in zip(both.trial.a.tolist(), both.trial.b.tolist(), strict=True)
    }
    assert len(plain.trial.a) == 1
    assert linked == {("a3", "x"), ("a2", "y")}
    links = {one.recipe: one.links for one in both.trial.passes}
    assert links == {LINK[0]: 1, f"{LINK[0]}@1.0": 0, LINK[1]: 0, f"{LINK[1]}@1.0": 1}
    value = json.loads(json.dumps(both.json_value()))
    assert value["links_by_other_spellings"] == 1
    assert [one["people"] for one in value["lists"]] == [3, 2]
    assert value["lists"][0]["aliases"] == {
        "most": 1, "people": [3, 1, 0], "fields": {"last_name": "was"}, "rows": 3, "unknown_rows": 1,
    }  # fmt: skip


# --- declared datasets ---------------------------------------------------------------------------------------------------------------

DATASET: dict[str, Any] = {
    "source": {"csv": "a.csv"},
    "person": "id",
    "identifiers": {"ssn": "ssn", "first_name": "fname", "last_name": "lname", "birth_date": "dob"},
    "columns": {},
    "people": 50,
    "duplicates": {"ids": "master", "link": "strict"},
    "aliases": {"most": 2, "source": {"csv": "aka.csv"}, "person": "id", "identifiers": {"last_name": "was"}},
}


@pytest.mark.parametrize(
    "value", [{"agency": "north", "datasets": {"stays": DATASET}}, {"agencies": {"north": {"datasets": {"stays": DATASET}}}}]
)
def test_a_declared_dataset_is_taken_as_it_is_declared(
    value: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("node.yaml").write_text(json.dumps(value), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    one, _ = build_lists((Path("../node.yaml:stays"), Path("../b.csv")), Options())
    people = people_of(one)
    assert told(people) == [("a1", "a3"), ("a2", "a4")]
    assert (people.name, people.most, people.expected) == ("stays", 2, 50)


def test_recipes_must_say_enough_for_the_people_that_are_declared() -> None:
    link = ["first_name+last_name+birth_date"]
    Path("lab.yaml").write_text(json.dumps({"datasets": {"stays": {**DATASET, "people": 100_000_000}}}), encoding="utf-8")
    assert rehearse((Path("a.csv"), Path("b.csv")), link=link).trial.passes
    with pytest.raises(TallyError) as refusal:
        rehearse((Path("lab.yaml:stays"), Path("b.csv")), link=link)
    assert refusal.value.code == "link-impossible"


def test_parquet_files_are_read_as_a_node_reads_them() -> None:
    with duckdb.connect() as connection:
        connection.execute("COPY (SELECT * FROM read_csv('a.csv', all_varchar = true)) TO 'a.parquet' (FORMAT parquet)")
    one = build_lists((Path("a.parquet"), Path("b.csv")), Options.read(duplicates=["a.merge"]))[0]
    assert told(people_of(one)) == told(first_of(["a.merge"]))


# --- what is refused -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"duplicates": ["c.merge"]}, "link-invalid", "--duplicates"),
        ({"duplicates": ["ids"]}, "link-invalid", "unknown field ids"),
        ({"duplicates": ["a.ids=nothing"]}, "source-columns", "a.csv has no column nothing"),
        ({"duplicates": ["similarity"]}, "document-invalid", "recipes"),
        ({"duplicates": ["sex+birth_date"]}, "link-weak", ""),
        ({"aliases": ["4"]}, "link-invalid", "--aliases"),
        ({"aliases": ["a.most=4"]}, "link-invalid", "1, 2 or 3"),
        ({"aliases": ["a.last_name=lname"]}, "link-invalid", "without a file"),
        ({"aliases": ["a.shoe=lname"]}, "link-invalid", "--aliases"),
        ({"aliases": ["file=aka.csv"]}, "link-invalid", "one list's"),
        ({"aliases": ["a.file=gone.csv"]}, "file-missing", "gone.csv"),
        ({"aliases": ["a.file=aka.csv"]}, "source-columns", "aka.csv has no column that looks like an identifier"),
        ({"aliases": ["a.file=aka.csv,a.last_name=name"]}, "source-columns", "aka.csv has no column name"),
        ({"aliases": ["a.file=aka.csv,a.phone=was"]}, "source-columns", "a.csv has no phone"),
        ({"aliases": ["a.file=aka.csv,a.key=who"]}, "source-columns", "aka.csv has no column who"),
        ({"aliases": ["a.file=aka.csv,a.key=was,a.last_name=id"]}, "source-columns", "no row of the file of aliases"),
        ({"aliases": ["a.file=bad.csv,a.last_name=was"]}, "source-types", "no person key"),
        ({"keys": ("nothing", None)}, "source-columns", "--key: a.csv has no column nothing"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(options: dict[str, Any], code: str, words: str) -> None:
    Path("bad.csv").write_text("id,was\n,Stone\na1,Lopez\n", encoding="utf-8")
    with pytest.raises(TallyError) as refusal:
        rehearse((Path("a.csv"), Path("b.csv")), **options)
    assert refusal.value.code == code
    assert words in refusal.value.message
    for text in (refusal.value.message, refusal.value.hint, refusal.value.detail):
        assert not any(value in text for value in ("Stone", "Garcia", "742", "Reeves"))


@pytest.mark.parametrize("duplicates", [[], ["a.merge"]])
def test_a_file_that_is_not_well_formed_is_refused_without_its_contents(duplicates: list[str]) -> None:
    Path("a.csv").write_text(A + "a9,742-04-3218,Peggy,Garcia,1987-03-04,m1,more\n", encoding="utf-8")
    with pytest.raises(TallyError) as refusal:
        first_of(duplicates)
    assert refusal.value.code == "file-format"
    assert "line 7 has 7 fields, the header has 6" in refusal.value.message
    assert refusal.value.__context__ is None
    assert "Garcia" not in refusal.value.message + refusal.value.hint


def test_a_file_without_keys_has_no_aliases_unless_its_rows_are_merged() -> None:
    Path("a.csv").write_text(A.replace("id,", "row_of,"), encoding="utf-8")
    for duplicates, aliases in (([], ["a.1"]), (["a.merge"], ["a.file=aka.csv,a.last_name=was"])):
        with pytest.raises(TallyError) as refusal:
            first_of(duplicates, aliases)
        assert "--key" in refusal.value.hint
    merged = first_of(["a.merge"], ["a.1"])
    assert merged.aliases is not None
    assert merged.aliases.people[0] == 1


@pytest.mark.parametrize(
    ("files", "options", "code"),
    [
        (("node.yaml:exits", "b.csv"), {}, "source-missing"),
        (("node.yaml", "b.csv"), {}, "source-missing"),
        (("gone.yaml:stays", "b.csv"), {}, "file-missing"),
        (("none.yaml:stays", "b.csv"), {}, "document-invalid"),
        (("wrong.yaml:stays", "b.csv"), {}, "document-invalid"),
        (("node.yaml:stays", "b.csv"), {"duplicates": ["a.merge"]}, "link-invalid"),
        (("node.yaml:stays", "node.yaml:stays"), {"aliases": ["1"]}, "link-invalid"),
        (("node.yaml:stays", "node.yaml:stays"), {"keys": ("id", "id")}, "link-invalid"),
        (("node.yaml:stays", "b.csv"), {"keys": ("id", "client")}, "link-invalid"),
    ],
)
def test_declarations_that_do_not_serve(files: tuple[str, str], options: dict[str, Any], code: str) -> None:
    Path("node.yaml").write_text(json.dumps({"datasets": {"stays": DATASET}}), encoding="utf-8")
    Path("none.yaml").write_text("agency: north\n", encoding="utf-8")
    Path("wrong.yaml").write_text(json.dumps({"datasets": {"stays": {**DATASET, "shoe": 1}}}), encoding="utf-8")
    with pytest.raises(TallyError) as refusal:
        rehearse((Path(files[0]), Path(files[1])), **options)
    assert refusal.value.code == code
    if code == "source-missing":
        assert "node.yaml:stays" in refusal.value.hint


def test_options_of_both_files_serve_the_one_that_is_not_declared() -> None:
    Path("node.yaml").write_text(json.dumps({"datasets": {"stays": DATASET}}), encoding="utf-8")
    done = rehearse((Path("node.yaml:stays"), Path("b.csv")), keys=("client", "client"), aliases=["1"], link=LINK)
    assert [one.key for one in done.lists] == ["id", "client"]
    assert [one.most for one in done.lists] == [2, 1]


def test_the_command_tells_counts_and_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["link", "try", "a.csv", "b.csv", "--key", "id", "--key", "client", "--link", ",".join(LINK)]
    words += ["--duplicates", "a.ids=master", "--aliases", "a.file=aka.csv,a.last_name=was"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert not ended.value.code
    out = capsys.readouterr().out
    for line in (
        "merged",
        "1 by id master",
        "3 people have others, 1 of each used",
        "1 of 3",
        "last_name: was",
        f"{LINK[1]}@1.0",
    ):
        assert line in out
    assert "left out: 1 of 2 passes of other spellings" in out
    assert not any(value in out for value in ("Stone", "Reeves", "742", "a3"))


def test_refusals_keep_their_kind() -> None:
    with pytest.raises(Refused):
        first_of(["a.sex+birth_date"])
