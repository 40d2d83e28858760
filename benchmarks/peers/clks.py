"""anonlink with Bloom-filter keys (CLKs) on two CSV files; runs where clkhash and anonlink are installed, which is not here.

usage: clks.py A.csv B.csv OUT.csv

Columns are Febrl's. Bits a field are those of clkhash's own Febrl tutorial: 200 for names and birth date, 100 for each part of the
address; soc_sec_id, which the tutorial leaves out, has 200. Dice similarity of all pairs, greedy one-to-one matching. Written are
the pairs from the lowest threshold on: those of a higher one are the pairs of at least its similarity.
"""

from __future__ import annotations

import csv
import importlib
import json
import sys
from pathlib import Path
from typing import Any, Final

LOWEST: Final = 0.72
LOWEST_WITHOUT: Final = 0.66
"""Where soc_sec_id is missing. Both lie below the best threshold of every data set; much lower, and there are too many pairs to match."""
BITS: Final = {"given_name": 200, "surname": 200, "date_of_birth": 200, "soc_sec_id": 200}
DIGITS: Final = {"street_number", "postcode", "date_of_birth", "soc_sec_id"}


def main() -> None:
    """Encode, compare, match, write."""
    first, second, out = sys.argv[1:4]
    columns, left = _read(Path(first))
    _, right = _read(Path(second))
    clk, schema = importlib.import_module("clkhash.clk"), importlib.import_module("clkhash.schema")
    anonlink, bitarray = importlib.import_module("anonlink"), importlib.import_module("bitarray")
    described = schema.from_json_dict(_schema(columns))
    keys = [
        [bitarray.bitarray(one) for one in clk.generate_clks(rows, described, "a secret of both", validate=False)]
        for rows in (left, right)
    ]
    lowest = LOWEST if "soc_sec_id" in columns else LOWEST_WITHOUT
    pairs = anonlink.candidate_generation.find_candidate_pairs(keys, anonlink.similarities.dice_coefficient, lowest)
    similar = {(one, two): score for score, one, two in zip(pairs[0], *pairs[2], strict=True)}
    with Path(out).open("w", encoding="utf-8", newline="") as file:
        for group in anonlink.solving.greedy_solve(pairs):
            (_, one), (_, two) = sorted(group)
            csv.writer(file).writerow((one, two, f"{similar[one, two]:.6f}"))


def _schema(columns: list[str]) -> dict[str, Any]:
    """Give clkhash's description of these columns."""
    features = [
        {
            "identifier": column,
            "format": {"type": "string", "encoding": "utf-8"},
            "hashing": {
                "comparison": {"type": "ngram", "n": 1, "positional": True} if column in DIGITS else {"type": "ngram", "n": 2},
                "strategy": {"bitsPerFeature": BITS.get(column, 100)},
                "hash": {"type": "doubleHash"},
                "missingValue": {"sentinel": ""},
            },
        }
        for column in columns
    ]
    derivation = {"type": "HKDF", "hash": "SHA256", "salt": "c2FsdA==", "info": "aW5mbw==", "keySize": 64}
    return {"version": 3, "clkConfig": {"l": 1024, "kdf": derivation}, "features": json.loads(json.dumps(features))}


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return header, rows


if __name__ == "__main__":
    main()
