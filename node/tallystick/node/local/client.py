"""The command line's end of the Steward service: it takes and gives views, never messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import grpc

from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Broken, NotReady, TallyError
from tallystick.core.ids import DIGITS, resolve_digest
from tallystick.core.job.approval import ReasonClass
from tallystick.core.net.channel import MAX_MESSAGE_BYTES
from tallystick.core.net.place import target
from tallystick.core.net.status import read_error
from tallystick.node.accounts import NoiseAccount
from tallystick.node.local.codes import REASON_CLASSES
from tallystick.node.local.convert import (
    DATASET_CHECK,
    HEALTH,
    JOB_DETAIL,
    JOB_SUMMARY,
    LOG_ENTRY,
    NOISE_ACCOUNT,
    REVIEW_STATE,
    TOLD_HEAD,
)
from tallystick.node.views import Health, JobDetail, JobSummary, LogEntry, ReviewState, ToldHead
from tallystick.records.survey import DatasetCheck
from tallystick.v1 import steward_pb2 as pb
from tallystick.v1.steward_pb2_grpc import StewardStub

SECONDS: Final = 30.0
DATASETS_SECONDS: Final = 3600.0


class Steward:
    """Asks a running node. Methods raise what the node refused, as `TallyError`, within `steward`'s context."""

    def __init__(self, stub: StewardStub) -> None:
        """Take the service's stub."""
        self._stub = stub

    def health(self) -> Health:
        """Ask how the node is."""
        return HEALTH.from_message(self._stub.Status(pb.StatusRequest(), timeout=SECONDS))

    def pending(self) -> list[JobSummary]:
        """List the jobs that wait for a decision of this agency, oldest first."""
        return [JOB_SUMMARY.from_message(job) for job in self._stub.Pending(pb.PendingRequest(), timeout=SECONDS)]

    def show(self, job: bytes) -> JobDetail:
        """Show a job in full; `job` is its digest or the first bytes of it, here and below."""
        return JOB_DETAIL.from_message(self._stub.Show(pb.JobRequest(job=job), timeout=SECONDS))

    def find(self, name: str) -> bytes:
        """Give what a job's name stands for, as the calls below take it: any number of first digits that names one job.

        Raises:
            Invalid: `job-unknown`: for an odd number of digits, no such job, or several. An even number is looked up by the call.
        """
        if len(name) % 2 == 0:
            return bytes.fromhex(name)
        found = [digest for digit in DIGITS if (digest := self._digest_of(name + digit)) is not None]
        return bytes.fromhex(resolve_digest(name, found))

    def _digest_of(self, name: str) -> str | None:
        """Give the digest of the one job that begins so; None for none."""
        try:
            return self.show(bytes.fromhex(name)).summary.job
        except grpc.RpcError as error:
            fault = read_error(error)
            if fault.code == "job-unknown" and not fault.message.endswith(f"jobs begin with {name}"):
                return None
            raise

    def approve(self, job: bytes, documents: Sequence[SignedDocument] = ()) -> JobSummary:
        """Approve a job before it runs, with stewards' signed approvals, or release its candidate."""
        return self._decide(pb.DecideRequest(job=job, approve=pb.Approve(documents=[one.encode() for one in documents])))

    def refuse(self, job: bytes, reason_class: ReasonClass, reason: str) -> JobSummary:
        """Refuse a job; the class goes out, the reason stays at the node."""
        refusal = pb.Refuse(reason_class=REASON_CLASSES.number(reason_class), reason=reason)
        return self._decide(pb.DecideRequest(job=job, refuse=refusal))

    def review(self, job: bytes, *, begin: bool = False, words: Sequence[SignedDocument] = ()) -> ReviewState:
        """Ask how the review of a candidate stands; begin it, or hand in what reviewers signed."""
        request = pb.ReviewRequest(job=job, begin=begin, words=[one.encode() for one in words])
        return REVIEW_STATE.from_message(self._stub.Review(request, timeout=SECONDS))

    def datasets(self) -> list[DatasetCheck]:
        """Check the datasets' sources; takes as long as reading them."""
        checks = self._stub.Datasets(pb.DatasetsRequest(), timeout=DATASETS_SECONDS)
        return [DATASET_CHECK.from_message(check) for check in checks]

    def log(self, after: int, limit: int) -> list[LogEntry]:
        """Read at most `limit` entries of the log after a number, oldest first; the node checks their chain."""
        entries = self._stub.Log(pb.LogRequest(after=after, limit=limit), timeout=SECONDS)
        return [LOG_ENTRY.from_message(entry) for entry in entries]

    def heads(self) -> list[ToldHead]:
        """Read how the node's own log stands, then what other agencies said of theirs."""
        return [TOLD_HEAD.from_message(head) for head in self._stub.Heads(pb.HeadsRequest(), timeout=SECONDS)]

    def noise(self) -> list[NoiseAccount]:
        """Ask what jobs with noise cost so far, under each agreement in force that asks for noise."""
        return [NOISE_ACCOUNT.from_message(one) for one in self._stub.Noise(pb.NoiseRequest(), timeout=SECONDS)]

    def _decide(self, request: pb.DecideRequest) -> JobSummary:
        return JOB_SUMMARY.from_message(self._stub.Decide(request, timeout=SECONDS))


@contextmanager
def steward(socket: Path) -> Iterator[Steward]:
    """Give the running node's service.

    Raises:
        NotReady: `unavailable`: the node does not run.
        TallyError: what the node refused.
    """
    with open_socket(socket) as channel:
        yield Steward(StewardStub(channel))


@contextmanager
def open_socket(socket: Path) -> Iterator[grpc.Channel]:
    """Open a channel to the running node; errors are this project's, and name the node.

    Raises:
        NotReady: `unavailable`: the node does not run.
        TallyError: what the node refused.
    """
    if not socket.exists():
        raise NotReady("unavailable", "the agency's node does not run here", hint="start it: tally node serve")
    options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.enable_http_proxy", 0)]
    credentials = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
    with target(socket) as place, grpc.secure_channel(place, credentials, options=options) as channel:
        try:
            yield channel
        except grpc.RpcError as error:
            raise _local(read_error(error)) from error


def _local(fault: TallyError) -> TallyError:
    """Name the node where `read_error` names the coordinator: it reads what gRPC alone says, for every peer."""
    match fault.code:
        case "unavailable":
            return NotReady("unavailable", "the agency's node does not answer", hint="start it: tally node serve")
        case "version-mismatch" | "internal":
            return Broken(
                fault.code,
                "the agency's node failed, or is of another version than this command",
                hint="its log says why; after installing another version, start it again",
                detail=fault.detail,
            )
        case _:
            return fault
