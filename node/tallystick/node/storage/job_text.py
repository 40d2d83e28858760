"""A kept job as text, as the database holds it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from tallystick.core.errors import Broken
from tallystick.node.ports import KeptJob


def write_record(record: KeptJob) -> str:
    """Write a job as it is stored; its version has a column of its own."""
    value = asdict(record) | {"seen": record.seen.isoformat(), "document": record.document.hex()}
    value["deposits"] = [deposit.hex() for deposit in record.deposits]
    value["candidate"] = None if record.candidate is None else record.candidate.hex()
    value |= {"reviews": [word.hex() for word in record.reviews]}
    value["review_begun"] = None if record.review_begun is None else record.review_begun.isoformat()
    for key in ("reviews", "review_begun"):  # earlier versions know neither
        if not value[key]:
            del value[key]
    del value["version"]
    return json.dumps(value)


def read_record(text: str, version: int) -> KeptJob:
    """Read a stored job.

    Raises:
        Broken: `state-corrupt`.
    """
    try:
        value = json.loads(text)
        value["seen"] = datetime.fromisoformat(value["seen"])
        value["document"] = bytes.fromhex(value["document"])
        value["reasons"] = tuple(value["reasons"])
        value["deposits"] = tuple(bytes.fromhex(deposit) for deposit in value["deposits"])
        value["candidate"] = None if value["candidate"] is None else bytes.fromhex(value["candidate"])
        if "reviews" in value:
            value["reviews"] = tuple(bytes.fromhex(word) for word in value["reviews"])
        if "review_begun" in value:
            value["review_begun"] = datetime.fromisoformat(value["review_begun"])
        return KeptJob(**value, version=version)
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("state-corrupt", "a stored job cannot be read", detail=type(error).__name__) from error
