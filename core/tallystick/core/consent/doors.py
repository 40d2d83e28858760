"""What letters to an agency are sealed to, as the agency's node announced it: believed for its signature, and for a short time."""

from __future__ import annotations

from datetime import datetime, timedelta

from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.consent.asking import CLOCKS_APART, DOOR_SECONDS, LetterDoor
from tallystick.core.documents import decode_document
from tallystick.core.errors import Refused


def read_door(data: bytes, agency: str, agreement: Agreement, now: datetime) -> bytes:
    """Give the key that an agency's door is sealed to: 1,216 bytes.

    Raises:
        Invalid: `document-invalid`. Refused: `signature-missing`, `signature-invalid`; `record-not-allowed`: it is another's, or shut.
    """
    document = decode_document(data, kind="door")
    document.verify_signature_of(agency, agreement.parties[agency].key)
    door = document.read(LetterDoor)
    until = moment(door.until)
    if door.agency != agency or not now < until <= now + timedelta(seconds=DOOR_SECONDS + CLOCKS_APART):
        raise Refused("record-not-allowed", f"what letters to {agency} are sealed to is out of date", hint="check both clocks")
    return bytes.fromhex(door.key)
