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


def test_a_child_process_handles_ctrl_c_although_the_suite_ignores_it() -> None:
    command = [sys.executable, "-c", _IN_BACKGROUND]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"
