#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py TRACER ANALYZER FIXTURES CASE: one end-to-end case; exit status 77 if it was skipped."""
import sys

import harness
import ledger_cases
import process_cases
import program_cases
import robustness_cases

sys.exit(harness.main((ledger_cases, process_cases, program_cases, robustness_cases)))
