"""Every view of a node's people and its message: there and back nothing is lost, and nothing but typed fields travels.

Strategies are drawn from the dataclasses' own types, so that a field without a translation fails here.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.core.documents import sign_document
from tallystick.core.errors import Broken, Invalid
from tallystick.core.job.lifecycle import JobState
from tallystick.core.job.model import AgreementRef, Job
from tallystick.node import accounts, asked, views
from tallystick.node.asked import AskedHere, OwnGroup
from tallystick.node.local import codes as local_codes
from tallystick.node.local import convert
from tallystick.node.local.codes import Codes
from tallystick.node.local.convert import TRANSLATIONS, Translation
from tallystick.node.local.values import MAX_DEPTH, read_cell, read_fields, read_value, write_value
from tallystick.records import survey, usable
from tallystick.v1 import steward_pb2 as pb
from tests import governance

COUNTS = st.integers(0, (1 << 64) - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DIGESTS = st.binary(min_size=32, max_size=32)
NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,20}", fullmatch=True)
BYTES = st.binary(max_size=40)
CELLS = st.none() | st.booleans() | st.integers(-(1 << 200), 1 << 200) | st.floats(allow_nan=False) | TEXTS
TREES = st.recursive(CELLS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8)
FIELDS = st.dictionaries(TEXTS, TREES, max_size=4)
REFERENCES = st.builds(AgreementRef, agreement=NAMES, version=st.integers(0, (1 << 32) - 1), digest=DIGESTS.map(bytes.hex))

BY_FIELD: dict[tuple[type, str], st.SearchStrategy[Any]] = {
    (views.Health, "agreements"): st.dictionaries(TEXTS, st.integers(-(1 << 31), (1 << 31) - 1), max_size=3),
    (views.Health, "certificate_days"): st.none() | st.integers(-(1 << 31), (1 << 31) - 1),
    (views.Health, "most_jobs"): st.integers(0, (1 << 32) - 1),
    (views.SessionStatus, "job"): DIGESTS.map(bytes.hex),
    (views.SessionStatus, "attempt"): st.integers(0, (1 << 32) - 1),
    (views.JobSummary, "job"): DIGESTS.map(bytes.hex),
    (views.PastJob, "job"): DIGESTS.map(bytes.hex),
    (OwnGroup, "columns"): st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=2).map(tuple), TEXTS), max_size=2).map(tuple),
    (views.StewardQuorum, "need"): st.integers(0, (1 << 32) - 1),
    (views.Candidate, "linkage"): FIELDS,
    (views.Candidate, "disclosure"): FIELDS,
    (views.LogEntry, "details"): FIELDS,
    (views.LogEntry, "chain"): DIGESTS,
    (accounts.NoiseAccount, "version"): st.integers(0, (1 << 32) - 1),
    **{(accounts.NoiseAccount, name): st.fractions() for name in ("epsilon", "spent", "budget")},
    (views.ToldHead, "size"): COUNTS,
    (views.ToldHead, "head"): DIGESTS,
    (views.ToldHead, "document"): st.binary(max_size=40),
}
"""Fields that hold less, or more, than their types say."""


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Give a strategy for a type that views use."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is views.JobDetail:
        return details()
    if hint is views.Candidate:
        return candidates()
    if dataclasses.is_dataclass(hint):
        return of_view(hint)  # type: ignore[arg-type]  # a class, not an instance
    if hint is AgreementRef:
        return REFERENCES
    if hint is JobState:
        return st.sampled_from(JobState)
    if origin is tuple:
        return st.lists(of_type(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(of_type(arguments[0]), of_type(arguments[1]), max_size=3)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, UnionType}:
        return st.one_of(*(of_type(one) for one in arguments))
    known: dict[Any, st.SearchStrategy[Any]] = {
        int: COUNTS,
        str: TEXTS,
        bool: st.booleans(),
        bytes: BYTES,
        type(None): st.none(),
    }
    return known[hint]


def of_view(view: type) -> st.SearchStrategy[Any]:
    """Give a strategy for a view, field by field."""
    hints = get_type_hints(view)
    return st.builds(
        view, **{name: BY_FIELD[view, name] if (view, name) in BY_FIELD else of_type(hints[name]) for name in hints}
    )


@cache
def job_document() -> tuple[str, bytes, Job]:
    """Give a signed job: its digest, its document, itself."""
    job = governance.job(governance.agreement())
    document = sign_document("job", job, "ana", governance.identity("ana"))
    return document.digest, document.encode(), job


@st.composite
def candidates(draw: st.DrawFn) -> views.Candidate:
    """Draw a candidate: every row has as many cells as there are columns."""
    columns = draw(st.lists(TEXTS, max_size=4, unique=True).map(tuple))
    cells = st.tuples(*(CELLS for _ in columns))
    rows = draw(st.lists(st.builds(views.CandidateRow, cells, st.lists(TEXTS, max_size=2).map(tuple)), max_size=3).map(tuple))
    return views.Candidate(
        draw(st.binary(min_size=32, max_size=32)).hex(), columns, rows, draw(COUNTS), draw(FIELDS), draw(FIELDS)
    )


@st.composite
def details(draw: st.DrawFn) -> views.JobDetail:
    """Draw a job in full, about a job that is signed."""
    digest, document, _ = job_document()
    summary = dataclasses.replace(draw(of_view(views.JobSummary)), job=digest)
    return views.JobDetail(
        summary, document, draw(of_view(views.JobTerms) | TEXTS), draw(st.none() | candidates()),
        draw(st.none() | of_view(AskedHere)), draw(st.lists(of_view(views.PastJob), max_size=2).map(tuple)),
    )  # fmt: skip


def detail(**changes: Any) -> views.JobDetail:
    digest, document, job = job_document()
    summary = views.JobSummary(
        digest, None, "ana", "planning", job.agreement, job.deadline, JobState.RUNNING, "", "", "", "", ()
    )
    return dataclasses.replace(views.JobDetail(summary, document, "it ended", None), **changes)


@pytest.mark.parametrize("translation", TRANSLATIONS, ids=lambda one: one.view.__name__)
def test_every_view_comes_back_as_it_was(translation: Translation[Any, Any]) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(of_type(translation.view))
    def there_and_back(view: Any) -> None:
        sent = translation.to_message(view).SerializeToString()
        again = translation.from_message(translation.message.FromString(sent))
        assert again == view
        if not isinstance(view, views.ReviewState):  # bytes alone
            assert repr(again.json_value()) == repr(view.json_value())  # tells 1, 1.0 and True apart, and the order of names

    there_and_back()


def test_every_answer_and_every_view_has_a_translation() -> None:
    answers = {method.output_type.name for method in pb.DESCRIPTOR.services_by_name["Steward"].methods}
    assert answers == {one.message.DESCRIPTOR.name for one in TRANSLATIONS}
    inside = {hint for one in TRANSLATIONS for hint in dataclasses_of(one.view)}
    homes = {accounts.__name__, views.__name__, asked.__name__, survey.__name__, usable.__name__}
    seen = [
        *vars(accounts).values(),
        *vars(views).values(),
        *vars(asked).values(),
        *vars(survey).values(),
        *vars(usable).values(),
    ]
    every = {one for one in seen if getattr(one, "__module__", "") in homes and dataclasses.is_dataclass(one)}
    assert inside == every
    assert all(vars(one)["__dataclass_params__"].frozen for one in every)


def dataclasses_of(hint: Any) -> set[type]:
    """Give the dataclasses that a type is made of, itself among them."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return {hint}.union(*(dataclasses_of(one) for one in get_type_hints(hint).values()))
    return set().union(*(dataclasses_of(one) for one in get_args(hint)))


