# SPDX-License-Identifier: MIT
"""Makes a report of invented sums, as analyze --html writes it, to try the page with large or
hostile data: sample.py PAGE_FOLDER OUTPUT [--stacks=N] [--bins=N] [--points=N] [--hostile]
[--compare] [--no-times] [--checks]"""
import argparse
import base64
import gzip
import os
import random
import sys
from array import array

import cbor2

TAGS = (("B", 64, 1 << 8), ("H", 69, 1 << 16), ("I", 70, 1 << 32))
HOSTILE = ("</script><script>window.ran = 1</script>", "<img src=x onerror='window.ran = 2'>",
           "]]></style><svg onload=window.ran=3>", "\"' onload='window.ran=4' x=\"", 
           "a\x1b[31m\x00b\u202ecba",
           "&lt;b&gt; &#60;i>", "\ufffe\uffff\ufffd", "n" * 4096,
           "=HYPERLINK(\"http://example.com\")",
           "__proto__", "constructor", "\u0645\u0631\u062d\u0628\u0627 \u2067rtl\u2069")
POLICY = ("default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
          "img-src data: blob:")
COLUMNS = ("count total_bytes peak_bytes peak_count leaked_bytes leaked_count temporary "
           "temporary_bytes reallocations failed failed_bytes moved copied_bytes "
           "grown_buffers longest_growth longest_growth_from longest_growth_to cross_thread_frees "
           "slack_bytes slack_known peak_slack_bytes lifetime leaked_age leaked_oldest").split()


def column(values):
    """An RFC 8746 array of the narrowest type that holds all values."""
    most = max(values, default=0)
    for code, tag, end in TAGS:
        if most < end and not any(isinstance(value, float) for value in values):
            return cbor2.CBORTag(tag, array(code, values).tobytes())
    return cbor2.CBORTag(86, array("d", values).tobytes())


def columns(table):
    return {name: column(values) for name, values in table.items()}


