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
        f"mask ({kernel.choose_path()})": lambda: kernel.mask(scalar, points),
        f"hash to curve ({kernel.choose_path()})": lambda: kernel.hash_to_curve(tags.DST, bytes(48), tokens, offsets),
        f"check a point ({kernel.choose_path()})": lambda: kernel.first_bad_point(points),
        f"tag ({kernel.choose_path()})": lambda: kernel.hash_tags(bytes(48), points),
    }
    for name, work in each.items():
        seconds = median_seconds(work, repeats=3) / POINTS
        rows.append((name, f"{seconds * 1e6:.2f} µs", f"{1 / seconds:,.0f} a second on one core"))

    private = paillier.generate()
    value = 1 << 2990
    sealed = paillier.encrypt(private.public, [value], randomness)
    seconds = median_seconds(lambda: paillier.encrypt(private.public, [value], randomness), repeats=3)
    rows.append(("Paillier encryption", f"{seconds * 1e3:.1f} ms", "3,000 bits of cells: 88 counts"))
    seconds = median_seconds(lambda: paillier.decrypt_ciphertexts(private, sealed), repeats=3)
    rows.append(("Paillier decryption", f"{seconds * 1e3:.1f} ms", ""))

    receiver, sender = envelope.SealingKey.generate(), randomness.take(32)
    header = envelope.Header(bytes(32), 1, "points:a", "a", "b", 0, last=True)
    plain = bytes(envelope.CHUNK)
    body, signature = envelope.seal_envelope(header, plain, receiver.public, sender)
    seconds = median_seconds(lambda: envelope.seal_envelope(header, plain, receiver.public, sender))
    rows.append(("seal and sign 512 KiB", f"{seconds * 1e3:.2f} ms", f"{0.5 / seconds:,.0f} MiB a second"))
    public = signing.public_of(sender)
    seconds = median_seconds(lambda: envelope.open_envelope(header, body, signature, receiver, public))
    rows.append(("verify and open 512 KiB", f"{seconds * 1e3:.2f} ms", f"{0.5 / seconds:,.0f} MiB a second"))

    text = table(("what", "median", "that is"), rows)
    write_section("primitives", "Primitives, one core", text)
    print(text)


if __name__ == "__main__":
    main()
