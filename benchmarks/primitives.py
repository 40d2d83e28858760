"""The parts of a job, one by one: masks, hash to curve, Paillier, envelopes. Products are in products.py.

usage: primitives.py
"""

from __future__ import annotations

import numpy as np

from benchmarks.report import median_seconds, table, write_section
from tallystick.crypto import envelope, kernel, masks, paillier, signing, tags
from tallystick.crypto.points import random_points
from tallystick.crypto.randomness import SystemRandomness

POINTS = 4096


def main() -> None:
    """Measure and write the section."""
    randomness = SystemRandomness()
    rows: list[tuple[str, str, str]] = []

    points = random_points(randomness, POINTS)
    scalar = masks.new_scalar(randomness)
    tokens = b"".join(f"{i:09d}19800101".encode() for i in range(POINTS))
    offsets = np.arange(POINTS + 1, dtype=np.int64) * 17
    each = {
        f"mask ({kernel.chosen()})": lambda: kernel.mask(scalar, points),
        f"hash to curve ({kernel.chosen()})": lambda: kernel.hash_to_curve(tags.DST, bytes(48), tokens, offsets),
        f"check a point ({kernel.chosen()})": lambda: kernel.first_bad_point(points),
        f"tag ({kernel.chosen()})": lambda: kernel.hash_tags(bytes(48), points),
    }
    for name, work in each.items():
        seconds = median_seconds(work, repeats=3) / POINTS
        rows.append((name, f"{seconds * 1e6:.2f} µs", f"{1 / seconds:,.0f} a second on one core"))

    left, right = COLUMNS
    pairs = tuple((i, j) for i in range(left) for j in range(right))
    layout = products.Layout(left=left, right=right, pairs=pairs, primes=(1,) * len(pairs), slots=SLOTS)
    keys, key = products.new_keys(1, randomness), bytes(32)
    ones = np.ones((right, SLOTS), dtype=np.int64)
    workers = SerialWorkers()
    sent = list(products.encrypted_columns(keys, ones[:left], layout, randomness, workers, key=key))
    answer, _ = products.products(sent, ones, layout, randomness, workers, key=key, sender="b")
    seconds = median_seconds(
        lambda: list(products.encrypted_columns(keys, ones[:left], layout, randomness, workers, key=key)), repeats=3
    )
    rows.append(
        ("encrypt 8,192 slots", f"{seconds / layout.sent_ciphertexts * 1e3:.2f} ms", f"{len(sent[-1]):,} bytes on the wire")
    )
    seconds = median_seconds(lambda: products.products(sent, ones, layout, randomness, workers, key=key, sender="b"), repeats=3)
    rows.append(
        (
            f"{left} × {right} products of {SLOTS:,} slots",
            f"{seconds * 1e3:.0f} ms",
            "parse, expand c1, multiply, add, mask, flood, drop the modulus",
        )
    )
    seconds = median_seconds(lambda: products.opened_products(keys, answer, layout, workers, key=key, sender="b"), repeats=3)
    rows.append(
        ("open a product", f"{seconds / layout.returned_ciphertexts * 1e3:.2f} ms", f"{len(answer[-1]):,} bytes on the wire")
    )

    private = paillier.generate()
    value = 1 << 2990
    sealed = paillier.encrypt(private.public, [value], randomness)
    seconds = median_seconds(lambda: paillier.encrypt(private.public, [value], randomness), repeats=3)
    rows.append(("Paillier encryption", f"{seconds * 1e3:.1f} ms", "3,000 bits of cells: 88 counts"))
    seconds = median_seconds(lambda: paillier.decrypted(private, sealed), repeats=3)
    rows.append(("Paillier decryption", f"{seconds * 1e3:.1f} ms", ""))

    receiver, sender = envelope.SealingKey.generate(), randomness.take(32)
    header = envelope.Header(bytes(32), 1, "points:a", "a", "b", 0, last=True)
    plain = bytes(envelope.CHUNK)
    body, signature = envelope.sealed(header, plain, receiver.public, sender)
    seconds = median_seconds(lambda: envelope.sealed(header, plain, receiver.public, sender))
    rows.append(("seal and sign 512 KiB", f"{seconds * 1e3:.2f} ms", f"{0.5 / seconds:,.0f} MiB a second"))
    public = signing.public_of(sender)
    seconds = median_seconds(lambda: envelope.opened(header, body, signature, receiver, public))
    rows.append(("verify and open 512 KiB", f"{seconds * 1e3:.2f} ms", f"{0.5 / seconds:,.0f} MiB a second"))

    text = table(("what", "median", "that is"), rows)
    write_section("primitives", "Primitives, one core", text)
    print(text)


if __name__ == "__main__":
    main()
