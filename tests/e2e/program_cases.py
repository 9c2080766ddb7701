# SPDX-License-Identifier: MIT
"""Real programs that nobody rebuilt: counts against valgrind's, to the unit, and stacks."""
import os
import re
import subprocess
import time

from harness import case, check, equal, need

SQL = """create table t(a integer primary key, b text);
with recursive c(x) as (select 1 union all select x+1 from c where x<3000)
  insert into t select x, printf('row %d %s', x, hex(x*7919)) from c;
create index i on t(b);
select count(*), sum(a), max(b) from t where b like '%9%';
delete from t where a%3=0;
select count(*) from t;
"""

# Valgrind runs the program with these in its environment, and some programs copy theirs. LD_PRELOAD
# itself would load what cannot work without valgrind: another name of its length will do.
PRELOADED = ("/usr/libexec/valgrind/vgpreload_core-amd64-linux.so:"
             "/usr/libexec/valgrind/vgpreload_memcheck-amd64-linux.so")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "PYTHONHASHSEED": "0",
               "PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"}
BESIDE = {"GLIBCPP_FORCE_NEW": "1", "GLIBCXX_FORCE_NEW": "1", "LD_LIBRARY_PATH": "/usr/lib/debug",
          "XD_PRELOAD": PRELOADED, "PWD": os.getcwd()}


def against_valgrind(tools, *command, runs=1, **keywords):
    need("valgrind")
    log = os.path.join(tools.folder, "valgrind.txt")
    # Both write to pipes: a program may ask what its output is.
    judged = tools.run("valgrind", "--run-libc-freeres=no", "--run-cxx-freeres=no",
                       "--log-file=" + log, *command, env=ENVIRONMENT, **keywords)
    with open(log, encoding="utf-8") as file:
        usage = re.search(r"total heap usage: ([\d,]+) allocs, ([\d,]+) frees, ([\d,]+) bytes",
                          file.read())
    wanted = tuple(int(number.replace(",", "")) for number in usage.groups())
    for left in reversed(range(runs)):
        result = tools.trace(*command, env=ENVIRONMENT | BESIDE, **keywords)
        equal(result.returncode, judged.returncode, f"exit status ({result.stderr})")
        equal(result.stdout, judged.stdout, "output")
        summary = tools.json(result.log)["summary"]
        got = (summary["total_allocations"], summary["total_deallocations"],
               summary["total_bytes_allocated"])
        if got == wanted or not left:
            break
    equal(got, wanted, "allocations, frees and bytes")
    equal(summary["unknown_frees"] + summary["missed_frees"], 0, "unexplained events")
    return result


def script(tools):
    path = os.path.join(tools.folder, "script.sql")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SQL)
    return path


@case
def sqlite3_counts_as_valgrind(tools):
    against_valgrind(tools, need("sqlite3"), ":memory:", ".read " + script(tools))


@case
def python3_counts_as_valgrind(tools):
    need("python3")
    against_valgrind(tools, "/usr/bin/python3", "-I", "-S", "-c",
                     "import json; print(len(json.dumps({str(i): [i] * 3 for i in range(500)})))")


@case
def jq_counts_as_valgrind(tools):
    against_valgrind(tools, need("jq"), "-n", "[range(300) | {a: ., b: tostring}] | map(.a) | add")


@case
def perl_counts_as_valgrind(tools):
    against_valgrind(tools, "/usr/bin/perl", "-e",
                     'my %h; for (1..2000) { $h{"k$_"} = [1..3] } print scalar keys %h')


def cc1_command(tools):
    source = os.path.join(tools.folder, "small.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write("int f(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * x; return s; }\n")
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True,
                         check=True).stdout.strip()
    return cc1, "-quiet", "-O2", source, "-o", "/dev/null"


@case
def cc1_counts_as_valgrind(tools):
    # It hashes addresses: once in a few runs, one of its tables grows a step earlier or later.
    against_valgrind(tools, *cc1_command(tools), runs=6)


