from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.canonical import canonical_bytes, parse_canonical
from tallystick.core.errors import Invalid
from tallystick.core.yaml import MAX_BYTES, MAX_DEPTH, load_yaml, read_yaml


@pytest.mark.parametrize("written", ["no", "No", "yes", "on", "off", "y", "n", "True", "FALSE", "NULL", "Null"])
def test_yaml_1_1_words_stay_text(written: str) -> None:
    assert load_yaml(f"a: {written}", what="file") == {"a": written}


@pytest.mark.parametrize(
    "written",
    [
        "2025-01-31",
        "2025-01-31 10:00:00",
        "1:30",
        "190:20:30",
        "0o17",
        "017",
        "0x1F",
        "0b1",
        "1_000",
        "+3",
        "1.",
        "0.5",
        "-.5",
        "1e3",
        ".inf",
        ".nan",
    ],
)
def test_what_is_no_plain_whole_number_stays_text_as_written(written: str) -> None:
    assert load_yaml(f"a: {written}", what="file") == {"a": written}


@pytest.mark.parametrize(
    ("written", "value"),
    [("0", 0), ("-4", -4), ("9" * 18, 10**18 - 1), ("true", True), ("false", False), ("null", None), ("~", None), ("", None)],
)
def test_json_values_are_json_values(written: str, value: object) -> None:
    loaded = load_yaml(f"a: {written}", what="file")
    assert loaded == {"a": value}
    assert type(loaded["a"]) is type(value)


@pytest.mark.parametrize("written", ["'no'", '"true"', "'12'", "'null'", "''"])
def test_quoted_is_text(written: str) -> None:
    assert load_yaml(f"a: {written}", what="file") == {"a": written[1:-1]}


def test_keys_are_text_whatever_they_look_like() -> None:
    assert load_yaml("no: 1\n2025: 2\ntrue: 3\n~: 4\n'<<': 5", what="file") == {"no": 1, "2025": 2, "true": 3, "~": 4, "<<": 5}


def test_nesting_blocks_and_flow() -> None:
    text = "a:\n  - {b: [1, {c: d}], e: }\n  -\n  - - x\nf: |\n  line\n  line\ng: >-\n  one\n  two\n"
    assert load_yaml(text, what="file") == {
        "a": [{"b": [1, {"c": "d"}], "e": None}, None, ["x"]],
        "f": "line\nline\n",
        "g": "one two",
    }


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n"])
def test_an_empty_text_is_nothing(text: str) -> None:
    assert load_yaml(text, what="file") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' is repeated"),
        ("x:\n  a: 1\n  'a': 3", "line 3: the key 'a' is repeated"),
        ("{a: 1, a: 2}", "line 1: the key 'a' is repeated"),
        ("b: *x", "line 1: nothing above has the anchor"),
        ("a: &x [1, *x]", "line 1: an alias stands within"),
        ("a: &x {b: {c: *x}}", "line 1: an alias stands within"),
        ("a: &x [1]\n*x : 2", "line 2: a key is not text"),
        ("a: &x 1\n<<: *x", "a merge key (<<) takes an object"),
        ("a: &x {b: 1}\n<<: [*x, 3]", "a merge key (<<) takes an object"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x", "line 4: the key '<<' is repeated"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: tags"),
        ("a: !!str 3", "line 1: tags"),
        ("a: !x {}", "line 1: tags"),
        ("! a: 1", "line 1: tags"),
        ("a: 1\n---\nb: 2", "line 2: a second document"),
        ("%YAML 1.1\n---\na: 1", "directives"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "directives"),
        ("? [a]\n: 1", "line 1: a key is a list"),
        ("? {a: 1}\n: 1", "line 1: a key is a list"),
        ("a: 1\n b: 2", "line 2: mapping values are not allowed"),
        ("a:\n\t- b", "line 2: found character"),
        ("a: @b", "line 1: found character"),
        ("a: [1", "line "),
        ("a: " + "9" * 19, "line 1: a number has more than 18 digits"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"nested deeper than {MAX_DEPTH}"),
        ("a: \x00", "not YAML"),
        ("a: " + "x" * MAX_BYTES, "longer than"),
    ],
)
def test_everything_else_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        load_yaml(text, what="job file")
    assert caught.value.code == "yaml-invalid"
    assert said in caught.value.message
    assert caught.value.message.startswith("job file: ")


