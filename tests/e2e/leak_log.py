# SPDX-License-Identifier: MIT
"""Logs with leak checks, written record by record: what is in them is known exactly."""
import zlib

from hostile_log import encode, header

REACHABLE, POSSIBLY, INDIRECTLY, DEFINITELY = range(4)
EXIT, ENDED, FATAL, REQUEST, INTERVAL, DETACH = range(6)
REGISTER, STACK, GLOBAL, TLS, MAPPING = range(5)


class LeakLog:
    """Process 1, /bin/server, has thread 1; more may follow. Stacks are named by their functions,
    innermost first, as in "make_node make_tree main"."""

    def __init__(self, attached=False):
        self.parts = [header(tick_ns=1000, attached=attached)]
        self.address, self.frames, self.stacks = 0, {}, {0: 0}
        self.processes = self.threads = self.checks = self.roots = 0
        self.record(3, 1, "/bin/server", b"")
        self.process(origin=1 if attached else 0)

    def record(self, *fields):
        self.parts.append(encode(list(fields)))

    def process(self, parent=0, origin=0, executable="/bin/server"):
        self.processes += 1
        self.record(1, self.processes, parent, origin, 100 + self.processes, executable, [])
        return self.thread(self.processes)

    def thread(self, process=1, name="worker"):
        self.threads += 1
        self.record(2, self.threads, process, 200 + self.threads, name)
        return self.threads

    def frame(self, function):
        if function not in self.frames:
            number = self.frames[function] = len(self.frames) + 1
            address = zlib.crc32(function.encode())  # the same in each log
            self.record(6, number, 1, address, int(function == "malloc"))
            self.record(7, number, [[function, f"/src/{function}.c", 10]])
        return self.frames[function]

    def stack(self, functions):
        parent = 0
        for function in reversed(functions.split()):
            key = parent, self.frame(function)
            if key not in self.stacks:
                self.stacks[key] = len(self.stacks)
                self.record(8, self.stacks[key], *key)
            parent = self.stacks[key]
        return parent

    def delta(self, address):
        """The difference to be written for an address."""
        difference, self.address = address - self.address, address
        return difference

    def alloc(self, address, size, functions, thread=1, time=0):
        stack = self.stack(functions)
        self.record(16, time, thread, self.delta(address), size, stack)

    def free(self, address, thread=1, time=0):
        self.record(17, time, thread, self.delta(address))

    def found(self, address, size, process=1):
        self.record(24, process, self.delta(address), size)

    def check(self, process=1, ticks=0, moment=EXIT):
        self.checks += 1
        self.record(25, self.checks, process, ticks, moment)
        return self.checks

    def root(self, kind, thread=0, module=0, address=0, name="", check=None):
        self.roots += 1
        self.record(26, self.roots, check or self.checks, kind, thread, module, address, name)
        return self.roots

    def verdict(self, reach, address, size, functions, root=0, holder=None, thread=1, check=None):
        """functions is None for a block from before tracing."""
        stack = self.stack(functions) if functions is not None else 0
        self.record(27, check or self.checks, self.delta(address), size, stack,
                    thread if functions is not None else 0, reach, root,
                    self.delta(address if holder is None else holder))

    def end_check(self, check=None, **numbers):
        self.record(28, check or self.checks, numbers)

    def write(self, path, cut=False):
        with open(path, "wb") as file:
            file.write(b"".join(self.parts))
            if not cut:
                file.write(encode([23, 0, {}]))
        return path


def sample(log=None, **check):
    """One block of each kind; what is indirectly lost is held by what is definitely lost."""
    log = log or LeakLog()
    blocks = ((0x1000, 16, "malloc make_node make_tree main"), (0x2000, 32, "malloc load main"),
              (0x3000, 100, "malloc load main"), (0x4000, 50, "malloc make_node make_tree main"),
              (0x5000, 8, "malloc load main"))
    for block in blocks:
        log.alloc(*block)
    log.check(**check)
    cache = log.root(GLOBAL, module=1, address=0x4010, name="cache+0x10")
    register = log.root(REGISTER, thread=1, name="rbx")
    log.verdict(DEFINITELY, *blocks[0])
    log.verdict(INDIRECTLY, *blocks[1], holder=0x1008)
    log.verdict(REACHABLE, *blocks[2], root=cache, holder=0x4010)
    log.verdict(POSSIBLY, *blocks[3], holder=0x3010)
    log.verdict(REACHABLE, *blocks[4], root=register)
    log.end_check(pause_ns=1500, threads=1)
    return log


def attached_sample():
    """Two blocks from before, one of which is freed, and one that nothing points to."""
    log = LeakLog(attached=True)
    log.found(0x1000, 100_000)
    log.found(0x90000, 2000)
    log.alloc(0x70000, 3000, "malloc load main", time=1000)
    log.free(0x1000, time=2000)
    log.check(ticks=5000)
    root = log.root(GLOBAL, module=1, name="table")
    log.verdict(REACHABLE, 0x90000, 2000, None, root=root, holder=0x500)
    log.verdict(DEFINITELY, 0x70000, 3000, "malloc load main")
    log.end_check()
    return log
