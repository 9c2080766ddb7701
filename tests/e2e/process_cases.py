# SPDX-License-Identifier: MIT
"""What a user sees of the traced program and of the tracer itself; attaching; bad input."""
import os
import re
import signal
import struct
import subprocess
import time

from harness import Skip, case, check, equal, ledger, ledgers, need, own_sums


def one_line(result, status, program, *words):
    """A clear error: the contract's status and one line that says what is wrong."""
    text = result.stderr.decode(errors="replace")
    equal(result.returncode, status, f"exit status ({text})")
    equal(len(text.splitlines()), 1, f"lines of {text!r}")
    check(text.startswith(program + ": "), text)
    for word in words:
        check(word in text, f"{word!r} is not in {text!r}")


@case
def exit_status_is_the_programs_own(tools):
    for number in (0, 1, 42, 255):
        result = tools.trace(tools.fixture("status"), "exit", str(number))
        equal(result.returncode, number, f"exit {number}")
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV):
        result = tools.trace(tools.fixture("status"), "signal", str(int(number)))
        equal(result.returncode, 128 + number, f"signal {number}")


@case
def input_and_output_are_untouched(tools):
    result = tools.trace(tools.fixture("status"), "exit", "0", stdin=None, input=b"through\x00me\n")
    plain = tools.run(tools.fixture("status"), "exit", "0", stdin=None, input=b"through\x00me\n")
    equal(result.stdout, plain.stdout, "standard output")
    equal(result.stderr, plain.stderr, "standard error")


@case
def log_is_private_and_links_are_refused(tools):
    result = tools.trace(tools.fixture("basic"))
    equal(os.stat(result.log).st_mode & 0o777, 0o600, "mode of the log")
    link = tools.log()
    os.symlink(result.log, link)
    refused = tools.trace(tools.fixture("basic"), log=link)
    one_line(refused, 125, "allocptrace", link)


@case
def compressed_and_piped_logs_read_the_same(tools):
    plain = tools.trace(tools.fixture("basic"))
    packed = tools.trace(tools.fixture("basic"), log=tools.log(".cbor.zst"))
    check(os.path.getsize(packed.log) < os.path.getsize(plain.log), "zstd made it no smaller")
    wanted = tools.json(plain.log)["summary"]
    equal(tools.json(packed.log)["summary"], wanted, "compressed")
    with open(plain.log, "rb") as log:
        piped = tools.run(tools.analyzer, "--json", "-", stdin=log)
    check(b'"total_allocations": 140' in piped.stdout, piped.stdout[-600:])


@case
def summary_ends_with_the_next_command(tools):
    log = tools.log()
    result = tools.run(tools.tracer, "-o", log, "--", tools.fixture("basic"))
    text = result.stderr.decode()
    check(re.search(r"140 allocations of 45\.29 KiB", text), text)
    check(f"allocptrace-analyze {log}" in text, text)


@case
def disk_full_from_the_start_is_an_error(tools):
    result = tools.trace(tools.fixture("basic"), log="/dev/full")
    one_line(result, 125, "allocptrace", "/dev/full", "No space left")
    equal(result.stdout, b"", "the program must not have run")


@case
def duration_lets_a_launched_program_go_on(tools):
    marker = os.path.join(tools.folder, "went-on")
    result = tools.trace("sh", "-c", f"exec >/dev/null 2>&1; sleep 2; echo > {marker}", options=("--duration=0.5",))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    check(not os.path.exists(marker), "the program was waited for")
    deadline = time.time() + 60
    while not os.path.exists(marker):
        check(time.time() < deadline, "the program did not go on")
        time.sleep(0.1)


def start_server(tools):
    server = subprocess.Popen([tools.fixture("server")], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    server.stdout.readline()
    return server


def round_of(server):
    server.stdin.write(b"r")
    server.stdin.flush()
    while server.stdout.readline().strip() != b"done":
        pass


@case
def attach_sees_what_happens_meanwhile(tools):
    server = start_server(tools)
    round_of(server)
    log = tools.log()
    tracer = subprocess.Popen([tools.tracer, "-q", "--stats", "-o", log, "-p", str(server.pid)],
                              stderr=subprocess.PIPE)
    deadline = time.time() + 60
    while not os.path.exists(log) or os.path.getsize(log) < 500:
        check(time.time() < deadline and tracer.poll() is None, "the tracer did not attach")
        time.sleep(0.1)
    time.sleep(0.5)
    for _ in range(3):
        round_of(server)
    tracer.send_signal(signal.SIGINT)
    equal(tracer.wait(60), 0, f"exit status ({tracer.stderr.read()})")
    for _ in range(3):
        round_of(server)  # it lives on, with its own code
    output, _ = server.communicate(b"q", timeout=60)
    equal(server.returncode, 0, "exit status of the server")
    total = ledgers(output)[0]["allocations"]
    report = tools.json(log)
    seen = own_sums(report)["allocations"]
    # One block is from before the first round.
    equal(seen * 7, (total - 1) * 3, "allocations in three of seven rounds")


@case
def attach_and_detach_many_times(tools):
    """A busy process with several threads survives, and its code is as before."""
    spin = subprocess.Popen([tools.fixture("spin"), "25", "4"], stdout=subprocess.PIPE)
    for _ in range(10):
        result = tools.run(tools.tracer, "-q", "-o", tools.log(), "--duration=0.1", "-p",
                           str(spin.pid))
        equal(result.returncode, 0, f"exit status ({result.stderr})")
        with open(f"/proc/{spin.pid}/status", encoding="utf-8") as status:
            check("State:\tT" not in status.read(), "the process was left stopped")
    output, _ = spin.communicate(timeout=120)
    equal(spin.returncode, 0, "exit status of the process")
    equal(output, b"spin ended\n", "output of the process")


@case
def killed_tracer_leaves_a_readable_log(tools):
    log = tools.log()
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "--", tools.fixture("spin"), "60"],
                              stdout=subprocess.DEVNULL)
    time.sleep(2.5)
    tracer.kill()
    tracer.wait()
    result = tools.run(tools.analyzer, "--json", log)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    check(b"truncated" in result.stderr, result.stderr)
    check(b'"total_allocations": 0' not in result.stdout, "nothing was recorded")


