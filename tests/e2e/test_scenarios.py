"""docs/scenarios: what the pages tell a case worker and an intake officer to type is typed, in a network that runs (S-30)."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tallystick.core.documents import read_document
from tests.docs.generate import DOCS
from tests.e2e.lines import Lines
from tests.e2e.typed import type_script
from tests.governance import stamp
from tests.requesting import ROSA

SECONDS = 300
BLOCKS = {"moved": 4, "nothing": 5}
"""How many blocks each page has, so that none is lost by a fence that is not found."""
TWIN = {"ssn": ROSA["ssn"], "first_name": "Rico", "last_name": "Delgado", "birth_date": ROSA["birth_date"]}


@pytest.fixture(name="lines", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    with Lines(tmp_path_factory.mktemp("lines")) as network:
        network.until(lambda: network.ask(network.paper())["outcome"] == "given", "the first request is not answered", 120)
        yield network


def find_blocks(page: str, kind: str = "sh") -> list[str]:
    text = (DOCS / "scenarios" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def type_blocks(lines: Lines, *blocks: str) -> str:
    """Type blocks in the folder where the network's files are, as ann's and her agencies' people; give what was printed."""
    script = "\n".join(["set -euo pipefail", f"export TALLY_HOME={lines.workers['ann']}", *blocks])
    status, told = type_script(lines.folder, script, SECONDS)
    assert status == 0, told + lines.told()
    return told


def merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Fill a draft in."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict) and key != "person":
            merge(into[key], value)
        else:
            into[key] = value


def copy(lines: Lines, name: str, paper: Path) -> None:
    shutil.copy(paper, lines.folder / f"{name}.json")


def test_every_page_s_blocks_are_found() -> None:
    pages = {page.stem for page in (DOCS / "scenarios").glob("*.md")}
    assert BLOCKS.keys() <= pages
    assert {name: len(find_blocks(name)) for name in BLOCKS} == BLOCKS


def test_s30_a_client_who_moved_is_found_as_the_page_says(lines: Lines) -> None:
    first, *rest = find_blocks("moved")
    [filled] = find_blocks("moved", "yaml")
    [shown] = find_blocks("moved", "text")
    type_blocks(lines, first)
    draft = lines.folder / "draft.yaml"
    value = yaml.safe_load(draft.read_text())
    merge(value, yaml.safe_load(filled))
    draft.write_text(yaml.safe_dump(value))
    type_blocks(lines, *rest)
    answer = (lines.folder / "answer.txt").read_text()
    printed = [line.rstrip() for line in answer.splitlines()]
    assert [line for line in shown.splitlines() if line not in printed] == [], answer
    assert "Verify this with the person" in answer
    written = b"".join(path.read_bytes() for path in lines.workers["ann"].rglob("*") if path.is_file())
    assert b"22 New St" not in written
    told, asked = ((lines.folder / name).read_text() for name in ("told.txt", "asked.txt"))
    for line in (told, asked):
        assert "ann (benefits-worker) of labor" in line
        assert "given" in line
    assert json.loads((lines.folder / "audit.json").read_text())["entry"]


def test_s30_every_other_consent_gives_the_same_nothing_as_the_page_says(lines: Lines) -> None:
    person = {"ssn": "518224477", "first_name": "No", "last_name": "Body", "birth_date": "1999-09-09"}
    now = datetime.now(UTC)
    for name, paper in {
        "good": lines.paper(),
        "unknown": lines.paper(person=person),
        "revoked": lines.paper(),
        "twin": lines.paper(person=TWIN),
        "expired": lines.paper(valid_until=stamp(now - timedelta(seconds=1))),
        "unsigned": lines.paper(by=("ivy",)),
        "foreign": lines.paper(recipients=[{"agency": "housing", "roles": ["benefits-worker"]}]),
    }.items():
        copy(lines, name, paper)
    told = type_blocks(lines, *find_blocks("nothing"))
    outcome = {name: json.loads((lines.folder / f"{name}.answer").read_text())[0]["outcome"] for name in ("good", "unknown")}
    assert outcome == {"good": "given", "unknown": "nothing"}
    for name in ("expired", "unsigned", "foreign"):
        assert f"{name}: not sent" in told
        assert "error" in (lines.folder / f"{name}.said").read_text()
    why = (lines.folder / "why.txt").read_text()
    assert "was revoked" in why
    assert "no record" in why


def test_s30_who_checks_nothing_gets_the_same_nothing(lines: Lines) -> None:
    now = datetime.now(UTC)
    papers = {
        "unsigned": lines.paper(by=()),
        "expired": lines.paper(valid_until=stamp(now - timedelta(seconds=1))),
        "foreign": lines.paper(recipients=[{"agency": "housing", "roles": ["benefits-worker"]}]),
        "another network": lines.paper(agreement="elsewhere"),
        "no record": lines.paper(person=TWIN),
    }
    answers = {name: lines.ask_by_hand(read_document(path, kind="consent")) for name, path in papers.items()}
    assert {frozenset(one) for one in answers.values()} == {frozenset({"owner", "answered", "until"})}
    assert {one["owner"] for one in answers.values()} == {"housing"}
    good = lines.ask_by_hand(read_document(lines.paper(), kind="consent"))
    assert "fields" in good, "the same letters ask well"
    reasons = [one["reason"].split(":")[0] for one in lines.disclosures()[1 : 1 + len(papers)]]
    assert len(set(reasons)) >= 3, "the owner's own people see why"
