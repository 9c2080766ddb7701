# SPDX-License-Identifier: MIT
"""Real programs of many processes: a build, git's housekeeping, initdb, a preforking server."""
import os
import shutil
import signal
import subprocess
import time
import urllib.request

from follow_cases import AS_NOBODY, no_warnings
from harness import Skip, case, check, equal, need
from robustness_cases import code_of, wait_until


def add_up(tools, log, *names):
    """The processes' totals are the log's, each of them allocates, and all of names are there."""
    report = tools.json(log)
    summary, listed = report["summary"], report["processes"]
    equal(summary["missed_frees"], 0, "missed frees")
    if not summary["attached"]:  # a process that was attached to has older blocks
        equal(summary["unknown_frees"], 0, "unexplained frees")
    sums = {"allocations": 0, "bytes": 0, "leaked": 0}
    seen = {}
    for one in tools.json(log, "--group-by=process")["allocations"]:
        check(one["count"] > 0, one)
        sums["allocations"] += one["count"]
        sums["bytes"] += one["total_bytes"]
        sums["leaked"] += one["leaked_bytes"]
        name = os.path.basename(one["executable"])
        seen[name] = seen.get(name, 0) + 1
    equal(sums, {"allocations": summary["total_allocations"],
                 "bytes": summary["total_bytes_allocated"], "leaked": summary["leaked_bytes"]},
          "sums of the processes")
    for name in names:
        check(any(name in program for program in seen), f"no {name} among {seen}")
    parts = [tools.json(log, f"--process={pid}")["summary"]
             for pid in {one["process"] for one in listed}]
    for key in ("total_allocations", "total_deallocations", "total_bytes_allocated",
                "leaked_blocks", "leaked_bytes", "inherited_frees"):
        equal(sum(part[key] for part in parts), summary[key], f"{key} of all processes")
    for part in parts:
        check(part["peak_memory"] <= summary["peak_memory"], f"peak of a process: {part}")
    return listed


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


@case
def make_with_jobs_is_one_log(tools):
    """make -j4 from a shell: gcc, cc1, as, collect2 and ld under it; the same program comes out."""
    make = need("make")
    folder = os.path.join(tools.folder, "project")
    os.mkdir(folder)
    for number in range(4):
        write(folder, f"part{number}.c", f"int part{number}(int x) {{ return x + {number}; }}\n")
    write(folder, "main.c", "int part0(int); int part3(int);\n"
                            "int main(void) { return part0(1) + part3(2); }\n")
    write(folder, "Makefile", "OBJECTS = main.o part0.o part1.o part2.o part3.o\n"
                              "program: $(OBJECTS)\n\tgcc -o $@ $(OBJECTS)\n"
                              "%.o: %.c\n\tgcc -c -o $@ $<\n")
    command = ("sh", "-c", f"{make} -j4")
    plain = tools.run(*command, cwd=folder)
    equal(plain.returncode, 0, f"make without the tracer ({plain.stderr})")
    program = os.path.join(folder, "program")
    with open(program, "rb") as file:
        wanted = file.read()
    for name in os.listdir(folder):
        if name.endswith(".o") or name == "program":
            os.unlink(os.path.join(folder, name))
    result = tools.trace(*command, cwd=folder)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    no_warnings(result)
    equal(sorted(result.stdout.splitlines()), sorted(plain.stdout.splitlines()), "output")
    with open(program, "rb") as file:
        equal(file.read() == wanted, True, "the program is the same")
    listed = add_up(tools, result.log, "make", "gcc", "cc1", "as", "collect2", "ld")
    # The shell may execute make itself; for each object gcc, cc1 and as; gcc, collect2 and ld.
    check(len(listed) >= 1 + 5 * 3 + 3, f"{len(listed)} processes")


@case
def git_gc_is_one_log(tools):
    git = need("git")
    made, again = (os.path.join(tools.folder, name) for name in ("made", "again"))
    environment = {"PATH": os.environ["PATH"], "HOME": tools.folder, "GIT_AUTHOR_NAME": "a",
                   "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a",
                   "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_NOSYSTEM": "1",
                   "GIT_AUTHOR_DATE": "1700000000 +0000", "GIT_COMMITTER_DATE": "1700000000 +0000"}

    def run(folder, *words):
        result = tools.run(git, "-C", folder, *words, env=environment)
        equal(result.returncode, 0, f"git {words} ({result.stderr})")
        return result.stdout
    os.mkdir(made)
    run(made, "init", "-q")
    for number in range(15):
        write(made, f"file{number % 4}", "".join(f"line {i * number}\n" for i in range(200)))
        run(made, "add", ".")
        run(made, "commit", "-q", "-m", f"commit {number}")
    shutil.copytree(made, again)
    plain = tools.run(git, "-C", made, "gc", env=environment)
    result = tools.trace(git, "-C", again, "gc", env=environment)
    equal((result.returncode, result.stdout), (plain.returncode, plain.stdout), "status and output")
    equal(result.stderr, plain.stderr, "no warnings of the tracer's")
    equal(run(again, "count-objects", "-v"), run(made, "count-objects", "-v"), "what gc left")
    run(again, "fsck", "--strict")
    listed = add_up(tools, result.log, "git")
    check(len(listed) >= 5, f"gc, pack-refs, reflog, repack and pack-objects: {listed}")


