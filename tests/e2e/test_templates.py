"""S-11 on templates: each over the region through nine agencies' processes; numbers as its columns give with the links that recipes make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tallystick.client.templates.model import load_templates
from tallystick.lab.network.build import Named
from tallystick.lab.network.model import read_lab
from tallystick.lab.network.run import LabNetwork
from tests.templates import RegionRoom, ask_example

PEOPLE = 400

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", name="room")
def make_room(tmp_path_factory: pytest.TempPathFactory) -> RegionRoom:
    room = RegionRoom(tmp_path_factory.mktemp("region"), PEOPLE)
    lab = room.folder / "programs.yaml"
    text = lab.read_text(encoding="utf-8")
    assert "profile: cms" in text
    lab.write_text(text.replace("profile: cms", "profile: open") + "  decoys: 4\n", encoding="utf-8")
    return room


@pytest.fixture(scope="module", name="network")
def run_network(room: RegionRoom) -> Iterator[LabNetwork]:
    with LabNetwork(read_lab(room.folder / "programs.yaml"), Named(("region",), ("rehearsal",))) as network:
        yield network


@pytest.mark.parametrize("name", list(load_templates()))
def test_s11_a_template_gives_the_numbers_of_the_joined_files(room: RegionRoom, network: LabNetwork, name: str) -> None:
    """Columns in the clear are held against pandas by tests/unit/client/test_templates.py; here links are those of the recipes."""
    question = ask_example(name)
    outcome = network.ask(question)
    assert outcome.status == "released", outcome.reasons
    assert outcome.result is not None
    assert outcome.result.answer.question.caveats == load_templates()[name].caveats
    assert outcome.result.value["rows"] == room.open_in_clear(question, "open", linked=True).rows
