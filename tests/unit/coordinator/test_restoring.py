"""S-37 at the coordinator: a database that goes back is refused with the way back, and revocations survive its restoration."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from tallystick.coordinator.app import Coordinator
from tallystick.coordinator.cli import coordinator
from tallystick.coordinator.storage.opening import DATABASE
from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.files import hold_folder
from tallystick.core.net import tls
from tallystick.core.net.tls import CertifiedParty
from tests.town import DESK, NETWORK, OTHER, Town, member


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A coordinator that has served."""
    town = Town(tmp_path)
    town.at.restoring.check()
    return town


def enrol(at: Coordinator, agency: str) -> str:
    """Let an agency join; give its certificate's serial number."""
    invitation = at.authority.invite("agency", agency, "127.0.0.1:0")
    invited = tls.certificate_identity(invitation["certificate"].encode())
    return tls.serial_of(at.authority.join(invited.name, tls.signing_request(tls.new_key())).chain)


def back_up(town: Town) -> Path:
    """Copy the database as a backup would; the witness is no part of it."""
    town.at.close()
    copy = town.folder / "backup"
    copy.mkdir()
    for file in (town.folder / "state").glob(f"{DATABASE}*"):
        shutil.copy(file, copy / file.name)
    town.restarted()
    return copy


def restore(town: Town, copy: Path) -> Coordinator:
    town.at.close()
    for file in (town.folder / "state").glob(f"{DATABASE}*"):
        file.unlink()
    for file in copy.iterdir():
        shutil.copy(file, town.folder / "state" / file.name)
    return town.restarted()


def test_s37_a_coordinator_starts_again_and_again(town: Town) -> None:
    town.running()
    for _ in range(3):
        town.restarted().restoring.check()
        town.at.restoring.note()
        enrol(town.at, OTHER)


def test_s37_a_restored_database_is_refused_with_the_way_back(town: Town) -> None:
    copy = back_up(town)
    town.submit()
    town.at.restoring.note()
    at = restore(town, copy)
    with pytest.raises(Refused, match=r"restored from a backup.*state-restored.*accept-restored"):
        at.restoring.check()


def test_s37_a_database_that_goes_back_while_it_is_used_is_noticed(town: Town) -> None:
    copy = back_up(town)
    town.submit()
    town.at.restoring.note()
    with pytest.raises(Refused, match="state-restored"):
        restore(town, copy).restoring.note()


def test_s37_a_database_without_its_witness_is_refused(town: Town) -> None:
    town.at.restoring.note()
    (town.folder / "witness").unlink()
    with pytest.raises(Refused, match="without its witness"):
        town.restarted().restoring.check()
    (town.folder / "witness").write_text("no JSON")
    with pytest.raises(Broken, match="state-corrupt"):
        town.restarted().restoring.check()


def test_s37_a_new_database_under_an_old_witness_is_refused(town: Town) -> None:
    empty = town.folder / "empty"
    empty.mkdir()
    with pytest.raises(Refused, match="state-restored"):
        restore(town, empty).restoring.check()


def test_s37_revocations_survive_a_restoration_and_what_was_under_way_ends(town: Town) -> None:
    revoked, valid = enrol(town.at, OTHER), enrol(town.at, DESK)
    town.submit()
    unused = town.at.authority.invite("agency", "housing", "127.0.0.1:0")
    copy = back_up(town)
    town.at.authority.revoke("agency", OTHER)
    town.at.restoring.note()
    at = restore(town, copy)
    at.authority.check(CertifiedParty(NETWORK, "agency", OTHER), revoked)  # as the backup has it: valid
    with pytest.raises(Refused, match="state-restored"):
        at.restoring.check()
    assert at.restoring.accept(at.jobs) == (1, 1)
    with pytest.raises(Refused, match="not-enrolled"):
        at.authority.check(CertifiedParty(NETWORK, "agency", OTHER), revoked)
    at.authority.check(CertifiedParty(NETWORK, "agency", DESK), valid)
    assert town.state == "failed"
    assert [failure.code for failure in at.storage.failures(town.digest)] == ["state-restored"]
    with pytest.raises(Refused, match="invite-invalid"):
        at.authority.join(tls.certificate_identity(unused["certificate"].encode()).name, tls.signing_request(tls.new_key()))
    at.restoring.check()
    # what was put back is not taken a second time: its epoch is over
    with pytest.raises(Refused, match="state-restored"):
        restore(town, copy).restoring.check()


def test_s37_nothing_is_accepted_where_nothing_was_restored(town: Town) -> None:
    town.submit()
    with pytest.raises(Invalid, match="newest one"):
        town.at.restoring.accept(town.at.jobs)
    assert town.state == "approving"


def test_s37_a_second_process_on_one_state_folder_is_refused_and_the_first_named(town: Town) -> None:
    import os

    state = town.folder / "state"
    with (
        hold_folder(state),
        pytest.raises(Refused, match=f"process {os.getpid()} works with .*second-process"),
        hold_folder(state),
    ):
        pass
    with hold_folder(state):
        pass


def test_s37_the_commands_revoke_for_good_and_accept(town: Town) -> None:
    revoked = enrol(town.at, OTHER)
    copy = back_up(town)
    config = town.folder / "coordinator.yaml"
    config.write_text(f"network: {NETWORK}\n")
    ran = CliRunner().invoke(coordinator, ["revoke", "--agency", OTHER, "--config", str(config)], catch_exceptions=False)
    assert ran.exit_code == 0
    restore(town, copy)
    ran = CliRunner().invoke(coordinator, ["accept-restored", "--config", str(config)], catch_exceptions=False)
    assert ran.exit_code == 0
    assert "0 jobs ended; 1 revoked" in ran.output
    with pytest.raises(Refused, match="not-enrolled"):
        town.restarted().authority.check(member(OTHER), revoked)
    ran = CliRunner().invoke(coordinator, ["accept-restored", "--config", str(config)])
    assert ran.exit_code == 1
    assert "newest one" in ran.output
