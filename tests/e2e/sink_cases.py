# SPDX-License-Identifier: MIT
"""The log's file: disks that are full, pipes that nobody reads, tracers that are killed. The target
goes on, one line says what happened, and what was recorded until then is readable."""
import fcntl
import os
import re
import resource
import signal
import stat
import subprocess
import tempfile
import time

from harness import Skip, case, check, equal

PAIRS = ("20", "20000")  # 2.1 MiB of snapshots and 0.7 MB of log: more than the ring holds


def failure_line(result, *parts):
    """The one line about the log in what the tracer printed."""
    lines = [line for line in result.stderr.decode(errors="replace").splitlines()
             if "cannot write" in line or "has taken nothing" in line]
    equal(len(lines), 1, f"lines about the failure in {result.stderr}")
    for part in parts:
        check(part in lines[0], f"{part!r} in {lines[0]}")


def readable(tools, log):
    """The sums of a log that was cut off."""
    result = tools.run(tools.analyzer, "--json", log)
    equal(result.returncode, 0, f"analyzer: {result.stderr}")
    check(b"truncated" in result.stderr, result.stderr)
    return tools.json(log)


def small_disk(tools, size):
    disk = tempfile.mkdtemp(dir=tools.folder)
    if tools.run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk).returncode:
        raise Skip("only root can mount a small disk")
    return disk


@case
def full_disk_ends_the_log_and_not_the_program(tools):
    disk = small_disk(tools, "24k")
    try:
        for name in ("log.cbor", "log.cbor.zst"):
            log = os.path.join(disk, name)
            result = tools.run(tools.tracer, "-o", log, "--", tools.fixture("storm"))
            equal(result.returncode, 0, f"exit status ({result.stderr})")
            failure_line(result, log, "No space left on device")
            check(readable(tools, log)["summary"]["total_allocations"] > 0, "none are readable")
            os.unlink(log)
    finally:
        tools.run("umount", disk)


@case
def file_size_limit_ends_the_log_and_not_the_program(tools):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    log = tools.log()
    # The program itself keeps SIGXFSZ's default action.
    result = tools.run(tools.tracer, "-o", log, "--", tools.fixture("pairs"), *PAIRS,
                       preexec_fn=limit)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    failure_line(result, log, "File too large")
    equal(os.path.getsize(log), 100_000, "size of the log")
    readable(tools, log)


@case
def pipe_closed_by_its_reader_ends_the_log_and_not_the_program(tools):
    # The program itself has another standard output.
    command = ("sh", "-c", 'exec "$0" "$@" > /dev/null', tools.fixture("pairs"), *PAIRS)
    with subprocess.Popen([tools.tracer, "-o", "-", "--", *command], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as tracer:
        equal(len(tracer.stdout.read(1000)), 1000, "bytes of the log")
        tracer.stdout.close()
        errors = tracer.stderr.read()
    equal(tracer.returncode, 0, f"exit status ({errors})")
    failure_line(subprocess.CompletedProcess([], 0, b"", errors), "standard output", "Broken pipe")


@case
def attached_tracer_fails_by_its_log_and_the_target_goes_on(tools):
    target = subprocess.Popen([tools.fixture("spin"), "12", "2"], stdout=subprocess.PIPE)
    result = tools.run(tools.tracer, "--duration=1.5", "-o", "/dev/stdout", "-p", str(target.pid),
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    equal(result.returncode, 0, f"a pipe has no size: {result.stderr}")
    log = tools.log()
    result = tools.run(tools.tracer, "--duration=1.5", "-o", log, "-p", str(target.pid),
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (9999, 9999)))
    equal(result.returncode, 125, f"exit status ({result.stderr})")
    failure_line(result, log, "File too large")
    equal(target.communicate(timeout=60)[0], b"spin ended\n", "output of the target")
    equal(target.returncode, 0, "exit status of the target")


class Pipe:
    """A named pipe that is open for reading, and how it is read is the case's affair."""

    def __init__(self, tools):
        self.path = tools.log(".fifo")
        os.mkfifo(self.path)
        self.fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self.fd, fcntl.F_SETPIPE_SZ, 4096)


@case
def pipe_that_nobody_reads_is_given_up(tools):
    """The target waits for a while, then it runs on. It is not known from the outside for how long:
    both the program and the tracer end at all."""
    pipe = Pipe(tools)
    result = tools.run(tools.tracer, "-o", pipe.path, "--", tools.fixture("pairs"), *PAIRS)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    check(b"pairs 20000" in result.stdout, f"the program's own output: {result.stdout}")
    failure_line(result, pipe.path, "has taken nothing for 10 seconds")
    log = tools.log()
    with open(log, "wb") as file:
        file.write(os.read(pipe.fd, 1 << 20))
    readable(tools, log)


@case
def pipe_that_stalls_at_the_end_does_not_keep_the_exit_status(tools):
    pipe = Pipe(tools)
    result = tools.run(tools.tracer, "-o", pipe.path, "--", tools.fixture("pairs"), "20", "3000")
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    failure_line(result, pipe.path, "has taken nothing for 10 seconds")


