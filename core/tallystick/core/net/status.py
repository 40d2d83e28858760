"""Errors over gRPC, both ways: an interceptor turns exceptions into statuses, a function turns statuses into exceptions.

Outward go the code, the public message and the hint of a `TallyError`; of anything else, `internal` and nothing more. They
travel as trailing metadata (`tally-code`, `tally-message-bin`, `tally-hint-bin`) beside the gRPC status.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import grpc
import grpc.aio

from tallystick.core.errors import CATALOGUE, Broken, Invalid, NotReady, Refused, TallyError
from tallystick.core.exhaustion import explain_exhaustion
from tallystick.crypto.errors import PeerFault

CODE: Final = "tally-code"
KIND: Final = "tally-kind"
MESSAGE: Final = "tally-message-bin"
HINT: Final = "tally-hint-bin"
MAX_TEXT_BYTES: Final = 2000

# grpc's classes are generic for type checkers alone, so these names stand as text
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]
Around: TypeAlias = "Callable[[Context], AbstractAsyncContextManager[None]]"

_KINDS: Final[dict[str, type[TallyError]]] = {kind.__name__.lower(): kind for kind in (Refused, Invalid, NotReady, Broken)}
_BY_KIND: Final[dict[type[TallyError], grpc.StatusCode]] = {
    Refused: grpc.StatusCode.FAILED_PRECONDITION,
    Invalid: grpc.StatusCode.INVALID_ARGUMENT,
    NotReady: grpc.StatusCode.UNAVAILABLE,
    Broken: grpc.StatusCode.INTERNAL,
}
_BY_CODE: Final[dict[str, grpc.StatusCode]] = {
    "not-enrolled": grpc.StatusCode.UNAUTHENTICATED,
    "invite-invalid": grpc.StatusCode.PERMISSION_DENIED,
    "not-allowed": grpc.StatusCode.PERMISSION_DENIED,
    "job-unknown": grpc.StatusCode.NOT_FOUND,
    "agreement-unknown": grpc.StatusCode.NOT_FOUND,
    "job-duplicate": grpc.StatusCode.ALREADY_EXISTS,
    "busy": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "too-large": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "version-mismatch": grpc.StatusCode.FAILED_PRECONDITION,
    "protocol-broken": grpc.StatusCode.INVALID_ARGUMENT,
}
_FROM_STATUS: Final[dict[grpc.StatusCode, tuple[type[TallyError], str, str, str]]] = {
    grpc.StatusCode.UNAVAILABLE: (
        NotReady,
        "unavailable",
        "the coordinator cannot be reached",
        "is its address right?",
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (NotReady, "unavailable", "the coordinator did not answer in time", "try again"),
    grpc.StatusCode.CANCELLED: (NotReady, "unavailable", "the call was cut off", "try again"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (NotReady, "busy", "the coordinator takes no more calls at the moment", "try again"),
    grpc.StatusCode.UNAUTHENTICATED: (
        Refused,
        "not-enrolled",
        "the coordinator does not accept this certificate",
        "join again with a new invitation",
    ),
    grpc.StatusCode.PERMISSION_DENIED: (Refused, "not-allowed", "the caller may not do this", ""),
    grpc.StatusCode.UNIMPLEMENTED: (
        Refused,
        "version-mismatch",
        "the coordinator does not know this call",
        "compare the versions of both",
    ),
}

_CUT_OFF: Final = frozenset(
    {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.ABORTED, grpc.StatusCode.DATA_LOSS}
)
"""Statuses with which gRPC itself ends a call (a stream that was reset, say): the coordinator's own errors carry a code of ours. They say
nothing about the call, so it may be made again."""

_TOO_LARGE: Final = ("larger than max", "metadata size exceeds")
"""How gRPC's own words begin to say that a message or its metadata is over a limit, which no later try changes."""


def broke_off(failure: grpc.RpcError) -> bool:
    """Say whether gRPC itself ended a call that had begun: nobody refused it, so it may be made again where it may be made twice."""
    call = cast("grpc.aio.AioRpcError", failure)
    return call.code() in _CUT_OFF and CODE not in {key for key, _ in call.trailing_metadata() or ()}


def status_of(error: TallyError) -> grpc.StatusCode:
    """Give the gRPC status of an error: by its code, else by its kind."""
    by_kind = next((status for kind, status in _BY_KIND.items() if isinstance(error, kind)), grpc.StatusCode.INTERNAL)
    return _BY_CODE.get(error.code, by_kind)


