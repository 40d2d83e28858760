"""Measure how well ladders and similarity pass link Febrl 1 to 3, three sizes of county, strangers, Febrl4: benchmarks/results/linkage.md.

usage: python -m benchmarks.linkage [febrl county sizes probes strangers rounds thresholds large febrl4]
"""

from __future__ import annotations

import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.febrl import among_strangers, febrl4, halves, housemates, unrelated
from benchmarks.report import machine, table
from tallystick.core.linkage.passes.bands import band_columns
from tallystick.core.linkage.passes.coincidence import different_people
from tallystick.core.linkage.passes.ladders import HOLDS, LADDERS, SIMILARITY
from tallystick.core.linkage.passes.ladders import ladder as recipes_in
from tallystick.core.linkage.passes.similarity import BANDS, NO_HOUSEHOLDS, NO_TWINS, SimilarityPlan, plan_of
from tallystick.core.linkage.quality.estimates import Estimate
from tallystick.crypto.randomness import SeededRandomness
from tallystick.lab.county.write import generate
from tallystick.lab.linking.headers import guess_fields
from tallystick.lab.linking.people import ListPeople, header_of, read_people
from tallystick.lab.linking.trial import Trial, run_trial
from tallystick.lab.linking.truth import Truth, read_truth

PAGE = Path(__file__).parent / "results" / "linkage.md"
SEEDS = (2025, 1, 2)
KEYS = {"tanf_exits": "person_id", "ui_wages": "ssn", "hmis_entries": "personal_id"}
OTHERS = {"hmis_entries": "housing", "ui_wages": "wages"}
Lists = tuple[ListPeople, ListPeople, Truth]
Rows = list[list[str]]


def keys() -> SeededRandomness:
    """Give a rehearsal's randomness: one draw of a similarity pass's keys, so that the tables can be made again."""
    return SeededRandomness(b"docs/linkage.md")


def trials(lists: Lists) -> list[tuple[str, Trial]]:
    """Link two lists by every ladder's recipes alone and with a similarity pass; by loose also as lists without twins or households."""
    first, second, truth = lists
    found = []
    for ladder in LADDERS:
        for word in ("", *HOLDS) if ladder == "loose" else ("",):
            # a ladder by its recipes: the word `loose` has a similarity pass
            exact = [*recipes_in(ladder, (word,)), word] if word else list(recipes_in(ladder))
            name = f"{ladder}, {word}" if word else ladder
            found.append((name, run_trial(first, second, exact, keys(), truth)))
            if ladder != "strict":
                kind = f"similarity-{word}" if word else "similarity"
                similar = run_trial(first, second, [*exact, kind], keys(), truth)
                if similar.plan is not None:  # else these fields say too little for a similarity pass
                    found.append((f"{name} + similarity", similar))
    return found


def row_of(name: str, ladder: str, trial: Trial) -> list[str]:
    """Give one line of a table of results."""
    assert trial.score is not None
    score = trial.score
    precision, recall = trial.estimates()
    estimated = [""] * 2 if trial.plan else [_interval(precision), "cannot be told" if recall is None else _interval(recall)]
    shares = [_share(score.found, score.found + score.wrong), _share(score.found, score.found + score.missed)]
    return [name, ladder, f"{score.found:,}", f"{score.wrong:,}", f"{score.missed:,}", *shares, *estimated]


HEAD = ("data", "ladder", "found", "wrong", "missed", "precision", "recall", "precision, estimated", "recall, estimated")


def febrl() -> str:
    """Tables of Febrl 1 to 3."""
    rows = []
    for number in (1, 2, 3):
        for without in ((), ("ssn",)):
            name = f"Febrl{number}" + (", no soc_sec_id" if without else "")
            rows += [row_of(name, ladder, trial) for ladder, trial in trials(halves(number, without))]
    return table(HEAD, rows)


def county() -> str:
    """Tables of the county, three seeds."""
    rows: Rows = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), 10_000, seed)
            for other, name in OTHERS.items():
                lists = _county_lists(Path(folder), "tanf_exits", other)
                rows += [row_of(f"TANF with {name}, {seed}", ladder, trial) for ladder, trial in trials(lists)]
    return table(HEAD, rows)


