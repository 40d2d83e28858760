"""What comes along with notices: newer views alone count, and bounds hold whatever a coordinator sends."""

from __future__ import annotations

from tallystick.core.net.chunks import MessageName
from tallystick.crypto.machine import Ref
from tallystick.node.offers import MOST_BYTES, MOST_VIEWS, OfferedMessages, OfferedViews
from tallystick.v1.relay_pb2 import Notice
from tallystick.v1.types_pb2 import Envelope, JobView

JOB = bytes(range(32))
NAME = MessageName(JOB, 1, Ref("seed", "labor", "housing"))


def notice(version: int, job: bytes = JOB) -> Notice:
    return Notice(job=job, version=version, view=JobView(job=job, version=version))


def test_s41_a_view_that_an_answer_overtook_does_not_count() -> None:
    """An older view would name an earlier attempt, and fail a job that nobody lied about."""
    views = OfferedViews()
    assert views.take(JOB) is None
    views.hear(notice(3))
    views.hear(notice(5))
    views.hear(notice(4))
    taken = views.take(JOB)
    assert taken is not None
    assert taken.version == 5
    assert views.take(JOB) is None
    views.note(JobView(job=JOB, version=7))
    for version in (6, 7):
        views.hear(notice(version))
        assert views.take(JOB) is None
    views.hear(notice(8))
    assert views.take(JOB) is not None
    views.forget(JOB)
    views.hear(notice(1))
    assert views.take(JOB) is not None


def test_a_notice_without_a_view_offers_nothing() -> None:
    views = OfferedViews()
    views.hear(Notice(job=JOB, version=9))
    assert views.take(JOB) is None


def test_views_of_ever_more_jobs_are_not_kept() -> None:
    views = OfferedViews()
    jobs = [number.to_bytes(32, "big") for number in range(MOST_VIEWS + 3)]
    for job in jobs:
        views.hear(notice(1, job))
    assert [views.take(job) is not None for job in jobs] == [True] * MOST_VIEWS + [False] * 3


def test_envelopes_wait_for_their_message_up_to_a_bound() -> None:
    held = OfferedMessages()
    envelopes = [Envelope(ref=NAME.wire(), sequence=number, sealed=bytes(MOST_BYTES // 4)) for number in range(6)]
    held.hear(envelopes)
    assert held.take(MessageName(JOB, 2, NAME.ref)) == []
    assert held.take(NAME) == envelopes[:3]
    assert held.take(NAME) == []
    held.hear(envelopes[:2])
    held.clear()
    assert held.take(NAME) == []


def test_envelopes_that_a_second_stream_brings_again_are_kept_once() -> None:
    """The node's connection broke off before it read them: twice the same would not be a message."""
    held = OfferedMessages()
    envelopes = [Envelope(ref=NAME.wire(), sequence=number, sealed=bytes([number])) for number in range(3)]
    held.hear(envelopes[:2])
    held.hear(envelopes)
    assert held.take(NAME) == envelopes
    held.hear(envelopes[1:])
    assert held.take(NAME) == []
