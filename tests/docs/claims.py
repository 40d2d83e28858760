"""Collects what the project claims of its security, and writes docs/claims.md: each claim on one line, with the tests that show it.

Claims are the rows of SECURITY.md's table of who learns what, the requirements of docs/requirements.md that are built, and every
`Security:` paragraph of a docstring. Their texts are copied from there. The columns `shown by` and `not shown yet` are written by
hand; `python -m tests.docs.claims` keeps them, copies the texts again, adds new claims and drops those that are gone. It follows tests
whose files moved. A file with merge conflicts may be given to it: of two lines of one claim it keeps the tests of both.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[2]
PAGE: Final = Path("docs/claims.md")
ROOMS: Final = ("client", "coordinator", "core", "crypto", "lab", "node", "proto", "records")
MARK: Final = "Security:"

_SECTIONS: Final = ("Who learns what", "Requirements", "Docstrings")
_REQUIREMENT = re.compile(r"S-\d{2}")
_CELLS = re.compile(r"(?<!\\)\|")
_HEAD: Final = """\
# Claims, and the tests that show them

`python -m tests.docs.claims` copies sources and claims from [SECURITY.md](../SECURITY.md), [requirements.md](requirements.md) and the
docstrings of the code. *Shown by* and *not shown yet* are written by hand, and kept. tests/meta/test_claims.py fails where a claim has no
line here, a line no claim, or a test does not exist; what is not shown yet is listed there too, so that the list does not grow unseen.
Tests are named as pytest takes them.
"""
_TABLE: Final = "| source | claim | shown by | not shown yet |\n|---|---|---|---|\n"


@dataclass(frozen=True)
class Claim:
    """One claim and what shows it.

    Attributes:
        source: `S-14`, `SECURITY.md::PARTY`, or a file and the function or class in it, as `FILE::NAME`.
        text: as its source has it, on one line.
        tests: as pytest takes them: `FILE::FUNCTION`.
        gap: what no test shows yet, and why; empty where nothing is open.
    """

    source: str
    text: str
    tests: tuple[str, ...] = ()
    gap: str = ""

    @property
    def section(self) -> str:
        """The heading that the claim stands under."""
        if _REQUIREMENT.fullmatch(self.source):
            return _SECTIONS[1]
        return _SECTIONS[0] if self.source.startswith("SECURITY.md::") else _SECTIONS[2]


def table_rows(text: str, first: str) -> Iterator[list[str]]:
    """Give the cells of the rows of every table whose head begins with the cell `first`."""
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.replace("\\|", "|").strip() for cell in _CELLS.split(line)[1:-1]]
        if cells[0] == first:
            inside = True
        elif inside and not set(line) <= set("|-: "):
            yield cells


def table_claims(root: Path = ROOT) -> list[Claim]:
    """Give the rows of who learns what."""
    rows = table_rows((root / "SECURITY.md").read_text(encoding="utf-8"), "Who")
    return [Claim(f"SECURITY.md::{who}", f"learns: {learns}; cannot learn: {cannot}") for who, learns, cannot in rows]


def requirements(root: Path = ROOT) -> dict[str, tuple[str, str, str]]:
    """Give the text, the status, and what is missing, of every requirement by its number."""
    rows = table_rows((root / "docs/requirements.md").read_text(encoding="utf-8"), "#")
    return {number: (text, status, missing) for number, text, status, missing in rows}


def requirement_claims(root: Path = ROOT) -> list[Claim]:
    """Give the requirements that are built, wholly or in part."""
    return [
        Claim(number, text if status == "holds" else f"{text} ({status}: {missing})")
        for number, (text, status, missing) in requirements(root).items()
        if status != "not built"
    ]


def docstring_claims(root: Path = ROOT) -> list[Claim]:
    """Give every paragraph of a docstring that begins with `Security:`."""
    found = []
    for room in ROOMS:
        for path in sorted((root / room / "tallystick").rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if MARK in text:
                name = path.relative_to(root).as_posix()
                found += [Claim(f"{name}{place}", claim) for place, claim in _in_module(ast.parse(text))]
    return found


def _in_module(tree: ast.Module) -> Iterator[tuple[str, str]]:
    def walk(node: ast.AST, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = (*names, node.name)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            paragraphs = (ast.get_docstring(node) or "").split("\n\n")
            said = [" ".join(part.split()) for part in paragraphs if part.startswith(MARK)]
            if said:
                place = "::" + ".".join(names) if names else ""
                yield place, " ".join(part.removeprefix(MARK).strip() for part in said)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, names)

    return walk(tree, ())


def collected(root: Path = ROOT) -> list[Claim]:
    """Give every claim that the project makes, without what shows it."""
    return table_claims(root) + requirement_claims(root) + docstring_claims(root)


def written(text: str) -> list[Claim]:
    """Read the page: the claims, with what shows them. Marks of a merge conflict are passed over."""
    lines = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    return [
        Claim(source.strip("`"), claim, tuple(test.strip("`") for test in tests.split()), gap)
        for source, claim, tests, gap in table_rows(f"| source |\n{lines}", "source")
    ]


def merged(claims: Iterable[Claim], kept: Iterable[Claim]) -> list[Claim]:
    """Give claims the tests and gaps that lines of the same source have; of two such lines the tests of both.

    A claim whose source has no line takes those of a line with its very text: its file was moved or its function renamed.
    """
    held: dict[str, Claim] = {}
    for line in kept:
        before = held.get(line.source, Claim(line.source, ""))
        tests = tuple(dict.fromkeys((*before.tests, *line.tests)))
        held[line.source] = replace(line, tests=tests, gap=line.gap or before.gap)
    alike = {line.text: line for line in held.values()}
    made = []
    for claim in claims:
        own = held.get(claim.source) or alike.get(claim.text)
        made.append(claim if own is None else replace(claim, tests=own.tests, gap=own.gap))
    return made


def page(claims: Iterable[Claim]) -> str:
    """Write claims as docs/claims.md: requirements and docstrings sorted by source, parties as SECURITY.md has them."""
    every = list(claims)
    parts = [_HEAD]
    for section in _SECTIONS:
        lines = [claim for claim in every if claim.section == section]
        if section != _SECTIONS[0]:
            lines.sort(key=lambda claim: claim.source)
        parts.append(f"\n## {section}\n\n{_TABLE}" + "".join(_line(claim) for claim in lines))
    return "".join(parts)


def _line(claim: Claim) -> str:
    cells = (f"`{claim.source}`", claim.text, " ".join(f"`{test}`" for test in claim.tests), claim.gap)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def missing_test(name: str, root: Path = ROOT) -> str:
    """Say what is wrong with the name of a test; nothing where there is such a test."""
    path, _, function = name.partition("::")
    file = root / path
    if not path.startswith("tests/") or not file.name.startswith("test_") or not file.is_file():
        return f"{name}: no such file of tests"
    body: list[ast.stmt] = ast.parse(file.read_text(encoding="utf-8")).body
    *classes, last = function.split("::")
    for outer in classes:
        body = next((node.body for node in body if isinstance(node, ast.ClassDef) and node.name == outer), [])
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return "" if last in functions and last.startswith("test_") else f"{name}: no such test"


def moved_tests(claims: Iterable[Claim], root: Path = ROOT) -> list[Claim]:
    """Give claims with the new places of tests that are not where they were, where one test alone has such a name."""

    def place(name: str) -> str:
        function = name.rpartition("::")[2]
        if not missing_test(name, root):
            return name
        places = [
            "::".join((path.relative_to(root).as_posix(), *outer, function))
            for path in sorted((root / "tests").rglob("test_*.py"))
            if f"def {function}(" in (text := path.read_text(encoding="utf-8"))
            for outer in _outer(ast.parse(text).body, function)
        ]
        return places[0] if len(places) == 1 else name

    return [replace(claim, tests=tuple(place(test) for test in claim.tests)) for claim in claims]


def _outer(body: list[ast.stmt], function: str) -> list[tuple[str, ...]]:
    """Give the class that a function stands in, for each function of this name."""
    classes = [((), body), *(((node.name,), node.body) for node in body if isinstance(node, ast.ClassDef))]
    return [
        names
        for names, inside in classes
        for node in inside
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
    ]


def main() -> None:
    """Write the page again."""
    path = ROOT / PAGE
    kept = moved_tests(written(path.read_text(encoding="utf-8"))) if path.exists() else []
    path.write_text(page(merged(collected(), kept)), encoding="utf-8")


if __name__ == "__main__":
    main()
