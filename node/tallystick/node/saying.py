"""What the log says of a job that is asked, and of what a node starts with (S-29): no person, no value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from tallystick.core.canonical import Json
from tallystick.core.documents import SignedDocument
from tallystick.core.job.model import Job
from tallystick.node.agreements import name_terms
from tallystick.node.config import NodeConfig


def describe_asked(job: Job) -> dict[str, Json]:
    """Say who asks what of whom, under which agreement: what an auditor finds an entry by."""
    question = job.question
    return {
        "analyst": job.analyst,
        "purpose": question.purpose,
        "agreement": question.agreement,
        "terms": job.agreement.digest,
        "datasets": [*sorted({f"{one.agency}: {one.dataset}" for one in question.people.values()})],
    }


def describe_start(config: NodeConfig, agreements: Mapping[str, SignedDocument]) -> dict[str, Json]:
    """Say what a node starts with: agreements by name and digest, and digests of its configuration and its policy.

    A policy is read afresh for each job, so a change of it while the node runs is in the log at the next start.
    """
    written = json.dumps(config.file.model_dump(mode="json"), sort_keys=True).encode()
    policy = ""
    if config.file.policy is not None:
        try:
            policy = hashlib.sha256(config.path(config.file.policy).read_bytes()).hexdigest()
        except OSError:  # nothing is allowed by it
            policy = "cannot be read"
    return {
        "agreements": [*sorted(agreements)],
        "terms": name_terms(agreements),
        "configuration": hashlib.sha256(written).hexdigest(),
        "policy": policy,
    }
