"""A keyed digest of the tables of people that a share was made from, so that a later attempt over other records is noticed.

Security: keyed with the node's own secret, so that what is stored says nothing to whoever reads it without the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Final

from tallystick.crypto.codec import derive
from tallystick.records.features import PeopleTable

_BLOCK: Final = 65_536


def fingerprint(*tables: PeopleTable, secret: bytes, job: bytes) -> bytes:
    """Give 32 bytes that name these tables for this job.

    Args:
        tables: of the agency's groups, in order.
        secret: the node's stored secret, 32 bytes.
        job: the job's digest.
    """
    mac = hmac.new(derive(secret, "fingerprint", job), digestmod=hashlib.sha256)

    def part(data: bytes) -> None:
        mac.update(len(data).to_bytes(8, "big"))
        mac.update(data)

    for people in tables:
        part(people.n.to_bytes(8, "big"))
        for name, column in sorted(people.columns.items()):
            part(name.encode())
            part(column.values.tobytes())
            part(column.missing.tobytes())
        for window, rows in sorted(people.at.items(), key=lambda one: (one[0].low, one[0].high)):
            part(f"{window.low} {window.high}".encode())
            part(b"" if rows.places is None else rows.places.tobytes())
            for name, column in sorted(rows.columns.items()):
                part(name.encode())
                part(column.values.tobytes())
                part(column.missing.tobytes())
        for name, values in sorted(people.identifiers.items()):
            part(name.encode())
            for start in range(0, len(values), _BLOCK):
                part(json.dumps(values[start : start + _BLOCK].tolist()).encode())
        if people.spellings is not None:
            part(people.spellings.who.tobytes())
            part(people.spellings.number.tobytes())
            for name, values in sorted(people.spellings.identifiers.items()):
                part(name.encode())
                part(json.dumps(values.tolist()).encode())
        if people.keys is not None:
            part(json.dumps(people.keys.tolist()).encode())
    return mac.digest()