@case
def unwinding_agrees_with_libdwfl(tools):
    """--verify-unwind finds no difference, and nothing had to be single-stepped."""
    python = ("/usr/bin/python3", "-I", "-S", "-c", "import json; print(json.dumps([1]))")
    for command in ((need("sqlite3"), ":memory:", ".read " + script(tools)), python,
                    cc1_command(tools)):
        stats = tools.stats(*command, options=("--verify-unwind=20",))
        check(stats["verified_unwinds"] > 10, stats)
        equal(stats["differing_unwinds"], 0, f"differences in {command[0]}")
        equal(stats["incomplete_stacks"], 0, f"incomplete stacks in {command[0]}")
        equal(stats["single_steps"], 0, f"single-steps in {command[0]}")


@case
def git_and_ripgrep_are_traced(tools):
    folder = os.path.join(tools.folder, "repository")
    git = need("git")
    for words in (("init", "-q", folder), ("-C", folder, "-c", "user.name=a", "-c", "user.email=b",
                                           "commit", "-q", "--allow-empty", "-m", "first")):
        equal(tools.run(git, *words).returncode, 0, f"git {words[0]}")
    for command in ((git, "-C", folder, "log", "--oneline"), (need("rg"), "-c", "e", folder)):
        plain = tools.run(*command)
        result = tools.trace(*command)
        equal((result.returncode, result.stdout), (plain.returncode, plain.stdout), command[0])
        check(tools.json(result.log)["summary"]["total_allocations"] > 50, "too few allocations")


@case
def gcc_and_its_children_are_one_log(tools):
    source = cc1_command(tools)[3]
    result = tools.trace("gcc", "-c", source, "-o", os.path.join(tools.folder, "small.o"))
    equal(result.returncode, 0, f"exit status ({result.stderr})")
    summary = tools.json(result.log)["summary"]
    check(summary["processes"] >= 3, f"gcc, cc1 and as: {summary}")
    check(os.path.getsize(os.path.join(tools.folder, "small.o")) > 0, "no object file")
    folded = tools.analyze(result.log, "--flamegraph")
    check(re.search(r"^cc1;", folded, re.M) and re.search(r"^(\S*-)?as;", folded, re.M),
          "the processes are not told apart")


@case
def folded_stacks_are_well_formed(tools):
    result = tools.trace(need("jq"), "-n", "[range(50)] | add")
    for metric in ("bytes", "allocations", "peak", "leaked", "temporary"):
        for line in tools.analyze(result.log, "--flamegraph", "--metric=" + metric).splitlines():
            check(re.fullmatch(r"[^;]+(;[^;]+)* [1-9]\d*", line), f"{metric}: {line!r}")
    total = sum(int(line.rsplit(" ", 1)[1])
                for line in tools.analyze(result.log, "--flamegraph").splitlines())
    equal(total, tools.json(result.log)["summary"]["total_bytes_allocated"], "sum of weights")


@case
def redis_serves_on_while_attached(tools):
    server, client, bench = need("redis-server", "redis-cli", "redis-benchmark")
    port = str(20000 + os.getpid() % 20000)
    redis = subprocess.Popen([server, "--port", port, "--save", "", "--dir", tools.folder],
                             stdout=subprocess.DEVNULL)
    try:
        deadline = time.time() + 60
        while b"PONG" not in tools.run(client, "-p", port, "ping").stdout:
            check(time.time() < deadline, "redis did not start")
            time.sleep(0.1)
        log = tools.log()
        tracer = subprocess.Popen([tools.tracer, "-q", "-o", log, "--duration=3", "-p",
                                   str(redis.pid)], stderr=subprocess.PIPE)
        load = tools.run(bench, "-p", port, "-n", "2000", "-c", "10", "-q", "-t", "set,get,lpush")
        equal(load.returncode, 0, f"redis-benchmark: {load.stderr}")
        check(b"rror" not in load.stdout, load.stdout)
        equal(tracer.wait(60), 0, f"exit status ({tracer.stderr.read()})")
        check(b"PONG" in tools.run(client, "-p", port, "ping").stdout, "redis is gone")
        summary = tools.json(log)["summary"]
        check(summary["total_allocations"] > 100, summary)
    finally:
        redis.terminate()
        equal(redis.wait(60), 0, "exit status of redis")
