"""The analyst's side: a library, and the `tally` command.

    from tallystick.client import build_question, connect

    with connect() as tally:
        job = tally.submit(Path("job.yaml"))
        tally.wait(job)
        result = tally.result(job)
        result.to_pandas()

What is here, in the order of use; docs/guides/analyst.md uses all of it:

- `connect(profile)` gives a `Client`: `submit`, `submit_ladders`, `wait`, `watch`, `show`, `jobs`, `cancel`, `result`.
- `build_question(...)` makes a question in Python; `read_question(path)` reads a job file.
- a `Result`: `to_pandas`, `mark_hidden`, `to_arrow`, `plot`, `methods`, `rows`, `linkage`. A notebook shows it as a table with a chart.
- `load_result(path)` reads a result file and checks everything that proves it.

Names are loaded when they are used, so that `tally --help` loads no gRPC.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tallystick.client.questions import build_question, read_question
    from tallystick.client.results import Result, load_result
    from tallystick.client.sdk import Client, connect

__all__ = ["Client", "Result", "build_question", "connect", "load_result", "read_question"]

_HOMES: Final = {
    "Client": "sdk",
    "Result": "results",
    "build_question": "questions",
    "connect": "sdk",
    "load_result": "results",
    "read_question": "questions",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
