"""S-11 on the county: through `tally lab run`, every released number is that of the joined files, worked out by pandas alone.

The links, the people and the numbers come from tests/e2e/clear.py and tests/oracle.py, which share no code with the product.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e import clear
from tests.e2e.county import ASKED, in_the_clear, run_lab, three_in_the_clear, write_county

SMALL: Final = range(1, 11)
"""What the profile cms hides."""
CROWD: Final = 4
"""Hidden rows that need no other beside them."""
TOTALS = ("people", "usable", "matched")


def by_group(linkage: dict[str, Any]) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Give people and matches of the groups that a report shows and in which there is somebody."""
    rates = linkage["rates"]
    shown = {tuple(one[name] for name in rates["by"]): (one["people"], one["matched"]) for one in rates["groups"]}
    return {levels: pair for levels, pair in shown.items() if pair[0]}


@pytest.fixture(name="open_county", scope="module")
def without_rules(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("open")
    write_county(folder, 1500, "{min_cell: 0}")
    return folder, run_lab(folder, [*ASKED, "of_three"])


@pytest.fixture(name="cms_county", scope="module")
def with_rules(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("cms")
    write_county(folder, 1500, "{profile: cms}")
    return folder, run_lab(folder, ["employment", "overlap"])


def test_s11_the_clear_room_knows_its_own_traps(open_county: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    """The files hold what the rules are about; else equality would prove little."""
    folder, _ = open_county
    exits = clear.read(folder, "tanf_exits")
    numbers = exits.drop_duplicates("person_id").ssn.map(clear.ssn)
    assert numbers.isna().sum() > (exits.drop_duplicates("person_id").ssn == "").sum()
    assert numbers.dropna().duplicated().any()
    assert (exits.region == "").any()
    assert exits.ssn.str.contains("-").any()
    assert exits.person_id.duplicated().any()


@pytest.mark.parametrize("name", list(ASKED))
def test_s11_every_number_of_the_county_is_that_of_the_joined_files(
    open_county: tuple[Path, dict[str, dict[str, Any]]], name: str
) -> None:
    folder, results = open_county
    rows, linkage = in_the_clear(folder, name, results[name])
    assert results[name]["status"] == "released"
    assert results[name]["rows"] == rows
    told = results[name]["linkage"]
    assert {key: told[key] for key in TOTALS} == {key: linkage[key] for key in TOTALS}
    assert {one["pass"]: one["tokens"] for one in told["passes"]} == linkage["tokens"]
    if told["rates"]["by"]:
        assert by_group(told) == linkage["groups"]
    reach = 5 * told["blur"]["standard_deviation"] * len(told["passes"]) ** 0.5 + len(told["passes"])
    assert abs(sum(one["matches"] for one in told["passes"]) - linkage["matched"]) <= reach
    assert linkage["matched"] > 20
    assert sum(row["count"] for row in rows) > 20


def test_s11_every_number_of_a_job_over_three_agencies_is_that_of_the_joined_files(
    open_county: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    folder, results = open_county
    result = results["of_three"]
    rows, people, pairs = three_in_the_clear(folder, result)
    assert result["status"] == "released"
    assert result["columns"][:2] == ["tanf.region", "hmis.present"]
    assert result["rows"] == rows
    assert (result["linkage"]["people"], result["linkage"]["pairs"]) == (people, pairs)
    assert min(pairs.values()) > 5
    assert sum(row["count"] for row in rows) > 20


@pytest.mark.parametrize("name", ["employment", "overlap"])
def test_s13_cms_hides_the_small_cells_and_what_would_give_them_away(
    cms_county: tuple[Path, dict[str, dict[str, Any]]], name: str
) -> None:
    folder, results = cms_county
    expected, linkage = in_the_clear(folder, name, results[name])
    shown = results[name]["rows"]
    by = results[name]["columns"][: results[name]["columns"].index("count")]
    assert [[row[column] for column in by] for row in shown] == [[row[column] for column in by] for row in expected]
    small = [at for at, row in enumerate(expected) if row["count"] in SMALL]
    hidden = [at for at, row in enumerate(shown) if row["count"] is None]
    assert small
    assert [at for at in hidden if shown[at]["suppressed"] == "small-cell"] == small
    beside = sorted(set(hidden) - set(small))
    assert all(shown[at]["suppressed"] == "complementary" and expected[at]["count"] > max(SMALL) for at in beside)
    presences = [name for name in by if name.endswith(".present")]
    blocks = Counter(tuple(expected[at][name] for name in presences) for at in small)
    assert len(beside) == sum(few < CROWD for few in blocks.values())
    for at, (row, true_row) in enumerate(zip(shown, expected, strict=True)):
        if at in hidden:
            assert all(row[column] is None for column in results[name]["columns"] if column not in [*by, "suppressed"])
            continue
        withheld = set(row.get("hidden", ()))
        assert {key: value for key, value in row.items() if key not in {*withheld, "hidden", "suppressed"}} == {
            key: value for key, value in true_row.items() if key not in {*withheld, "suppressed"}
        }
        rests = {key[6:-1] for key in row if key.startswith("count(")}
        few = {c for c in rests if true_row[f"count({c})"] in SMALL or row["count"] - true_row[f"count({c})"] in SMALL}
        assert withheld == {key for key in row if key[key.find("(") + 1 : -1] in few}
        assert all(row[key] is None for key in withheld)
    told = results[name]["linkage"]
    for one in told["passes"]:
        for group, value in one["tokens"].items():
            assert value in {None, linkage["tokens"][one["pass"]][group]}
            assert value not in SMALL
    for levels, (people, matched) in by_group(told).items():
        assert (people, matched) == linkage["groups"][levels]
        assert not {people, matched, people - matched} & set(SMALL)
    for key, number_ in [(key, told[key]) for key in TOTALS]:
        for group, value in number_.items() if isinstance(number_, dict) else [(None, number_)]:
            true_value = linkage[key] if group is None else linkage[key][group]
            assert value in {None, true_value}
            assert value not in SMALL
