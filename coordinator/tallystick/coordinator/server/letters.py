"""The service of letters: decode, call, encode. Who is not allowed to call was refused before (`authorise.py`)."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from tallystick.coordinator.documents import read_document
from tallystick.coordinator.letters import Boxes
from tallystick.coordinator.server.authorise import caller
from tallystick.core.consent.asking import LetterDoor
from tallystick.core.errors import Invalid, Refused
from tallystick.core.net.status import Context
from tallystick.v1 import letters_pb2 as pb
from tallystick.v1.letters_pb2_grpc import LettersServicer

AT_ONCE: Final = 24
"""Letters of one call: they fit a message."""
LONGEST_WAIT: Final = 20
_BOX: Final = re.compile(r"(agency|worker)/[a-z][a-z0-9_-]{0,63}")


class LettersService(LettersServicer):
    """What nodes and workers call."""

    def __init__(self, boxes: Boxes) -> None:
        """Take the boxes: of this process, or of all coordinators on its database."""
        self._boxes = boxes

    async def Announce(self, request: pb.AnnounceRequest, _: Context) -> pb.AnnounceResponse:  # noqa: N802  # gRPC's name
        """Keep an agency's door."""
        who = caller()
        document = read_document(request.document, "door")
        if document.read(LetterDoor).agency != who.identity.name:
            raise Refused("not-allowed", "a node announces its own door")
        await self._boxes.announce(who.identity.name, request.document)
        return pb.AnnounceResponse()

    async def Door(self, request: pb.DoorRequest, _: Context) -> pb.DoorResponse:  # noqa: N802
        """Give an agency's door."""
        caller()
        return pb.DoorResponse(document=await self._boxes.find_door(request.agency))

    async def Post(self, request: pb.PostRequest, _: Context) -> pb.PostResponse:  # noqa: N802
        """Take letters."""
        who = caller()
        if len(request.letters) > AT_ONCE:
            raise Invalid("document-invalid", f"at most {AT_ONCE} letters are posted at once")
        for letter in request.letters:
            if _BOX.fullmatch(letter.box) is None:
                raise Invalid("document-invalid", "a letter is to no member")
            if who.identity.role == "worker" and not letter.box.startswith("agency/"):
                raise Refused("not-allowed", "workers write to agencies alone")
        await self._boxes.post([(letter.box, letter.sealed) for letter in request.letters])
        return pb.PostResponse()

    async def Collect(self, request: pb.CollectRequest, _: Context) -> pb.CollectResponse:  # noqa: N802
        """Give letters, or wait for one."""
        who = caller()
        box = f"{who.identity.role}/{who.identity.name}"
        found = await self._boxes.collect(box, request.taken, AT_ONCE)
        if not found and request.wait_seconds:
            waits = [asyncio.ensure_future(one) for one in (self._boxes.wait(box), who.session.ended.wait())]
            try:
                await asyncio.wait(waits, timeout=min(request.wait_seconds, LONGEST_WAIT), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            who.session.check()
            found = await self._boxes.collect(box, (), AT_ONCE)
        return pb.CollectResponse(letters=[pb.Letter(name=name, sealed=sealed) for name, sealed in found])