@case
def bad_programs_are_named(tools):
    folder = tools.folder
    plain = os.path.join(folder, "plain")
    with open(plain, "w", encoding="utf-8") as file:
        file.write("just text\n")
    os.chmod(plain, 0o755)
    other = os.path.join(folder, "arm")
    with open(other, "wb") as file:
        file.write(b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, 183) + bytes(44))
    os.chmod(other, 0o755)
    unreadable = os.path.join(folder, "data")
    with open(unreadable, "w", encoding="utf-8") as file:
        file.write("x")
    os.chmod(unreadable, 0o644)
    script = os.path.join(folder, "script")
    with open(script, "w", encoding="utf-8") as file:
        file.write("#!/no/such/interpreter\n")
    os.chmod(script, 0o755)
    for program, status, word in (
            ("no-such-program-anywhere", 127, "no such program"),
            ("/no/such/path", 127, "No such file"),
            (folder, 126, "directory"),
            (plain, 126, "neither an ELF program nor a script"),
            (other, 126, "64-bit ARM"),
            (unreadable, 126, "permission"),
            (script, 127, "interpreter")):
        one_line(tools.trace(program), status, "allocptrace", program, word)


@case
def bad_processes_are_named(tools):
    def attach(pid, *words):
        result = tools.run(tools.tracer, "-q", "-o", tools.log(), "-p", str(pid))
        one_line(result, 125, "allocptrace", *words)

    ended = subprocess.Popen(["true"])
    ended.wait()
    attach(ended.pid, "no such process")
    zombie = subprocess.Popen(["true"])
    time.sleep(0.5)
    attach(zombie.pid, "zombie")
    zombie.wait()
    if os.path.exists("/usr/bin/strace"):
        strace = subprocess.Popen(["strace", "-o", "/dev/null", "sleep", "60"])
        time.sleep(1)
        with open(f"/proc/{strace.pid}/task/{strace.pid}/children", encoding="utf-8") as file:
            sleep = int(file.read().split()[0])
        attach(sleep, "already traced", "strace")
        os.kill(sleep, signal.SIGKILL)
        strace.wait()
    attach("0x12", "--pid")


@case
def foreign_process_is_denied_with_the_reason(tools):
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    sleep = subprocess.Popen(["sleep", "60"])
    try:
        result = tools.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                           tools.tracer, "-q", "-o", "/dev/null", "-p", str(sleep.pid))
        one_line(result, 125, "allocptrace", "user 0")
    finally:
        sleep.kill()
        sleep.wait()


@case
def bad_outputs_are_named(tools):
    result = tools.trace(tools.fixture("basic"), log="/no/such/folder/log")
    one_line(result, 125, "allocptrace", "/no/such/folder/log", "No such file")
    equal(result.stdout, b"", "the program must not have run")


@case
def bad_logs_are_named(tools):
    def analyze(path, status, *words):
        one_line(tools.run(tools.analyzer, path), status, "allocptrace-analyze", *words)

    def write(data):
        path = tools.log()
        with open(path, "wb") as file:
            file.write(data)
        return path

    good = tools.trace(tools.fixture("basic")).log
    with open(good, "rb") as file:
        data = file.read()
    analyze("/no/such/log", 3, "/no/such/log", "No such file")
    analyze(write(b""), 3, "empty")
    analyze(write(b"hello world, this is text"), 3)
    analyze(write(b"\xa1\x01\x02"), 3)  # CBOR, but a map of ours it is not
    newer = data.replace(b"\x6fallocptrace-log\x01", b"\x6fallocptrace-log\x02", 1)
    check(newer != data, "the header was not found")
    analyze(write(newer), 3, "newer")
    half = tools.run(tools.analyzer, write(data[:len(data) // 2]))
    equal(half.returncode, 0, "a truncated log is read")
    check(b"truncated" in half.stderr, half.stderr)
    middle = len(data) // 2
    analyze(write(data[:middle] + b"\xff\xff\xff\xff" + data[middle + 4:]), 3, "byte")
