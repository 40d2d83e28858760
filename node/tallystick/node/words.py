"""What the coordinator's words about a job can mean, and which cannot be true: pure functions."""

from __future__ import annotations

from tallystick.core.documents import decode_document
from tallystick.core.errors import Broken, TallyError
from tallystick.core.job.hello import MAX_ATTEMPTS, Hello
from tallystick.core.job.lifecycle import JobState
from tallystick.node.ports import KeptJob
from tallystick.v1.types_pb2 import JobState as WireState
from tallystick.v1.types_pb2 import JobView


def state_of(view: JobView) -> JobState:
    """Give a view's state.

    Raises:
        Broken: `protocol-broken`: one that is not known.
    """
    name = WireState.Name(view.state).removeprefix("JOB_STATE_").lower()
    if name not in set(JobState):
        raise Broken("protocol-broken", "the coordinator tells a state that is not known")
    return JobState(name)


def has_said_hello(agency: str, view: JobView) -> bool:
    """Tell whether the coordinator holds a hello of ours for this attempt: then another process of ours had its key."""
    hellos = [decode_document(data, kind="hello").read(Hello) for data in view.hellos]
    return any((hello.agency, hello.attempt) == (agency, view.attempt) for hello in hellos)


def find_lie(agency: str, kept: KeptJob | None, view: JobView) -> TallyError | None:
    """Find what stands against a word about a job that has not ended, if anything does: rules 2 and 4 of `jobs.py`."""
    attempt, known = view.attempt, 0 if kept is None else kept.attempt
    if attempt < known or attempt > MAX_ATTEMPTS:
        return Broken(
            "protocol-broken",
            f"the coordinator tells of attempt {attempt} where {agency} knows of {known}, and there are {MAX_ATTEMPTS}",
        )
    if known < attempt and has_said_hello(agency, view):
        return Broken(
            "state-corrupt",
            f"{agency} said hello in this attempt and its node does not know of it: its state is of an earlier time",
            hint="a restored state folder forgets what left the node; submit the question again as a new job",
        )
    return None
