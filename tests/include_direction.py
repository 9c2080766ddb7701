#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""include_direction.py SOURCE_FOLDER ANALYZER: enforces the table of docs/architecture.md."""
import os
import re
import subprocess
import sys

ALLOWED = {
    "output/log": ("output/log/",),
    "symbols": ("symbols/", "output/log/error.h"),
    "tracer": ("tracer/", "symbols/", "output/log/"),
    "tracer/leaks": ("tracer/", "symbols/", "output/log/"),
    "output/analyze": ("output/analyze/", "output/log/"),
}
PTRACE_FILE = "tracer/ptrace_io.c"


def problems(root):
    for folder, allowed in ALLOWED.items():
        for name in sorted(os.listdir(os.path.join(root, folder))):
            if not name.endswith((".c", ".h")):
                continue
            path = f"{folder}/{name}"
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = file.read()
            for included in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.M):
                if not included.startswith(allowed):
                    yield f"{path} may not include {included}"
            if re.search(r"^\s*#\s*include\s+<(sys|linux)/ptrace\.h>", text, re.M) and \
                    path != PTRACE_FILE:
                yield f"{path} includes ptrace.h, which is {PTRACE_FILE}'s alone"


def imports(program, symbol):
    listed = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True,
                            text=True, check=True).stdout
    return re.search(rf"\b{symbol}\b", listed)


def main():
    root, analyzer = sys.argv[1:]
    found = list(problems(root))
    for symbol in ("ptrace", "process_vm_readv", "wait4"):
        if imports(analyzer, symbol):
            found.append(f"the analyzer links {symbol}")
    print("\n".join(found) or "all includes point the right way")
    return bool(found)


sys.exit(main())
