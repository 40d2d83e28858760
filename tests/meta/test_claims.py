"""docs/claims.md has every claim of the project, each with tests that exist; docs/requirements.md has every number that is used."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.docs import claims
from tests.docs.claims import Claim, collected, docstring_claims, merged, missing_test, moved_tests, page, requirements, written
from tests.meta.test_house import tracked

WRITTEN = written((claims.ROOT / claims.PAGE).read_text(encoding="utf-8"))
STATUS = {"holds", "in part", "not built"}
NUMBER = re.compile(r"\b[Ss][-_]?(\d{2})(?=\b|_)")
PAGES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "docs/*.md", "docs/adr/*.md")

NOT_SHOWN = {
    "S-09",
    "SECURITY.md::coordinator with one agency",
    "SECURITY.md::such an agency with a malicious coordinator",
    "crypto/tallystick/crypto/bfv.py::Scheme.encrypt",
    "crypto/tallystick/crypto/envelope.py",
    "crypto/tallystick/crypto/hash_to_curve.py",
    "crypto/tallystick/crypto/kernel.py::mask",
    "crypto/tallystick/crypto/products.py::new_keys",
    "crypto/tallystick/crypto/minhash.py",
    "crypto/tallystick/crypto/paillier.py",
    "crypto/tallystick/crypto/points.py::random_points",
    "crypto/tallystick/crypto/portable.py",
    "crypto/tallystick/crypto/tags.py",
}
"""Claims of which something is not shown by a test yet. A new one needs a line here, and its reason on the page."""


def test_every_claim_has_a_line_and_every_line_a_claim() -> None:
    claimed, listed = {claim.source for claim in collected()}, {claim.source for claim in WRITTEN}
    assert sorted(claimed - listed) == [], "run: python -m tests.docs.claims, then name the tests"
    assert sorted(listed - claimed) == [], "these claims are gone; run: python -m tests.docs.claims"


def test_the_page_has_the_claims_as_they_are_made() -> None:
    assert (claims.ROOT / claims.PAGE).read_text(encoding="utf-8") == page(merged(collected(), WRITTEN)), (
        "run: python -m tests.docs.claims, and read whether the tests still show what is claimed now"
    )


def test_every_claim_is_shown_or_says_why_not() -> None:
    assert [claim.source for claim in WRITTEN if not claim.tests and not claim.gap] == []
    assert {claim.source for claim in WRITTEN if claim.gap} == NOT_SHOWN


@pytest.mark.parametrize("claim", WRITTEN, ids=lambda claim: claim.source)
def test_its_tests_exist(claim: Claim) -> None:
    assert [wrong for wrong in map(missing_test, claim.tests) if wrong] == []
    assert len(set(claim.tests)) == len(claim.tests)


def test_no_security_line_stands_where_it_is_not_collected() -> None:
    marked = re.compile(rf"^\s*(?:\"\"\"|#)?\s*{claims.MARK}", re.MULTILINE)
    rooms = [path for path in tracked("*.py") if path.relative_to(claims.ROOT).parts[0] in claims.ROOMS]
    assert len(rooms) > 100
    lines = sum(len(marked.findall(path.read_text(encoding="utf-8"))) for path in rooms)
    assert lines == len(docstring_claims()), (
        "a Security: paragraph must stand in the docstring of a module, class or function, once"
    )


def test_requirements_are_numbered_without_gaps_and_have_a_status() -> None:
    every = requirements()
    assert list(every) == [f"S-{number:02}" for number in range(1, len(every) + 1)]
    assert {status for _, status, _ in every.values()} <= STATUS
    assert [number for number, (_, status, missing) in every.items() if status == "in part" and not missing] == []


def test_every_number_that_is_used_is_a_requirement() -> None:
    files = [*tracked("*.py"), *(path for pattern in PAGES for path in claims.ROOT.glob(pattern))]
    used = {f"S-{number}" for path in files for number in NUMBER.findall(path.read_text(encoding="utf-8"))}
    assert len(used) > 30
    assert used - set(requirements()) == set()


def test_a_requirement_with_a_test_of_its_name_is_not_said_to_be_unbuilt() -> None:
    named = re.compile(r"def test_\w*?s(\d{2})_")
    tested = {f"S-{number}" for path in tracked("*.py") for number in named.findall(path.read_text(encoding="utf-8"))}
    assert len(tested) > 25
    assert {number for number, (_, status, _) in requirements().items() if status == "not built"} & tested == set()


TOY = '''"""Do it.

Security: says a | b,
and no more.
"""


class Box:
    def open(self):
        """Open it.

        Security: shut.
        """
'''


# --- the tool itself ------------------------------------------------------------------------------------------------------------


def test_new_claims_are_found_and_what_is_written_by_hand_is_kept(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(claims.ROOT / "docs/requirements.md", tmp_path / "docs")
    shutil.copy(claims.ROOT / "SECURITY.md", tmp_path)
    file = tmp_path / "core/tallystick/core/new.py"
    file.parent.mkdir(parents=True)
    file.write_text(TOY)
    first = collected(tmp_path)
    assert first[-2:] == [
        Claim("core/tallystick/core/new.py", "says a | b, and no more."),
        Claim("core/tallystick/core/new.py::Box.open", "shut."),
    ]
    shown = [Claim(claim.source, claim.text, ("tests/a/test_a.py::test_a",), "why | not") for claim in first]
    assert merged(first, written(page(shown))) == shown
    # another branch named other tests on the same line: its conflict is settled by keeping both
    theirs = [Claim(claim.source, claim.text, ("tests/a/test_b.py::test_b",)) for claim in first]
    both = merged(first, written(f"<<<<<<< ours\n{page(shown)}=======\n{page(theirs)}>>>>>>> theirs\n"))
    assert both[-1].tests == ("tests/a/test_a.py::test_a", "tests/a/test_b.py::test_b")
    # a file that moves keeps its tests, a claim that goes loses its line, one that comes has none
    file.rename(file.with_name("moved.py"))
    assert merged(collected(tmp_path), shown)[-1].tests == shown[-1].tests
    file.with_name("moved.py").write_text('"""Do it.\n\nSecurity: another thing.\n"""\n')
    changed = merged(collected(tmp_path), shown)
    (tmp_path / "tests/b").mkdir(parents=True)
    (tmp_path / "tests/b/test_b.py").write_text("class TestBox:\n    def test_a(self):\n        pass\n")
    assert moved_tests(shown, tmp_path)[-1].tests == ("tests/b/test_b.py::TestBox::test_a",)
    assert changed[-1] == Claim("core/tallystick/core/moved.py", "another thing.")
    assert len(changed) == len(first) - 1


@pytest.mark.parametrize(
    "name",
    [
        "tests/meta/test_claims.py",
        "tests/meta/test_claims.py::test_that_is_not_there",
        "tests/meta/test_claims.py::STATUS",
        "tests/meta/no_such_file.py::test_a",
        "tests/docs/claims.py::main",
        "core/tallystick/core/clock.py::test_a",
        "tests/meta/test_claims.py::Box::test_its_tests_exist",
    ],
)
def test_what_is_no_test_is_refused(name: str) -> None:
    assert missing_test(name)
    assert not missing_test("tests/meta/test_claims.py::test_what_is_no_test_is_refused")
