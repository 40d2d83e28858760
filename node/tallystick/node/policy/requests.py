"""What the local policy says of a request for one client's fields.

It looks at who asks for what and for which purpose, and never at the person or the consent: how long an answer takes must not depend on them.
"""

from __future__ import annotations

from typing import Final

from tallystick.core.consent.asking import RecordRequest
from tallystick.node.policy.model import Decision, Policy, RequestRule

_STRICTNESS: Final[dict[Decision, int]] = {"auto": 0, "ask": 1, "never": 2}
_FACETS: Final = ("agreement", "agency", "worker", "role", "purpose", "dataset")


def judge_request(policy: Policy, request: RecordRequest) -> Decision:
    """Give the strictest decision over all fields; what no rule matches is never answered."""
    decisions: list[Decision] = [
        max(
            (rule.decision for rule in policy.requests if _covers(rule, request, name)),
            key=_STRICTNESS.__getitem__,
            default="never",
        )
        for name in request.fields
    ]
    return max(decisions, key=_STRICTNESS.__getitem__)


def _covers(rule: RequestRule, request: RecordRequest, field: str) -> bool:
    return rule.field in {None, field} and all(getattr(rule, facet) in {None, getattr(request, facet)} for facet in _FACETS)