def test_anchors_and_aliases_stand_for_what_they_repeat() -> None:
    text = "a: &x [1, &y two]\nb: *x\n*y : *y\nc: &x 3\nd: *x"
    assert load_yaml(text, what="file") == {"a": [1, "two"], "b": [1, "two"], "two": "two", "c": 3, "d": 3}


def test_an_alias_is_a_copy() -> None:
    value = load_yaml("a: &x {b: [1]}\nc: *x", what="file")
    assert isinstance(value, dict)
    assert value["a"] == value["c"]
    assert value["a"] is not value["c"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<<: {b: 2}\na: 1", {"b": 2, "a": 1}),
        ("a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        ("a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}", {"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}}),
        ("a:\n  <<:\n    b: 1", {"a": {"b": 1}}),
        ("{<<: {a: 1}, b: {<<: {c: 2}}}", {"a": 1, "b": {"c": 2}}),
    ],
)
def test_merge_keys_fill_in_what_an_object_does_not_say(text: str, value: object) -> None:
    assert load_yaml(text, what="file") == value


def test_what_a_program_dumps_of_shared_objects_is_read() -> None:
    column = {"type": "category", "values": ["north", "south"]}
    lab = {"agencies": {"a": {"region": column}, "b": {"region": column, "levels": column["values"]}}}
    dumped = yaml.safe_dump(lab)
    assert "&id" in dumped
    assert load_yaml(dumped, what="file") == lab


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "a: &a " + "x" * 500_000 + "\nb: [*a, *a, *a]",
        "a: &a {" + "k" * 600 + ": 1}\nb: [" + ", ".join(["*a"] * 2000) + "]",
    ],
    ids=["billion laughs", "one long text", "long keys"],
)
def test_aliases_cannot_fill_the_memory(text: str) -> None:
    with pytest.raises(Invalid, match="aliases") as caught:
        load_yaml(text, what="file")
    assert caught.value.code == "yaml-invalid"


def test_aliases_nest_no_deeper_than_what_is_written_out() -> None:
    deep = MAX_DEPTH // 2
    text = f"a: &a {'[' * deep}{']' * deep}\nb: {'[' * deep}*a{']' * deep}"
    with pytest.raises(Invalid, match="nested deeper"):
        load_yaml(text, what="file")


def test_the_deepest_allowed_nesting_passes() -> None:
    value = load_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, what="file")
    for _ in range(MAX_DEPTH - 1):
        assert isinstance(value, list)
        value = value[0]
    assert value == []


@given(st.text(max_size=200))
def test_any_text_loads_as_json_or_is_refused(text: str) -> None:
    with suppress(Invalid):
        value = load_yaml(text, what="file")
        with suppress(Invalid):  # not NFC, or a lone surrogate: refused one step later
            assert parse_canonical(canonical_bytes(value)) == value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_json_is_yaml(value: object) -> None:
    assert load_yaml(canonical_bytes(value).decode(), what="file") == value


def test_a_file_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_yaml(path, what="job file") == {"a": 1}
    path.write_bytes(b"a: 1\n")
    assert read_yaml(path, what="job file") == {"a": 1}


def test_a_missing_file_a_folder_and_other_bytes_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(Invalid) as caught:
            read_yaml(path, what="job file")
        assert caught.value.code == "file-missing"
        assert str(path) in caught.value.message
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: caf\xe9\n")
    with pytest.raises(Invalid) as caught:
        read_yaml(latin, what="job file")
    assert (caught.value.code, caught.value.hint) == ("yaml-invalid", "save it as UTF-8")
    long = tmp_path / "long.yaml"
    long.write_text("a: '" + "x" * MAX_BYTES + "'")
    with pytest.raises(Invalid) as caught:
        read_yaml(long, what="job file")
    assert "longer than" in caught.value.message
