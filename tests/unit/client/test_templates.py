"""Templates of jobs: each runs on the region and gives what pandas makes of its files; what a template is; what the command asks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.duration.survfunc import survdiff

from tallystick.client.answer import ShownCell
from tallystick.client.sentences import caveat_sentences, methods_paragraph
from tallystick.client.templates.model import load_templates
from tallystick.client.zeros import find_whole_mean, list_whole_means
from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.statistics.plan import Plan
from tests.template_files import ClearFiles, Table
from tests.template_oracles import ORACLES, find_families
from tests.template_work import matched_comparison
from tests.templates import RegionRoom, ask_example

PEOPLE = 1500
MATCHED = "mean(outcomes.outcome)"


@pytest.fixture(scope="module", name="room")
def make_room(tmp_path_factory: pytest.TempPathFactory) -> RegionRoom:
    return RegionRoom(tmp_path_factory.mktemp("region"), PEOPLE)


@pytest.fixture(scope="module", name="files")
def read_files(room: RegionRoom) -> ClearFiles:
    return ClearFiles(room.folder)


def test_every_template_has_an_oracle() -> None:
    assert ORACLES.keys() == load_templates().keys()


@pytest.mark.parametrize("name", list(load_templates()))
def test_s11_a_template_over_the_region_gives_what_pandas_makes_of_its_files(
    room: RegionRoom, files: ClearFiles, name: str
) -> None:
    opening = room.open_in_clear(ask_example(name), "open")
    check_rows(opening.plan, opening.rows, ORACLES[name](files))


def check_rows(plan: Plan, rows: list[dict[str, Any]], expected: Table) -> None:
    """Compare every number that an oracle gives, and that nobody is elsewhere."""
    seen = {tuple(row[name] for name in plan.by): row for row in rows}
    assert {key for key, row in seen.items() if row["count"]} == expected.keys()
    for key, numbers in expected.items():
        for label, value in numbers.items():
            assert seen[key][label] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), (key, label)


@pytest.mark.parametrize("name", list(load_templates()))
def test_what_a_template_says_is_whole(name: str) -> None:
    template = load_templates()[name]
    question = ask_example(name)
    assert template.rules in PROFILES
    assert (question.template, question.caveats) == (name, template.caveats)
    assert question.title == template.title


def test_caveats_stand_beside_the_result(room: RegionRoom) -> None:
    answer = room.release(room.open_in_clear(ask_example("service-gap"), "cms"))
    caveats = load_templates()["service-gap"].caveats
    assert caveat_sentences(answer) == [f"caveat: {one}" for one in caveats]
    assert all(one in methods_paragraph(answer) for one in caveats)


def test_an_intention_to_treat_counts_people_without_wages_as_zero(room: RegionRoom, files: ClearFiles) -> None:
    answer = room.release(room.open_in_clear(ask_example("itt-by-arm"), "open"))
    study, earned = files.read("study"), files.wages("2025-Q2")
    by_arm = [np.array([earned.get(one, 0.0) for one in study.person[study.treated == arm]]) for arm in ("false", "true")]
    assert [row.levels for row in answer.rows] == [("false",), ("true",)]
    for row, values in zip(answer.rows, by_arm, strict=True):
        mean = find_whole_mean(row, "wages.earnings")
        assert mean is not None
        assert (mean.mean, mean.error) == pytest.approx((values.mean(), values.std(ddof=1) / len(values) ** 0.5))
    found = stats.ttest_ind(by_arm[1], by_arm[0], equal_var=False)
    (line,) = list_whole_means(answer)
    assert f"difference (second less first) {by_arm[1].mean() - by_arm[0].mean():,.2f}" in line
    assert line.endswith(f"p = {found.pvalue:.3g})")


def test_a_matched_comparison_weights_by_the_people_with_the_service(room: RegionRoom, files: ClearFiles) -> None:
    answer = room.release(room.open_in_clear(ask_example("matched-comparison"), "open"))
    (found,) = answer.value["overall"]
    table = matched_comparison(files)
    strata = [area for area, there in table if there and (area, False) in table]
    treated = {area: table[area, True]["count"] for area in strata}
    differences = {area: table[area, True][MATCHED] - table[area, False][MATCHED] for area in strata}
    expected = sum(treated[area] * differences[area] for area in strata) / sum(treated.values())
    assert found["value"] == pytest.approx(expected)


def test_curves_of_caregivers_are_compared_by_a_log_rank_test(room: RegionRoom, files: ClearFiles) -> None:
    answer = room.release(room.open_in_clear(ask_example("caregivers-reunification"), "open"))
    (found,) = answer.value["overall"]
    months, home, treated = find_families(files)
    bands = np.digitize(months, [5, 9])
    events = home & (bands < 2)  # what comes in the band without an end is not told
    square, p = survdiff(bands, events.astype(int), np.array([one in treated for one in months.index]))
    assert (found["value"], found["details"]["p"]) == pytest.approx((square, p))


def test_nothing_is_told_of_a_mean_over_all_where_a_number_is_hidden(room: RegionRoom) -> None:
    row = room.release(room.open_in_clear(ask_example("itt-by-arm"), "open")).rows[0]
    cells = dict(row.cells) | {"sd(wages.earnings)": ShownCell("hidden", None, "small-cell")}
    assert find_whole_mean(replace(row, cells=cells), "wages.earnings") is None


def test_the_region_has_people_for_each_template(files: ClearFiles) -> None:
    """Else equality would prove little."""
    counts = {name: sum(row["count"] for row in oracle(files).values()) for name, oracle in ORACLES.items()}
    assert min(counts.values()) >= 8, counts
    assert Path(files.folder).exists()
