"""docs/templates.md has each template as it is, and the numbers that it gives."""

from __future__ import annotations

import pytest

from tallystick.client.templates.model import load_templates
from tests.docs.templates import PAGE, build_page
from tests.templates import write_example


@pytest.mark.parametrize("name", list(load_templates()))
def test_the_page_has_each_template_as_it_is(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    template = load_templates()[name]
    section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    assert write_example(name) in section
    assert all(one in section for one in (template.question, template.statute, template.reading, *template.caveats))


@pytest.mark.slow
def test_the_pages_numbers_are_those_of_the_code() -> None:
    assert build_page() == PAGE.read_text(encoding="utf-8")
