"""The rehearsal of linkage: what is read, what links, and that it is what a job would do."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.client.cli import main
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.linkage.fields.normalise import RULES
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.budget import BOUNDS
from tallystick.core.linkage.passes.choice import ladder_entries
from tallystick.core.linkage.passes.kind import parse_entry
from tallystick.core.linkage.passes.kinds.opentoken import NAMED
from tallystick.core.linkage.passes.ladders import LADDERS
from tallystick.core.linkage.passes.passes import build_ladder
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.spellings import build_spelled_columns
from tallystick.crypto import kernel
from tallystick.crypto.codec import frame
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.tags import TokenColumn, compute_tags, own_list
from tallystick.lab.county.write import generate
from tallystick.lab.linking.clear import Hasher, clear_tags, coincide
from tallystick.lab.linking.declared import Options
from tallystick.lab.linking.explain import PERSON, explain_recipes
from tallystick.lab.linking.headers import USUAL, fields_of, guess_fields, guess_key
from tallystick.lab.linking.people import header_of, read_people
from tallystick.lab.linking.rehearse import rehearse

A = """id,SSN,First Name,last-name,DOB
1,742-04-3218,Peggy,Garcia,1987-03-04
2,,Tom,Reed,1990-05-06
3,742-04-3219,Ann,Reed,1990-05-06
4,742-11-0001,Lee,Ash,1970-01-09
5,742-11-0002,Zoe,Ash,1971-01-09
"""
B = """client,ssn,fname,lname,dob
x,742043218,Margaret,Garcia,3/4/1987
y,742-04-3299,THOMAS,REED,05/06/1990
z,,Ann,Reed,1990-05-06
w,742-11-0001,Leo,Birch,1950-02-02
"""
TRUTH = "a,b\n1,x\n2,y\n3,z\n5,nobody\n"


@pytest.fixture(name="files")
def write_files(tmp_path: Path) -> tuple[Path, Path]:
    for name, text in (("a", A), ("b", B), ("truth", TRUTH)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path / "a.csv", tmp_path / "b.csv"


# --- explain ---------------------------------------------------------------------------------------------------------------------


def test_every_recipe_of_every_ladder_is_explained_on_somebody_who_has_all_fields() -> None:
    found = {one.recipe: one for one in explain_recipes()}
    every = {entry.recipe.core for entry, _ in ladder_entries("loose", "no-households")}
    assert set(found) == {*every, *NAMED}
    for one in found.values():
        assert len(one.token) >= len(parse_entry(one.recipe).parts)
        assert all(one.token)
        held = tuple(name for name in BOUNDS if one.recipe in {entry.recipe.core for entry, _ in ladder_entries(name, "")})
        assert tuple(name for name in one.ladders if "," not in name) == held
        assert held or one.recipe in NAMED or "default, no-households" in one.ladders
        assert not parse_entry(one.recipe).lacking([need.split(" or ")[0] for need in one.needs])


def test_a_token_is_shown_as_it_is_hashed() -> None:
    (one,) = explain_recipes(("ssn+last_name:4",))
    assert one.token == ("742043218", "GARC")
    raw = {name: [value] for name, value in PERSON.items()}
    assert (
        frame(*(part.encode() for part in one.token))
        == build_spelled_columns([parse_recipe(one.recipe)], 0, raw, 1, None, SeededRandomness(b"any"))[one.recipe].data
    )


def test_a_pass_of_other_spellings_is_explained_as_its_recipe() -> None:
    usual, other = explain_recipes(("ssn+last_name:4", "ssn+last_name:4@1.2"))
    assert other.json_value() == {**usual.json_value(), "recipe": "ssn+last_name:4@1.2", "spelling": (1, 2)}
    with pytest.raises(Invalid):
        explain_recipes(("ssn+last_name:4@0.4",))


def test_what_could_not_be_used_is_not_explained() -> None:
    with pytest.raises(Refused):
        explain_recipes(("sex+zip",))
    with pytest.raises(Invalid):
        explain_recipes(("shoe",))


# --- columns ---------------------------------------------------------------------------------------------------------------------


def test_usual_names_are_of_identifiers_that_exist_and_mean_one_each() -> None:
    assert set(USUAL) <= set(RULES)
    names = [name for names in USUAL.values() for name in names]
    assert len(set(names)) == len(names)


def test_columns_are_guessed_and_declared() -> None:
    header = ["Personal_ID", "SSN", "First Name", "lname", "Date of Birth", "town", "colour"]
    assert guess_fields(header) == {
        "ssn": "SSN",
        "first_name": "First Name",
        "last_name": "lname",
        "birth_date": "Date of Birth",
        "city": "town",
    }
    assert guess_key(header) == "Personal_ID"
    words = Options.read(["a.ssn=number,city=", "sex=colour"])
    first, second = ({word.name: word.value for word in words.of(side).fields} for side in (0, 1))
    assert (first, second) == ({"ssn": "number", "city": "", "sex": "colour"}, {"city": "", "sex": "colour"})
    fields = fields_of(header, second, file="b.csv")
    assert fields["sex"] == "colour"
    assert "city" not in fields
    with pytest.raises(Invalid) as refusal:
        fields_of(header, first, file="a.csv")
    assert refusal.value.code == "source-columns"


@pytest.mark.parametrize("text", ["ssn", "shoe=x", "c.ssn=x", "=x", "ssn=x,,"])
def test_a_field_that_is_declared_badly_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        Options.read([text])


# --- people ----------------------------------------------------------------------------------------------------------------------


def test_rows_of_one_key_are_one_person_with_the_most_frequent_identifiers(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("\ufeffk,n,m\n2,Ann,\n1,Bea,x\n2,Anne,\n2,Anne,y\n1,Ada,\n3,,\n", encoding="utf-8")
    people = read_people(path, {"first_name": "n", "last_name": "m"}, "k")
    assert people.keys.tolist() == ["1", "2", "3"]
    assert people.identifiers["first_name"].tolist() == ["Ada", "Anne", None]
    assert people.identifiers["last_name"].tolist() == ["x", "y", None]
    assert (people.rows, people.count) == (6, 3)
    alone = read_people(path, {"first_name": "n"}, None)
    assert alone.keys.tolist() == ["1", "2", "3", "4", "5", "6"]
    assert alone.identifiers["first_name"].tolist() == ["Ann", "Bea", "Anne", "Anne", "Ada", None]


@pytest.mark.parametrize("text", ["", 'a,b\n"1,2\n', "a,b\n1,2,3\n"])
def test_a_file_that_is_no_csv_is_refused_without_its_contents(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TallyError) as refusal:
        read_people(path, {"ssn": "a"}, None)
    assert refusal.value.code == "file-format"
    assert refusal.value.__context__ is None


def test_a_column_that_stands_twice_is_not_used_as_at_a_node(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("id,ssn,ssn,dob\n1,742-04-3218,742-04-3219,1990-01-02\n", encoding="utf-8")
    assert header_of(path) == ["id", "dob"]
    with pytest.raises(Invalid) as refusal:
        read_people(path, {"ssn": "ssn"}, "id")
    assert refusal.value.code == "source-columns"


# --- clear tags ------------------------------------------------------------------------------------------------------------------


def column_of(tokens: list[bytes | None]) -> TokenColumn:
    kept = [b"" if token is None else frame(token) for token in tokens]
    offsets = np.cumsum([0, *map(len, kept)], dtype=np.int64)
    return TokenColumn(b"".join(kept), offsets, np.array([token is not None for token in tokens], dtype=np.bool_))


tokens = st.lists(
    st.one_of(st.none(), st.sampled_from([b"a", b"b", b"ab", b"a\x00", b"a\x00\x00\x00\x00", b"abcdefghijk"])), max_size=8
)


@settings(max_examples=300, deadline=None)
@given(tokens, tokens, st.binary(min_size=1, max_size=4))
def test_clear_tags_coincide_exactly_where_tokens_of_ones_own_do(
    one: list[bytes | None], two: list[bytes | None], seed: bytes
) -> None:
    hasher = Hasher(SeededRandomness(seed))
    first, second = (clear_tags({"p": column_of(side)}, hasher, at) for at, side in enumerate((one, two)))
    for side, made in ((one, first), (two, second)):
        expected = [token is not None and side.count(token) == 1 for token in side]
        assert made.usable[0].tolist() == expected
        assert made.shared[0].tolist() == [token is not None and side.count(token) > 1 for token in side]
    pairs = [(a, b) for a in range(len(one)) for b in range(len(two))]
    a, b = (np.array([pair[place] for pair in pairs], dtype=np.int64) for place in (0, 1))
    same = [one[i] == two[j] and first.usable[0, i] and second.usable[0, j] for i, j in pairs]
    assert coincide(first, second, a, b)[0].tolist() == [bool(flag) for flag in same]


def test_a_rehearsal_links_whom_a_jobs_encrypted_tags_link(tmp_path: Path) -> None:
    folder = tmp_path / "county"
    generate(folder, 200)
    done = rehearse((folder / "tanf_exits.csv", folder / "hmis_entries.csv"), link=LADDERS["loose"])
    digest, secret = bytes(32), b"s" * 32
    scalars = [bytes([number] * 31 + [64]) for number in (8, 16)]
    lists, persons = [], []
    for side, people in enumerate(done.lists):
        columns = build_spelled_columns(
            done.trial.recipes, side, people.identifiers, people.count, None, SeededRandomness(b"any")
        )
        mine = own_list(
            columns,
            people.count,
            ladder=build_ladder(done.trial.recipes, None),
            secret=secret,
            job_digest=digest,
            coin_key=b"c" * 32,
            decoys=0,
            scalar=scalars[side],
            randomness=SeededRandomness(bytes([side])),
        )
        again = np.stack([kernel.mask(scalars[1 - side], points) for points in mine.points])
        lists.append(
            np.stack([compute_tags(points, digest, r.name) for points, r in zip(again, done.trial.recipes, strict=True)])
        )
        persons.append(mine.persons)
    result = match_tags(lists)
    a, b = result.pairs(0, 1)
    encrypted = set(zip(persons[0][a].tolist(), persons[1][b].tolist(), strict=True))
    assert encrypted == set(zip(done.trial.a.tolist(), done.trial.b.tolist(), strict=True))
    assert list(result.links) == [one.links for one in done.trial.passes]
    assert len(encrypted) > 15


# --- the whole -------------------------------------------------------------------------------------------------------------------


def test_what_each_pass_finds_misses_and_gets_wrong(files: tuple[Path, Path]) -> None:
    links = ("ssn", "first_name+last_name+birth_date", "first_group+last_name+birth_date")
    done = rehearse(files, link=links, keys=(None, "client"), truth=files[0].parent / "truth.csv")
    ssn, names, group = done.trial.passes
    assert (ssn.tokens, ssn.shared) == ((4, 3), (0, 0))
    # 742-11-0001 is two people: the number was given twice, and the truth does not hold them
    assert ssn.score is not None
    assert (ssn.links, ssn.agree, ssn.score.found, ssn.score.wrong, ssn.score.missed) == (2, 1, 1, 1, 2)
    assert names.score is not None
    assert (names.links, names.score.found, names.score.wrong, names.score.missed) == (1, 1, 0, 1)
    assert group.score is not None
    assert (group.links, group.agree, group.score.found, group.score.missed) == (1, 3, 1, 0)
    assert done.trial.score is not None
    assert (done.trial.score.found, done.trial.score.wrong, done.trial.score.missed) == (3, 1, 0)


def test_blank_numbers_never_link(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text("ssn,dob\n,1990-01-02\n,1991-01-02\n000-00-0000,1992-01-02\n", encoding="utf-8")
    done = rehearse((tmp_path / "a.csv", tmp_path / "b.csv"), link=("ssn", "ssn+birth_date"))
    assert len(done.trial.a) == 0


def test_a_list_of_nobody_links_nobody(tmp_path: Path, files: tuple[Path, Path]) -> None:
    empty = tmp_path / "none.csv"
    empty.write_text("ssn,fname,lname,dob\n", encoding="utf-8")
    done = rehearse((files[0], empty))
    assert (done.trial.people, len(done.trial.a)) == ((5, 0), 0)


def test_the_command_shows_what_was_guessed_and_no_row(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["link", "try", *map(str, files), "--key", "id", "--key", "client", "--truth", str(files[0].parent / "truth.csv")]
    for more in ([], ["--format", "json"]):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more])
        assert not ended.value.code
        out = capsys.readouterr().out
        assert "First Name" in out
        assert not any(value in out for value in ("742-", "74204", "Peggy", "GARCIA", "Garcia", "3/4/1987", "1987-03"))
        if more:
            value = json.loads(out)
            assert value["links"] == value["score"]["found"] + value["score"]["wrong"]
            assert value["lists"][1]["fields"]["birth_date"] == "dob"


def test_truth_that_fits_neither_file_is_refused(files: tuple[Path, Path]) -> None:
    with pytest.raises(Invalid) as refusal:
        rehearse(files, truth=files[0].parent / "truth.csv")  # the second file's key is not declared: its rows are numbered
    assert refusal.value.code == "source-columns"
    assert "--key" in refusal.value.hint


def _letters(n: int) -> str:
    """Give a name of its own: digits are no part of names."""
    return "".join(chr(97 + (n * step) % 23) for step in (1, 5, 7, 11))


def test_a_similarity_pass_comes_last_and_links_what_recipes_leave(tmp_path: Path) -> None:
    head = "id,fname,lname,dob,street,city,zip\n"
    rest = "".join(
        f"{n},{_letters(n)}on,{_letters(7 * n)}man,19{40 + n}-0{1 + n % 9}-1{n % 10},{n} Elm St,{_letters(3 * n)}ville,55{100 + 7 * n}\n"
        for n in range(2, 40)
    )
    (tmp_path / "a.csv").write_text(head + "1,Annabel,Whitfield,1987-03-04,12 Main St,Troy,55101\n" + rest, encoding="utf-8")
    (tmp_path / "b.csv").write_text(head + "1,Anabel,Whitfeild,1987-03-05,12 Main Street,Troy,55110\n", encoding="utf-8")
    (tmp_path / "t.csv").write_text("a,b\n1,1\n", encoding="utf-8")
    files = (tmp_path / "a.csv", tmp_path / "b.csv")
    alone = rehearse(files, link=("first_name+last_name+birth_date",), truth=tmp_path / "t.csv")
    both = rehearse(
        files,
        link=("first_name+last_name+birth_date", "similarity"),
        truth=tmp_path / "t.csv",
        randomness=SeededRandomness(b"r"),
    )
    assert alone.trial.score is not None
    assert both.trial.score is not None
    assert (alone.trial.score.missed, both.trial.score.missed, both.trial.score.wrong) == (1, 0, 0)
    last = both.trial.passes[-1]
    assert (last.recipe, last.links, last.agree, last.tokens) == ("similarity", 1, 1, (39, 1))
    assert both.trial.patterns.shape == (1, 1)
    assert both.trial.json_value()["similarity"]
    assert both.trial.plan is not None
    assert both.trial.plan.elements[0] == ("first_name",)
    lenient = rehearse(files, link=("first_name+last_name+birth_date", "similarity-no-twins"))
    assert lenient.trial.plan is not None
    assert lenient.trial.plan.elements[0] == ("first_name", "birth_date")


def test_a_recipe_that_would_link_twins_is_explained_only_for_lists_without_any() -> None:
    recipe = "last_name+birth_date+street"
    for words in ((), ("similarity",)):
        with pytest.raises(Refused, match="link-weak"):
            explain_recipes((recipe, *words))
    for words in (("no-twins",), ("similarity-no-households",)):
        assert [one.recipe for one in explain_recipes((recipe, *words))] == [recipe]


def test_nothing_is_estimated_of_no_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, line in (("a", "1,Ann,Reed,1990-01-02"), ("b", "7,Bo,Ray,1991-01-02")):
        (tmp_path / f"{name}.csv").write_text(f"id,first_name,last_name,dob\n{line}\n", encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["link", "try", str(tmp_path / "a.csv"), str(tmp_path / "b.csv")])
    assert ended.value.code in (None, 0)
    assert "exact precision, estimated  cannot be told: no links" in capsys.readouterr().out
