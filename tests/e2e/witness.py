"""Runs `tally` as it is, and writes down the secrets that it makes, for a test that then looks for them (S-04).

    python witness.py FILE ARGUMENTS…

The product has no such door: this file wraps the functions that make keys, from outside, before the command begins. Each line of FILE
is a JSON pair, kind and hexadecimal bytes.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tallystick.core.net import environment  # before gRPC
from tallystick.crypto import masks, paillier, products, tags
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.kernel import Points


def secrets_of_scalar(scalar: bytes, _: Any) -> Iterable[tuple[str, bytes]]:
    """A mask."""
    yield "scalar", scalar


def secrets_of_seeds(secret: bytes, arguments: Any) -> Iterable[tuple[str, bytes]]:
    """The job secret, and what each agency gave to it."""
    common: Mapping[str, bytes] = arguments[0]
    yield "job-secret", secret
    yield from (("contribution", part) for part in common.values())


def secrets_of_paillier(key: paillier.PrivateKey, _: Any) -> Iterable[tuple[str, bytes]]:
    """The desk's primes."""
    yield "prime", key.p
    yield "prime", key.q


def secrets_of_products(keys: products.SecretKeys, _: Any) -> Iterable[tuple[str, bytes]]:
    """The encryptor's keys: 64 bytes of each."""
    yield from (("bfv", secret[len(secret) // 2 :][:64]) for secret in keys.secrets)


def secrets_of_list(_: tags.OwnList, arguments: Any) -> Iterable[tuple[str, bytes]]:
    """The tokens of all people, by pass."""
    passes: Mapping[str, tags.TokenColumn] = arguments[0]
    for name, column in passes.items():
        for start, end, usable in zip(column.offsets, column.offsets[1:], column.usable, strict=False):
            if usable:
                yield f"token {name}", bytes(column.data[start:end])


def watched(note: Callable[[str, bytes], None], made: Callable[..., Any], secrets: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that the secrets it makes are noted."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        result = made(*arguments, **keywords)
        for kind, value in secrets(result, arguments):
            note(kind, value)
        return result

    return call


def watched_list(note: Callable[[str, bytes], None], made: Callable[..., tags.OwnList]) -> Callable[..., tags.OwnList]:
    """Wrap what makes a list, which makes its points as they are read: they are noted as they come."""
    listed = watched(note, made, secrets_of_list)

    def noted(blocks: Iterator[Points]) -> Iterator[Points]:
        for block in blocks:
            for point in block:
                note("masked-point", point.tobytes())
            yield block

    def call(*arguments: Any, **keywords: Any) -> tags.OwnList:
        result: tags.OwnList = listed(*arguments, **keywords)
        return replace(result, blocks=noted(result.blocks))

    return call


def main(file: Path) -> None:
    """Wrap, then run the command."""
    assert environment.in_time()
    lock = threading.Lock()

    def note(kind: str, value: bytes) -> None:
        with lock, file.open("a", encoding="ascii") as out:
            out.write(json.dumps([kind, value.hex()]) + "\n")

    masks.new_scalar = watched(note, masks.new_scalar, secrets_of_scalar)
    tags.job_secret = watched(note, tags.job_secret, secrets_of_seeds)
    tags.own_list = watched_list(note, tags.own_list)
    paillier.generate = watched(note, paillier.generate, secrets_of_paillier)
    products.new_keys = watched(note, products.new_keys, secrets_of_products)
    generate = SealingKey.generate

    def new_key(_: type[SealingKey], *arguments: Any) -> SealingKey:
        key = generate(*arguments)
        note("sealing", key.private_bytes()[:64])
        note("sealing", key.private_bytes()[64:])
        return key

    SealingKey.generate = classmethod(new_key)  # type: ignore[method-assign, assignment]  # from outside, for this process alone

    from tallystick.client.cli import main as tally

    tally(sys.argv[1:])


if __name__ == "__main__":
    main(Path(sys.argv.pop(1)))
