#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A master and its clone on replicated directories: see clone.py.
. "$(dirname "$0")/common"
"$PY" -B bench/clone.py
