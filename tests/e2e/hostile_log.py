# SPDX-License-Identifier: MIT
"""Logs that no tracer writes, made to cost the analyzer as much as possible for their size."""


def _head(major, number):
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 24:
            return bytes([major << 5 | number])
        if number < 256 ** size:
            return bytes([major << 5 | code]) + number.to_bytes(size, "big")
    raise ValueError(number)


def encode(value):
    """CBOR (RFC 8949) of what records are made of; many times faster than a general encoder."""
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, (str, bytes)):
        data = value if isinstance(value, bytes) else value.encode()
        return _head(2 if isinstance(value, bytes) else 3, len(data)) + data
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(encode(key) + encode(item)
                                               for key, item in value.items())
    return _head(4, len(value)) + b"".join(map(encode, value))


def header(**fields):
    return b"\xd9\xd9\xf7" + encode(["allocptrace-log", 1, fields])


HEADER = header(tick_ns=1000)
END = encode([23, 0, {}])
PROCESS, THREAD, MODULE, FRAME, SYMBOL, STACK, PROCESS_END, NOTE = 1, 2, 3, 6, 7, 8, 9, 11
ALLOC, RESIZE, MMAP = 16, 19, 21
FOUND, CHECK, ROOT, VERDICT, CHECK_END = 24, 25, 26, 27, 28


def alloc(thread, stack, delta=16):
    return [ALLOC, 0, thread, delta, 16, stack]


def processes(count):
    """Processes, each with a thread and a block of its own."""
    for i in range(2, count):
        yield from ([PROCESS, i, 0, 0, i, "", []], [THREAD, i, i, 0, ""], alloc(i, 0))


def threads(count):
    for i in range(2, count):
        yield from ([THREAD, i, 1, 0, ""], alloc(i, 0))


def frames(count):
    for i in range(1, count):
        yield from ([FRAME, i, 0, i, 0], [STACK, i, 0, i], alloc(1, i))


def modules(count):
    for i in range(1, count):
        yield [MODULE, i, f"{i:x}", b""]


def named_frames(count):
    for i in range(1, count):
        yield from ([FRAME, i, 0, 0, 0], [SYMBOL, i, [[f"{i:x}", "", 0]]], [STACK, i, 0, i],
                    alloc(1, i))


def symbols(count):
    """One frame gets new names again and again."""
    yield [FRAME, 1, 0, 1, 0]
    for i in range(1, count):
        yield [SYMBOL, 1, [[f"{i:x}", f"x{i:x}", 0]]]


def notes(count):
    for i in range(1, count):
        yield [NOTE, f"{i:x}"]


def one_chain(count):
    """A stack that is as deep as there are stacks, with a block at each depth."""
    yield [FRAME, 1, 0, 1, 0]
    for i in range(1, count):
        yield from ([STACK, i, i - 1, 1], alloc(1, i))