class Sample:
    def __init__(self, options):
        self.random = random.Random(7)
        self.options = options
        self.texts, self.text_ids = [""], {"": 0}
        self.lines = {"function": [0], "module": [0], "file": [0], "line": [0]}
        self.ups, self.node_lines, self.children = [0], [0], {}
        self.parents = [0]

    def text(self, text):
        if text not in self.text_ids:
            self.text_ids[text] = len(self.texts)
            self.texts.append(text)
        return self.text_ids[text]

    def make_lines(self):
        hostile = HOSTILE if self.options.hostile else ()
        modules = ["/usr/bin/sample", "/lib/x86_64-linux-gnu/libc.so.6"] + [
            f"/usr/lib/libpart{i}.so.1" for i in range(10)] + list(hostile)
        wanted = max(40, self.options.stacks // 8)
        for i in range(wanted):
            name = f"function_{i}"
            if hostile and i % 3 == 0:
                name = hostile[i % len(hostile)]
            elif i % 11 == 0:
                kind = f"ns{i % 7}::Type{i}"
                name = f"std::vector<{kind}, std::allocator<{kind}> >::grow"
            file = f"/src/part{i % 40}/file{i % 200}.cc" if i % 5 else ""
            if hostile and i % 4 == 0:
                file = "/" + hostile[i % len(hostile)]
            module = modules[min(i % 17, len(modules) - 1)]
            self.line(name if i % 13 else "", module, file, i % 900 if file else 0)
        self.malloc = self.line("malloc", modules[1], "", 0)

    def line(self, function, module, file, number):
        values = self.text(function), self.text(module), self.text(file), number
        for name, value in zip(self.lines, values):
            self.lines[name].append(value)
        return len(self.lines["line"]) - 1

    def node(self, parent, line):
        key = (parent, line)
        if key not in self.children:
            self.children[key] = len(self.ups)
            self.ups.append(len(self.ups) - parent)
            self.parents.append(parent)
            self.node_lines.append(line)
        return self.children[key]

    def make_stacks(self):
        """Leaves of stacks, and their sites."""
        pick = self.random
        inner, stacks = [0], []
        lines = len(self.lines["line"]) - 2
        seen = set()
        while len(stacks) < self.options.stacks:
            node = pick.choice(inner[-2000:]) if pick.random() < 0.6 else pick.choice(inner)
            depth = 0
            for _ in range(pick.randint(1, 7)):
                line = 1 + min(int(pick.paretovariate(0.35)), lines - 1) % lines
                node = self.node(node, line)
                depth += 1
                inner.append(node)
            leaf = self.node(node, self.malloc)
            if leaf not in seen:
                seen.add(leaf)
                stacks.append((leaf, self.node_lines[node]))
        return stacks

    def make(self):
        options, pick = self.options, self.random
        self.make_lines()
        stacks = self.make_stacks()
        bins = options.bins
        step = 0.01 if not options.no_times else 1000
        rows = {name: [] for name in ["node", "site", "thread"] + COLUMNS}
        live = [[0, 0] for _ in stacks]
        for i, (node, site) in enumerate(stacks):
            rows["node"].append(node)
            rows["site"].append(site)
            rows["thread"].append(i % 5)
        total = [[0, 0] for _ in stacks]
        points = {name: []
                  for name in ("row", "allocated", "allocated_bytes", "live_bytes", "live")}
        bin_table = {name: [] for name in ("live_bytes", "live", "peak_bytes", "allocated",
                                           "allocated_bytes", "freed", "freed_bytes")}
        first = [0]
        all_bytes = all_blocks = peak = peak_blocks = peak_bin = 0
        at_peak = [[0, 0] for _ in stacks]
        sizes = [16, 24, 32, 64, 100, 256, 1000, 4096, 65536]
        buckets = [8 << i for i in range(15)]
        size_count, size_bytes, size_bins = [0] * 15, [0] * 15, {}
        for bin_number in range(bins):
            sums = dict.fromkeys(bin_table, 0)
            changed = min(len(stacks), max(1, options.points // bins))
            for row in sorted(pick.sample(range(len(stacks)), changed)):
                size = sizes[row % len(sizes)]
                made = pick.randint(1, 20)
                keep = pick.random() < (0.5 if bin_number < bins * 0.8 else 0.3)
                left = min(live[row][0] + made, live[row][0] + (made if keep and row % 3 else 0))
                if pick.random() < 0.2:
                    left = left // 2
                freed = live[row][0] + made - left
                all_blocks += left - live[row][0]
                all_bytes += (left - live[row][0]) * size
                live[row] = [left, left * size]
                total[row][0] += made
                total[row][1] += made * size
                bucket = next(i for i, end in enumerate(buckets) if size <= end)
                size_count[bucket] += made
                size_bytes[bucket] += made * size
                cell = size_bins.setdefault((bin_number, bucket), [0, 0])
                cell[0] += made
                cell[1] += made * size
                for name, value in zip(points, (row, made, made * size, left * size, left)):
                    points[name].append(value)
                for name, value in (("allocated", made), ("allocated_bytes", made * size),
                                    ("freed", freed), ("freed_bytes", freed * size)):
                    sums[name] += value
            sums.update(live_bytes=all_bytes, live=all_blocks, peak_bytes=all_bytes)
            if all_bytes > peak:
                peak, peak_blocks, peak_bin = all_bytes, all_blocks, bin_number
            for name, value in sums.items():
                bin_table[name].append(value)
            first.append(len(points["row"]))
        for i in range(first[peak_bin + 1]):
            at_peak[points["row"][i]] = [points["live"][i], points["live_bytes"][i]]
        for i in range(len(stacks)):
            row = dict.fromkeys(COLUMNS, 0)
            row.update(count=total[i][0], total_bytes=total[i][1],
                       leaked_count=live[i][0], leaked_bytes=live[i][1],
                       peak_count=at_peak[i][0], peak_bytes=at_peak[i][1],
                       temporary=total[i][0] // 3 if i % 4 == 0 else 0,
                       slack_bytes=total[i][0] * (i % 16), slack_known=total[i][0],
                       reallocations=i % 3, longest_growth=i % 23, longest_growth_from=16,
                       longest_growth_to=16 << (i % 23), lifetime=total[i][0] * 0.5)
            for name in COLUMNS:
                rows[name].append(row[name])
        summary = {"total_allocations": sum(rows["count"]),
                   "total_deallocations": sum(bin_table["freed"]),
                   "total_bytes_allocated": sum(rows["total_bytes"]),
                   "peak_memory": peak, "peak_blocks": peak_blocks, "current_memory": all_bytes,
                   "leaked_bytes": all_bytes, "leaked_blocks": all_blocks,
                   "temporary_allocations": sum(rows["temporary"]),
                   "slack_bytes": sum(rows["slack_bytes"]), "slack_known": sum(rows["slack_known"]),
                   "events": 2 * sum(rows["count"]), "truncated": False}
        leaks = {name: [] for name in ("kind", "node", "site", "found", "bytes", "blocks",
                                       "indirect_bytes", "indirect_blocks", "path")}
        checks = []
        for i, (node, site) in enumerate(stacks):
            if not live[i][0]:
                continue
            kind = (3, 0, 0, 2, 1)[i % 5] if options.checks else 4
            path = ["global table+0x20 in sample", "-> 64 bytes of these"] if kind == 0 else []
            values = (kind, node, site, 0, live[i][1], live[i][0], 640 if kind == 3 else 0,
                      10 if kind == 3 else 0, path)
            for name, value in zip(leaks, values):
                leaks[name].append(value)
        if options.checks:
            checks = [{"check": 1, "pid": 77, "moment": "exit", "time": bins * step,
                       "complete": True, "shown": True}]
            for kind, name in ((3, "definitely_lost"), (2, "indirectly_lost"), (1, "possibly_lost"),
                               (0, "still_reachable")):
                for unit in ("bytes", "blocks"):
                    summary[f"{name}_{unit}"] = sum(
                        value for value, own in zip(leaks[unit], leaks["kind"]) if own == kind)
        steps = []
        for begin, end in zip(first, first[1:]):
            own = points["row"][begin:end]
            steps += [row - before for before, row in zip([0] + own, own)]
        points["step"] = steps
        del points["row"]
        keys = sorted(size_bins)
        names = ("sample", "worker", "worker", "io", HOSTILE[1] if options.hostile else "gc")
        data = {
            "version": 1, "tool": "allocptrace-analyze 0.1.0",
            "program": "/usr/bin/sample --input " +
                       ("".join(HOSTILE[:3]) if options.hostile else "data.bin"),
            "logs": ["sample.cbor"], "truncated": False, "attached": False,
            "times": not options.no_times, "summary": summary, "checks": checks,
            "notes": ["12 frames have no name"] if options.hostile else [],
            "texts": None, "lines": columns(self.lines),
            "nodes": columns({"up": self.ups, "line": self.node_lines}),
            "threads": columns({"name": [self.text(name) for name in names],
                                "tid": [77, 78, 79, 80, 81], "process": [0] * 5}),
            "processes": columns({"name": [self.text("/usr/bin/sample")], "pid": [77],
                                  "parent": [0]}),
            "rows": columns(rows),
            "bins": columns({"time": [float(i * step) for i in range(bins + 1)], **bin_table,
                             "points": first}),
            "points": columns(points),
            "sizes": columns({"end": [float(end) for end in buckets], "count": size_count,
                              "bytes": size_bytes}),
            "lifetimes": columns({"end": [1e-6, 1e-3, 1.0, 0.0, 0.0],
                                  "count": [summary["temporary_allocations"], 0, 5, 9, all_blocks],
                                  "bytes": [4096, 0, 50, 90, all_bytes]}),
            "size_bins": columns({"bin": [key[0] for key in keys],
                                  "bucket": [key[1] for key in keys],
                                  "count": [size_bins[key][0] for key in keys],
                                  "bytes": [size_bins[key][1] for key in keys]}),
            "lifetime_bins": columns({"bin": [0], "bucket": [0], "count": [4], "bytes": [400]}),
            "leaks": {**columns({name: values for name, values in leaks.items() if name != "path"}),
                      "path": leaks["path"]},
        }
        if options.compare:
            before = {f"before_{name}": [int(value * (0.5 + (i % 4) / 3))
                                         for i, value in enumerate(rows[name])]
                      for name in COLUMNS[:7]}
            now = {f"now_{name}": rows[name] for name in COLUMNS[:7]}
            data["comparison"] = {
                "name": "baseline.cbor",
                "summary": {name: int(value * 0.9) for name, value in summary.items()},
                "rows": columns({"node": rows["node"], "site": rows["site"], **before, **now})}
        data["texts"] = self.texts
        return data


def bundle(page):
    """Style and script of the page, from the folder that build.mjs wrote to."""
    parts = []
    for name in ("report.css", "report.js"):
        with open(os.path.join(page, name), encoding="utf-8") as file:
            parts.append(file.read())
    return parts


def report(style, script, data):
    """The file, as the analyzer writes it."""
    packed = base64.b64encode(gzip.compress(cbor2.dumps(data), 6)).decode()
    return (f"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            f"<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">"
            "<meta name=\"viewport\" content=\"width=device-width\">"
            f"<title>allocptrace</title><style>{style}</style></head><body>"
            "<noscript>This report needs JavaScript.</noscript><div id=\"app\"></div>"
            f"<script id=\"data\" type=\"application/octet-stream\">{packed}</script>"
            f"<script>{script}</script></body></html>\n")


def parse(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("page")
    parser.add_argument("output")
    parser.add_argument("--stacks", type=int, default=200)
    parser.add_argument("--bins", type=int, default=200)
    parser.add_argument("--points", type=int, default=4000)
    for name in ("hostile", "compare", "no-times", "checks"):
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    with open(options.output, "w", encoding="utf-8") as file:
        file.write(report(*bundle(options.page), Sample(options).make()))


if __name__ == "__main__":
    main(sys.argv[1:])
