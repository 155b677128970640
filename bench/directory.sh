#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A CA on a directory: see directory.py. Nothing is pinned: pkid, the directory
# and the clients share all cores, as the loop beside them and the directory do.
# Reading in 100,000 certificates costs the directory about 100 s of processor.
. "$(dirname "$0")/common"
"$PY" -B bench/directory.py
