"""Products of columns of two agencies: encryption, multiplication, opening, and what travels.

usage: products.py [--before CHECKOUT]

With --before the same is measured in turns with an earlier checkout of this project, in processes of their own, and the
two stand side by side. CHECKOUT is a folder, such as `git worktree add ../before e205766` makes.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import table, write_section

HERE = Path(__file__).parents[1]
ROOMS = ("crypto", "core", "node", "coordinator", "client", "proto")
SLOTS = 4 * 8192
COLUMNS = (4, 5)
TURNS = 7
REPEATS = 5
NAMES = {
    "encrypt": "encrypt 8,192 slots",
    "multiply": f"{COLUMNS[0]} × {COLUMNS[1]} products of {SLOTS:,} slots",
    "open": "open a product",
}
BYTES = {"sent": "a column's block on the wire", "returned": "a product on the wire", "upload": "all columns of that table"}


def fastest(work: Callable[[], object]) -> float:
    """Give the shortest processor time of some calls, after one that does not count; all of it is in one thread."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def measure() -> dict[str, float]:
    """Measure the tree that this process imports: seconds and bytes."""
    from tallystick.crypto import products  # of the tree that PYTHONPATH names
    from tallystick.crypto.randomness import SystemRandomness
    from tallystick.crypto.workers import SerialWorkers

    randomness, workers = SystemRandomness(), SerialWorkers()
    left, right = COLUMNS
    pairs = tuple((i, j) for i in range(left) for j in range(right))
    layout = products.Layout(  # type: ignore[attr-defined]  # older trees have it there; newer ones import it there
        left=left, right=right, pairs=pairs, primes=(1,) * len(pairs), slots=SLOTS
    )
    values = np.random.default_rng(1).integers(0, 100_000, (right, SLOTS))
    api: Any = products
    encrypt_columns = getattr(api, "encrypt_columns", None) or api.encrypted_columns  # older trees say it so
    open_products = getattr(api, "open_products", None) or api.opened_products
    if "key" in inspect.signature(encrypt_columns).parameters:
        keys, key = api.new_keys(1, randomness), bytes(32)

        def encrypt() -> list[bytes]:
            return list(encrypt_columns(keys, values[:left], layout, randomness, workers, key=key))

        def multiply(sent: list[bytes]) -> list[bytes]:
            return list(api.products(sent, values, layout, randomness, workers, key=key, sender="b")[0])

        def opened(answer: list[bytes]) -> object:
            return open_products(keys, answer, layout, workers, key=key, sender="b")
    else:  # before c1 was expanded from a key
        keys = api.new_keys(1)

        def encrypt() -> list[bytes]:
            return list(encrypt_columns(keys, values[:left], layout, workers))

        def multiply(sent: list[bytes]) -> list[bytes]:
            return list(api.products(sent, values, layout, randomness, workers, sender="b")[0])

        def opened(answer: list[bytes]) -> object:
            return open_products(keys, answer, layout, workers, sender="b")

    sent = encrypt()
    answer = multiply(sent)
    ciphertexts = 1 + left * layout.blocks
    return {
        "encrypt": fastest(encrypt) / ciphertexts,
        "multiply": fastest(lambda: multiply(sent)),
        "open": fastest(lambda: opened(answer)) / len(pairs),
        "sent": len(sent[-1]),
        "returned": len(answer[-1]),
        "upload": sum(map(len, sent)),
    }


def measured(tree: Path) -> dict[str, float]:
    """Measure a tree in a process of its own."""
    rooms = [str(tree / room) for room in ROOMS]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*rooms, str(HERE)])}
    command = [sys.executable, "-m", "benchmarks.products", "--measure"]
    done = subprocess.run(command, cwd=HERE / "benchmarks", env=environment, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    """Measure and write the sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure()))
        return
    trees = {"before": options.before.resolve(), "after": HERE} if options.before else {"after": HERE}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in trees}
    for _ in range(TURNS):
        for name, tree in trees.items():
            turns[name].append(measured(tree))

    def median(name: str, what: str) -> float:
        return statistics.median(turn[what] for turn in turns[name])

    rows = [(text, *(f"{median(name, what) * 1e3:.2f} ms" for name in trees)) for what, text in NAMES.items()]
    rows += [(text, *(f"{median(name, what):,.0f} bytes" for name in trees)) for what, text in BYTES.items()]
    how = f"Processor time of one thread: the median over {TURNS} processes of the fastest of {REPEATS} calls in each."
    if options.before:
        commit = subprocess.run(
            ["git", "-C", str(trees["before"]), "rev-parse", "--short=7", "HEAD"], check=True, capture_output=True, text=True
        ).stdout.strip()
        ratios = {
            what: statistics.median(
                after[what] / before[what] for before, after in zip(turns["before"], turns["after"], strict=True)
            )
            for what in (*NAMES, *BYTES)
        }
        rows = [(*row, f"{ratios[what]:.2f}") for what, row in zip(ratios, rows, strict=True)]
        text = table(("what", f"before ({commit})", "after", "after ÷ before"), rows)
        how += " Before and after took turns, process by process; the ratio is the median over turns."
        write_section("products-before", "Products before and after c1 was expanded from a key", f"{how}\n\n{text}")
    else:
        text = table(("what", "median"), rows)
        write_section("products", "Products of columns", f"{how}\n\n{text}")
    print(text)


if __name__ == "__main__":
    main()