@case
def slow_pipe_gets_the_whole_log(tools):
    """A reader that needs longer for all of it than a stalled one is waited for."""
    pipe = Pipe(tools)
    with subprocess.Popen([tools.tracer, "-q", "-o", pipe.path, "--", tools.fixture("pairs"), *PAIRS],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as tracer:
        os.set_blocking(pipe.fd, True)
        data = os.read(pipe.fd, 4096)
        began = time.monotonic()
        # One page in a quarter of a second for 12 s, then as fast as it comes.
        while time.monotonic() - began < 12 and tracer.poll() is None:
            time.sleep(0.25)
            data += os.read(pipe.fd, 4096)
        while more := os.read(pipe.fd, 1 << 20):
            data += more
        errors = tracer.stderr.read()
    equal((tracer.returncode, errors), (0, b""), "exit status and errors")
    log = tools.log()
    with open(log, "wb") as file:
        file.write(data)
    report = tools.json(log)
    equal(report["summary"]["truncated"], False, "truncated")
    made = [site["count"] for site in report["allocations"] if site["function"] == "make_pairs"]
    equal(made, [20000], "allocations")


def ask(server, rounds):
    for _ in range(rounds):
        server.stdin.write(b"r")
        server.stdin.flush()
        equal(server.stdout.readline(), b"done\n", "answer")


def killed_a_second_later(tools, suffix):
    """Attached, so that the target outlives the tracer; idle, so that no stop makes it write."""
    log = tools.log(suffix)
    with subprocess.Popen([tools.fixture("server")], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as server:
        tracer = None
        try:
            server.stdout.readline()
            tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "-p", str(server.pid)])
            deadline = time.monotonic() + 60
            while readable_allocations(tools, log) == 0:
                check(time.monotonic() < deadline, "nothing was recorded")
                ask(server, 1)
            # By the totals: naming the functions may take longer than this on a busy machine.
            before = readable_allocations(tools, log)
            ask(server, 3)
            time.sleep(3)
            tracer.kill()
            tracer.wait()
            after = readable(tools, log)["summary"]["total_allocations"]
            check(after - before >= 600, f"{after} after {before}")
            equal(after % 200, 0, "allocations of whole rounds")
        finally:
            if tracer:
                tracer.kill()
                tracer.wait()
            server.kill()


def readable_allocations(tools, log):
    result = tools.run(tools.analyzer, "--json", log)
    if result.returncode:
        return 0
    return int(re.search(rb'"total_allocations": (\d+)', result.stdout)[1])


@case
def killed_tracer_has_written_all_but_the_last_half_second(tools):
    killed_a_second_later(tools, ".cbor")


@case
def killed_tracer_has_written_all_but_the_last_half_second_compressed(tools):
    killed_a_second_later(tools, ".cbor.zst")


@case
def idle_log_does_not_grow(tools):
    """Flushing twice a second what is not there adds nothing, compressed or not."""
    for suffix in (".cbor", ".cbor.zst"):
        log = tools.log(suffix)
        with subprocess.Popen([tools.tracer, "-q", "-o", log, "--", tools.fixture("server")],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tracer:
            tracer.stdout.readline()
            ask(tracer, 1)
            time.sleep(1)
            size = os.path.getsize(log)
            time.sleep(1)
            equal(os.path.getsize(log), size, "size")
            tracer.stdin.close()
            tracer.stdout.read()
        equal(tracer.returncode, 0, "exit status")


@case
def log_names_stand_for_descriptors_too(tools):
    """As a shell's process substitution and redirections hand them over."""
    log = tools.log()
    basic = tools.fixture("basic")
    for option, words in (("/dev/stdout", f"> {log}"), ("/dev/fd/7", f"7> {log} > /dev/null"),
                          ("-", f"> {log}")):
        result = tools.run("bash", "-c", f'"$0" -q -o {option} -- "$1" 3>&- {words}', tools.tracer,
                           tools.fixture("status") if option != "/dev/fd/7" else basic)
        equal(result.stderr, b"", f"errors with {option}")
        check(tools.json(log)["summary"]["truncated"] is False, f"{option} gives a whole log")
    substituted = tools.run("bash", "-c", '"$0" -q -o >(cat > "$2") -- "$1" > /dev/null; wait $!',
                            tools.tracer, basic, log)
    equal((substituted.returncode, substituted.stderr), (0, b""), "process substitution")
    check(tools.json(log)["summary"]["total_allocations"] > 0, "process substitution's log")


@case
def logs_and_reports_are_for_their_owner_and_follow_no_link(tools):
    log = tools.log()
    old = os.umask(0)
    try:
        tools.trace(tools.fixture("basic"), log=log)
        report = tools.log(".folded")
        tools.analyze(log, f"--flamegraph={report}")
    finally:
        os.umask(old)
    for path in (log, report):
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, f"mode of {path}")
    precious = tools.log(".txt")
    with open(precious, "w", encoding="utf-8") as file:
        file.write("precious")
    for plant in (os.symlink, os.link):
        target = tools.log(".planted")
        plant(precious, target)
        tracer = tools.trace(tools.fixture("basic"), log=target)
        os.unlink(target)
        plant(precious, target)
        analyzer = tools.run(tools.analyzer, f"--flamegraph={target}", log)
        with open(precious, encoding="utf-8") as file:
            equal(file.read(), "precious", f"what {plant.__name__} leads to")
        wanted = (125, 3) if plant is os.symlink else (0, 0)
        equal((tracer.returncode, analyzer.returncode), wanted, plant.__name__)
        for result in (tracer, analyzer):
            equal(b"symbolic link" in result.stderr, plant is os.symlink, result.stderr)


@case
def failed_signals_are_not_inherited(tools):
    """The tracer ignores SIGPIPE and SIGXFSZ for its log; the program does not."""
    result = tools.trace("sh", "-c", "kill -PIPE $$")
    equal(result.returncode, 128 + signal.SIGPIPE, f"exit status ({result.stderr})")
    result = tools.trace("sh", "-c", "kill -XFSZ $$")
    equal(result.returncode, 128 + signal.SIGXFSZ, f"exit status ({result.stderr})")
