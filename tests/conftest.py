"""Before any test: gRPC reads its cipher suites when it is imported."""

from __future__ import annotations

from tallystick.core.net import environment

assert environment.in_time(), "something imported gRPC before the tests' conftest"
