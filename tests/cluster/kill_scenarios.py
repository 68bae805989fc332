# SPDX-License-Identifier: Apache-2.0
"""Scenarios of cluster_test.py in which validators are killed, or stand still, at any time."""
import random, signal, statistics, time

from cluster import SLOWNESS, expect
from witness import Witness

SLOTS_WITHOUT_QUORUM = 20
SETTLE_SLOTS = 4  # what was under way when the quorum went is through by then


def begun(make, **flags):
    cluster = make(**flags)
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    return cluster


def back_again(cluster, indexes, seconds=60):
    """Those validators vote for slots that begin after now."""
    slot = cluster.processed(cluster.all)
    for index in indexes:
        cluster.wait(f"validator {index} votes again", lambda: cluster.last_vote(index) > slot, seconds)


def kill_two(make):
    """kill -9 of two of four at once: nothing more is finalized without them, and everything once they are back."""
    cluster = begun(make)
    witness = Witness(cluster)
    load = cluster.load(50, 5)
    cluster.wait_finalized(cluster.processed([0]), cluster.all, 30)
    dead, left = (1, 3), (0, 2)
    for index in dead:
        cluster.kill(index)
    time.sleep(SETTLE_SLOTS * cluster.slot_s)
    before = [cluster.finalized(i) for i in left]
    slot = cluster.status(left[0])["clockSlot"]
    while cluster.status(left[0])["clockSlot"] < slot + SLOTS_WITHOUT_QUORUM:
        now = [cluster.finalized(i) for i in left]
        expect(now == before, f"finalized moved with half of the stake: {before} to {now}")
        cluster.expect_alive()
        time.sleep(cluster.slot_s)
    for index in dead:
        cluster.start(index)
    since = time.monotonic()
    cluster.wait_finalized(max(before), cluster.all, 30)
    print(f"finalized moved {time.monotonic() - since:.1f} s after the two came back")
    back_again(cluster, dead)
    cluster.everything_sent_is_final(load, 120)
    witness.judge()


def standstill_of_all(make):
    """Half of the stake is down for longer than the 1,024 slots that a node holds without finality: the clocks of
    the others wait, and once the two are back everything goes on."""
    cluster = begun(make, **{"slot-ms": 60})
    cluster.wait_finalized(40, cluster.all, 60)  # not in the unrest of the start
    witness = Witness(cluster)
    dead, left = (1, 3), (0, 2)
    for index in dead:
        cluster.kill(index)
    time.sleep(SETTLE_SLOTS * cluster.slot_s)
    before = max(cluster.finalized(i) for i in left)
    time.sleep(1100 * cluster.slot_s)
    for index in left:
        slot = cluster.status(index)["clockSlot"]
        expect(slot < before + 1000, f"clock {index} ran to slot {slot}, {slot - before} above what is final")
    for index in dead:
        cluster.start(index)
    since = time.monotonic()
    cluster.wait_finalized(before + 1000, cluster.all, 120)
    print(f"finalized was 1,000 slots on {time.monotonic() - since:.1f} s after the two came back")
    # Tower's votes may come much later: whoever voted for blocks that were skipped is bound by its lockouts.
    cluster.wait_finalized(before + 1050, cluster.all, 60)
    # On a final blockhash: at so short a slot the newest block is often left at the next leader's turn.
    known = cluster.call(0, "getLatestBlockhash", {"commitment": "finalized"})["value"]["blockhash"]
    cluster.everything_sent_is_final(cluster.load(50, 1, blockhash=known), 120)
    witness.judge()


def kill_all(make, rounds=2):
    """kill -9 of all four at once, under load, some times over: one finalized prefix on all, and the chain goes on."""
    cluster = begun(make)
    witness = Witness(cluster)
    load = cluster.load(50, 4 * rounds)
    chance, ways = random.Random(5), []
    for _ in range(rounds):
        cluster.wait_finalized(max(cluster.finalized(i) for i in cluster.all), cluster.all, 60)
        time.sleep(chance.random())
        before = max(cluster.finalized(i) for i in cluster.all)
        for index in cluster.all:
            cluster.kill(index)
        for index in cluster.all:
            cluster.start(index)
        since = time.monotonic()
        cluster.wait_finalized(before, cluster.all, 60)
        ways.append(time.monotonic() - since)
        print(f"finalized moved {ways[-1]:.1f} s after all were started again", flush=True)
    cluster.everything_sent_is_final(load, 120)
    print(f"{rounds} times all killed, {witness.judge()} blocks final and the same on all, way back median "
          f"{statistics.median(ways):.2f} s, worst {max(ways):.2f} s")


def random_kills(make, kills=8, seed=None):
    """kill -9 at random times under load: mostly of one, now and then of two or of all, sometimes right at the start."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    cluster = begun(make)
    witness = Witness(cluster)
    load, done, ways = None, 0, []
    while done < kills:
        if load is None:
            load = cluster.load(50, 10)
        victims = chance.sample(list(cluster.all), chance.choices((1, 2, 4), (80, 15, 5))[0])
        time.sleep(chance.random() * 1.5)
        for victim in victims:
            cluster.kill(victim)
        done += len(victims)
        time.sleep(chance.choice((0, 0.2, 1)))
        for victim in victims:
            cluster.start(victim)
        while chance.random() < 0.2:  # again, in the middle of what a start does
            time.sleep(chance.random() * 0.3)
            cluster.kill(victims[0])
            done += 1
            cluster.start(victims[0])
        since = time.monotonic()
        cluster.wait_finalized(max(cluster.finalized(i) for i in cluster.all), cluster.all, 60)
        ways.append(time.monotonic() - since)
        if cluster.loads[load][0].poll() is not None:
            cluster.everything_sent_is_final(load, 1)
            load = None
        if done % 20 < len(victims):
            print(f"{done} kills", flush=True)
    if load is not None:
        cluster.everything_sent_is_final(load, 120)
    blocks = witness.judge()
    print(f"{done} kills in {len(ways)} rounds, {blocks} blocks final and the same on all, way back median "
          f"{statistics.median(ways):.2f} s, worst {max(ways):.2f} s")


def standstill(make, seconds=4, rounds=1):
    """SIGSTOP of one, then of two, then of all: whoever stood still goes on, votes, and contradicts nothing."""
    cluster = begun(make)
    witness = Witness(cluster)
    for _ in range(rounds):
        for stopped in ((2,), (0, 3), tuple(cluster.all)):
            left = [i for i in cluster.all if i not in stopped]
            for index in stopped:
                cluster.processes[index].send_signal(signal.SIGSTOP)
            try:
                if len(left) == 3:
                    cluster.wait_finalized(max(cluster.finalized(i) for i in left) + 4, left, 30)
                time.sleep(seconds * SLOWNESS)
            finally:
                for index in stopped:
                    cluster.processes[index].send_signal(signal.SIGCONT)
            since = time.monotonic()
            back_again(cluster, stopped)
            cluster.wait_finalized(max(cluster.finalized(i) for i in cluster.all), cluster.all, 30)
            print(f"{len(stopped)} stood still for {seconds} s; all went on after {time.monotonic() - since:.1f} s")
    witness.judge()
