"""Takes the pictures of results in docs/pictures: plots, the result's page on a screen, a phone and paper, tables at 60 and 120 columns.

usage: python -m tests.browser.result_pictures [FOLDER]

Runs a demo and a lab of two made-up lists about children who left care, so it takes a minute or two, and needs Chromium.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import sys
import tempfile
from contextlib import redirect_stdout
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Any, Final
from unittest import mock

from click.testing import CliRunner
from playwright.sync_api import sync_playwright

from tallystick.client.answer import build_answer
from tallystick.client.cli import _tables, tally
from tallystick.client.results import read_result
from tallystick.core import terminal

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
PAPER: Final = 670
"""Pixels that A4 leaves between its margins."""
QUESTIONS: Final[dict[str, dict[str, Any]]] = {
    "survival": {
        "title": "How soon children who left care came home, by region",
        "by": ["care.region"],
        "measures": [{"survival": {"of": "care.months", "event": "home.came_home", "at": [12, 24, 36]}}],
    },
    "coefficients": {
        "title": "Grades after care, by visits and age",
        "by": ["care.region"],
        "measures": [{"regression": {"of": "home.grade", "on": ["care.visits", "care.age"]}}],
    },
    "histogram": {
        "title": "Months in care",
        "by": [],
        "measures": [{"histogram": {"of": "care.months", "at": [6, 12, 18, 24, 36]}}],
    },
    "overlaps": {
        "title": "Who is in which list",
        "keep": "care or home",
        "by": ["care.present", "home.present"],
        "measures": ["count"],
    },
}


def write_care(folder: Path) -> None:
    """Write two lists about the same made-up children."""
    source = random.Random(4)
    first, last = ["Ann", "Bo", "Cy", "Dee", "Eva"], ["Lee", "Garcia", "Nguyen", "Smith", "Jones"]
    care, home = ["child_id,ssn,fname,lname,dob,region,months,age,visits"], ["case_id,ssn,fname,lname,dob,came_home,grade"]
    for at in range(2400):
        born = date(2010, 1, 1) + timedelta(days=source.randrange(3000))
        who = f"{734_010_101 + at * 37},{source.choice(first)},{source.choice(last)},{born}"
        region, age, visits = source.choice(["north", "south", "south", "east"]), 2025 - born.year, source.randrange(12)
        months = min(40, int(source.expovariate(1 / (14 if region == "north" else 22))))
        care.append(f"C{at},{who},{region},{months},{age},{visits}")
        if source.random() < 0.93:
            grade = max(0, min(100, round(50 + 2 * visits - 1.2 * age + source.gauss(0, 9))))
            home.append(f"K{at},{who},{'true' if source.random() < 0.6 else 'false'},{grade}")
    (folder / "care.csv").write_text("\n".join(care) + "\n")
    (folder / "home.csv").write_text("\n".join(home) + "\n")


def run(*arguments: str | Path) -> str:
    """Type a command; give what it printed."""
    done = CliRunner().invoke(tally, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def draw_care(folder: Path, pictures: Path) -> None:
    """Ask about the made-up children and draw the answers."""
    write_care(folder)
    run("lab", "new", folder / "care.csv", folder / "home.csv", "--out", folder / "lab.yaml")
    people = {name: {"agency": name, "dataset": name} for name in ("care", "home")}
    asked = {"agreement": "lab", "purpose": "rehearsal", "people": people, "keep": "care and home"}
    for name, question in QUESTIONS.items():
        (folder / f"{name}.yaml").write_text(json.dumps(asked | question))
    jobs = [folder / f"{name}.yaml" for name in QUESTIONS]
    run("lab", "run", folder / "lab.yaml", *jobs, "--out", folder / "r.json", "--format", "json")
    for number, name in enumerate(QUESTIONS, 1):
        answer = build_answer(*read_result(folder / "r.json", number))
        measure = next((one.key for one in answer.asked if one.key != "count"), "count")
        run(
            "result",
            "plot",
            folder / "r.json",
            "--number",
            str(number),
            "--measure",
            measure,
            "--out",
            pictures / f"{name}.png",
        )


def show_table(result: Path, columns: int) -> str:
    """Give what `tally result show` prints on a terminal of that width."""
    printed = io.StringIO()
    with (
        redirect_stdout(printed),
        mock.patch.object(terminal, "table_width", return_value=columns),
        mock.patch.object(_tables, "table_width", return_value=columns),
    ):
        _tables.print_answer(build_answer(*read_result(result)))
    return printed.getvalue()


def take_pictures(pictures: Path) -> None:
    """Take all of them."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        demo = folder / "demo"
        run("demo", "--out", demo, "--format", "json")
        (folder / "care").mkdir()
        draw_care(folder / "care", pictures)
        run("result", "plot", demo / "work.result.json", "--measure", "share", "--out", pictures / "work.png")
        run("result", "plot", demo / "employment.result.json", "--out", pictures / "map.png")
        run("result", "plot", demo / "overlap.result.json", "--measure", "share", "--out", pictures / "share.png")
        run("result", "annex", demo / "work.result.json", "--out", folder / "page.html")
        program = next(found for one in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(one)))
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((folder / "page.html").as_uri())
        for name_, width, height in (("page", 1280, 1400), ("page-phone", 380, 1400)):
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=pictures / f"{name_}.png")
        page.emulate_media(media="print")
        page.set_viewport_size({"width": PAPER, "height": 1000})
        page.screenshot(path=pictures / "page-paper.png")
        page.emulate_media(media="screen")
        for columns in (60, 120):
            text = escape(show_table(demo / "work.result.json", columns))
            page.set_content(f'<pre style="font: 14px/1.35 monospace; margin: 12px; width: max-content">{text}</pre>')
            page.locator("pre").screenshot(path=pictures / f"table-{columns}.png")
        browser.close()


if __name__ == "__main__":
    take_pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
