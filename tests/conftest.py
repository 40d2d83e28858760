"""Before any test: gRPC reads its cipher suites when it is imported; and processes that tests interrupt must hear it."""

from __future__ import annotations

import signal
import threading

from tallystick.core.net import environment

assert environment.in_time(), "something imported gRPC before the tests' conftest"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    # a shell without job control ignores it for what it runs in the background, and every child would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
