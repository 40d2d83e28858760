"""What the coordinator ever stores, and what nodes leave behind, searched for what must not be there (S-04, S-09, S-27).

The coordinator dies right before it would drop a job's messages, when it holds all of them. Everything in its folder is then searched
byte for byte, and once more after opening, with its own key, what is addressed to it. The nodes run under `witness.py`, which writes
down, outside of their folders, every secret that they make: so it is known what to look for, and each search is shown to find.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.keyfile import read_sealing_key
from tallystick.core.net.chunks import MessageName, open_chunks
from tallystick.core.net.spoolfile import read_spool
from tallystick.crypto import kernel, tags
from tallystick.crypto.codec import frame
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic.messages import TAG_BYTES, read_list
from tallystick.lab.network.processes import COMMAND
from tests.e2e.network import COORDINATOR, Network, check_released
from tests.e2e.party import START_S
from tests.e2e.records import EXITS, WAGES

PASS = "ssn+birth_date"
WITNESS = Path(__file__).parent / "witness.py"
GUESSES = 10_000
"""Made-up identifiers that a dictionary holds beside the true ones."""


@dataclass
class Job:
    """What is known of one job.

    Attributes:
        coordinator: everything in the coordinator's folder when it died, by file.
        readable: what it can open of that, by message.
        middle: everything in the nodes' folders then.
        after: everything in all folders after the end.
        tags: as they lay at the coordinator, all lists.
    """

    digest: str
    coordinator: dict[str, bytes] = field(default_factory=dict)
    readable: dict[str, bytes] = field(default_factory=dict)
    middle: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, npt.NDArray[np.uint8]] = field(default_factory=dict)


@dataclass
class Story:
    """Two runs of the same question in one network, and every secret that the nodes made."""

    network: Network
    jobs: list[Job]
    secrets: dict[str, set[bytes]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder, witnessed = tmp_path_factory.mktemp("network"), tmp_path_factory.mktemp("witness") / "secrets"
    node = (sys.executable, str(WITNESS), str(witnessed))
    with Network(folder, node=node) as network:
        jobs = [told(network), told(network)]
        secrets: dict[str, set[bytes]] = defaultdict(set)
        for line in witnessed.read_text(encoding="ascii").splitlines():
            kind, value = json.loads(line)
            secrets[kind].add(bytes.fromhex(value))
        yield Story(network, jobs, secrets)


def told(network: Network) -> Job:
    """Ask, look when the coordinator holds most, let it go on, look again."""
    network.restart({COORDINATOR: "result-stored"})
    job = Job(network.submit())
    coordinator = network.coordinator
    network.until(lambda: not coordinator.alive, START_S * 2, "the coordinator holds no result")
    job.coordinator = files(coordinator.folder)
    job.middle = {name: data for node in network.nodes for name, data in files(node.folder).items()}
    spool = coordinator.state / "spool" / job.digest / "1"
    key = read_sealing_key(coordinator.state / "sealing.key")
    for path in spool.iterdir():
        name = MessageName(bytes.fromhex(job.digest), 1, read_ref(path.name))
        if name.ref.receiver == COORDINATOR:
            sender = bytes.fromhex(network.keys.agencies[name.ref.sender].key)
            chunks = list(open_chunks(name, read_spool(path), receiver=key, sender_public=sender))
            job.readable[path.name] = b"".join(chunks)
            if name.ref.kind == "tags":
                job.tags[name.ref.about] = read_list(chunks, TAG_BYTES, passes=1, sender=name.ref.sender)[0]
    check_released(network, network.wait(job.digest))
    job.after = {name: data for party in network.parties.values() for name, data in files(party.folder).items()}
    network.heal()
    return job


def read_ref(name: str) -> Ref:
    """Read a message's name off its file's."""
    about, sender, receiver = name.split(".")
    kind, _, owner = about.partition("+")
    return Ref(kind, sender, receiver, owner)


def files(folder: Path) -> dict[str, bytes]:
    """Give every file below a folder; keys that a party keeps for itself apart."""
    kept = {"identity.key", "sealing.key", "tls.key"}
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in kept}


def found(needles: Iterable[bytes], places: dict[str, bytes]) -> list[tuple[str, bytes]]:
    """Give (place, needle) of everything that is found. Needles are four bytes or longer."""
    wanted = set(needles)
    assert wanted
    assert min(map(len, wanted)) >= 4
    starts = np.unique(np.array([int.from_bytes(needle[:4], "little") for needle in wanted], dtype=np.uint32))
    likely = np.zeros(1 << 16, dtype=np.bool_)
    likely[starts & 0xFFFF] = True
    by_start: dict[bytes, list[bytes]] = defaultdict(list)
    for needle in wanted:
        by_start[needle[:4]].append(needle)
    hits = []
    for place, data in places.items():
        for shift in range(4):
            words = np.frombuffer(data[shift : shift + (len(data) - shift) // 4 * 4], dtype="<u4")
            maybe = np.flatnonzero(likely[words & 0xFFFF])
            for at in (shift + 4 * maybe[np.isin(words[maybe], starts)]).tolist():
                hits += [(place, needle) for needle in by_start[data[at : at + 4]] if data.startswith(needle, at)]
    return hits


def spelt(secret: bytes) -> set[bytes]:
    """Give a secret in the ways in which it could be written."""
    number = int.from_bytes(secret, "little"), int.from_bytes(secret, "big")
    texts = {secret.hex(), secret.hex().upper(), base64.b64encode(secret).decode().rstrip("=")[:-1], *map(str, number)}
    texts |= {base64.urlsafe_b64encode(secret).decode().rstrip("=")[:-1]}
    return {secret, secret[::-1], *(text.encode() for text in texts)}


def identifiers(network: Network) -> set[bytes]:
    """Give every person's identifiers as they stand in the files and normalised."""
    texts = set()
    for frame_ in (network.records.left, network.records.right):
        for ssn, dob in zip(frame_["ssn"], frame_["dob"], strict=True):
            texts |= {ssn, ssn.replace("-", ""), dob, dob.replace("-", "")}
    return {text.encode() for text in texts}


