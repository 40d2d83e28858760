"""A job's view from the coordinator to an analyst: what the one builds, the other reads, whatever stands in it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.client.views import view_of
from tallystick.coordinator.progress import Reported
from tallystick.coordinator.records import FailureRecord
from tallystick.coordinator.server.convert import job_view_message
from tallystick.coordinator.views import JobView, Waiting
from tallystick.core.documents import sign_document
from tallystick.core.job.lifecycle import FINAL, JobState, Phase
from tallystick.core.net.status import printable
from tallystick.v1 import types_pb2 as pb
from tests import governance

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
COUNTS = st.integers(0, (1 << 63) - 1)
ATTEMPTS = st.integers(1, 3)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001  # hypothesis adds it
    lambda moment: moment.replace(microsecond=0)
)


@cache
def documents() -> tuple[bytes, bytes, bytes]:
    """Give a signed job's digest, the job, and an approval of it."""
    terms = governance.agreement()
    job = governance.job(terms)
    document = sign_document("job", job, "ana", governance.identity("ana"))
    return bytes.fromhex(document.digest), document.encode(), governance.approval(job, terms, "labor").encode()


@st.composite
def views(draw: st.DrawFn) -> JobView:
    """Draw a view as an analyst gets it: without hellos and inbox."""
    digest, document, approval = documents()
    return JobView(
        job=digest,
        version=draw(COUNTS),
        state=draw(st.sampled_from(JobState)),
        attempt=draw(ATTEMPTS),
        phase=draw(st.none() | st.sampled_from(Phase)),
        document=draw(st.sampled_from([document, b"unread"])),
        approvals=draw(st.sampled_from([(), (approval,), (b"unread", approval)])),
        hellos=(),
        inbox=(),
        progress=tuple(draw(st.lists(st.builds(Reported, TEXTS, st.sampled_from(Phase), COUNTS, COUNTS, MOMENTS), max_size=3))),
        failures=tuple(
            draw(st.lists(st.builds(FailureRecord, ATTEMPTS, TEXTS, TEXTS, TEXTS, TEXTS, st.booleans()), max_size=3))
        ),
        waiting=tuple(draw(st.lists(st.builds(Waiting, TEXTS, TEXTS, st.booleans()), max_size=3))),
        submitted=draw(MOMENTS),
        ended=draw(st.none() | MOMENTS),
    )


@settings(max_examples=100, deadline=None)
@given(views())
def test_an_analyst_reads_what_the_coordinator_built(view: JobView) -> None:
    read = view_of(pb.JobView.FromString(job_view_message(view).SerializeToString()))
    assert (read.job, read.version, read.state, read.attempt) == (view.job.hex(), view.version, view.state, view.attempt)
    assert read.phase == (view.phase or "")
    assert read.over == (view.state in FINAL)
    known = view.document != b"unread"
    assert (read.title, read.analyst) == (("", "ana") if known else ("", ""))
    assert read.approved == (("labor",) if view.approvals else ())
    assert [(w.party, w.phase, w.done, w.total, w.heard) for w in read.work] == [
        (r.party, r.phase, r.done, r.total, r.heard.timestamp()) for r in view.progress
    ]
    assert [(r.party, r.code, r.message, r.hint) for r in read.reasons] == [
        # no terminal obeys what another party says
        (printable(f.party), printable(f.code), printable(f.message), printable(f.hint))
        for f in view.failures
    ]
    assert [(w.party, w.for_what, w.connected) for w in read.waiting] == [
        (w.party, w.for_what, w.connected) for w in view.waiting
    ]
    assert (read.submitted, read.ended) == (view.submitted.timestamp(), view.ended.timestamp() if view.ended else 0)
