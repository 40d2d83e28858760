"""Errors over gRPC: every code comes back as it went, and of what nobody foresaw nothing goes out (S-27)."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from structlog.testing import capture_logs

from tallystick.core.errors import CATALOGUE, Broken, Invalid, NotReady, Refused, TallyError
from tallystick.core.net.status import Faults, metadata_of, origin, printable, public, read_error, status_of
from tallystick.crypto.errors import LocalFault, PeerFault


def went_through(error: TallyError) -> TallyError:
    failed = grpc.aio.AioRpcError(status_of(error), grpc.aio.Metadata(), grpc.aio.Metadata(*metadata_of(error)))
    return read_error(failed)


@pytest.mark.parametrize("kind", [Refused, Invalid, NotReady, Broken])
@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_error_comes_back_as_it_went(kind: type[TallyError], code: str) -> None:
    error = kind(code, "Überschrift: nothing", hint="try — again", detail="for the log")
    back = went_through(error)
    assert (type(back), back.code, back.message, back.hint) == (kind, code, error.message, error.hint)
    assert "for the log" not in str(back.args) + back.detail


def test_long_texts_are_cut_between_characters() -> None:
    back = went_through(Refused("disk", "ü" * 5000, hint="x" * 5000))
    assert back.message == "ü" * 1000
    assert len(back.hint) == 2000


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (grpc.StatusCode.UNAVAILABLE, "unavailable"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "unavailable"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "busy"),
        (grpc.StatusCode.UNIMPLEMENTED, "version-mismatch"),
        (grpc.StatusCode.UNKNOWN, "internal"),
    ],
)
def test_a_status_without_a_code_of_ours_has_a_meaning(status: grpc.StatusCode, code: str) -> None:
    bare = grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(("tally-code", "made-up")))
    assert read_error(bare).code == code


@pytest.mark.parametrize("status", ["INTERNAL", "UNKNOWN", "ABORTED", "DATA_LOSS"])
def test_s49_what_grpc_itself_breaks_off_means_later(status: str) -> None:
    error = read_error(grpc.aio.AioRpcError(grpc.StatusCode[status], grpc.aio.Metadata(), grpc.aio.Metadata()))
    assert (error.code, type(error)) == ("unavailable", NotReady)


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ("CLIENT: Sent message larger than max (2 vs. 1)", "too-large", Refused),
        ("SERVER: Received message larger than max (1048600 vs. 1048576)", "too-large", Refused),
        ("received metadata size exceeds hard limit", "too-large", Refused),
        ("Stream removed: enhance your calm", "busy", NotReady),
        ("", "busy", NotReady),
    ],
)
def test_s49_what_is_too_much_for_now_is_not_taken_for_what_is_too_large(words: str, code: str, kind: type[TallyError]) -> None:
    status = grpc.StatusCode.RESOURCE_EXHAUSTED
    error = read_error(grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(), details=words))
    assert (error.code, type(error)) == (code, kind)


def test_s27_what_nobody_foresaw_says_nothing() -> None:
    secret = "123-45-6789"
    for error in (ValueError(secret), KeyError(secret), LocalFault("rule", secret), RuntimeError(secret)):
        outward = public(error)
        assert outward.code == "internal"
        assert secret not in str(outward) + str(metadata_of(outward))
    assert public(OSError(28, secret)).code == "disk"
    assert secret not in str(public(OSError(28, secret)))
    assert "labor" in public(PeerFault("point-invalid", "point 3 is off the curve", sender="labor")).message


def test_s27_the_interceptor_answers_and_logs_without_data() -> None:
    secret = "078-05-1120"

    class Service:
        async def unary(self, request: bytes, context: Any) -> bytes:
            if request == b"refuse":
                raise Refused("job-unknown", "none", hint="list", detail="count 3")
            if request == b"abort":
                await context.abort(grpc.StatusCode.DATA_LOSS, "own words")
            raise ValueError(secret)

        async def stream(self, request: bytes, context: Any) -> Any:
            yield b"one"
            raise KeyError(secret)

    async def run() -> None:
        service = Service()
        handlers: dict[str, Any] = {
            "Unary": grpc.unary_unary_rpc_method_handler(service.unary),
            "Stream": grpc.unary_stream_rpc_method_handler(service.stream),
        }
        server = grpc.aio.server(interceptors=[Faults()])
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
                unary: Any = channel.unary_unary("/t.T/Unary")
                for request, code, status in (
                    (b"refuse", "job-unknown", grpc.StatusCode.NOT_FOUND),
                    (b"fail", "internal", grpc.StatusCode.INTERNAL),
                    (b"abort", "unavailable", grpc.StatusCode.DATA_LOSS),
                ):
                    with pytest.raises(grpc.aio.AioRpcError) as caught:
                        await unary(request, timeout=5)
                    assert (read_error(caught.value).code, caught.value.code()) == (code, status)
                    assert secret not in str(caught.value)
                stream: Any = channel.unary_stream("/t.T/Stream")
                call = stream(b"", timeout=5)
                assert await call.read() == b"one"
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await call.read()
                assert read_error(caught.value).code == "internal"
                missing: Any = channel.unary_unary("/t.T/None")
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await missing(b"", timeout=5)
                assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        finally:
            await server.stop(None)

    with capture_logs() as logs:
        asyncio.run(run())
    assert secret not in str(logs)
    failed = [entry for entry in logs if entry["event"] == "failed"]
    assert {entry["error"] for entry in failed} == {"ValueError", "KeyError"}
    assert all(entry["where"].startswith("test_status.py:") for entry in failed)
    assert next(entry for entry in logs if entry["event"] == "refused")["detail"] == "count 3"


def test_an_exception_that_was_never_raised_has_no_origin() -> None:
    assert origin(ValueError()) == ""


def test_s40_words_of_another_party_hold_nothing_that_a_terminal_obeys() -> None:
    assert printable("Zoë\x1b[31m\r\n\t\x9b\u202e") == "Zoë [31m     "
