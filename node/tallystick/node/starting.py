"""The files of a new node: `tally node init`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tallystick.core.errors import Broken, Invalid
from tallystick.core.keyfile import IdentityKey, new_identity, write_identity

_CONFIG: Final = """\
# A node of {agency}. Paths are relative to this file; unknown keys are refused.
agency: {agency}
coordinator: {{address: "{address}"}}
identity: identity.key          # never leaves this machine; its public key stands in the agreements
state: state                    # the node's own folder, closed to others
agreements: []                  # signed agreements: files, or folders of *.json; new ones are seen without a restart
policy: policy.yaml             # empty allows nothing
desk: ask                       # who releases, where this agency is the desk: ask a steward, or auto
datasets: {{}}
#  exits:
#    source: {{csv: exits.csv}}   # or {{parquet: exits.parquet}}
#    person: person_id          # rows with the same key are one person
#    identifiers: {{ssn: ssn, first_name: fname, last_name: lname, birth_date: dob}}
#    people: 20000              # no more than this
#    duplicates: keep           # merge: keys that the ladder strict links, and nothing contradicts, are one person
#    columns:
#      region: {{type: category, values: [north, south]}}
#      age: {{type: integer, min: 0, max: 120}}
#      benefit: {{type: decimal, scale: 2, min: 0, max: 5000, from: benefit_usd}}
"""
_POLICY: Final = """\
# What no rule covers is never allowed; where several rules match, the strictest holds.
rules: []
#  - {decision: ask, dataset: exits}
#  - {decision: auto, dataset: exits, operation: count, analyst: jane}
"""


def make_folder(folder: Path, agency: str, address: str) -> IdentityKey:
    """Make a new node's folder: identity, sample configuration, empty policy. Nothing is overwritten.

    Raises:
        Invalid: `file-exists`: there is a node already.
        Broken: `disk`.
    """
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        if (folder / "node.yaml").exists():
            raise Invalid("file-exists", f"{folder / 'node.yaml'} exists", hint="choose another folder")
        identity = new_identity()
        write_identity(folder / "identity.key", identity)
        (folder / "policy.yaml").write_text(_POLICY, encoding="utf-8")
        (folder / "node.yaml").write_text(_CONFIG.format(agency=agency, address=address), encoding="utf-8")
    except OSError as error:
        raise Broken("disk", f"{folder} cannot be written", hint="check the folder's permissions") from error
    return identity