def test_no_enum_lacks_a_value_or_sends_unspecified() -> None:
    enums = pb.DESCRIPTOR.enum_types_by_name
    pairs: dict[str, Codes[Any]] = {
        "AwaitedDecision": local_codes.AWAITS,
        "Decision": local_codes.DECISIONS,
        "PolicyVerdict": local_codes.VERDICTS,
        "ReasonClass": local_codes.REASON_CLASSES,
    }
    assert set(enums) == set(pairs)
    for name, codes in pairs.items():
        enum = enums[name]
        for value in enum.values:
            if value.number == 0:
                with pytest.raises(Broken):
                    codes.value(0)
            else:
                assert codes.number(codes.value(value.number)) == value.number
        with pytest.raises(Broken) as caught:
            codes.value(1 + max(value.number for value in enum.values))
        assert caught.value.code == "protocol-broken"


def test_no_text_of_a_message_is_json() -> None:
    """All that a job shows at the desk, tables and reports among it, travels in fields of its own."""
    candidate = views.Candidate(
        "ab" * 32,
        ("tanf.region", "count", "suppressed"),
        (views.CandidateRow(("north", 17, None), ("mean(wages.earnings)",)),),
        1,
        {"people": {"tanf": 40, "wages": None}, "passes": [{"pass": "ssn", "matches": 12}]},
        {"rows_hidden": {"small-cell": 2}},
    )
    terms = views.JobTerms({"labor": ("how many",)}, ("labor",), {"labor": views.StewardQuorum(2, ("sue", "tom"))})
    told = list(texts(convert.JOB_DETAIL.to_message(detail(terms=terms, candidate=candidate))))
    assert {"north", "how many", "passes", "small-cell"} <= set(told)
    assert [text for text in told if text[:1] in {"{", "["}] == []


