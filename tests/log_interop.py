# SPDX-License-Identifier: MIT
"""Reads a log of our writer's with another CBOR library.

Checks every record against the rules of docs/log-format.cddl, some against values written down
here, and that the reader shown in docs/log-format.md runs on it.

usage: log_interop.py WRITE_LOG_SAMPLES DOCS
"""
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import cbor2
except ImportError:
    print("cbor2 is missing")
    sys.exit(77)

U64 = 2**64


def split_top_level(text):
    """Splits at the commas that are in no brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += character in "[{("
        depth -= character in "]})"
        if character == "," and not depth:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in parts + [text[start:]] if part.strip()]


class Cddl:
    """As much of RFC 8610 as the log's definition uses."""

    def __init__(self, text):
        text = re.sub(r";.*", "", text)
        rules = re.split(r"^([a-z][a-z0-9-]*) =", text, flags=re.M)[1:]
        self.rules = {name: " ".join(body.split()) for name, body in zip(rules[::2], rules[1::2])}

    def matches(self, value, type_):
        type_ = type_.strip()
        if type_[0] in "[{" and type_[-1] in "]}":
            return (self.matches_array if type_[0] == "[" else self.matches_map)(value, type_)
        if "/" in type_:
            return any(self.matches(value, choice) for choice in type_.split("/"))
        if type_.startswith("&("):
            return value in [int(number) for number in re.findall(r": (\d+)", type_)]
        if ".bits" in type_:
            return self.matches(value, type_.split()[0])
        if re.fullmatch(r"-?\d+(\.\.-?\d+)?", type_):
            low, _, high = type_.partition("..")
            return type(value) is int and int(low) <= value <= int(high or low)
        if type_.startswith('"'):
            return value == type_.strip('"')
        simple = {"uint": lambda: type(value) is int and 0 <= value < U64,
                  "tstr": lambda: isinstance(value, str),
                  "bstr": lambda: isinstance(value, bytes),
                  "bool": lambda: isinstance(value, bool)}
        return simple[type_]() if type_ in simple else self.matches(value, self.rules[type_])

    def members(self, text):
        """[(least, most, type)], groups replaced by what they hold."""
        result = []
        for part in split_top_level(text):
            least, most = (0, sys.maxsize) if part[0] == "*" else (0, 1) if part[0] == "?" else (1, 1)
            part = part.lstrip("*? ")
            part = re.sub(r"^[a-z_-]+: ", "", part)
            group = self.rules.get(part, "")
            if group.startswith("("):
                result += self.members(group[1:-1])
            else:
                result.append((least, most, part))
        return result

    def matches_array(self, value, type_):
        if not isinstance(value, list):
            return False
        at = 0
        for least, most, member in self.members(type_[1:-1]):
            count = 0
            while count < most and at < len(value) and self.matches(value[at], member):
                at, count = at + 1, count + 1
            if count < least:
                return False
        return at == len(value)

    def matches_map(self, value, type_):
        if not isinstance(value, dict):
            return False
        members = split_top_level(type_[1:-1])
        if "=>" in members[0]:
            key, item = members[0].lstrip("* ").split("=>")
            return all(self.matches(k, key) and self.matches(v, item) for k, v in value.items())
        types = dict(member.split(": ", 1) for member in members)
        return types.keys() == value.keys() and all(
            self.matches(value[key], item) for key, item in types.items())


def read(log):
    decoder = cbor2.CBORDecoder(io.BytesIO(log))
    items = []
    while decoder.fp.tell() < len(log):
        items.append(decoder.decode())
    return items


def check_against_cddl(cddl, header, records):
    header_type = re.fullmatch(r"#6\.55799\((.*)\)", cddl.rules["header"]).group(1)
    assert cddl.matches(header, header_type), header
    kinds = set()
    for record in records:
        choices = [name for rule in ("record", "event") for name in cddl.rules[rule].split(" / ")
                   if name != "event"] + ["end"]
        fitting = [name for name in choices if cddl.matches(record, name)]
        assert len(fitting) == 1, (record, fitting)
        kinds.add(fitting[0])
        # The rules must be exact: one element more or less is another record.
        longer = record + [{}]
        assert not any(cddl.matches(longer, name) for name in choices), longer
        members = cddl.members(cddl.rules[fitting[0]][1:-1])
        has_optional = not members[-1][0] and len(record) == len(members)
        if not has_optional:
            assert not any(cddl.matches(record[:-1], name) for name in choices), record
    assert kinds == set(choices), set(choices) - kinds


def check_values(header, records):
    magic, version, fields = header
    assert (magic, version) == ("allocptrace-log", 1)
    assert fields == {
        "tick_ns": 1000, "started_ns": 1700000000123456789, "page_size": 4096, "depth": 64,
        "attached": True, "mappings": True, "tool": "allocptrace 0.1.0", "arch": "x86_64",
        "command": ["./prog", "--name", "na\u00efve", b"\xff\xfe", ""]}, fields
    of_kind = {}
    for kind, *rest in records:
        of_kind.setdefault(kind, []).append(rest)
    assert of_kind[1][1] == [2**32 - 1, 2**32 - 1, 2**32 - 1, -2**63, b"\x80", []]
    assert of_kind[3][0] == [1, "/lib/libc.so.6", b"\0\1\2\xff"]
    assert of_kind[7][0] == [1, [["std::vector<int>::push_back", "vector.h", 1], ["", "", 0],
                                 [b"\xc0\x80", "/src/\u20ac.c", U64 - 1]]]
    assert of_kind[16][0] == [10, 1, -1, 0, 1]
    assert of_kind[16][1][:5] == [U64 - 11, 2**32 - 1, 1, U64 - 1, 2**32 - 1]
    assert of_kind[16][1][5:] == [U64 - 1] and of_kind[16][2][3:] == [24, 1, 0]
    assert of_kind[17][0] == [1, 1, -2**63]
    assert of_kind[18][0][2:4] == [0x555555550000, -16]
    assert of_kind[9] == [[1, 99, 0x8b], [2, 0, -2]]
    assert records[-1] == [23, 100, {"events": 12, "stops": U64 - 1, "": 0}]


def check_example(page):
    """Runs the page's reader on a small log whose result is known."""
    code = re.search(r"```python\n(.*?)```", page, flags=re.S).group(1)
    small = b"".join(map(cbor2.dumps, [
        cbor2.CBORTag(55799, ["allocptrace-log", 1, {}]),
        [6, 1, 1, 16, 1], [6, 2, 1, 32, 0], [7, 2, [["make", "a.c", 3]]],
        [8, 1, 0, 2], [8, 2, 1, 1],
        [16, 1, 1, 4096, 24, 2], [16, 1, 1, 32, 100, 2], [17, 1, 1, -32],
        [18, 1, 1, 32, 64, 8, 2], [16, 1, 1, 32, 5, 2, 19], [18, 1, 1, 0, 32, 6, 2, 18],
        [23, 9, {}]]))
    result = subprocess.run([sys.executable, "-c", code], input=small, capture_output=True,
                            check=True)
    assert result.stdout == b"14 make\n", result.stdout


def main():
    writer, docs = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "samples.cbor")
        subprocess.run([writer, path], check=True, capture_output=True)
        log = path.read_bytes()
    header, *records = read(log)
    check_against_cddl(Cddl((docs / "log-format.cddl").read_text()), header, records)
    check_values(header, records)
    check_example((docs / "log-format.md").read_text())


main()
