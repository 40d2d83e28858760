"""`tally result page`: a result's page with its plots, on this machine alone."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tallystick.client.loopback import HOST
from tallystick.client.viewing import HEADERS, ResultSite, serve_result
from tallystick.core.errors import NotReady
from tallystick.crypto.randomness import SystemRandomness
from tests.cli.test_result_formats import answer
from tests.cli.test_result_pages import run, written
from tests.unit.client.test_annex import CHECKS
from tests.unit.core.test_results import BAD, released, result


def ask(address: str, path: str = "", **headers: str) -> tuple[int, str, str]:
    """Give status, kind and body."""
    parts = urlsplit(address)
    line = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    line.request("GET", parts.path + path, headers=headers)
    got = line.getresponse()
    for name, value in HEADERS.items():
        assert got.headers[name] == value
    return got.status, got.headers["content-type"], got.read().decode()


@pytest.fixture(name="address", scope="module")
def served_address() -> Iterator[str]:
    with serve_result(ResultSite(answer(), CHECKS), 0, SystemRandomness()) as address:
        yield address


def test_the_page_leads_to_plots_of_every_number(address: str) -> None:
    status, kind, page = ask(address)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert '<a href="plots">' in page
    assert "the desk signed the result" in page
    status, _, plots = ask(address, "plots")
    assert status == 200
    pictures = [number for number in range(20) if f'src="plot-{number}.svg"' in plots]
    assert len(pictures) > 2
    for number in pictures:
        status, kind, picture = ask(address, f"plot-{number}.svg")
        assert (status, kind) == (200, "image/svg+xml")
        assert "<svg" in picture
        assert "<script" not in picture


@pytest.mark.parametrize("path", ["nothing", "plot-99.svg", "plot-0.png", "../plots", "plots/", "%2e%2e/plots"])
def test_there_is_nothing_else(address: str, path: str) -> None:
    assert ask(address, path)[0] == 404


def test_who_does_not_know_the_address_gets_nothing(address: str) -> None:
    parts = urlsplit(address)
    for path in ("/", "/plots", f"/{'0' * 64}/", parts.path.rstrip("/")[:-1] + "/"):
        status, _, body = ask(f"http://{parts.netloc}{path}")
        assert (status, body) == (404, "There is nothing here.\n"), path


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", ""])
def test_another_name_of_this_machine_gets_nothing(address: str, host: str) -> None:
    assert ask(address, Host=host)[0] == 404


def test_only_loopback_is_listened_on(address: str) -> None:
    port = urlsplit(address).port
    assert urlsplit(address).hostname == HOST
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.2", int(port or 0)), timeout=5):
        pass


def test_a_port_that_is_taken_is_said(address: str) -> None:
    with (
        pytest.raises(NotReady, match="cannot be bound"),
        serve_result(ResultSite(answer(), CHECKS), int(urlsplit(address).port or 0), SystemRandomness()),
    ):
        pass


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    file = written(tmp_path, "r.json", result())
    process = subprocess.Popen(
        [sys.executable, "-m", "tallystick.client.cli", "result", "page", str(file)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urllib.request.urlopen(address, timeout=60) as got:
            assert b"8,123.50" in got.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stdout.close() if process.stdout else None
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=5)


def test_a_result_that_does_not_verify_is_not_served(tmp_path: Path) -> None:
    done = run("page", written(tmp_path, "r.json", result(released(**BAD["an approval less"]))))
    assert done.exit_code == 1
    assert "signature-invalid" in done.output
