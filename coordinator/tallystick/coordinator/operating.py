"""How the operator's command asks a running coordinator, reads the rows of one that does not run, and prints either."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tallystick.coordinator.app import Coordinator
from tallystick.coordinator.server.local import DRIVER_SOCKET, SOCKET
from tallystick.coordinator.views import write_moment
from tallystick.coordinator.watching import show_job
from tallystick.core.errors import NotReady
from tallystick.core.ids import short
from tallystick.core.net.channel import LOCAL_OPTIONS  # before grpc
from tallystick.core.net.place import target
from tallystick.core.net.status import read_error
from tallystick.core.terminal import print_table
from tallystick.v1.operator_pb2 import OperatorStatusRequest
from tallystick.v1.operator_pb2_grpc import OperatorStub

# isort: split
import grpc

SECONDS: Final = 10.0
CONNECTED_WITHIN_S: Final = 10


def ask_status(state: Path, *, ended: bool) -> dict[str, Any]:
    """Ask the running coordinator how it is; give what `Watching.status` gave.

    Raises:
        NotReady: `unavailable`: it does not run, or does not answer.
    """
    socket = next((state / name for name in (SOCKET, DRIVER_SOCKET) if (state / name).exists()), state / SOCKET)
    hint = "start it: tally coordinator serve"
    if not socket.exists():
        raise NotReady("unavailable", "the coordinator does not run here", hint=hint)
    credentials = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
    with target(socket) as place, grpc.secure_channel(place, credentials, options=list(LOCAL_OPTIONS)) as channel:
        try:
            answer = OperatorStub(channel).Status(OperatorStatusRequest(all=ended), timeout=SECONDS)
        except grpc.RpcError as error:
            detail = read_error(error).code
            raise NotReady("unavailable", "the coordinator does not answer", hint=hint, detail=detail) from error
    value: dict[str, Any] = json.loads(answer.status)
    return value


def read_status(made: Coordinator, *, ended: bool) -> dict[str, Any]:
    """Read what the rows say of jobs and parties; who is connected is as old as the rows."""
    seen, now = made.storage.connection_times(), datetime.now(UTC)

    def lately(party: str) -> bool:
        return party in seen and (now - seen[party]).total_seconds() <= CONNECTED_WITHIN_S

    jobs = [show_job(made.jobs, made.watching.views, record, lately) for record in made.storage.jobs(ended=ended)]
    parties = {party: write_moment(at) for party, at in sorted(seen.items())}
    return {"jobs": [job.json_value() for job in jobs], "parties": parties}


def print_status(value: dict[str, Any]) -> None:
    """Print how the coordinator is: itself, members, jobs."""
    if "coordinator" in value:
        print_table(("what", "value"), list(value["coordinator"].items()))
        members = {**dict.fromkeys(value["parties"], ""), **value["connected"]}
        called = {name.partition(" ")[2]: at for name, at in value["called"].items()}
        rows = [(name, since, called.get(name, value["parties"].get(name))) for name, since in sorted(members.items())]
        print_table(("node", "connected since", "last contact"), rows)
    print_table(
        ("job", "agreement", "analyst", "state", "phase", "since", "attempt", "bytes", "waiting for", "submitted"),
        [
            (
                short(job["job"]),
                job["agreement"],
                job["analyst"],
                job["state"],
                job["phase"],
                job["phases"][-1]["since"] if job["phases"] else "",
                job["attempt"],
                f"{job['bytes']:,}" if job["bytes"] else "",
                "; ".join(write_wait(one) for one in job["waiting"]),
                job["submitted"],
            )
            for job in value["jobs"]
        ],
    )


def write_wait(one: dict[str, Any]) -> str:
    """Write who is waited for, for what, and what keeps them."""
    text = f"{one['party']} ({one['for']}{'' if one['connected'] else ', not connected'})"
    if one.get("message"):
        text += f": {one['message']}" + (f" since {one['since']}" if "since" in one else "")
    return text + (f"; {one['hint']}" if one.get("hint") else "")
