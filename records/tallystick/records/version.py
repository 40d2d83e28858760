"""Which version of a dataset's records was read: a digest over the rows, the same for every type of source.

Two readings have the same version if they read the same rows as often, in whatever order: a database promises none. A value that changed, was
emptied or went missing, a row more or less, and two values of a row that changed places give another version.

A job's attempts are compared by what the job makes of the rows, `tallystick.node.fingerprint`: columns that it does not read may change
between them. This is for people: `tally node datasets` and `tally lab check` show it.

No key goes into it, so whoever guesses all rows of a dataset can confirm the guess: it is for the agency's own people.
"""

from __future__ import annotations

import hashlib
import json

from tallystick.records.locked import Connection, quote_name


def version_of(connection: Connection, *tables: str) -> str:
    """Give the version of tables of text: 32 hexadecimal digits.

    SHA-256 of each row, with the length of each value before it; of these digests the sums, which do not depend on the order.
    """
    told = []
    for table in tables:
        names = [row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()]
        row = " || ".join(f"coalesce(strlen({quote_name(name)}) || ':' || {quote_name(name)}, '-')" for name in names)
        halves = ", ".join(f"coalesce(sum(CAST('0x' || substr(h, {start}, 15) AS BIGINT)), 0)" for start in (1, 16))
        sums = connection.execute(f"SELECT count(*), {halves} FROM (SELECT sha256({row}) AS h FROM {table})").fetchone()  # noqa: S608 - quoted names
        told.append([names, *map(str, sums)])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
