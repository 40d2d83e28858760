"""The tables of a node's state, and what brings each version up to the next."""

from __future__ import annotations

from typing import Final

from tallystick.node.storage.request_table import DUE
from tallystick.node.storage.request_table import TABLES as REQUESTS

VERSION: Final = 9
_TABLES: Final = """
CREATE TABLE secret (only INTEGER PRIMARY KEY CHECK (only = 1), value BLOB NOT NULL) STRICT;
CREATE TABLE agreement (name TEXT PRIMARY KEY, version INTEGER NOT NULL, digest TEXT NOT NULL) STRICT;
CREATE TABLE job (job TEXT PRIMARY KEY, seen TEXT NOT NULL, record TEXT NOT NULL) STRICT;
CREATE TABLE people (job TEXT PRIMARY KEY, fingerprint BLOB NOT NULL) STRICT;
CREATE TABLE share (job TEXT NOT NULL, attempt INTEGER NOT NULL, share BLOB NOT NULL, PRIMARY KEY (job, attempt)) STRICT;
CREATE TABLE result (job TEXT NOT NULL, attempt INTEGER NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (job, attempt)) STRICT;
CREATE TABLE event (number INTEGER PRIMARY KEY, entry BLOB NOT NULL, chain BLOB NOT NULL) STRICT;
"""
_SHOWN: Final = "CREATE TABLE shown (job TEXT PRIMARY KEY, family TEXT NOT NULL, shown BLOB NOT NULL) STRICT;"
"""Since version 2. What was forgotten is empty."""
_UNTIL: Final = """
ALTER TABLE shown ADD COLUMN agreement TEXT NOT NULL DEFAULT '';
ALTER TABLE shown ADD COLUMN until TEXT NOT NULL DEFAULT '9999-12-31T23:59:59Z';
"""
"""Since version 3. What was kept before is kept for ever: under which agreement is not known of it."""
_ATTEMPTS: Final = """
ALTER TABLE shown RENAME TO shown_before;
CREATE TABLE shown (job TEXT NOT NULL, attempt INTEGER NOT NULL, family TEXT NOT NULL, shown BLOB NOT NULL, numbers BLOB NOT NULL,
    agreement TEXT NOT NULL, until TEXT NOT NULL, PRIMARY KEY (job, attempt)) STRICT;
INSERT INTO shown SELECT job, 0, family, shown, x'', agreement, until FROM shown_before;
DROP TABLE shown_before;
CREATE TABLE opening (job TEXT PRIMARY KEY, attempt INTEGER NOT NULL) STRICT;
INSERT INTO opening SELECT job, 0 FROM shown;
"""
"""Since version 4. Of what was kept before neither the attempt (0) nor the numbers (empty) are known."""
_CHANGES: Final = """
ALTER TABLE job ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN state TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN awaits TEXT NOT NULL DEFAULT '';
UPDATE job SET state = json_extract(record, '$.state'), awaits = json_extract(record, '$.awaits');
CREATE INDEX job_state ON job (state, seen, job);
CREATE INDEX job_awaits ON job (seen, job) WHERE awaits <> '';
"""
"""Since version 5. A job's state and what it awaits are columns, so that nobody reads all jobs to find a few."""
_MARK: Final = """
CREATE TABLE IF NOT EXISTS mark (only INTEGER PRIMARY KEY CHECK (only = 1), epoch TEXT NOT NULL, count INTEGER NOT NULL,
    restored TEXT NOT NULL) STRICT;
"""
"""Since version 6. How far the state has come, and when a restoration was accepted last."""
_HEADS: Final = """
CREATE TABLE IF NOT EXISTS head (number INTEGER PRIMARY KEY, agency TEXT NOT NULL, size INTEGER NOT NULL, head BLOB NOT NULL,
    document BLOB NOT NULL,
    heard TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS head_said ON head (agency, size, head);
"""
"""Since version 7. What other agencies said of their logs, and their signed words."""
STEPS: Final = (_TABLES, _SHOWN, _UNTIL, _ATTEMPTS, _CHANGES, _MARK, _HEADS, REQUESTS, DUE)
"""By version, what brings the version before it up."""
