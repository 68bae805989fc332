# SPDX-License-Identifier: Apache-2.0
"""Scenarios of cluster_test.py in which the disk of a validator fails, fills, or loses what it was about to write."""
import os, pathlib, random, re, shutil, signal, threading, time

from cluster import SLOWNESS, expect
from disk_faults import EXIT_IO, SAID, DiskFaults, replay
from loop_disk import LoopDisk
from witness import Witness

VICTIM = 3
SLOT = {"slot-ms": int(os.environ.get("BELFRY_CLUSTER_SLOT_MS", "150"))}
# What a running validator must be seen to do; more may come, and is then crashed at too.
RUNNING = {"journal.write", "journal.sync", "ledger.write", "ledger.sync", "ledger_meta.write", "history.write",
           "history.sync", "history_meta.write", "send.votes", "send.shreds"}
BIRTH = {"journal_new.allocate", "journal_new.write", "journal_new.sync", "journal.rename", "directory.sync",
         "ledger_new.write", "ledger_new.sync", "ledger_new_meta.write", "ledger.rename"}
PAUSE_MAX_S = 30.0  # one of four is dead, four slots in sixteen have no leader, and the machine may be busy


class Pulse:
    """The longest time for which the validators that are left did not finalise anything."""

    def __init__(self, cluster, others):
        self.cluster, self.others, self.longest, self.over = cluster, others, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        last, since = 0, time.monotonic()
        while not self.over.wait(0.1):
            now = max(self.cluster.finalized(i) for i in self.others)
            if now > last:
                last, since = now, time.monotonic()
            self.longest = max(self.longest, time.monotonic() - since)

    def judge(self):
        self.over.set()
        self.thread.join(timeout=30)
        expect(self.longest <= PAUSE_MAX_S * SLOWNESS,
               f"for {self.longest:.1f} s nothing was finalised by those that were well")
        return self.longest


class Disks:
    """Four validators that finalise, one of which has its disk spoilt again and again."""

    def __init__(self, make, seed=None):
        self.seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
        print(f"seed {self.seed}", flush=True)
        self.chance = random.Random(self.seed)
        self.cluster = make(**SLOT)
        self.others = [i for i in self.cluster.all if i != VICTIM]
        self.cluster.start_all()
        self.cluster.wait_finalized(0, self.cluster.all, 120)
        self.witness, self.pulse = Witness(self.cluster), Pulse(self.cluster, self.others)
        self.faults = DiskFaults(self.cluster, VICTIM)
        self.load = None

    def keep_load(self):
        """There is always one. The last must be finalised whole, when all are well again."""
        if self.load is None or self.cluster.loads[self.load][0].poll() is not None:
            self.load = self.cluster.load(50, 20)

    def back(self):
        """The victim runs with a sound disk, votes again, and is killed for what comes next."""
        since = time.monotonic()
        self.cluster.start(VICTIM)
        slot = self.cluster.processed(self.others)
        self.cluster.wait("the victim votes again", lambda: self.cluster.last_vote(VICTIM) > slot, 40)
        return time.monotonic() - since

    def on_its_own_disk(self, megabytes):
        """The data directory of the victim moves to a file system of its own."""
        self.cluster.kill(VICTIM)
        disk = LoopDisk(self.cluster.folder / "disk", megabytes)
        shutil.copytree(self.faults.data, disk.place / "data")
        shutil.rmtree(self.faults.data)
        self.faults.data.symlink_to(disk.place / "data")
        return disk

    def judge(self):
        if self.cluster.processes[VICTIM] is None or self.cluster.processes[VICTIM].poll() is not None:
            self.back()
        self.cluster.everything_sent_is_final(self.cluster.load(50, 3), 120)
        blocks, pause = self.witness.judge(), self.pulse.judge()
        return f"{blocks} blocks final and the same on all, the others paused for {pause:.1f} s at most"

    def crash(self, name, side, n):
        self.keep_load()
        self.cluster.kill(VICTIM)
        self.faults.start(f"crash {name} {side} {n}")
        code = self.faults.wait_end(60)
        expect(code == -signal.SIGKILL, f"at {name} {side} {n} it ended with {code}: {self.faults.said()[-600:]}")
        report = self.faults.report()
        expect(report.fired_name == name and report.fired_count == n,
               f"it was killed at {report.fired_name} {report.fired_count}, not at {name} {n}")
        self.back()

    def fail(self, order):
        """The disk of the running victim fails as ordered; it stops as it must and comes back."""
        self.keep_load()
        self.cluster.kill(VICTIM)
        self.faults.start(order)
        code = self.faults.wait_end(90)
        report = self.faults.expect_stopped_by_disk(code, self.cluster.slot_s)
        self.back()
        return report


def sides(name):
    return ("before", "half", "after") if name.endswith(".write") else ("before", "after")


def names_seen(disks):
    """Those of every event of a running validator: of what it writes, syncs and sends."""
    disks.cluster.kill(VICTIM)
    disks.keep_load()
    disks.faults.start()
    disks.cluster.wait("every event was seen",
                       lambda: RUNNING <= set(disks.faults.report().counts), 60)
    names = set(disks.faults.report().counts) - {"any"}
    disks.cluster.wait("the victim votes", lambda: disks.cluster.last_vote(VICTIM) > 0, 30)
    return sorted(name for name in names if not name.startswith("send.") or name in RUNNING)