def values(network: Network) -> set[bytes]:
    """Give every person's wage as text and as machines write numbers: they have ten digits or more, so none occurs by chance."""
    written: set[bytes] = set()
    for text in network.records.right["wage"]:
        cents = int(Decimal(text) * 100)
        if cents < 1 << 32:
            continue
        written |= {text.encode(), str(cents).encode(), struct.pack("<q", cents), struct.pack(">q", cents)}
        written |= {struct.pack("<d", float(text)), struct.pack("<d", float(cents))}
    assert len(written) > 100
    return written


def people(story: Story) -> set[bytes]:
    """Give all that must be found nowhere but in the sources: identifiers, tokens, their hashes, their points, and values."""
    network, tokens = story.network, story.secrets[f"token {PASS}"]
    texts = identifiers(network)
    assert len(tokens) == 60
    hashes = {hashlib.sha256(text).digest() for text in texts | tokens}
    secrets = {b"", *story.secrets["job-secret"]}
    points = {bytes(point) for secret in secrets for point in hashed(secret, sorted(tokens))}
    return texts | tokens | hashes | {digest.hex().encode() for digest in hashes} | points | values(network)


def hashed(secret: bytes, tokens: list[bytes]) -> npt.NDArray[np.uint8]:
    """Hash tokens to the curve as agencies do under a job secret."""
    offsets = np.cumsum([0, *map(len, tokens)]).astype(np.int64)
    return kernel.hash_to_curve(tags.DST, frame(secret, PASS.encode()), b"".join(tokens), offsets)


def test_the_searches_find_what_is_there(story: Story) -> None:
    network = story.network
    sources = files(network.folder)
    texts = identifiers(network)
    dashed = {text for text in texts if b"-" in text}
    assert {needle for _, needle in found(dashed, {n: d for n, d in sources.items() if n.endswith("s.csv")})} == dashed
    secret = b"\x01\x02" * 16
    for spelling in spelt(secret):
        assert found(spelt(secret), {"place": b"xyz" + spelling + b"abc"}), spelling
    for job in story.jobs:
        assert any("coordinator.db" in name for name in job.coordinator)
        assert any("spool" in name for name in job.coordinator)
        assert sum(map(len, job.coordinator.values())) > 100_000
        assert job.readable.keys() >= {f"tags+{EXITS}.{WAGES}.coordinator", f"shares.{EXITS}.coordinator"}
        assert any(name.endswith("node.db") for name in job.middle)
        assert bytes.fromhex(job.digest) in b"".join(job.coordinator.values())  # what it may know is found as well


def test_s09_the_coordinator_stores_no_identifier_token_point_or_value(story: Story) -> None:
    needles = people(story)
    for job in story.jobs:
        assert found(needles, job.coordinator) == []
        assert found(needles, job.readable) == []


def test_s27_nodes_keep_no_identifier_or_value_in_state_or_log(story: Story) -> None:
    needles = people(story)
    for job in story.jobs:
        assert found(needles, job.middle) == []
        assert found(needles, job.after) == []


