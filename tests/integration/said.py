"""A coordinator that says one thing of a job, whatever is true, and keeps what it hears."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from tallystick.core.errors import NotReady
from tallystick.core.job.lifecycle import JobState
from tallystick.core.net.chunks import MessageName
from tallystick.node.ports import NoticeStream
from tallystick.v1.types_pb2 import Failure, JobView, MessageState, Progress


@dataclass
class Said:
    """A coordinator that says one thing, and hears all."""

    view: JobView
    hellos: list[bytes] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    messages: list[tuple[MessageName, bytes]] = field(default_factory=list)
    failures: list[tuple[int, Failure]] = field(default_factory=list)

    def attend(self) -> AbstractAsyncContextManager[NoticeStream]:
        raise NotReady("unavailable", "it gives no notices")

    async def sync(self, job: bytes) -> JobView:
        return self.view

    async def deposit(self, job: bytes, document: bytes) -> JobView:
        (self.hellos if b'"sealing_key"' in document else self.documents).append(document)
        return self.view

    async def put(self, name: MessageName, source: Any) -> MessageState:
        data = b"".join([envelope.sealed async for envelope in source(0)])
        self.messages.append((name, data))
        return MessageState(complete=True)

    async def get(self, name: MessageName, sink: Any) -> None:
        raise NotReady("unavailable", "it says no more")

    async def report_progress(self, job: bytes, attempt: int, progress: Progress) -> None:
        pass

    async def report_ended(self, job: bytes, state: JobState) -> None:
        pass

    async def report_trouble(self, job: bytes, trouble: Failure) -> None:
        pass

    async def report_failure(self, job: bytes, attempt: int, failure: Failure) -> None:
        self.failures.append((attempt, failure))