def sizes() -> str:
    """Tables of larger counties by exact recipes: what is left out, and how precise the rest is."""
    rows: Rows = []
    for people in (10_000, 100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder), people, 7)
            for other, name in OTHERS.items():
                lists = _county_lists(Path(folder), "tanf_exits", other)
                for ladder in ("default", "loose"):
                    exact = list(LADDERS[ladder]) if ladder == "loose" else [ladder]
                    trial = run_trial(*lists[:2], exact, keys(), lists[2])
                    left = sum("says" in reason for _, reason in trial.unusable)
                    row = row_of(f"TANF with {name}", ladder, trial)
                    rows.append([f"{people:,}", row[0], ladder, str(len(trial.passes)), str(left), *row[2:]])
                    print(*rows[-1], flush=True)
    return table(("people", "data", "ladder", "passes", "too weak", *HEAD[2:]), rows)


def probes() -> str:
    """How many members of one household a similarity pass links, if both are free."""
    rows = []
    for without in ((), ("ssn",)):
        first, second, truth = halves(3, without)
        for kind in SIMILARITY:
            plan = plan_of(first.identifiers, second.identifiers, max(first.count, second.count), kind)
            for probe in (False, True):
                lists = housemates(first, second, truth, twins=probe)
                exact = "first_name+last_name+birth_date" if without else "ssn+birth_date"
                trial = run_trial(*lists, [exact, kind], keys())
                name = ("no soc_sec_id, " if without else "") + ("twins" if probe else "housemates")
                rows.append(
                    [
                        name,
                        kind,
                        f"{plan.need} of {plan.bands}",
                        f"{len(truth.a):,}",
                        f"{trial.passes[-1].links:,}",
                    ]
                )
    return table(("Febrl3 as", "pass", "need", "pairs", "linked"), rows)


def strangers() -> str:
    """How many accidental links the model expects, and how many there are, among people of whom nobody has a partner."""
    rows: Rows = []
    for without in ((), ("ssn",)):
        first, second = unrelated(without)
        people = first.count
        for kind in SIMILARITY:
            plan = plan_of(first.identifiers, second.identifiers, people, kind)
            exact = "first_name+last_name+birth_date"
            made = {
                need: run_trial(first, second, [exact], keys(), plan=replace(plan, need=need, least=need)).passes[-1].links
                for need in (2, 3, 4, plan.need)
            }
            expected = different_people(plan.fields).tails(plan.elements, plan.bands, people) * people**2
            name = f"{kind}{', no soc_sec_id' if without else ''}"
            rows += [
                [
                    name,
                    f"{need} of {plan.bands}" + (", the plan" if need == plan.need else ""),
                    f"{expected[need]:,.1f}",
                    f"{links:,}",
                ]
                for need, links in made.items()
            ]
    return table(("pass", "need", "expected", "linked"), rows)


def rounds() -> str:
    """How few bands do in the end, by how many people of each list have no partner; lists without households, no numbers."""
    rows: Rows = []
    for pairs, alone in ((2_093, 0), (2_093, 50), (2_093, 200), (2_093, 700), (2_093, 2_200), (1_000, 2_200), (300, 2_200)):
        lists = among_strangers(pairs, alone, ("ssn",))
        plan = plan_of(lists[0].identifiers, lists[1].identifiers, lists[0].count, NO_HOUSEHOLDS)
        exact, found = recipes_in("loose", (NO_HOUSEHOLDS,)), []
        for used in (replace(plan, least=plan.need), plan):
            trial = run_trial(*lists[:2], [*exact, NO_HOUSEHOLDS], keys(), lists[2], plan=used)
            assert trial.score is not None
            found += [f"{trial.score.found:,}", f"{trial.score.wrong:,}"]
        rows.append([f"{pairs:,}", f"{alone:,}", f"{plan.need} of {plan.bands}", *found[:2], str(trial.fewest), *found[2:]])
    return table(("in both", "alone in each", "need", "found", "wrong", "need in the end", "found", "wrong"), rows)