@case
def initdb_makes_a_database_cluster(tools):
    """It refuses root: started as another user by a program that changes its user ids."""
    initdb = need("initdb")
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    os.chmod(tools.folder, 0o755)
    place = os.path.join(tools.folder, "clusters")
    os.mkdir(place)
    os.chown(place, 65534, 65534)

    def command(name):
        return (*AS_NOBODY, initdb, "-D", os.path.join(place, name), "-N", "-A", "trust",
                "--no-instructions", "--locale=C", "-E", "UTF8")

    def files(name):
        top = os.path.join(place, name)
        return sorted(os.path.relpath(os.path.join(folder, file), top)
                      for folder, _, names in os.walk(top) for file in names)
    plain = tools.run(*command("plain"), cwd=place)
    equal(plain.returncode, 0, f"initdb without the tracer ({plain.stderr})")
    result = tools.trace(*command("other"), cwd=place)
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    equal(result.stderr, plain.stderr, "no warnings of the tracer's")
    equal(result.stdout.replace(b"/other", b"/plain"), plain.stdout, "output")
    equal(files("other"), files("plain"), "files of the cluster")
    listed = add_up(tools, result.log, "initdb", "postgres")
    check(len(listed) >= 6, f"{len(listed)} processes")


NGINX = """daemon off; pid {0}/pid; error_log {0}/error; worker_processes 3;
events {{ worker_connections 32; }}
http {{ access_log off; client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c;
  uwsgi_temp_path {0}/d; scgi_temp_path {0}/e;
  server {{ listen 127.0.0.1:{1}; location / {{ return 200 "served by $pid\\n"; }} }} }}
"""


class Server:
    """A master that forks three workers, which serve requests."""

    def __init__(self, tools):
        self.program = need("nginx")
        self.folder = os.path.join(tools.folder, "nginx")
        self.port = 40000 + os.getpid() % 20000
        os.mkdir(self.folder)
        os.chmod(tools.folder, 0o755)
        write(self.folder, "conf", NGINX.format(self.folder, self.port))
        self.command = (self.program, "-e", os.path.join(self.folder, "error"), "-c",
                        os.path.join(self.folder, "conf"))

    def request(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=30) as answer:
            return int(answer.read().decode().removeprefix("served by "))

    def wait(self):
        def answers():
            try:
                return self.request() > 0
            except OSError:
                return False
        wait_until(answers, "nginx does not answer")

    def master(self):
        with open(os.path.join(self.folder, "pid"), encoding="utf-8") as file:
            return int(file.read())

    def workers(self):
        master = self.master()
        with open(f"/proc/{master}/task/{master}/children", encoding="utf-8") as file:
            return set(map(int, file.read().split()))

    def reload(self):
        """New workers take the old ones' place."""
        old = self.workers()
        os.kill(self.master(), signal.SIGHUP)
        wait_until(lambda: len(self.workers()) == 3 and not self.workers() & old,
                   "the workers were not replaced")
        self.wait()


def tracer_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(file.read().split("TracerPid:")[1].split()[0])


@case
def preforking_server_is_traced_from_its_start(tools):
    server = Server(tools)
    log = tools.log()
    tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "--", *server.command],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    server.wait()
    first = server.workers()
    served = {server.request() for _ in range(60)}
    check(served <= first, f"{served} among {first}")
    server.reload()
    second = server.workers()
    served |= {server.request() for _ in range(60)}
    os.kill(server.master(), signal.SIGQUIT)
    output, errors = tracer.communicate(timeout=60)
    equal((tracer.returncode, output, errors), (0, b"", b""), "status, output and warnings")
    add_up(tools, log, "nginx")
    for pid in first | second:
        part = tools.json(log, f"--process={pid}")["summary"]
        check(part["total_allocations"] > 0, f"nothing in worker {pid}: {part}")
        check(part["peak_memory"] > 0, part)
    check(served, "no requests")


@case
def preforking_server_is_attached_to(tools):
    """Its next generation of workers is traced; afterwards all are as before."""
    server = Server(tools)
    nginx = subprocess.Popen(server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        server.wait()
        before = code_of(nginx.pid)
        log = tools.log()
        tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "-p", str(nginx.pid)],
                                  stderr=subprocess.PIPE)
        wait_until(lambda: tracer_of(nginx.pid) == tracer.pid and code_of(nginx.pid) != before,
                   "the tracer did not attach")
        server.reload()
        workers = server.workers()
        equal({tracer_of(pid) for pid in workers}, {tracer.pid}, "tracers of the workers")
        for _ in range(60):
            server.request()
        tracer.send_signal(signal.SIGINT)
        equal((tracer.wait(60), tracer.stderr.read()), (0, b""), "status and warnings")
        for pid in {nginx.pid} | workers:
            equal(tracer_of(pid), 0, f"tracer of {pid}")
            code = code_of(pid)
            equal({key: code.get(key) == value for key, value in before.items()},
                  dict.fromkeys(before, True), f"code of {pid} is as before")
        for _ in range(20):
            check(server.request() in workers, "another worker")
        server.reload()
        add_up(tools, log, "nginx")
        for pid in workers:
            check(tools.json(log, f"--process={pid}")["summary"]["total_allocations"] > 0,
                  f"nothing in worker {pid}")
    finally:
        nginx.send_signal(signal.SIGQUIT)
        equal(nginx.wait(60), 0, "exit status of nginx")
