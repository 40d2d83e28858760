"""Before any test: gRPC reads its cipher suites when it is imported; processes that tests interrupt must hear it; no example is timed.

After each: no database of a coordinator that ran in this process stays open, to be closed by whichever thread collects garbage later.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import settings

from tallystick.core.net import environment

assert environment.in_time(), "something imported gRPC before the tests' conftest"

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    # a shell without job control ignores it for what it runs in the background, and every child would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let slow tests take as long as they need; any other that hangs fails by itself, and the run goes on."""
    for item in items:
        if item.get_closest_marker("slow") is not None:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(autouse=True)
def _engines_end_with_their_test() -> Iterator[None]:
    used: set[sa.Engine] = set()

    def note(connection: sa.Connection) -> None:
        used.add(connection.engine)

    sa.event.listen(sa.Engine, "engine_connect", note)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "engine_connect", note)
        for engine in used:
            engine.dispose()
