# SPDX-License-Identifier: MIT
"""Reads the data of a report page (output/analyze/page_data.h)."""
import array
import base64
import gzip
import re

from harness import Skip

try:
    import cbor2
except ImportError:
    cbor2 = None

COLUMNS = {64: "B", 69: "H", 70: "I", 86: "d"}


def plain(value):
    if isinstance(value, cbor2.CBORTag):
        return array.array(COLUMNS[value.tag], value.value).tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def rows_of_points(data):
    """By point: its row."""
    rows = []
    first = data["bins"]["points"]
    for begin, end in zip(first, first[1:]):
        row = 0
        for step in data["points"]["step"][begin:end]:
            row += step
            rows.append(row)
    return rows


def read(path):
    if not cbor2:
        raise Skip("there is no cbor2 for this Python")
    with open(path, encoding="utf-8") as file:
        page = file.read()
    packed, = re.findall(r'<script id="data" type="application/octet-stream">([^<]*)</script>', page)
    data = plain(cbor2.loads(gzip.decompress(base64.b64decode(packed, validate=True))))
    data["points"]["row"] = rows_of_points(data)
    return data


def stack(data, node):
    """The functions of a stack, innermost first."""
    names = []
    while node:
        line = data["nodes"]["line"][node]
        names.append(data["texts"][data["lines"]["function"][line]])
        node -= data["nodes"]["up"][node]
    return names
