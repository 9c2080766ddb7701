#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""survival.py BUILD_FOLDER [KILLS [ATTACHES]]: a redis-server with I/O threads and 50 busy clients,
whose tracer is killed KILLS times at random moments, and that is attached to and detached from
ATTACHES times in a row. Prints what became of the server, its clients and its code."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../e2e"))
from survival_cases import foreign_bytes, is_clean, status_of  # noqa: E402

BUILD = sys.argv[1]
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
ATTACHES = int(sys.argv[3]) if len(sys.argv) > 3 else 200
TRACER = os.path.join(BUILD, "tracer/allocptrace")
PORT = str(20000 + os.getpid() % 20000)
FOLDER = tempfile.mkdtemp(prefix="allocptrace-bench-")
LOG = os.path.join(FOLDER, "log.cbor")


class Load(threading.Thread):
    """Clients that never pause; counts what they were answered."""

    def __init__(self):
        super().__init__()
        self.ended = False
        self.rounds = self.failures = 0

    def run(self):
        while not self.ended:
            result = subprocess.run(
                ("redis-benchmark", "-p", PORT, "-c", "50", "-n", "5000", "-q", "-d", "500",
                 "-t", "set,get,lpush,lpop,hset"), capture_output=True, text=True, check=False)
            self.rounds += 1
            if result.returncode or re.search("rror|refused|closed", result.stdout + result.stderr):
                self.failures += 1
                print(result.stdout, result.stderr)


def clean_within(pid, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_clean(pid):
            return True
        time.sleep(0.01)
    return False


def kill_rounds(server):
    survived = dirty = 0
    longest = 0.0
    for i in range(KILLS):
        tracer = subprocess.Popen((TRACER, "-q", "-o", LOG, "-p", str(server.pid)),
                                  stderr=subprocess.DEVNULL)
        # Attaching takes some tenths of a second: half of the kills fall into it.
        time.sleep(random.random() * (0.2 if i % 2 else 0.6))
        tracer.kill()
        start = time.monotonic()
        tracer.wait()
        if not clean_within(server.pid, 30):
            dirty += 1
        longest = max(longest, time.monotonic() - start)
        if server.poll() is not None:
            print(f"kill {i}: the server ended with {server.returncode}")
            break
        survived += 1
        if i % 100 == 99:
            print(f"    {i + 1} kills, {survived} survived", flush=True)
    print(f"killed tracers: survived {survived} of {KILLS}, {dirty} not cleaned within 30 s, "
          f"longest clean-up {longest:.2f} s")


def attach_rounds(server):
    failed = differing = compared = stopped = 0
    start = time.monotonic()
    for _ in range(ATTACHES):
        result = subprocess.run((TRACER, "-q", "--stats", "-o", LOG, "--duration=0.2", "-p",
                                 str(server.pid)), capture_output=True, text=True, check=False)
        failed += result.returncode != 0
        numbers = dict(re.findall(r"(text_bytes_\w+) (\d+)", result.stderr))
        compared += int(numbers.get("text_bytes_compared", 0))
        differing += int(numbers.get("text_bytes_differing", 1))
        for thread in os.listdir(f"/proc/{server.pid}/task"):
            stopped += status_of(f"{server.pid}/task/{thread}", "State") in "Tt"
    print(f"attached {ATTACHES} times in {time.monotonic() - start:.0f} s: {failed} failed, "
          f"{differing} of {compared} bytes of code differ, {stopped} threads left stopped, "
          f"{foreign_bytes(server.pid)} bytes of code differ at the end, "
          f"server {'alive' if server.poll() is None else 'gone'}")


def main():
    server = subprocess.Popen(("redis-server", "--port", PORT, "--save", "", "--dir", FOLDER,
                               "--io-threads", "4", "--io-threads-do-reads", "yes"),
                              stdout=subprocess.DEVNULL)
    time.sleep(1)
    load = Load()
    load.start()
    try:
        kill_rounds(server)
        attach_rounds(server)
    finally:
        load.ended = True
        load.join()
        print(f"clients: {load.rounds} rounds of 25,000 requests, {load.failures} with a failure")
        server.terminate()
        print(f"server: exit status {server.wait()}")
        shutil.rmtree(FOLDER)


main()
