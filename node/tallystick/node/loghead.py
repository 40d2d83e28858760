"""What agencies tell each other of their logs at each job: how ours stands, what we heard of theirs, and where that contradicts (S-29).

A hello carries the head of its sender's log and the head of each other participant's that the sender heard last. So every participant
keeps signed words of the others' logs, and signatures of others over its own. `tally node log verify` holds a log against them.

Security: the size of a log tells the participants and the coordinator how many entries an agency has written, for all its jobs. The head
tells nothing of them: each entry holds a random salt.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import structlog

from tallystick.core.documents import SignedDocument
from tallystick.core.job.hello import Hello, LogHead, LogWord
from tallystick.node.entries import PeerHead
from tallystick.node.ports import NodeStorage

_LOG = structlog.get_logger("node")


def tell_log(storage: NodeStorage, participants: Iterable[str], agency: str) -> LogWord:
    """Say how this agency's log stands, and what was heard last of the logs of a job's other participants.

    Raises:
        Broken: `state-corrupt`: an entry of the log was changed, left out or put in.
    """
    own = storage.log_head()
    heard = {name: storage.find_head(name) for name in sorted(participants) if name != agency}
    seen = {name: LogHead(size=head.size, head=head.head.hex()) for name, head in heard.items() if head is not None}
    return LogWord(size=own.size, head=own.head.hex(), seen=seen)


def keep_log_word(storage: NodeStorage, hello: Hello, document: SignedDocument, now: datetime) -> None:
    """Keep what another agency's hello says of its log; a second log of the same size is noted in our own (`log-forked`).

    The job goes on: an agency that lost its state and went on from a backup has another log from then on, and says so in it.
    """
    if hello.log is None:
        return
    size = hello.log.size
    said = PeerHead(hello.agency, size, bytes.fromhex(hello.log.head), document.encode(), now)
    if not storage.keep_head(said):
        storage.log("log-forked", now, hello.job, agency=hello.agency, size=size)
        _LOG.warning("log-forked", job=hello.job, agency=hello.agency, size=size)
