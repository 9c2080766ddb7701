# SPDX-License-Identifier: MIT
"""How far the reading of a log has come, on a terminal only."""
import os
import pty
import subprocess
import time

import hostile_log
from harness import case, check, equal


def log_bytes(count):
    records = [[hostile_log.PROCESS, 1, 0, 0, 7, "/bin/p", []], [hostile_log.THREAD, 1, 1, 7, "p"]]
    records += [hostile_log.alloc(1, 0)] * count
    return hostile_log.HEADER + b"".join(map(hostile_log.encode, records)) + hostile_log.END


def feed_slowly(tools, stderr):
    """Half a log, a pause longer than half a second, the rest."""
    data = log_bytes(100_000)
    process = subprocess.Popen([tools.analyzer, "--json", "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=stderr)
    process.stdin.write(data[:len(data) // 2])
    process.stdin.flush()
    time.sleep(1)
    process.stdin.write(data[len(data) // 2:])
    output, errors = process.communicate(timeout=60)
    equal(process.returncode, 0, "status")
    check(b'"events": 100000' in output, output[-500:])
    return errors


def all_of(terminal):
    text = b""
    while True:
        try:
            text += os.read(terminal, 4096)
        except OSError:  # EIO: all of the other end is closed
            return text


@case
def progress_is_shown_on_a_terminal_only(tools):
    terminal, other_end = pty.openpty()
    feed_slowly(tools, other_end)
    os.close(other_end)
    text = all_of(terminal)
    os.close(terminal)
    check(b"million events" in text, text)
    check(text.endswith(b"\r\x1b[K"), text)
    equal(feed_slowly(tools, subprocess.PIPE), b"", "standard error that is no terminal")