def thresholds() -> str:
    """What fewer coinciding bands would find where everybody has a partner, and link where nobody has: two values a band, no numbers."""
    lists = [halves(number, ("ssn",)) for number in (1, 2, 3)]
    alone = unrelated(("ssn",))
    fields = plan_of(alone[0].identifiers, alone[1].identifiers, alone[0].count, NO_HOUSEHOLDS).fields
    rows: Rows = []
    for need in range(2, 8):
        plan = SimilarityPlan(fields, BANDS[-1], (fields, fields), need, NO_HOUSEHOLDS, alone[0].count, 0.0, need)
        scores = [run_trial(*pair[:2], LADDERS["loose"], keys(), pair[2], plan=plan).score for pair in lists]
        found, wrong, missed = (sum(getattr(score, name) for score in scores) for name in ("found", "wrong", "missed"))
        linked = run_trial(*alone, ["first_name+last_name+birth_date"], keys(), plan=plan).passes[-1].links
        rows.append([f"{need} of {plan.bands}", f"{found:,}", f"{wrong:,}", f"{missed:,}", f"{linked:,}"])
    return table(("need", "Febrl1 to 3, found", "wrong", "missed", "of strangers, linked"), rows)


def febrl_4() -> str:
    """Tables of Febrl4, on which nothing was chosen."""
    rows = []
    for without in ((), ("ssn",)):
        name = "Febrl4" + (", no soc_sec_id" if without else "")
        rows += [row_of(name, ladder, trial) for ladder, trial in trials(febrl4(without))]
    return table(HEAD, rows)


def large() -> str:
    """Time and memory of making a million people's bands, and of a rehearsal with them."""
    people = 1_000_000
    rng = np.random.default_rng(1)
    names = np.array(
        [f"{a}{b}{c}" for a in "BCDFGLMNPRST" for b in "aeiou" for c in ("nd", "rt", "lson", "ster", "ley", "man")],
        dtype=object,
    )
    days = (np.datetime64("1940-01-01") + rng.integers(0, 29_000, people).astype("timedelta64[D]")).astype(str).astype(object)
    raw: dict[str, npt.NDArray[np.object_]] = {
        "first_name": names[rng.integers(0, len(names), people)],
        "last_name": names[rng.integers(0, len(names), people)] + names[rng.integers(0, len(names), people)],
        "birth_date": days,
        "street": rng.integers(1, 9999, people).astype(str).astype(object)
        + " "
        + names[rng.integers(0, len(names), people)]
        + " Street",
        "city": names[rng.integers(0, 40, people)],
        "zip": (55_000 + rng.integers(0, 90, people)).astype(str).astype(object),
    }
    plan = plan_of(raw, raw, people, NO_TWINS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    columns = band_columns(plan, raw, people, bytes(32))
    taken = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = sum(len(column.data) for column in columns.values())
    rows = [
        [
            f"{people:,}",
            f"{plan.bands} x {len(plan.elements)}",
            f"{taken:.0f} s",
            f"{size / 1e6:,.0f} MB",
            f"{(after - before) / 1024:,.0f} MiB",
        ]
    ]
    return f"{machine()}\n\n" + table(("people", "bands x values", "time, one core", "tokens", "memory above the input"), rows)


SECTIONS: Mapping[str, Callable[[], str]] = {
    "febrl": febrl,
    "county": county,
    "sizes": sizes,
    "probes": probes,
    "strangers": strangers,
    "rounds": rounds,
    "thresholds": thresholds,
    "large": large,
    "febrl4": febrl_4,
}


def write_section(name: str, text: str) -> None:
    """Put a table between its marks on the page."""
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(page):
        raise SystemExit(f"error: benchmarks/results/linkage.md has no place for {name}")
    PAGE.write_text(marks.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page), encoding="utf-8")


def main() -> None:
    """Run the named parts, or all."""
    for name in sys.argv[1:] or SECTIONS:
        write_section(name, SECTIONS[name]())
        print(name)


def _county_lists(folder: Path, one: str, other: str) -> Lists:
    read = []
    for name in (one, other):
        path = folder / f"{name}.csv"
        read.append(read_people(path, guess_fields(header_of(path)), KEYS[name]))
    return read[0], read[1], read_truth(folder / "truth.csv", read[0], read[1])


def _share(hits: int, of: int) -> str:
    return f"{hits / of:.4f}" if of else "none"


def _interval(figure: Estimate) -> str:
    return f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"


if __name__ == "__main__":
    main()
