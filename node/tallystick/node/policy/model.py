"""An agency's local policy: data, read from its own configuration.

A policy is a list of rules. A rule's decision holds for every demand that it matches; what it leaves out matches anything.
Where several rules match, the strictest holds; what no rule matches is never allowed, so an empty policy allows nothing.

    rules:
      - {decision: ask, dataset: ui_wages}
      - {decision: auto, dataset: ui_wages, analyst: jane, operation: count}     # has no effect: the rule above is stricter
      - {decision: never, column: wage, purpose: marketing}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tallystick.core.agreement.model import Operation
from tallystick.core.model import ColumnName, Document, Name
from tallystick.core.yaml import read_yaml

Decision = Literal["auto", "ask", "never"]
FACETS = ("agreement", "analyst", "purpose", "dataset", "column", "operation")


class PolicyRule(Document):
    """One rule.

    Attributes:
        decision: auto (the node approves), ask (a steward decides), never.
        agreement, analyst, purpose, dataset, column, operation: what it is about; None is anything.
    """

    decision: Decision
    agreement: Name | None = None
    analyst: Name | None = None
    purpose: Name | None = None
    dataset: Name | None = None
    column: ColumnName | None = None
    operation: Operation | None = None


class RequestRule(Document):
    """One rule about requests for one client's fields.

    Attributes:
        decision: auto (the node answers), ask (a steward decides), never.
        agreement, agency, worker, role, purpose, dataset, field: what it is about; None is anything.
    """

    decision: Decision
    agreement: Name | None = None
    agency: Name | None = None
    worker: Name | None = None
    role: Name | None = None
    purpose: Name | None = None
    dataset: Name | None = None
    field: Name | None = None


class RequestRetention(Document):
    """How long a node keeps what was asked about clients.

    Attributes:
        given_days: days, of requests that gave something, or of which this agency does not know.
        nothing_days: days, of requests that gave nothing.
    """

    given_days: Annotated[int, Field(ge=2, le=36_500)]
    nothing_days: Annotated[int, Field(ge=2, le=36_500)]


class Policy(Document):
    """All rules of an agency, in the order of its file: those about jobs, and those about requests for one client's fields.

    Attributes:
        rules: about jobs.
        requests: about requests.
        keep_requests: when requests are forgotten; None: they are kept as long as the node's state.
    """

    rules: tuple[PolicyRule, ...] = ()
    requests: tuple[RequestRule, ...] = ()
    keep_requests: RequestRetention | None = None


def read_policy(path: Path) -> Policy:
    """Read a policy file; an empty file is an empty policy.

    Raises:
        Invalid: `file-missing`, `yaml-invalid`, `document-invalid`.
    """
    value = read_yaml(path, what="policy")
    return Policy.read({} if value is None else value, what="policy")