def crash_some(make):
    """kill -9 at the points that matter most: in the record of a vote, in LMDB's meta page, before a vote leaves."""
    disks = Disks(make)
    for name, side in (("journal.write", "half"), ("ledger_meta.write", "half"), ("send.votes", "before")):
        disks.crash(name, side, disks.chance.randint(2, 20))
    print(disks.judge())


def crash_points(make, rounds=1):
    """kill -9 before, in and after every write, sync and send of a validator under load; it votes again each time."""
    disks = Disks(make)
    names, done = names_seen(disks), 0
    print(f"{len(names)} names: {' '.join(names)}", flush=True)
    for _ in range(rounds):
        for name in names:
            for side in sides(name):
                disks.crash(name, side, disks.chance.randint(1, 6 if name.startswith("history") else 30))
                done += 1
        print(f"{done} kills at crash points", flush=True)
    print(f"{done} kills at crash points; {disks.judge()}")


def errors_some(make):
    """EIO and ENOSPC, from a journal's sync, LMDB's meta page and a random byte: it stops at once, and comes back."""
    disks = Disks(make)
    for order in (f"error journal.sync EIO {disks.chance.randint(3, 15)} once",
                  f"error ledger_meta.write EIO {disks.chance.randint(3, 10)} on",
                  f"full {disks.chance.randint(50_000, 400_000)}"):
        disks.fail(order)
    print(disks.judge())


def disk_errors(make, count=200):
    """The n-th write or sync fails, for every n up to count: EIO or ENOSPC, once or from then on."""
    disks = Disks(make)
    longest, at = 0.0, {}
    for n in range(1, count + 1):
        how = f"{'EIO' if n % 3 else 'ENOSPC'} {n} {disks.chance.choice(('once', 'on'))}"
        report = disks.fail(f"error any {how}")
        longest = max(longest, report.voted_for_s)
        at[report.fired_name] = at.get(report.fired_name, 0) + 1
        if n % 20 == 0:
            print(f"{n} errors, the last vote {1000 * longest:.0f} ms after one", flush=True)
    print(f"{count} errors {at}, no vote later than {1000 * longest:.0f} ms after one; {disks.judge()}")


def disk_full(make, count=20):
    """ENOSPC from a random byte on, with a short write before it as a real disk gives."""
    disks = Disks(make)
    longest = 0.0
    for done in range(1, count + 1):
        longest = max(longest, disks.fail(f"full {disks.chance.randint(1, 3_000_000)}").voted_for_s)
        if done % 10 == 0:
            print(f"{done} disks full", flush=True)
    print(f"{count} disks full, no vote later than {1000 * longest:.0f} ms after; {disks.judge()}")


def filled(disk, chance):
    """A file that leaves so much room as a random number of bytes needs."""
    filler = disk.place / "filler"
    stat = os.statvfs(disk.place)
    with open(filler, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, stat.f_bavail * stat.f_bsize - chance.randint(4096, 1 << 20)))
    return filler


def on_its_own_disk(make, megabytes, count, act):
    """Four validators under load; act fails the victim's own file system and heals it, count times."""
    disks = Disks(make)
    disks.keep_load()
    disk = disks.on_its_own_disk(megabytes)
    try:
        for done in range(1, count + 1):
            disks.keep_load()
            disks.faults.start()
            disks.cluster.wait("the victim votes", lambda: disks.cluster.last_vote(VICTIM) > 0, 40)
            code, said = act(disks, disk)
            expect(code == EXIT_IO and len(SAID.findall(said)) == 1, f"it ended with {code}: {said[-600:]}")
            disks.back()
            if done < count:
                disks.cluster.kill(VICTIM)
            if done % 10 == 0:
                print(f"{done} times", flush=True)
        print(f"{count} times; {disks.judge()}")
        disks.cluster.end(VICTIM)
    finally:
        disks.cluster.cleanup()
        disk.close()


def small_disk(make, count=3):
    """A real file system, ext4, that fills under a validator; with space again it starts and votes."""
    def fill(disks, disk):
        filler = filled(disk, disks.chance)
        code, said = disks.faults.wait_end(120), disks.faults.said()
        expect("disk_full" in said, f"it does not say that the disk is full: {said[-600:]}")
        filler.unlink()
        return code, said
    on_its_own_disk(make, 96, count, fill)


def power_cuts(make, count=3):
    """The power of a validator's disk is cut at a random time under load; it starts from what is left and votes."""
    def cut(disks, disk):
        time.sleep(disks.chance.random() * 2)
        disk.cut()
        code, said = disks.faults.wait_end(60), disks.faults.said()
        disk.unmount()
        disk.mount()
        return code, said
    on_its_own_disk(make, 512, count, cut)


