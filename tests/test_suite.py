"""What every test depends on."""

from __future__ import annotations

import subprocess
import sys

# Ignores SIGINT, as a shell script makes what it starts in the background; then starts a process
# as a test does.
_IN_BACKGROUND = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
import tests.conftest
code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
subprocess.run([sys.executable, "-c", code], check=True)
"""


def test_a_test_s_child_heeds_ctrl_c_though_the_suite_was_started_in_the_background() -> None:
    command = [sys.executable, "-c", _IN_BACKGROUND]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"
