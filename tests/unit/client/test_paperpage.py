"""An agreement as a page of HTML: it says what the Markdown says, runs nothing, and draws who learns what."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from tallystick.client.flowpicture import draw_flow
from tallystick.client.paper import render_agreement
from tallystick.client.paperpage import render_page
from tallystick.client.tierpaper import render_tier
from tallystick.core.agreement.model import Agreement
from tests.chains import CASES, Draft, example

HOSTILE = 'A <script>alert(1)</script> | "title" & `code` &#60;b&#62; [x](javascript:1)'


def let_review(name: str, draft: Draft) -> None:
    if name == "license":
        draft["review"] = {"days": 60, "by": [draft["desk"]]}


def words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z0-9]{2,}", unescape(re.sub(r"<[^>]*>", " ", text)))


@pytest.mark.parametrize("case", CASES)
def test_a_page_says_what_the_markdown_says(case: str) -> None:
    document = example(case).bind(let_review)
    for text in (render_agreement(document), *map(render_tier, example(case).tiers().values())):
        page = render_page(text, "A title")
        told = re.sub(r"```mermaid.*?```", "", text, flags=re.DOTALL)
        body = page[page.index("<main>") :]
        assert words(body) == words(re.sub(r"^\d+\. ", "", told, flags=re.MULTILINE))
        ET.fromstring(body[: body.index("</main>") + len("</main>")])


@pytest.mark.parametrize("case", CASES)
def test_the_picture_names_everybody_and_is_well_formed(case: str) -> None:
    agreed = example(case).bind(let_review).read(Agreement)
    picture = draw_flow(agreed)
    ET.fromstring(picture)
    told = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))
    for name in (*agreed.parties, *agreed.approvers, *agreed.analysts, *agreed.datasets, "coordinator", "reviewers"):
        assert name in told
    assert "every cell, before small ones are hidden" in re.sub(r"\s+", " ", told)
    assert "dashed" in picture
    assert "reviewers" not in draw_flow(example(case).agreement())


def test_no_text_of_an_agreement_is_a_mark_on_its_page() -> None:
    def change(name: str, draft: Draft) -> None:
        if name == "license":
            draft["title"] = HOSTILE
            draft["clauses"]["users"] = HOSTILE
            draft["review"] = {"days": 1, "by": ["schools"]}

    document = example("tribal").bind(change)
    page = render_page(render_agreement(document), HOSTILE, draw_flow(document.read(Agreement)))
    assert "<script" not in page
    assert "javascript:1)</a>" not in page
    assert "<a " not in page
    assert unescape(page).count("<script>alert(1)</script>") >= 3, "it is shown as it was written"
