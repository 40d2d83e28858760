"""The analyst's side: `tallystick.client.connect()` and the `tally` command.

    from tallystick.client import connect

    with connect() as tally:
        job = tally.submit(Path("job.yaml"))
        tally.wait(job)
        frame = tally.result(job).to_pandas()

Names are loaded when they are used, so that `tally --help` loads no gRPC.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tallystick.client.results import Result
    from tallystick.client.sdk import Client, connect

__all__ = ["Client", "Result", "connect"]

_HOMES: Final = {"Client": "sdk", "Result": "results", "connect": "sdk"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
