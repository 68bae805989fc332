# SPDX-License-Identifier: Apache-2.0
"""Scenarios of cluster_test.py in which the disk of one validator of four is slow: each write and sync waits."""
import os, re, struct, threading, time

from cluster import SLOWNESS, expect
from disk_faults import DiskFaults, events
from identity_scenarios import readiness
from journal import FINALIZE, HEADER, NOTARIZE, RECORD_HEADER, SKIP, VOTE
from witness import Witness

VICTIM = 3
SLOT = {"slot-ms": int(os.environ.get("BELFRY_CLUSTER_SLOT_MS", "400"))}
DELAYS_MS = (10, 50, 200, 1000, 5000)
LEADER_RUN = 4  # slots that one validator leads
PAUSE_SLOTS_MAX = LEADER_RUN + 8
BEHIND_SLOTS = 24  # who lags by so many and calls himself ready does not tell the truth
RECORDED = {1: VOTE, 2: NOTARIZE, 3: SKIP, 4: FINALIZE}  # kinds of statements, and of their records


class Watch:
    """While the disk is slow: how long the others stood still, and what the slow one said of itself."""

    def __init__(self, cluster, others):
        self.cluster, self.others, self.over = cluster, others, threading.Event()
        self.pause, self.lag, self.untrue, self.said = 0.0, 0, [], set()
        self.threads = [threading.Thread(target=watch, daemon=True) for watch in (self.finality, self.health)]
        for thread in self.threads:
            thread.start()

    def finality(self):
        last, since = 0, time.monotonic()
        while not self.over.wait(0.05):
            now = max(self.cluster.finalized(i) for i in self.others)
            if now > last:
                last, since = now, time.monotonic()
            self.pause = max(self.pause, time.monotonic() - since)

    def health(self):
        since = None  # it lags, and calls itself ready
        while not self.over.wait(0.2):
            code, body = readiness(self.cluster, VICTIM)
            lag = self.cluster.processed(self.others) - self.cluster.processed([VICTIM])
            self.lag = max(self.lag, lag)
            self.said |= {re.sub(r"[0-9]+", "N", reason) for reason in body["reasons"]}
            since = (since or time.monotonic()) if lag > BEHIND_SLOTS and code == 200 else None
            if since and time.monotonic() - since > 2 * SLOWNESS:
                self.untrue.append((lag, body))

    def judge(self):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=30)
        expect(not self.untrue, f"it lagged and called itself ready: {self.untrue[:3]}")


def bodies(piece):
    """Of the records in one write of the journal."""
    at = HEADER if piece.startswith(b"BFVJRNL1") else 0
    while at + RECORD_HEADER <= len(piece) and (count := struct.unpack_from("<I", piece, at)[0]):
        yield piece[at + RECORD_HEADER:at + RECORD_HEADER + count]
        at += (RECORD_HEADER + count + 7) // 8 * 8


def statements_before_their_record(record):
    """Those that left before a sync of the journal with their record had ended; and how many left at all."""
    pending, durable, skipped, early, seen = {}, [], set(), [], set()
    for action, path, _, data in events(record):
        name = path.rsplit("/", 1)[-1]
        if action in "wd" and name in ("votes", "votes.new"):
            pending.setdefault(name, []).append(data)
        elif action == "s" and name in ("votes", "votes.new"):
            for body in (body for piece in pending.pop(name, []) for body in bodies(piece)):
                durable.append(body)
                if body[0] == SKIP:
                    skipped.update(range(*skip_range(body[1:])))
        elif action == "v" and data[0] in RECORDED and data not in seen:
            seen.add(data)
            record_kind, body = RECORDED[data[0]], data[3:-64]
            if record_kind == SKIP:  # several records may leave as one range
                written = skipped.issuperset(range(*skip_range(body)))
            else:
                written = any(one.startswith(bytes([record_kind]) + body) for one in durable)
            if not written:
                early.append(data[:20].hex())
    return early, len(seen)


def skip_range(body):
    first, last = struct.unpack_from("<QQ", body, 2)
    return first, last + 1


def slow(cluster, faults, others, delay_ms, seconds):
    """One case: the disk is slow for a while; then it heals and the validator catches up."""
    watch = Watch(cluster, others)
    begun, finalized = time.monotonic(), cluster.finalized(others[0])
    faults.delay(delay_ms)
    while time.monotonic() - begun < seconds:
        cluster.expect_alive()
        time.sleep(0.2)
    last, waited = max(cluster.finalized(i) for i in others), faults.report().delayed_count
    faults.delay(0)
    watch.judge()
    healed = time.monotonic()
    cluster.wait("the slow one has caught up", lambda: cluster.finalized(VICTIM) > last, 60)
    back = time.monotonic() - healed
    slot = cluster.processed(others)
    cluster.wait("the slow one votes again", lambda: cluster.last_vote(VICTIM) > slot, 40)
    cluster.wait("the slow one is ready", lambda: readiness(cluster, VICTIM)[0] == 200, 40)
    print(f"{delay_ms} ms, {waited} waits in all: {last - finalized} slots final in {seconds} s, no pause over "
          f"{watch.pause:.1f} s; it lagged by {watch.lag} slots, said {sorted(watch.said) or 'that it is ready'}, and "
          f"had caught up {back:.1f} s after the disk healed", flush=True)
    bound = PAUSE_SLOTS_MAX * cluster.slot_s * SLOWNESS
    expect(watch.pause <= bound, f"at {delay_ms} ms the others did not finalise for {watch.pause:.1f} s, over {bound:.1f} s")
    expect(last > finalized, f"at {delay_ms} ms nothing became final")


def slow_disks(make, delays_ms=DELAYS_MS, seconds=20, files="any"):
    """The disk of one validator is slow, again and again slower; the others finalise, it says so and comes back."""
    cluster = make(**SLOT)
    others = [i for i in cluster.all if i != VICTIM]
    faults, record = DiskFaults(cluster, VICTIM), cluster.folder / "record"
    for index in others:
        cluster.start(index, new=True)
    faults.start(f"slow {files}", record=record, new=True)
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.wait("all are ready", lambda: all(readiness(cluster, i)[0] == 200 for i in cluster.all), 60)
    witness = Witness(cluster)
    for delay_ms in delays_ms:
        load = cluster.load(30, int(seconds))
        slow(cluster, faults, others, delay_ms, seconds)
        cluster.everything_sent_is_final(load, 120)
    blocks = witness.judge()
    cluster.end(VICTIM)
    early, count = statements_before_their_record(record)
    expect(count > 0, "it signed nothing")
    expect(not early, f"{len(early)} of {count} statements left before their record was durable: {early[:3]}")
    print(f"{blocks} blocks final and the same on all; each of {count} statements left after its record was durable")


def slow_some(make):
    """A sync of the journal of a second, as a worn disk has it."""
    slow_disks(make, delays_ms=(1000,), seconds=8)
