#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens the stores of the ledger in the states that a power cut at any moment could have left: nothing is lost.

usage: crash_states.py STORE_WRITER CRASH_STATES LIBRARY [STATES [SEED [SLOTS]]]      exit 0 when it holds

STORE_WRITER writes under LIBRARY (tests/cluster/disk_faults.hpp), which records every write, sync and change of a
name, and what was said to be durable. CRASH_STATES makes of the record what may be left after each event, with the
rest lost, reordered and torn, and opens it. Then one kind of sync is left out, which must be seen.
"""
import os, pathlib, re, shutil, subprocess, sys, tempfile, time

LIES = ("journal.sync", "journal_new.sync", "directory.sync", "ledger.sync", "ledger_new.sync")
LIE_STATES = 20_000
LIE_SLOTS = 24


def record(folder, writer, library, slots, lie=None):
    data, file = folder / "data", folder / "record"
    shutil.rmtree(data, ignore_errors=True)
    environment = {**os.environ, "LD_PRELOAD": library, "BELFRY_DISK_RECORD": str(file),
                   "BELFRY_DISK_FAULT": f"lie {lie}" if lie else ""}
    subprocess.run([writer, "write", str(data), str(slots)], env=environment, check=True, stdout=subprocess.DEVNULL,
                   timeout=300)
    return data, file


def check(folder, checker, recorded, states, seed):
    data, file = recorded
    begun = time.monotonic()
    done = subprocess.run([checker, str(file), str(data), str(folder / "states"), str(states), str(seed)],
                          capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{checker} ended with {done.returncode}: {done.stderr}")
    return done.returncode == 0, done.stdout.strip(), time.monotonic() - begun


def main():
    if len(sys.argv) < 4:
        print(__doc__, file=sys.stderr)
        return 64
    writer, checker, library = sys.argv[1:4]
    states, seed, slots = (int(sys.argv[i]) if len(sys.argv) > i else default
                           for i, default in ((4, 8_000), (5, 1), (6, 64)))
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="belfry-crash-", dir=memory)).resolve()
    try:
        holds, said, seconds = check(folder, checker, record(folder, writer, library, slots), states, seed)
        print(f"{said}; {seconds:.0f} s", flush=True)
        if not holds:
            return 1
        for lie in LIES:
            holds, said, seconds = check(folder, checker, record(folder, writer, library, LIE_SLOTS, lie),
                                         LIE_STATES, seed)
            print(f"without {lie}: {'NOT SEEN' if holds else 'seen'}: {said}; {seconds:.0f} s", flush=True)
            if holds:
                return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
