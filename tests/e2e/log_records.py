# SPDX-License-Identifier: MIT
"""A log's records as another CBOR library gives them, for what no report shows."""
import io
from pathlib import Path

from harness import Skip

PROCESS, FRAME, SYMBOL, STACK = 1, 6, 7, 8
ALLOC, FREE, REALLOC, REALLOC_BEGIN, MMAP, MUNMAP, END = 16, 17, 18, 19, 21, 22, 23
FOUND = 24
EXEC = 3  # how a process came to be
ALLOCATOR = 1  # a frame's flag


def records(log):
    """Pairs of a record's kind and its fields; addresses of events are no differences any more."""
    try:
        import cbor2
    except ImportError as error:
        raise Skip("cbor2 is missing") from error
    data = Path(log).read_bytes()
    decoder = cbor2.CBORDecoder(io.BytesIO(data))
    decoder.decode()  # the header
    address = 0
    while decoder.fp.tell() < len(data):
        kind, *fields = decoder.decode()
        if kind in (ALLOC, FREE, REALLOC, REALLOC_BEGIN, MMAP, MUNMAP):
            fields[2] = address = (address + fields[2]) % 2**64
        if kind == FOUND:
            fields[1] = address = (address + fields[1]) % 2**64
        if kind == REALLOC:
            fields[3] = address = (address + fields[3]) % 2**64
        yield kind, fields