def texts(message: Message) -> Iterator[str]:
    """Give every text of a message and of the messages within."""
    for field, value in message.ListFields():
        for one in value if field.is_repeated else (value,):
            if isinstance(one, Message):
                yield from texts(one)
            elif isinstance(one, str):
                yield one


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_decimal_that_is_not_finite_is_not_lost_either(bad: float) -> None:
    again = read_value(write_value(bad))
    assert isinstance(again, float)
    assert repr(again) == repr(bad)


@pytest.mark.parametrize("digits", ["", "-", "007", "12", "1" * 1001, "1e30", "\u0669" * 30, "9223372036854775807"])
def test_large_numbers_are_digits_beyond_64_bits_and_nothing_else(digits: str) -> None:
    with pytest.raises(Broken) as caught:
        read_cell(pb.Value(large=digits))
    assert caught.value.code == "protocol-broken"


def test_what_is_no_value_is_refused_on_the_way_out() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert read_value(write_value(deep)) == deep
    for bad in ([deep], b"bytes", 10**1001):
        with pytest.raises(Invalid) as caught:
            write_value(bad)  # type: ignore[arg-type]  # on purpose
        assert caught.value.code == "document-invalid"


def test_a_document_of_another_job_is_not_shown() -> None:
    """What a steward signs over is what the node showed: the digest is checked at the reader's end."""
    message = convert.JOB_DETAIL.to_message(detail())
    message.summary.job = bytes(32)
    with pytest.raises(Broken) as caught:
        convert.JOB_DETAIL.from_message(message)
    assert caught.value.code == "protocol-broken"


def test_messages_that_are_no_views_are_refused() -> None:
    summary, entry = convert.JOB_SUMMARY, convert.LOG_ENTRY
    whole = convert.JOB_DETAIL.to_message(detail())
    short = pb.JobSummary()
    short.CopyFrom(whole.summary)
    short.job = b"short"
    nameless = pb.JobSummary()
    nameless.CopyFrom(whole.summary)
    nameless.agreement.agreement = "No Name"
    termless = pb.JobDetail(summary=whole.summary, document=whole.document)
    unread = pb.JobDetail(summary=whole.summary, document=b"{}", problem="it ended")
    ragged = pb.JobDetail()
    ragged.CopyFrom(whole)
    ragged.candidate.columns.append("count")
    ragged.candidate.rows.add()
    twice = pb.Fields(fields=[pb.Field(name="a"), pb.Field(name="a")])
    cases: list[tuple[Any, Any]] = [
        (summary.from_message, short),
        (summary.from_message, nameless),
        (convert.JOB_DETAIL.from_message, termless),
        (convert.JOB_DETAIL.from_message, unread),
        (convert.JOB_DETAIL.from_message, ragged),
        (convert.DATASET_CHECK.from_message, pb.DatasetCheck(dataset="wages")),
        (entry.from_message, pb.LogEntry(number=1, chain=b"short")),
        (read_fields, twice),
        (read_cell, pb.Value(list=pb.Values())),
    ]
    for read, message in cases:
        with pytest.raises(Broken) as caught:
            read(message)
        assert caught.value.code == "protocol-broken"
