"""What works on this machine: `tally doctor`."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tallystick.core.net.tls import Credentials

PARTS: Final = ("cryptography", "tenseal", "phe", "gmpy2", "numpy", "duckdb", "grpcio", "protobuf", "pydantic", "sqlalchemy")
OPTIONAL: Final = ("pandas", "pyarrow", "matplotlib", "xlsxwriter")
SAMPLE: Final = 2000
"""Points masked to measure the kernel."""


@dataclass(frozen=True)
class HealthFinding:
    """One thing that was tried.

    Attributes:
        name: what.
        works: whether it does; what is optional works without being there.
        detail: a version, a figure, or what is wrong.
        hint: what would help.
    """

    name: str
    works: bool
    detail: str
    hint: str = ""

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return asdict(self)


def findings() -> list[HealthFinding]:
    """Try everything that a node, a coordinator and an analyst need."""
    return [
        _python(),
        *(_part(name) for name in PARTS),
        *(_optional(name) for name in OPTIONAL),
        _try_part(
            "hash to curve and masks",
            _kernel,
            "install again on a machine with a C compiler, or go on with the portable kernel",
        ),
        _try_part("encrypted products (SEAL)", _products, "pip install --force-reinstall tenseal"),
        _try_part("sealed sums (Paillier)", _paillier, "pip install --force-reinstall phe gmpy2"),
        _try_part("sealed envelopes (HPKE)", _envelope, "cryptography 48 or later is needed"),
    ]


def connection_findings() -> list[HealthFinding]:
    """Try each hop to the coordinator of the profile in use; nothing where it has joined no network."""
    from tallystick.client.profile import open_profile
    from tallystick.core.clock import SystemClock
    from tallystick.core.errors import Invalid
    from tallystick.core.net.walk import walk

    profile = open_profile()
    try:
        address, credentials = profile.network.address, profile.membership.credentials()
    except Invalid:
        return []
    found = []
    for hop in walk(address, credentials, SystemClock().now(), lambda: _call(address, credentials)):
        problem = hop.problem
        detail = hop.found if problem is None else f"{problem.message} [{problem.code}]"
        found.append(
            HealthFinding(f"coordinator: {hop.name}", problem is None, detail, "" if problem is None else problem.hint)
        )
    return found


def _call(address: str, credentials: Credentials) -> None:
    """List nothing but what is open: a call that every member but an agency may make."""
    from tallystick.core.net.channel import CALL_SECONDS, blocking_channel
    from tallystick.core.net.patience import patiently
    from tallystick.v1 import jobs_pb2, jobs_pb2_grpc

    with blocking_channel(address, credentials) as channel:
        jobs = jobs_pb2_grpc.JobsStub(channel)
        patiently(lambda: jobs.List(jobs_pb2.ListRequest(), timeout=CALL_SECONDS))


def _python() -> HealthFinding:
    here = sys.version_info[:2]
    return HealthFinding(
        "Python",
        (3, 11) <= here <= (3, 13),
        f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "3.11 to 3.13",
    )


def _part(name: str) -> HealthFinding:
    try:
        return HealthFinding(name, works=True, detail=version(name))
    except PackageNotFoundError:
        return HealthFinding(name, works=False, detail="not installed", hint=f"pip install {name}")


def _optional(name: str) -> HealthFinding:
    found = _part(name)
    return (
        found
        if found.works
        else HealthFinding(name, works=True, detail="not installed; only tables and plots of results need it")
    )


def _try_part(name: str, trial: Callable[[], str], hint: str) -> HealthFinding:
    try:
        return HealthFinding(name, works=True, detail=trial())
    except Exception as error:  # noqa: BLE001  # whatever goes wrong here is the finding
        return HealthFinding(name, works=False, detail=f"{type(error).__name__}: {error}", hint=hint)


def _kernel() -> str:
    from tallystick.crypto import kernel
    from tallystick.crypto.masks import new_scalar
    from tallystick.crypto.points import random_points
    from tallystick.crypto.randomness import SystemRandomness

    randomness = SystemRandomness()
    one, two = new_scalar(randomness), new_scalar(randomness)
    points = random_points(randomness, SAMPLE)
    start = perf_counter()
    there = kernel.mask(two, kernel.mask(one, points))
    seconds = perf_counter() - start
    if (there != kernel.mask(one, kernel.mask(two, points))).any():
        raise ValueError("masks do not commute")
    return f"{kernel.choose_path()} of {', '.join(kernel.paths())}; {2 * SAMPLE / seconds:,.0f} masks a second on one core"


def _products() -> str:
    from tallystick.crypto import bfv

    start = perf_counter()
    bfv.self_test()
    return f"self-test passed in {perf_counter() - start:.2f} s"


def _paillier() -> str:
    from tallystick.crypto import paillier
    from tallystick.crypto.randomness import SystemRandomness

    start = perf_counter()
    private = paillier.generate()
    public = private.public
    sealed = [paillier.encrypt(public, [value], SystemRandomness()) for value in (17, 25)]
    if paillier.decrypt_ciphertexts(private, paillier.multiply_ciphertexts(public, sealed)) != [42]:
        raise ValueError("a sum does not open to what it should")
    return f"a key and a sum in {perf_counter() - start:.2f} s"


def _envelope() -> str:
    from tallystick.crypto.envelope import SealingKey, open_with, seal_to

    key = SealingKey.generate()
    if open_with(key, "doctor", (), seal_to(key.public, "doctor", (), b"tally"), sender="doctor") != b"tally":
        raise ValueError("an envelope does not open to what was sealed")
    return "ML-KEM-768 + X25519"
