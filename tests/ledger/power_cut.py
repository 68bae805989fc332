#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power of a disk under the stores of the ledger, again and again: nothing acknowledged is lost.

usage: power_cut.py STORE_WRITER LIBRARY [CUTS [SEED]]        exit 0 when it holds, 77 when this machine cannot

A cut is ext4's shutdown ioctl on a loop device: what was not yet written stays unwritten. What the writer had said
by then is read to the end after the cut; then the file system is mounted again and must hold at least that, each
record as it was written. What it says once the ioctl has begun counts apart: a real cut lets nobody speak any more,
while ext4 lets an fdatasync return 0 whose commit the ioctl has just made void. LIBRARY (tests/cluster/disk_faults.cpp) leaves out one kind of sync, to show that this
test sees what such a store loses.
"""
import os, pathlib, random, shutil, signal, subprocess, sys, tempfile, threading, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from cluster import Failure, Skipped  # noqa: E402
from loop_disk import LoopDisk  # noqa: E402

DISK_MB = 128
CUTS_PER_DISK = 25  # then it is made anew, before it is full
CUT_AFTER_S = 0.6
LIE_CUTS_MAX = 12
LIES = ("journal.sync", "ledger.sync")


def numbers(text, before_ns=None):
    """The highest number that was said of each store before that time."""
    last = {}
    for line in text.splitlines():
        store, number, at = line.split()
        if before_ns is None or int(at) < before_ns:
            last[store] = max(last.get(store, 0), int(number))
    return last


class Rig:
    def __init__(self, writer, library, folder, seed):
        self.writer, self.library, self.chance = writer, library, random.Random(seed)
        self.disk = LoopDisk(folder, DISK_MB)
        self.data = self.disk.place / "data"
        self.acknowledged, self.at_the_cut, self.late = {}, {}, 0

    def renew(self):
        self.disk.unmount()
        self.disk.make()
        self.disk.mount()
        self.acknowledged = {}

    def write_and_cut(self, lie=None):
        environment = dict(os.environ)
        if lie:
            environment |= {"LD_PRELOAD": self.library, "BELFRY_DISK_FAULT": f"lie {lie}"}
        process = subprocess.Popen([self.writer, "write", str(self.data)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment, text=True)
        said, errors = [], []
        readers = [threading.Thread(target=lambda: said.append(process.stdout.read())),  # a full pipe would stop it
                   threading.Thread(target=lambda: errors.append(process.stderr.read()))]
        for reader in readers:
            reader.start()
        try:
            time.sleep(self.chance.random() * CUT_AFTER_S)
            cut_ns = time.monotonic_ns()
            self.disk.cut()
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            pass  # it waits for nothing: a lie was told instead of an error
        finally:
            process.kill()
            process.wait()
            for reader in readers:
                reader.join()
        for store, number in numbers(said[0], cut_ns).items():
            self.acknowledged[store] = max(self.acknowledged.get(store, 0), number)
        self.at_the_cut = numbers(said[0])
        if process.returncode not in (74, -signal.SIGKILL):
            raise Failure(f"the writer ended with {process.returncode} after the cut: {errors[0]}")
        self.disk.unmount()
        self.disk.mount()

    def lost(self):
        """What is wrong with what is there; empty when all that was acknowledged is."""
        shown = subprocess.run([self.writer, "verify", str(self.data)], capture_output=True, text=True, timeout=120)
        if shown.returncode != 0:
            return f"verify ended with {shown.returncode}: {shown.stderr.strip()}"
        there = numbers(shown.stdout)
        self.late += any(there.get(store, 0) < number for store, number in self.at_the_cut.items())
        gone = {store: (number, there.get(store, 0)) for store, number in self.acknowledged.items()
                if there.get(store, 0) < number}
        return f"acknowledged and there: {gone}" if gone else ""


def honest(rig, cuts):
    done, total = 0, {}
    while done < cuts:
        if done and done % CUTS_PER_DISK == 0:
            for store, number in rig.acknowledged.items():
                total[store] = total.get(store, 0) + number
            rig.renew()
        rig.write_and_cut()
        done += 1
        lost = rig.lost()
        if lost:
            raise Failure(f"after cut {done}: {lost}")
        if done % 50 == 0:
            print(f"{done} cuts", flush=True)
    for store, number in rig.acknowledged.items():
        total[store] = total.get(store, 0) + number
    print(f"{done} cuts, 0 lost, of {total} acknowledged; in {rig.late} of them what was said while the cut was made",
          flush=True)


def lied(rig, lie):
    """A store that leaves out this sync loses something soon, or this test sees nothing."""
    rig.renew()
    for cut in range(1, LIE_CUTS_MAX + 1):
        rig.write_and_cut(lie)
        lost = rig.lost()
        if lost:
            print(f"without {lie}: seen at cut {cut}: {lost}", flush=True)
            return
    raise Failure(f"without {lie} nothing was lost in {LIE_CUTS_MAX} cuts: this test sees nothing")


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 64
    cuts = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # only what reaches the device counts here
    folder, rig = tempfile.mkdtemp(prefix="belfry-cut-", dir=memory), None
    try:
        rig = Rig(sys.argv[1], sys.argv[2], folder, seed)
        honest(rig, cuts)
        for lie in LIES:
            lied(rig, lie)
    except Skipped as why:
        print(f"skipped: {why}")
        return 77
    except Failure as failure:
        print(failure)
        return 1
    finally:
        if rig:
            rig.disk.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