def birth(make):
    """A new validator is killed, or its disk fails, at each event of its making; the next start is the first one."""
    cluster = make(validators=1)
    faults, seen, kills, errors = DiskFaults(cluster, 0), set(), 0, 0
    for order, wanted in (("crash any before {}", -signal.SIGKILL), ("crash any half {}", -signal.SIGKILL),
                          ("crash any after {}", -signal.SIGKILL), ("error any EIO {} once", EXIT_IO),
                          ("error any ENOSPC {} on", EXIT_IO)):
        for n in range(1, 100):
            shutil.rmtree(faults.data, ignore_errors=True)
            faults.start(order.format(n), new=True)
            process = cluster.processes[0]
            end = time.monotonic() + 30 * SLOWNESS
            while process.poll() is None and "running" not in faults.said() and time.monotonic() < end:
                time.sleep(0.01)
            if process.poll() is None and not faults.report().fired_ns:
                cluster.kill(0)
                break  # it was born before its n-th event
            code = faults.wait_end(30)
            expect(code == wanted, f"{order} {n}: it ended with {code}: {faults.said()}")
            seen.add(faults.report().fired_name)
            if wanted == EXIT_IO:
                faults.expect_stopped_by_disk(code, cluster.slot_s)
            kills, errors = kills + (wanted != EXIT_IO), errors + (wanted == EXIT_IO)
            cluster.start(0, new=not (faults.data / "votes").exists())
            cluster.wait_finalized(1, [0], 30)
            cluster.kill(0)
    expect(BIRTH <= seen, f"the making of a data directory was not met: {seen}")
    print(f"{kills} kills and {errors} errors at {len(seen)} names of a first start: {' '.join(sorted(seen))}")


def differences(faults, record):
    """Where the files of the data directory are not what the record alone makes of them."""
    made, wrong = replay(record, faults.data), []
    for name in ("votes", "ledger.mdb", "history/ledger.mdb"):
        real = (faults.data / name).read_bytes()
        if bytes(made.get(name, b"")) != real:
            at = next((i for i, (a, b) in enumerate(zip(made.get(name, b""), real)) if a != b), "the end")
            wrong.append(f"{name} from byte {at} of {len(real)}")
    return wrong


def traced(lines):
    """The events of the report's kind, as strace -y tells of them."""
    counts = {}
    call = re.compile(r"^(?:\d+ +)?(write|pwrite64|writev|pwritev|fsync|fdatasync|fallocate)\((\d+)<([^>]*)>")
    meta = set()  # descriptors opened with O_DSYNC
    for line in lines:
        opened = re.match(r"^(?:\d+ +)?openat\((.*) = (\d+)", line)
        if opened:
            (meta.add if ".mdb" in opened[1] and "O_DSYNC" in opened[1] else meta.discard)(opened[2])
        found = call.match(line)
        if not found:
            continue
        name, fd, path = found.groups()
        folder, _, file = path.rpartition("/")
        kind = {"votes": "journal", "votes.new": "journal_new"}.get(file)
        if file == "ledger.mdb":
            kind = ("history" if folder.endswith("/history") else "ledger") + ("_meta" if fd in meta else "")
        if file == "ledger.mdb.new":
            kind = ("history_new" if folder.endswith("/history") else "ledger_new") + ("_meta" if fd in meta else "")
        if kind is None and name == "fsync":
            kind = "directory"
        if kind:
            event = f"{kind}.{'sync' if 'sync' in name else 'allocate' if name == 'fallocate' else 'write'}"
            counts[event] = counts.get(event, 0) + 1
    return counts


def recorder(make, seconds=3):
    """The library sees everything: what it recorded makes the same files again, and strace counts the same calls."""
    cluster = make(validators=1)
    faults, record = DiskFaults(cluster, 0), cluster.folder / "record"
    trace, strace = cluster.folder / "trace", shutil.which("strace")
    calls = "write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,msync,sync_file_range,fallocate,openat"
    tracer = ("strace", "-f", "-y", "-e", f"trace={calls}", "-o", str(trace)) if strace else ()
    faults.start(record=record, new=True, tracer=tracer)
    cluster.wait_finalized(0, [0], 60)
    cluster.everything_sent_is_final(cluster.load(50, seconds), 120)
    if strace:
        parent = cluster.processes[0].pid
        child = pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0]
        os.kill(int(child), signal.SIGTERM)
        expect(cluster.processes[0].wait(timeout=30) == 0, f"it ended badly: {cluster.tail(0)}")
        cluster.processes[0] = None
    else:
        cluster.end(0)
    counts = faults.report().counts
    wrong = differences(faults, record)
    expect(not wrong, f"the record does not make the same files: {wrong}")
    durable = {name: n for name, n in counts.items() if not name.startswith(("send.", "any", "journal.rename", "ledger.rename", "history.rename"))}
    if strace:
        told = traced(trace.read_text(errors="replace").splitlines())
        expect(told == durable, f"strace saw {told}, the library {durable}")
        strange = re.findall(r"^.*(?:msync|sync_file_range|pwritev2)\(.*$", trace.read_text(errors="replace"), re.M)
        expect(not strange, f"calls that the library does not know: {strange[:3]}")
    print(f"{durable}: replay is equal in every byte; {'strace counts the same' if strace else 'no strace here'}")
