"""What gRPC reads from the environment when it is imported, and never again. Import this module before anything that imports grpc.

The one cipher suite of TLS 1.2 that is left needs an RSA certificate, and this network's are ECDSA: so 1.2 cannot be negotiated. A server
refuses to start when this came too late (`in_time`); it checks the version of every call too.
"""

from __future__ import annotations

import os
import sys
from typing import Final

SUITES: Final = "GRPC_SSL_CIPHER_SUITES"
ONLY: Final = "ECDHE-RSA-AES256-GCM-SHA384"

_IN_TIME: Final = os.environ.get(SUITES) == ONLY or "grpc" not in sys.modules

os.environ[SUITES] = ONLY
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what gRPC would print is handled where calls fail


for _name in ("https_proxy", "no_proxy"):  # gRPC reads these in lower case alone
    if _name not in os.environ and (_value := os.environ.get(_name.upper())):
        os.environ[_name] = _value


def in_time() -> bool:
    """Say whether gRPC saw these settings."""
    return _IN_TIME


def begin_again() -> None:
    """Start this very command again in this process, with the settings in its environment from the beginning."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # the command that runs already
