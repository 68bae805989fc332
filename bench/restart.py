#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a validator with many accounts takes to start: from exec to answering, and the state hash is recomputed.

usage: restart.py BELFRY MANY_ACCOUNTS [ACCOUNTS [STARTS]]        default 1000000 accounts, 5 starts

One validator runs until its accounts are on disk; then it gets ACCOUNTS more (bench/many_accounts.cpp) and is
started STARTS times, killed each time as soon as it answers.
"""
import os, pathlib, re, shutil, statistics, subprocess, sys, tempfile, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests/cluster"))
from cluster import Cluster, expect  # noqa: E402


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 64
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000
    starts = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    folder = pathlib.Path(tempfile.mkdtemp(prefix="belfry-restart-"))
    cluster = Cluster(sys.argv[1], folder, 1, **{"slot-ms": 300})
    try:
        cluster.start_all()
        cluster.wait_finalized(40, [0], 200)  # accounts are on disk
        cluster.end(0)
        (folder / "validator-0" / "data" / "votes").unlink()  # they are about what is removed
        made = subprocess.run([sys.argv[2], str(cluster.configs[0]), str(count)], capture_output=True, text=True)
        expect(made.returncode == 0, f"many_accounts: {made.stderr}")
        print(made.stdout.strip())
        times, spent = [], []
        for number in range(starts):
            log = folder / "validator-0" / "log"
            before, begun = log.stat().st_size, time.monotonic()
            cluster.start(0, new=number == 0)
            while cluster.call(0, "belfryStatus") is None:
                expect(cluster.processes[0].poll() is None, f"it ended: {log.read_text()[before:]}")
                time.sleep(0.01)
            times.append(time.monotonic() - begun)
            status = pathlib.Path(f"/proc/{cluster.processes[0].pid}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024
            fields = pathlib.Path(f"/proc/{cluster.processes[0].pid}/stat").read_text().rpartition(")")[2].split()
            spent.append((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
            print(f"start {number}: {times[-1]:.2f} s, {spent[-1]:.2f} s of processor, {resident} MiB resident",
                  flush=True)
            cluster.kill(0)
        print(f"{count} accounts: median {statistics.median(times):.2f} s, {min(times):.2f} to {max(times):.2f}; "
              f"{statistics.median(spent):.2f} s of processor")
    finally:
        cluster.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
