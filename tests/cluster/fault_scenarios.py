# SPDX-License-Identifier: Apache-2.0
"""Scenarios of cluster_test.py in which validators do not hear each other, lie, or lose the time."""
import os, subprocess, sys, time

from cluster import Skipped, expect

SLOTS_APART = 20
HOUR_S = 3600
SETTLE_SLOTS = 4  # what was under way when the partition began is through by then


def fresh(make):
    """A cluster with a partition file for each validator, which finalises."""
    cluster = make()
    for index in cluster.all:
        cluster.set_fault(index, "partition_file", '"silence"')
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 60)
    return cluster


def load_across(cluster, seconds):
    """A load whose blockhash is on the chain of both sides, because it is final before they part."""
    known = cluster.call(0, "getLatestBlockhash", {"commitment": "finalized"})["value"]["blockhash"]
    return cluster.load(50, seconds, blockhash=known)


def cut(cluster, *sides):
    for side in sides:
        for index in side:
            cluster.silence(index, [peer for peer in cluster.all if peer not in side])


def heal(cluster):
    for index in cluster.all:
        cluster.silence(index, [])


def partition_2_2(make):
    """Halves that do not hear each other finalise nothing; once they do, everything sent becomes final."""
    cluster = fresh(make)
    load = load_across(cluster, 6)
    cut(cluster, (0, 1), (2, 3))
    time.sleep(SETTLE_SLOTS * cluster.slot_s)
    before = [cluster.finalized(i) for i in cluster.all]
    slot = cluster.status(0)["clockSlot"]
    while cluster.status(0)["clockSlot"] < slot + SLOTS_APART:
        now = [cluster.finalized(i) for i in cluster.all]
        expect(now == before, f"finalized moved with half of the stake: {before} to {now}")
        cluster.expect_alive()
        time.sleep(cluster.slot_s)
    deaf = [cluster.counter(i, "net", "votes.fault") for i in cluster.all]
    expect(min(deaf) > 0, f"the partition was not felt: votes thrown away {deaf}")
    slot = cluster.processed(cluster.all)
    heal(cluster)
    begun = time.monotonic()
    cluster.wait_finalized(max(before), cluster.all, 15)
    print(f"finalized moved {time.monotonic() - begun:.1f} s after the end of the partition")
    cluster.wait_finalized(slot, cluster.all, 15)
    cluster.everything_sent_is_final(load, 60)
    cluster.same_state()


def partition_3_1(make):
    """Three of four go on without the fourth, which finalises nothing alone; it catches up and votes."""
    cluster = fresh(make)
    lone, others = 3, (0, 1, 2)
    load = load_across(cluster, 6)
    cut(cluster, others, (lone,))
    time.sleep(SETTLE_SLOTS * cluster.slot_s)
    before = cluster.finalized(lone)
    cluster.wait_finalized(before + SLOTS_APART, others, 15)
    expect(cluster.finalized(lone) == before, f"one of four moved finalized: {before} to {cluster.finalized(lone)}")
    heal(cluster)
    slot, begun = cluster.processed(others), time.monotonic()
    cluster.wait("the lone validator votes again", lambda: cluster.last_vote(lone) > slot, 15)
    print(f"it voted again {time.monotonic() - begun:.1f} s after the end of the partition")
    cluster.wait_finalized(slot, cluster.all, 15)
    cluster.everything_sent_is_final(load, 60)
    cluster.same_state()


def equivocator(make):
    """One of four signs two blocks for each of its slots; the others prove it, go on, and agree."""
    cluster = make()
    liar, honest = 3, (0, 1, 2)
    cluster.set_fault(liar, "equivocate", "true")
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 60)
    load = cluster.load(50, 10)
    proofs = 8  # two windows of leader slots

    def seen(tile, name):
        return [cluster.counter(i, tile, name) for i in honest]

    cluster.wait(f"{proofs} proofs of two versions at each honest validator",
                 lambda: min(seen("shred", "equivocations")) >= proofs, 30)
    # Each tile publishes its counters in its own time.
    cluster.wait("the second versions are of its making",
                 lambda: cluster.counter(liar, "shred", "second_sets_made") >= proofs, 10)
    cluster.wait("consensus hears of duplicates", lambda: min(seen("consensus", "slots_duplicate")) > 0, 10)
    cluster.wait_finalized(max(cluster.finalized(i) for i in honest) + SLOTS_APART, honest, 30)
    cluster.everything_sent_is_final(load, 60)
    cluster.same_state()


def in_time_namespace(offset_s):
    """What starts a program with the monotonic clock moved."""
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    return ["unshare", *own_user, "--time", "--monotonic", str(offset_s)]


def probe_time_namespace(offset_s):
    """Some kernels have none, some containers forbid them, and some move children only."""
    show = "import time; print(time.monotonic())"
    try:
        shown = subprocess.run(in_time_namespace(offset_s) + [sys.executable, "-c", show], capture_output=True,
                               text=True, timeout=10)
        moved = float(shown.stdout) - time.monotonic()
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"no time namespace can be made: {error}") from None
    if abs(moved - offset_s) > HOUR_S / 10:
        raise Skipped(f"a time namespace moved the clock by {moved:.0f} s instead of {offset_s}")


def clock_jump(make):
    """A validator comes back with its clock an hour ahead, then an hour behind the others; it votes and agrees.

    It is the monotonic clock that jumps. The wall clock is not tried, because consensus does not read it:
    slots are counted from the monotonic clock at start and from the blocks of the others.
    """
    # The clock cannot go below zero: on a machine just started, back to its own time is an hour back too.
    offsets = (HOUR_S, -HOUR_S if time.monotonic() > 2 * HOUR_S else 0)
    for offset in offsets:
        probe_time_namespace(offset)
    cluster = make()
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 60)
    load = cluster.load(50, 10)
    jumper, others = 2, (0, 1, 3)
    for offset in offsets:
        cluster.end(jumper)
        cluster.wait_finalized(max(cluster.finalized(i) for i in others) + 8, others, 20)
        cluster.start(jumper, prefix=in_time_namespace(offset))
        slot, begun = cluster.processed(others), time.monotonic()
        cluster.wait(f"it votes with the clock moved by {offset} s", lambda: cluster.last_vote(jumper) > slot, 20)
        print(f"clock moved by {offset} s: it voted again after {time.monotonic() - begun:.1f} s")
        cluster.wait_finalized(slot, cluster.all, 20)
        clocks = [cluster.status(i)["clockSlot"] for i in (jumper, others[0])]
        expect(abs(clocks[0] - clocks[1]) <= 2, f"its slot clock is not that of the others: {clocks}")
    cluster.everything_sent_is_final(load, 60)
    cluster.same_state()
