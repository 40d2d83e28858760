"""The analyst's library: ask, watch, fetch.

    with connect() as tally:
        job = tally.submit(question)
        tally.wait(job)
        result = tally.result(job)
        result.to_pandas()

Calls block; each has a deadline, but for `wait` and `watch`, which last as long as the job. One that is too much for the coordinator
at the moment is made again for about a minute. What a call raises is a `TallyError` whose code stands in docs/errors.md.

There is no second library with `async` calls. A job waits for people to approve it, and what a caller could do meanwhile it can do
from a thread: `await asyncio.to_thread(tally.wait, job)`. One library is one place where a result is checked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from tallystick.client.asking import DEADLINE, new_job
from tallystick.client.checking import Report, report_on
from tallystick.client.profile import AnalystProfile, Network, open_profile
from tallystick.client.questions import make_question
from tallystick.client.results import Result, open_direct_result, result_of
from tallystick.client.views import JobProgress, view_of
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.documents import SignedDocument, read_document
from tallystick.core.errors import NotReady, Refused
from tallystick.core.ids import resolve_digest
from tallystick.core.job.model import Job, Question
from tallystick.core.job.release import release_of
from tallystick.core.linkage.passes.ladders import LADDERS
from tallystick.core.net import channel as net
from tallystick.core.net import tls
from tallystick.core.net.asking import ask
from tallystick.core.net.joining import exchange_invitation, read_invitation
from tallystick.core.net.patience import wait_before
from tallystick.core.net.status import read_error
from tallystick.crypto import paillier
from tallystick.v1 import jobs_pb2, jobs_pb2_grpc, types_pb2

T = TypeVar("T")

DIGEST_DIGITS: Final = 64
MAX_RESULT_BYTES: Final = 64 * 1024 * 1024
RECONNECTS: Final = 20
"""How often in a row a watch may be cut off before it gives up."""


class Client:
    """A connection to one network's coordinator, as one analyst or approver. Use it in a `with` statement."""

    def __init__(self, profile: AnalystProfile, *, clock: Clock | None = None) -> None:
        """Open a channel with the certificate of a profile; one that has little left of its life is renewed first.

        Raises:
            Invalid: `not-enrolled`.
        """
        self.profile = profile
        self.network: Network = profile.network
        self._clock = clock or SystemClock()
        if profile.membership.due(self._clock.now()):
            with suppress(NotReady, Refused):  # the calls that follow say what is wrong
                profile.membership.renew(self.network.address)
        self._credentials = profile.membership.credentials()
        self._channel = net.blocking_channel(self.network.address, self._credentials)
        self._jobs = jobs_pb2_grpc.JobsStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def check(
        self,
        question: Question | Mapping[str, Any] | Path,
        agreement: SignedDocument | Path | None = None,
        *,
        people: Mapping[str, int] | None = None,
    ) -> Report:
        """Say what stands against a question, who must approve it and what each party would learn; nothing is sent.

        Args:
            question: as in `submit`.
            agreement: as in `submit`.
            people: sizes of the groups, for an estimate of the work.

        Raises:
            Invalid: what cannot be read; what stands against the question is in the report.
        """
        asked = make_question(question)
        document = read_document(agreement, kind="agreement") if isinstance(agreement, Path) else agreement
        document = document or self.profile.agreement(asked.agreement)
        return report_on(asked, document, None, people or {})

    def submit(
        self,
        question: Question | Mapping[str, Any] | Path,
        agreement: SignedDocument | Path | None = None,
        *,
        deadline: timedelta = DEADLINE,
    ) -> str:
        """Sign a question as a job and hand it in; give its digest.

        The key of its result, and then the job, are on disk before anything is sent.

        Args:
            question: what is asked, as `build_question` makes it; a job file's content; or the path of a job file.
            agreement: the signed agreement, or the file of it; without one, the one of that name used last.
            deadline: how long it may take, approvals included.

        Raises:
            Invalid, Refused: what stands against it, here or at the coordinator.
            NotReady: `unavailable`: it is kept; `resubmit` sends it again.
        """
        return self._submit_all([make_question(question)], agreement, deadline)[0]

    def submit_ladders(
        self,
        question: Question | Mapping[str, Any] | Path,
        agreement: SignedDocument | Path | None = None,
        *,
        deadline: timedelta = DEADLINE,
    ) -> dict[str, str]:
        """Sign a question as three jobs, one for each ladder, and hand them in; give their digests by ladder, strict to loose.

        Nothing is handed in unless the agreement allows all three.

        Args:
            question: as in `submit`; its own `link` is put aside.
            agreement: as in `submit`.
            deadline: as in `submit`.

        Raises:
            As `submit`.
        """
        asked = make_question(question)
        each = [Question.read(asked.json_value() | {"link": ladder}, what="job") for ladder in LADDERS]
        return dict(zip(LADDERS, self._submit_all(each, agreement, deadline), strict=True))

    def _submit_all(
        self, questions: Sequence[Question], agreement: SignedDocument | Path | None, deadline: timedelta
    ) -> list[str]:
        document = read_document(agreement, kind="agreement") if isinstance(agreement, Path) else agreement
        document = document or self.profile.agreement(questions[0].agreement)
        agreed = self.profile.keep_agreement(document, clock=self._clock)
        now, identity = self._clock.now(), self.profile.identity
        made = []
        for asked in questions:
            direct = release_of(asked, agreed) == "direct"
            recipient = paillier.generate() if direct else None
            public = None if recipient is None else recipient.public
            job, key = new_job(asked, agreed, document.digest, identity, now=now, deadline=deadline, recipient=public)
            made.append((job, key, recipient))
        for job, key, recipient in made:
            self.profile.keep_job(job, key, recipient)
        for job, *_ in made:
            self._submit(job)
        return [job.digest for job, *_ in made]

    def resubmit(self, name: str) -> JobProgress:
        """Hand in a job again whose submission was cut off; one that arrived is not asked twice."""
        _, document, _ = self.profile.job(name)
        return self._submit(document)

    def _submit(self, document: SignedDocument) -> JobProgress:
        request = jobs_pb2.SubmitRequest(document=document.encode())
        return view_of(self._ask(lambda: self._jobs.Submit(request, timeout=net.CALL_SECONDS)))

    def jobs(self, *, ended: bool = False) -> list[JobProgress]:
        """Give the jobs that we may see; also those that have ended, where asked."""
        answer = self._ask(lambda: self._jobs.List(jobs_pb2.ListRequest(all=ended), timeout=net.CALL_SECONDS))
        return [view_of(job) for job in answer.jobs]

    def show(self, name: str) -> JobProgress:
        """Give a job as it is now.

        Args:
            name: its digest, or as many of its first digits as name one job.
        """
        return view_of(self._fetch_view(name))

    def watch(self, name: str) -> Iterator[JobProgress]:
        """Give a job as it is now, and again at each change, until it ends; a connection that is cut off is taken up again."""
        request = jobs_pb2.ShowRequest(job=self._digest(name))
        cut = 0
        while True:
            try:
                with _translate_errors():
                    for message in self._jobs.Watch(request, wait_for_ready=cut > 0):
                        view = view_of(message)
                        cut = 0
                        yield view
                        if view.over:
                            return
                cut += 1
            except NotReady as error:
                cut += 1
                if cut > RECONNECTS:
                    raise
                if error.code == "busy":
                    time.sleep(wait_before(cut))
            if cut > RECONNECTS:
                raise NotReady("unavailable", "the coordinator ends every watch at once", hint="try again later")

    def wait(self, name: str, *, tell: Callable[[JobProgress], None] | None = None) -> JobProgress:
        """Wait until a job ends; give its last view."""
        last = None
        for view in self.watch(name):
            last = view
            if tell is not None:
                tell(view)
        assert last is not None  # a watch ends with a view or an error
        return last

    def cancel(self, name: str) -> JobProgress:
        """End a job; nothing of it that is not released will open."""
        request = jobs_pb2.ShowRequest(job=self._digest(name))
        return view_of(self._ask(lambda: self._jobs.Cancel(request, timeout=net.CALL_SECONDS)))

    def approve(self, name: str, approval: SignedDocument) -> JobProgress:
        """Hand in an approver's signed decision."""
        request = jobs_pb2.ApproveRequest(job=self._digest(name), document=approval.encode())
        return view_of(self._ask(lambda: self._jobs.Approve(request, timeout=net.CALL_SECONDS)))

    def document(self, name: str) -> bytes:
        """Give a job as its analyst signed it."""
        return self._fetch_view(name).document

    def decisions(self, name: str) -> tuple[bytes, tuple[bytes, ...]]:
        """Give a job as its analyst signed it, and the signed decisions about it."""
        view = self._fetch_view(name)
        return view.document, tuple(view.approvals)

    def result(self, name: str) -> Result:
        """Fetch a released result, open it, check everything that proves it, and keep it in the profile.

        The same result again has the same bytes.

        Raises:
            Refused: a check fails.
            Invalid: `job-state`: not released; `job-unknown`: not asked from this profile, so there is no key here.
        """
        digest, job, key = self.profile.job(name)
        sealed = self._ask(lambda: self._fetch_sealed(digest))
        if job.read(Job).recipient is None:
            result = result_of(sealed, job, key)
        else:
            result = open_direct_result(sealed, job, key, self.profile.recipient(digest), self.profile.identity)
        self.profile.keep_result(digest, result.encode())
        return result

    def _fetch_sealed(self, digest: str) -> bytes:
        sealed = bytearray()
        for piece in self._jobs.Result(jobs_pb2.ShowRequest(job=bytes.fromhex(digest)), timeout=net.STREAM_SECONDS):
            sealed += piece.data
            if len(sealed) > MAX_RESULT_BYTES:
                raise Refused("too-large", f"the result is longer than {MAX_RESULT_BYTES} bytes")
        return bytes(sealed)

    def _fetch_view(self, name: str) -> types_pb2.JobView:
        request = jobs_pb2.ShowRequest(job=self._digest(name))
        return self._ask(lambda: self._jobs.Show(request, timeout=net.CALL_SECONDS))

    def _ask(self, call: Callable[[], T]) -> T:
        return ask(self.network.address, self._credentials, call)

    def _digest(self, name: str) -> bytes:
        known = self.profile.jobs()
        if len(name) == DIGEST_DIGITS:
            return bytes.fromhex(resolve_digest(name, [name]))
        if not any(digest.startswith(name) for digest in known):
            known = [view.job for view in self.jobs(ended=True)]
        return bytes.fromhex(resolve_digest(name, known))


def connect(profile: Path | str | None = None) -> Client:
    """Connect as the profile at a folder, at $TALLY_HOME, or at ~/.config/tallystick.

    Raises:
        Invalid: `not-enrolled`: it has not joined a network.
    """
    return Client(open_profile(None if profile is None else Path(profile)))


def join(invitation: Path, profile: AnalystProfile) -> Network:
    """Exchange an invitation for a certificate and keep it in the profile.

    Raises:
        Invalid: `file-missing`, `invite-invalid`, `file-missing` (no profile).
        Refused: `invite-invalid`: used, expired, or not an analyst's.
    """
    card = read_invitation(invitation)
    if card.role == "agency":
        raise Refused("invite-invalid", "this invitation is for an agency", hint="an agency joins with: tally node join")
    profile.identity  # noqa: B018  # a profile without a key could do nothing with a certificate
    shown = exchange_invitation(card, tls.new_key())
    return profile.enrol(card, shown)


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn what gRPC raises into the error that it stands for."""
    import grpc  # after core/net/channel.py, which sets what gRPC reads once

    try:
        yield
    except grpc.RpcError as error:
        raise read_error(error) from error
