"""docs/guides: what they tell a steward, an agency's IT, an operator and counsel to type is typed, in a network that runs.

The network is that of docs/first-network.md, up to its question. Each guide is typed in the folder of its reader; `$JOB` and the like are what
the reader looks up first. A guide that has a block that is not typed here fails.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.generate import DOCS
from tests.e2e.typed import type_script

GUIDES = DOCS / "guides"
SECONDS = 900
ASK = "## 6. Ask"
AGENCY = "human-services"
READERS = {"agency-it": AGENCY, "counsel": ".", "operator": ".", "steward": AGENCY}
"""Guide and folder. The analyst's is Python; tests/docs/test_analyst.py runs it."""
BLOCKS = {"steward": 6, "agency-it": 5, "operator": 5, "counsel": 6}
"""How many blocks each has, so that none is lost by a fence that is not found."""


def find_blocks(page: Path) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def find_guide(name: str) -> list[str]:
    return find_blocks(GUIDES / f"{name}.md")


def wait_for(what: str, then: str) -> str:
    """Write lines that wait until the node's list of what waits has some text."""
    return (
        f"until tally node pending --config {AGENCY}/node.yaml --format json > pending.json && grep -q {what} pending.json; "
        f"do sleep 0.3; done\n{then}"
    )


def write_script() -> str:
    """Write the whole session: blocks as they stand, and between them what other people do."""
    first = find_blocks(DOCS / "first-network.md")
    page = (DOCS / "first-network.md").read_text(encoding="utf-8")
    before = page[: page.index(ASK)]
    served = [block for block in first if block in before]
    submit = next(block for block in first if "tally job submit" in block)
    steward = find_guide("steward")
    looks = [block for block in steward if "$JOB" in block or "pending" in block]
    refuses = next(block for block in steward if "$OTHER" in block)
    releases = next(block for block in steward if "$RELEASE" in block)
    (later,) = [block for block in steward if block not in (*looks, refuses, releases)]
    typed = [
        *served,
        submit,
        wait_for('"$JOB"', ""),
        *(in_folder(AGENCY, block) for block in looks),
        "sed 's/Wages after/Other wages after/' job.yaml > other.yaml",
        "tally job submit other.yaml --agreement county.agreement.json --format json > other.json; OTHER=$(key other.json job)",
        wait_for('"$OTHER"', ""),
        in_folder(AGENCY, refuses),
        wait_for("release", "RELEASE=$JOB"),
        in_folder(AGENCY, releases),
        in_folder(AGENCY, later),
        'tally job watch "$JOB"; tally job result "$JOB" --out result.json; tally job status "$OTHER" > other.txt',
        *(in_folder(AGENCY, block) for block in find_guide("agency-it")),
        "sed 's/^version: 1/version: 2/; s/min_cell: 0/min_cell: 11/' draft.yaml > next.yaml",
        "tally agreement new next.yaml --out next.agreement.json",
        *(in_folder(".", block) for block in find_guide("counsel")),
        *(in_folder(".", block) for block in find_guide("operator")),
    ]
    return "set -euo pipefail\n" + "\n".join(typed) + "\necho all was typed\n"


def in_folder(folder: str, block: str) -> str:
    """Write a block so that it is typed in a folder, and what it prints is kept under its own heading."""
    return f"cd {folder}\n{block}cd - > /dev/null\n"


@pytest.mark.slow
def test_every_block_of_every_guide_is_typed(tmp_path: Path) -> None:
    status, told = type_script(tmp_path, write_script(), SECONDS)
    assert status == 0, told[-4000:]
    assert "all was typed" in told
    assert "refused" in (tmp_path / "other.txt").read_text()
    assert (tmp_path / "result.json").exists()
    assert "often because: " in told
    assert "disclosure.min_cell" in told  # the difference of two agreements
    backup = tmp_path / AGENCY / "backup" / "node.db"
    assert backup.read_bytes().startswith(b"SQLite format 3")


def test_every_guide_has_a_reader_and_all_its_blocks_are_found() -> None:
    pages = {page.stem for page in GUIDES.glob("*.md")} - {"README", "analyst"}
    assert pages == READERS.keys()
    assert {name: len(find_guide(name)) for name in READERS} == BLOCKS
    typed = write_script()
    for name in READERS:
        for block in find_guide(name):
            assert block in typed, (name, block)


def test_the_index_names_every_guide_and_every_link_leads_somewhere() -> None:
    index = (GUIDES / "README.md").read_text(encoding="utf-8")
    for page in GUIDES.glob("*.md"):
        assert page.stem == "README" or f"({page.name})" in index
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (GUIDES / link).exists(), (page.name, link)
