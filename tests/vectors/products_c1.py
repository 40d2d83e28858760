"""Makes products_c1.json: how c1 comes of a pair key (docs/protocol.md §7). Run where the suite changes, and at no other time.

python -m tests.vectors.products_c1
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tallystick.crypto.bfv import DATA, pack_residues
from tallystick.crypto.expansion import column_c1, confirmation, exchange_key, zero_c1
from tallystick.crypto.flooding import RING
from tallystick.crypto.layout import Layout
from tallystick.crypto.residues import Residues

ZEROS = (0, 3)
PLACES = ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 300, 70_000))
TOY = (97, 12289)


def vector(named: dict[str, int], place: bytes, values: Residues) -> dict[str, Any]:
    """Give one c1: where it stands, its first values under each prime, and SHA-256 over all, 7 bytes each."""
    digest = hashlib.sha256(pack_residues(values)).hexdigest()
    return {**named, "place": place.hex(), "first": values[:, :3].tolist(), "sha256": digest}


def made() -> dict[str, Any]:
    """Give the file's value."""
    exchange = {"pair_key": bytes(range(32)).hex(), "name": "columns:0", "encryptor": "housing", "multiplier": "labor"}
    key = exchange_key(bytes(range(32)), "columns:0", encryptor="housing", multiplier="labor")
    layout = Layout(2, 3, ((0, 0), (1, 2)), (1, 3), 8193)
    vectors = [vector({"prime": prime}, bytes([prime]), zero_c1(key, prime, DATA, RING)) for prime in ZEROS]
    for prime, block, column in PLACES:
        place = bytes([prime]) + block.to_bytes(4, "big") + column.to_bytes(4, "big")
        named = {"prime": prime, "block": block, "column": column}
        vectors.append(vector(named, place, column_c1(key, prime, block, column, DATA, RING)))
    return {
        "source": "this project; its test makes every value a second way",
        "licence": "Apache-2.0",
        "primes": list(DATA),
        "ring": RING,
        "exchange": exchange,
        "exchange_key": key.hex(),
        "confirmations": {
            "left": layout.left,
            "right": layout.right,
            "pairs": layout.pairs,
            "primes": layout.primes,
            "slots": layout.slots,
            "at_slots": layout.at_slots,
            "layout": layout.digest().hex(),
            "columns": confirmation(key, "columns", layout.digest()).hex(),
            "products": confirmation(key, "products", layout.digest()).hex(),
        },
        "c1": vectors,
        "toy": {"primes": TOY, "ring": 16, "values": column_c1(key, 0, 0, 0, TOY, 16).tolist()},
    }


if __name__ == "__main__":
    Path(__file__).with_suffix(".json").write_text(json.dumps(made(), indent=1) + "\n")
