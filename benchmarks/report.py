"""Where figures go: each script owns one marked section of docs/benchmarks.md and writes it anew."""

from __future__ import annotations

import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Every figure here was written by a script in benchmarks/ (`make bench` runs them all). Absolute times belong to the machine that a section
names; ratios within one run travel better. Nothing in the test suite asserts a time.
"""


def machine() -> str:
    """Describe this machine: processor, cores, memory, Python. No names, no addresses."""
    lines = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next(iter(re.findall(r"model name\s*:\s*(.+)", lines)), platform.processor() or platform.machine())
    lanes = "AVX-512 IFMA" if "avx512ifma" in lines else "AVX2" if "avx2" in lines else "no AVX2"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model.strip()}, {os.cpu_count()} cores ({lanes}), {memory:.0f} GiB, Python {platform.python_version()}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Give a Markdown table; numbers are set right."""
    numeric = [all(re.match(r"^[\d.,×+-]+", str(row[place])) for row in rows) for place in range(len(head))]
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---:" if right else "---" for right in numeric) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def write_section(name: str, title: str, text: str) -> None:
    """Put a section into the page in place of its earlier self, or at the end."""
    page = PAGE.read_text() if PAGE.exists() else HEAD
    day = time.strftime("%Y-%m-%d")
    section = f"<!-- {name} -->\n## {title}\n\n{machine()}; {day}.\n\n{text.strip()}\n<!-- /{name} -->"
    pattern = re.compile(rf"<!-- {re.escape(name)} -->.*?<!-- /{re.escape(name)} -->", re.DOTALL)
    page = pattern.sub(lambda _: section, page) if pattern.search(page) else page.rstrip() + "\n\n" + section + "\n"
    PAGE.write_text(page)


def median_seconds(work: Callable[[], object], *, repeats: int = 5) -> float:
    """Give the median wall time of a call, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