def test_s04_no_party_writes_down_a_mask_or_a_key_of_a_job(story: Story) -> None:
    kinds = ("scalar", "job-secret", "contribution", "sealing", "prime", "bfv", "masked-point")
    assert all(story.secrets[kind] for kind in kinds), {kind: len(story.secrets[kind]) for kind in kinds}
    needles = {text for kind in kinds for secret in story.secrets[kind] for text in spelt(secret)}
    for job in story.jobs:
        for places in (job.coordinator, job.readable, job.middle, job.after):
            assert found(needles, places) == []


def test_s04_masks_are_fresh_and_no_tag_of_one_job_is_one_of_another(story: Story) -> None:
    assert len(story.secrets["scalar"]) == 4  # two agencies, two jobs, one attempt each
    first, second = ({tag.tobytes() for owner in job.tags.values() for tag in owner} for job in story.jobs)
    assert len(first) > 60
    assert first & second == set()


def test_identity_keys_stay_where_they_were_made(story: Story) -> None:
    keys = story.network.keys
    private = {text for identity in (*keys.agencies.values(), keys.analyst) for text in spelt(identity.private)}
    for job in story.jobs:
        for places in (job.coordinator, job.readable, job.middle, job.after):
            assert found(private, places) == []


def test_s09_a_dictionary_finds_nothing_without_the_job_secret_and_everyone_with_it(story: Story) -> None:
    """The attacker has all true tokens, everything public, and all that the coordinator stored."""
    tokens = sorted(story.secrets[f"token {PASS}"])
    dictionary = tokens + [f"{n:09d}|1980-01-01".encode() for n in range(GUESSES)]
    for job in story.jobs:
        digest = bytes.fromhex(job.digest)
        stored = {tag.tobytes() for owner in job.tags.values() for tag in owner}
        public = [b"", bytes(32), digest, hashlib.sha256(digest).digest(), *scalars_the_coordinator_has(story.network)]
        guessed = {tag.tobytes() for secret in public for tag in tags.compute_tags(hashed(secret, dictionary), digest, PASS)}
        assert len(guessed) == len(public) * len(dictionary)
        assert stored & guessed == set()
        assert found(set(guessed), {"what it can read": b"".join(job.readable.values())}) == []
        hits = [known(story, digest, tokens, secret) & stored for secret in story.secrets["job-secret"]]
        assert sorted(map(len, hits)) == [0, 60]  # the other job's secret is as good as none


def test_s09_the_coordinators_memory_holds_no_identifier_or_value(story: Story) -> None:
    """The process that has just seen a whole job, all pages that it may write to."""
    network = story.network
    check_released(network, network.wait(network.submit()))
    try:
        memory = memory_of(network.coordinator.pid)
    except PermissionError:
        pytest.skip("this machine does not let a process read its child's memory")
    assert found({b"tallystick", bytes.fromhex(story.jobs[0].digest)}, memory)
    # shorter ones occur by chance; those that begin with zeros are numbers as this machine does not write them
    assert found({needle for needle in people(story) if len(needle) >= 8 and any(needle[:2])}, memory) == []


def memory_of(pid: int) -> dict[str, bytes]:
    """Give the writable memory of a process."""
    regions = {}
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(place, 16) for place in span.split("-"))
            if rights.startswith("rw"):
                with contextlib.suppress(OSError):  # reserved, never used
                    memory.seek(start)
                    regions[span] = memory.read(end - start)
    return regions


def known(story: Story, digest: bytes, tokens: list[bytes], secret: bytes) -> set[bytes]:
    """Give the tags that whoever has a job secret and all masks can make."""
    points = hashed(secret, tokens)
    scalars = sorted(story.secrets["scalar"])
    pairs = [(a, b) for a in scalars for b in scalars if a < b]
    return {tag.tobytes() for a, b in pairs for tag in tags.compute_tags(kernel.mask(b, kernel.mask(a, points)), digest, PASS)}


def scalars_the_coordinator_has(network: Network) -> list[bytes]:
    """Give the secrets of the coordinator itself, which an attacker there would try."""
    sealing = read_sealing_key(network.coordinator.state / "sealing.key").private_bytes()
    return [sealing[start : start + 32] for start in range(0, len(sealing), 32)]


def test_the_witness_is_the_only_door() -> None:
    """The nodes of this file run the real command, after `witness.py` has wrapped what makes keys."""
    assert "tallystick.client.cli" in " ".join(COMMAND)
    assert "from tallystick.client.cli import main" in WITNESS.read_text(encoding="utf-8")