def inlined_chain(count):
    """The same, and its frame stands for very many inlined functions."""
    yield from ([FRAME, 1, 0, 1, 0], [SYMBOL, 1, [["a", "", 0], ["b", "", 0]] * (count // 4)])
    for i in range(1, count):
        yield from ([STACK, i, i - 1, 1], alloc(1, i))


def inlined_stacks(count):
    """Very many inlined functions in stacks that differ at their outer ends."""
    names = [[f"{i:x}", "", 0] for i in range(count // 40)]
    yield from ([FRAME, 1, 0, 1, 0], [SYMBOL, 1, names])
    for i in range(1, count):
        outer = 2 * i - 1
        yield from ([FRAME, i + 1, 0, i, 0], [STACK, outer, 0, i + 1], [STACK, outer + 1, outer, 1],
                    alloc(1, outer + 1))


def long_name(count):
    yield from ([FRAME, 1, 0, 1, 0], [SYMBOL, 1, [["n" * (count * 8), "f" * (count * 8), 0]]])
    for i in range(1, count):
        yield from ([STACK, i, 0, 1], alloc(1, i))


def stacks_by_threads(count):
    """Sums for each pair of a stack and a thread."""
    for i in range(2, 300):
        yield [THREAD, i, 1, 0, ""]
    for i in range(count // 299 + 1):
        yield from ([FRAME, i + 1, 0, i, 0], [STACK, i + 1, 0, i + 1])
    for i in range(count):
        yield alloc(1 + i % 299, 1 + i // 299)


def chain_of_forks(count):
    """Each child is forked by the one before it, all alive and with all blocks."""
    for _ in range(count):
        yield alloc(1, 0)
    for i in range(2, count):
        yield [PROCESS, i, i - 1, 2, i, "", []]


def forks_that_end(count):
    for _ in range(count):
        yield alloc(1, 0)
    for i in range(2, count):
        yield from ([PROCESS, i, 1, 2, i, "", []], [PROCESS_END, i, 0, 0])


def forks_of_an_emptied_heap(count):
    """The parent had many blocks once; has a table of that size to be copied or walked?"""
    for _ in range(count):
        yield alloc(1, 0)
    yield [17, 0, 1, 0]
    for _ in range(count - 2):
        yield [17, 0, 1, -16]
    for i in range(2, count):
        yield [PROCESS, i, 1, 2, i, "", []]


def colliding_addresses(count):
    """All the same in their middle bits."""
    for i in range(1, count):
        yield alloc(1, 0, (1 << 52) if i % 4095 else (1 << 40) + 16)


def mappings_downwards(count):
    yield [MMAP, 0, 1, 1 << 46, 4096, 0]
    for _ in range(count):
        yield [MMAP, 0, 1, -8192, 4096, 0]


def open_reallocations(count):
    """Very many threads with one, and very many ends of processes."""
    for i in range(2, count):
        yield from ([THREAD, i, 1, 0, ""], [RESIZE, 0, i, 0])
    yield [PROCESS, 2, 0, 0, 2, "", []]
    for _ in range(count):
        yield [PROCESS_END, 2, 0, 0]


def verdict(check, delta, stack=0, reach=0, root=0, holder=0):
    return [VERDICT, check, delta, 16, stack, 1, reach, root, holder]


def checks(count):
    """None of them ends."""
    for i in range(1, count):
        yield from ([CHECK, i, 1, 0, 0], verdict(i, 0))


def whole_checks(count):
    for i in range(1, count):
        yield from ([CHECK, i, 1, 0, 0], verdict(i, 0, reach=3), [CHECK_END, i, {}])


def checks_of_processes(count):
    for i in range(2, count):
        yield from ([PROCESS, i, 0, 0, i, "", []], [CHECK, i - 1, i, 0, 0],
                    verdict(i - 1, 16, reach=i % 4), [CHECK_END, i - 1, {}])


def roots(count):
    yield [CHECK, 1, 1, 0, 0]
    for i in range(1, count):
        yield from ([ROOT, i, 1, i % 7, 1, 0, i, f"{i:x}"], verdict(1, 32, root=i))
    yield [CHECK_END, 1, {}]


def check_of_one_chain(count):
    """A verdict for each depth of a deep stack."""
    yield from ([FRAME, 1, 0, 1, 0], [CHECK, 1, 1, 0, 0])
    for i in range(1, count):
        yield from ([STACK, i, i - 1, 1], verdict(1, 16, i, i % 4))
    yield [CHECK_END, 1, {}]


def chain_of_holders(count):
    """One list of all blocks, and its end first."""
    yield [CHECK, 1, 1, 0, 0]
    for i in range(1, count):
        yield verdict(1, -16, reach=3 if i == count - 1 else 2, holder=-16 if i < count - 1 else 0)
    yield [CHECK_END, 1, {}]


def circle_of_holders(count):
    yield [CHECK, 1, 1, 0, 0]
    for i in range(1, count):
        yield verdict(1, -16, reach=1, holder=-16 if i < count - 1 else 16 * (count - 2))
    yield [CHECK_END, 1, {}]


def nested_blocks(count):
    """Each within the one before, held by a word behind all of them but the first."""
    yield [CHECK, 1, 1, 0, 0]
    address, begin, end = 0, 1 << 40, 1 << 41
    for i in range(1, count):
        yield [VERDICT, 1, begin + i - address, end - begin - 2 * i, 0, 1, 2 + (i == 1), 0,
               end - 3 - begin - i]
        address = end - 3
    yield [CHECK_END, 1, {}]


def roots_of_open_checks(count):
    for i in range(1, count):
        yield from ([CHECK, i, 1, 0, 0], [ROOT, i, i, 0, 1, 0, 0, ""])


def found_blocks(count):
    for i in range(1, count):
        yield [FOUND, 1, 16 if i % 2 else 1 << 40, 16]


KINDS = [processes, threads, frames, modules, named_frames, symbols, notes, one_chain,
         inlined_chain, inlined_stacks, long_name, stacks_by_threads, chain_of_forks,
         forks_that_end, forks_of_an_emptied_heap, colliding_addresses, mappings_downwards,
         open_reallocations, found_blocks]

# Those with leak checks.
CHECK_KINDS = [whole_checks, checks_of_processes, roots, check_of_one_chain, chain_of_holders,
               circle_of_holders, nested_blocks]
OPEN_CHECK_KINDS = [checks, roots_of_open_checks]


def log_of(kind, count):
    records = [HEADER, encode([PROCESS, 1, 0, 0, 1, "/prog", []]), encode([THREAD, 1, 1, 1, "t"])]
    records += map(encode, kind(count))
    return b"".join(records + [END])


# ---- zstd (RFC 8878), by hand: blocks of one byte that is repeated ----

def _block(kind, size, content, last=False):
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + content


def zstd_frame(parts, window_log=20):
    """parts: byte strings, or (byte, times)."""
    frame = [b"\x28\xb5\x2f\xfd\x00", bytes([window_log - 10 << 3])]
    most = 128 << 10
    for part in parts:
        if isinstance(part, bytes):
            frame.append(_block(0, len(part), part))
            continue
        byte, times = part
        while times:
            frame.append(_block(1, min(times, most), byte))
            times -= min(times, most)
    frame.append(_block(0, 0, b"", True))
    return b"".join(frame)
