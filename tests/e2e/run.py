#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py TRACER ANALYZER FIXTURES CASE: one end-to-end case; exit status 77 if it was skipped.
The cases are in the *_cases.py files of this folder."""
import importlib
import pathlib
import sys

import harness

for file in sorted(pathlib.Path(__file__).parent.glob("*_cases.py")):
    importlib.import_module(file.stem)
sys.exit(harness.main())