def metadata_of(error: TallyError) -> tuple[tuple[str, str | bytes], ...]:
    """Give the trailing metadata of an error: what `read_error` reads back."""
    kind = next((name for name, kind in _KINDS.items() if isinstance(error, kind)), "broken")
    return ((CODE, error.code), (KIND, kind), (MESSAGE, _cut(error.message)), (HINT, _cut(error.hint)))


def read_error(error: grpc.RpcError) -> TallyError:
    """Give the error that a failed call stands for, to be raised by the caller.

    What the peer says is checked: an unknown code becomes what the gRPC status alone says.
    """
    call = cast("grpc.aio.AioRpcError", error)
    status = call.code()
    trailing = {key: value for key, value in (call.trailing_metadata() or ())}  # noqa: C416  # pairs of metadata are no plain tuples
    code = _text(trailing.get(CODE, ""))
    if code in CATALOGUE:
        kind = _KINDS.get(_text(trailing.get(KIND, "")), Broken)
        return kind(code, _text(trailing.get(MESSAGE, "")) or CATALOGUE[code], hint=_text(trailing.get(HINT, "")))
    if status == grpc.StatusCode.RESOURCE_EXHAUSTED and any(words in (call.details() or "") for words in _TOO_LARGE):
        return Refused("too-large", CATALOGUE["too-large"], detail=f"gRPC status {status.name}")
    if broke_off(error):
        return NotReady(
            "unavailable", "the connection to the coordinator broke off", hint="try again", detail=f"gRPC status {status.name}"
        )
    kind, code, message, hint = _FROM_STATUS.get(status, (Broken, "internal", "the coordinator failed", "its log says why"))
    return kind(code, message, hint=hint, detail=f"gRPC status {status.name}")


def public(error: BaseException) -> TallyError:
    """Give what the outside may know of an exception; of one that nobody foresaw, nothing."""
    if isinstance(error, TallyError):
        return error
    if isinstance(error, PeerFault):
        return Broken("protocol-broken", str(error), detail=error.rule)
    if isinstance(error, OSError | MemoryError):
        code, message, hint = explain_exhaustion(error, "the coordinator")
        return NotReady(code, message, hint=hint)
    return Broken("internal", CATALOGUE["internal"], hint="the log of the party that failed says more")


class Faults(grpc.aio.ServerInterceptor):
    """Maps every exception of every handler to a status; outermost, so that no servicer can forget it."""

    def __init__(self) -> None:
        import structlog  # clients, who read statuses here too, log nothing

        self._log = structlog.get_logger("rpc")

    async def intercept_service(self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Wrap the handler of one call."""
        handler = await continuation(handler_call_details)
        return wrap_handler(handler, lambda context: self._translate_errors(context, str(handler_call_details.method)))

    @contextlib.asynccontextmanager
    async def _translate_errors(self, context: Context, method: str) -> AsyncIterator[None]:
        try:
            yield
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001  # the one place where whatever happened must become a status
            outward = public(error)
            if outward is error:
                self._log.info("refused", method=method, code=outward.code, detail=outward.detail)
            else:
                self._log.error("failed", method=method, code=outward.code, error=type(error).__name__, where=origin(error))
            await context.abort(status_of(outward), outward.message[:MAX_TEXT_BYTES], metadata_of(outward))


def origin(error: BaseException) -> str:
    """Give where an exception came from, `file.py:line`, for a log: its text might hold data, its place does not."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def wrap_handler(handler: Handler | None, around: Around) -> Handler:
    """Give a handler that runs inside `around(context)`; a method that nobody handles stays unhandled (UNIMPLEMENTED)."""
    if handler is None:
        return handler  # type: ignore[return-value]  # grpc takes None here; its types do not say so
    shape = ("stream" if handler.request_streaming else "unary") + "_" + ("stream" if handler.response_streaming else "unary")
    behaviour = getattr(handler, shape)

    async def streaming(request: Any, context: Context) -> AsyncIterator[Any]:
        async with around(context):
            async for response in behaviour(request, context):
                yield response

    async def answering(request: Any, context: Context) -> Any:
        async with around(context):
            return await behaviour(request, context)

    make = getattr(grpc, f"{shape}_rpc_method_handler")
    inner = streaming if handler.response_streaming else answering
    return cast("Handler", make(inner, handler.request_deserializer, handler.response_serializer))


def _cut(text: str) -> bytes:
    return text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore").encode()


def printable(text: str) -> str:
    """Give a text of another party without what a terminal would obey: each character that does not print becomes a space."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _text(value: str | bytes) -> str:
    return printable((value.decode(errors="replace") if isinstance(value, bytes) else value)[:MAX_TEXT_BYTES])
