"""What runs on a machine of the agency's cluster: blocks, and questions about the machine.

Scheduler and workers have Tallystick installed; they get names of functions of this file, and bytes.

Security: both ends unpickle what the other sends, so whoever holds a certificate of the cluster's authority runs code at the node and at
every worker. They all stand inside the agency's trust (SECURITY.md).
"""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from tallystick.core.errors import Refused

TLS: Final = "tls://"


@dataclass(frozen=True)
class Parcel:
    """A call as bytes, of a node of some release. Logs that tell of it show no bytes."""

    release: str
    data: bytes = field(repr=False)


def pack_block(function: Callable[[Any], Any], argument: object) -> Parcel:
    """Give a call as bytes; what it gives must follow from the argument alone."""
    return Parcel(find_release(), pickle.dumps((function, argument), protocol=pickle.HIGHEST_PROTOCOL))


def run_block(parcel: Parcel) -> bytes:
    """Make a call, and give what comes of it as bytes: how it went ("done", "raised", "unfit"), and the result, exception or reason.

    Security: an exception is given, not raised: a worker's log would tell of it, with its arguments.
    """
    from distributed import get_worker

    try:
        unfit = find_unfit(parcel.release, get_worker())
        if unfit:
            return pickle.dumps(("unfit", unfit))
        function, argument = pickle.loads(parcel.data)  # noqa: S301 - of this agency's node
        return pickle.dumps(("done", function(argument)), protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - it is the caller's
        return pickle.dumps(("raised", error), protocol=pickle.HIGHEST_PROTOCOL)


def open_block(data: bytes) -> Any:
    """Give the result of a call, or raise its exception.

    Raises:
        Refused: `cluster-unfit`.
        Exception: what the call raised.
    """
    how, result = pickle.loads(data)  # noqa: S301 - of this agency's worker
    if how == "raised":
        raise result
    if how == "unfit":
        raise refuse_unfit("a worker", result)
    return result


def refuse_unfit(worker: str, why: str) -> Refused:
    """Give the refusal of a worker that is not as it must be."""
    return Refused("cluster-unfit", f"{worker} of the agency's cluster must not be used: {why}", hint="see docs/cluster.md")


def find_release() -> str:
    """Give the release of Tallystick that is installed here."""
    return version("tallystick")


def find_unfit(release: str, dask_worker: Any = None) -> str:
    """Say what of a worker is not as it must be, or "".

    Args:
        release: the node's.
        dask_worker: the worker; Dask gives it.
    """
    import dask

    if find_release() != release:
        return f"it has release {find_release()} of Tallystick, and the node has {release}"
    if not str(dask_worker.address).startswith(TLS) or not dask.config.get("distributed.comm.require-encryption", None):
        return "it listens without TLS, or would: distributed.comm.require-encryption must be true"
    for name in ("target", "spill"):
        if dask.config.get(f"distributed.worker.memory.{name}", True) is not False:
            return f"it may write blocks to its disk: distributed.worker.memory.{name} must be false"
    return ""


def count_held(prefix: str, dask_worker: Any = None) -> int:
    """Say how many blocks of an attempt a worker still holds, and collect what nobody holds.

    Args:
        prefix: what names of the attempt's blocks begin with.
        dask_worker: the worker; Dask gives it.
    """
    gc.collect()
    return sum(str(name).startswith(prefix) for name in {*dask_worker.state.tasks, *dask_worker.data})


def count_known(prefix: str, dask_scheduler: Any = None) -> int:
    """Say how many blocks of an attempt the scheduler still knows, and collect what nobody holds."""
    gc.collect()
    return sum(str(name).startswith(prefix) for name in dask_scheduler.tasks)
