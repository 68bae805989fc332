#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clusters of real processes on loopback, killed, starved and restarted.

usage: cluster_test.py BELFRY SCENARIO[:COUNT] [WORK_DIR]        exit 0 when the scenario holds, 77 when skipped

COUNT makes a scenario longer that says what it counts: kills, rounds, seconds.

Every scenario is bounded in time, uses free ports and ends only the processes it started.
"""
import os, pathlib, re, shutil, sys, tempfile, time

from cluster import Cluster, Failure, Skipped, expect
from crash_scenarios import crash_loop, crash_loop_most
from disk_scenarios import (
    birth, crash_points, crash_some, disk_errors, disk_full, errors_some, power_cuts, recorder, small_disk)
from fault_scenarios import clock_jump, equivocator, partition_2_2, partition_3_1
from identity_scenarios import old_copy, truthful_health, twins, twins_apart
from kill_scenarios import kill_all, kill_two, random_kills, standstill, standstill_of_all
from slow_scenarios import slow_disks, slow_some
from spoilt_scenarios import spoilt_all, spoilt_some


MEMORY_BYTES = 2 << 30  # free in /dev/shm, to be used instead of the disk


def short(make):
    """Four validators finalise a small load and agree."""
    cluster = make()
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.everything_sent_is_final(cluster.load(50, 5), 120)
    cluster.same_state()


def kill_each(make):
    """kill -9 of each validator in turn, under load; each comes back, votes and agrees."""
    cluster = make()
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    load = cluster.load(100, 60)
    for victim in cluster.all:
        others = [i for i in cluster.all if i != victim]
        cluster.kill(victim)
        before = max(cluster.finalized(i) for i in others)
        cluster.wait_finalized(before + 8, others, 40)
        cluster.start(victim)
        slot = cluster.processed(others)
        cluster.wait(f"validator {victim} votes again", lambda: cluster.last_vote(victim) > slot, 20)
        cluster.wait_finalized(before + 8, [victim], 40)
    cluster.everything_sent_is_final(load, 180)
    cluster.same_state()


def loss(make):
    """15 % of shreds and 5 % of votes are dropped at each receiver, by seed."""
    cluster = make(**{"drop-shreds": 0.15, "drop-votes": 0.05, "seed": 7})
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.everything_sent_is_final(cluster.load(100, 30), 180)
    recovered = [cluster.counter(i, "shred", "sets_recovered") for i in cluster.all]
    repaired = [cluster.counter(i, "shred", "sets_repaired") for i in cluster.all]
    dropped = [cluster.counter(i, "net", "shreds.fault") for i in cluster.all]
    expect(sum(recovered) > 0 and sum(repaired) > 0 and min(dropped) > 0,
           f"the loss was not felt: recovered {recovered} repaired {repaired} dropped {dropped}")
    cluster.same_state()


def late_joiner(make):
    """A validator that comes with nothing but genesis catches up, votes, and holds the same state."""
    cluster = make()
    late, early = len(cluster.all) - 1, list(cluster.all)[:-1]
    cluster.start_all(early)
    load = cluster.load(100, 20)
    cluster.wait_finalized(100, early, 120)
    cluster.start(late, new=True)
    slot, begun = cluster.processed(early), time.monotonic()
    cluster.wait("the late validator votes", lambda: cluster.last_vote(late) > slot, 40)
    slots_gone = (time.monotonic() - begun) / cluster.slot_s
    times = (slot + slots_gone) / slots_gone
    print(f"{slot} slots made up for at {times:.1f} times the rate of production")
    expect(times >= 4, f"catch-up ran at {times:.1f} times the rate of production only")
    cluster.wait_finalized(slot, cluster.all, 60)
    cluster.everything_sent_is_final(load, 120)
    cluster.same_state()


def far_joiner(make):
    """The same beyond the consensus engine's window of 1,024 slots."""
    cluster = make(**{"slot-ms": 50})
    late, early = len(cluster.all) - 1, list(cluster.all)[:-1]
    cluster.start_all(early)
    cluster.wait_finalized(1100, early, 150)
    cluster.start(late, new=True)
    slot = cluster.processed(early)
    cluster.wait("the late validator votes", lambda: cluster.last_vote(late) > slot, 60)
    cluster.wait_finalized(slot, cluster.all, 60)
    cluster.same_state()


def outage(make):
    """A validator that was down for 500 slots, five minutes at the default of 600 ms, votes again."""
    cluster = make(**{"slot-ms": 100})
    victim, others = 1, [i for i in cluster.all if i != 1]
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.kill(victim)
    down = cluster.processed(others)
    load = cluster.load(100, 30)
    cluster.wait_finalized(down + 500, others, 150)
    cluster.start(victim)
    slot, begun = cluster.processed(others), time.monotonic()
    cluster.wait("it votes again", lambda: cluster.last_vote(victim) > slot, 60)
    seconds = time.monotonic() - begun
    times = (slot - down) / (seconds / cluster.slot_s)
    print(f"{slot - down} slots made up for in {seconds:.1f} s, {times:.1f} times the rate of production")
    expect(times >= 4, f"catch-up ran at {times:.1f} times the rate of production only")
    cluster.wait_finalized(slot, cluster.all, 60)
    cluster.everything_sent_is_final(load, 120)
    cluster.same_state()


def restart_all(make):
    """All validators are killed at once; what was final stays final and the chain goes on."""
    cluster = make()
    cluster.start_all()
    cluster.wait_finalized(40, cluster.all, 90)
    slot = min(cluster.finalized(i) for i in cluster.all)
    before = cluster.call(0, "belfryBlock", slot)
    for index in cluster.all:
        cluster.kill(index)
    for index in cluster.all:
        cluster.start(index)
    cluster.wait(f"block {slot} is there again",
                 lambda: any(cluster.call(i, "belfryBlock", slot) for i in cluster.all), 20)
    kept = [block for block in (cluster.call(i, "belfryBlock", slot) for i in cluster.all) if block]
    expect(all(block["blockId"] == before["blockId"] for block in kept), f"block {slot} changed: {before} {kept}")
    cluster.wait_finalized(slot + 40, cluster.all, 90)
    cluster.same_state()


def expiry(make):
    """A blockhash is too old once 150 blocks have followed it; what names it then is never executed."""
    cluster = make(**{"slot-ms": 100})
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.everything_sent_is_final(cluster.load(20, 1), 120)
    latest = cluster.call(0, "getLatestBlockhash")["value"]

    def valid(index):
        return cluster.call(index, "isBlockhashValid", latest["blockhash"])["value"]

    expect(valid(0), "a fresh blockhash is not valid")
    cluster.wait("150 more blocks", lambda: all((cluster.call(i, "getBlockHeight") or 0)
                                                > latest["lastValidBlockHeight"] for i in cluster.all), 60)
    expect(not any(valid(i) for i in cluster.all), "a blockhash of more than 150 blocks ago is still valid")
    late = cluster.load_result(cluster.load(20, 2, drain=4, blockhash=latest["blockhash"]), 60)
    expect(late["sent"] == 40 and late["processed"] == 0, f"expired transactions were executed: {late}")
    expect(sum(cluster.counter(i, "bank", "gate.expired") for i in cluster.all) > 0, "no pool counted an expiry")
    said = cluster.why(0, late["first_signature"])  # the load sends its first one to validator 0
    expect(said.returncode == 1 and said.stdout.startswith("dropped: it expired, 150 blocks have followed"),
           f"tx why does not tell of the expiry: {said}")
    unseen = cluster.why(0, "1" * 64)
    expect(unseen.returncode == 75 and unseen.stdout.startswith("unknown to this node"), f"tx why knows {unseen}")


def commitments(make):
    """A transfer by the command line; each commitment answers from its own block's state.

    Finality by roots, which is slots behind: by certificates it may come before the second question."""
    cluster = make(**{"no-certificates": True})
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    key = cluster.folder / "receiver.json"
    receiver = cluster.run("keygen", "--out", key).stdout.split()[-1]
    again = cluster.run("keygen", "--out", key)
    expect(again.returncode == 73, f"keygen overwrote a key: {again}")
    lamports = 5_000_000

    def balance(index, commitment):
        answer = cluster.call(index, "getBalance", receiver, {"commitment": commitment})
        return answer["value"] if answer else None

    sender = cluster.run_in_background("transfer", "--config", cluster.configs[1], "--key",
                                       cluster.folder / "faucet.json", "--to", receiver, "--lamports", lamports)
    cluster.wait("processed shows the transfer", lambda: balance(0, "processed") == lamports, 30)
    expect(balance(0, "finalized") == 0, "finalized showed a transfer that only just was processed")

    def listed(index, commitment):
        found = cluster.call(index, "getSignaturesForAddress", receiver, {"commitment": commitment})
        return [entry["confirmationStatus"] for entry in found or []]

    cluster.wait("the list of the receiver's transactions has it while it is only confirmed",
                 lambda: listed(0, "confirmed") == ["confirmed"], 20)
    expect(listed(0, "finalized") == [], "the list of what is final has one that is only confirmed")
    cluster.wait("finalized shows the transfer everywhere",
                 lambda: all(balance(i, "finalized") == lamports for i in cluster.all), 60)
    cluster.wait("it is listed as final everywhere",
                 lambda: all(listed(i, level) == ["finalized"] for i in cluster.all
                             for level in ("confirmed", "finalized")), 10)
    expect(sender.wait(timeout=60) == 0, f"transfer ended with {sender.returncode}")
    signature = re.search(r"^signature (\S+)$", (cluster.folder / "commands.log").read_text(), re.M)[1]
    for index in cluster.all:
        said = cluster.why(index, signature)
        expect(said.returncode == 0 and re.match(r"finalized in slot \d+, and took effect\n", said.stdout)
               and re.search(r"^ .* processed +slot \d+$", said.stdout, re.M), f"tx why on {index}: {said}")
    sent_to = cluster.why(1, signature).stdout  # and there it came in
    expect(re.search(r" pooled .*\n(.*\n)* .* (forwarded|packed) ", sent_to), f"the way is not told: {sent_to}")
    shown = cluster.run("balance", "--config", cluster.configs[2], receiver)
    expect(shown.stdout.split()[0] == str(lamports), f"balance says {shown.stdout}")


def history(make):
    """What memory has forgotten (300 blocks after it was final) is found with searchTransactionHistory only."""
    cluster = make(validators=1, **{"slot-ms": 40})
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 60)
    receiver = cluster.run("keygen", "--out", cluster.folder / "receiver.json").stdout.split()[-1]
    sent = cluster.run("transfer", "--config", cluster.configs[0], "--key", cluster.folder / "faucet.json",
                       "--to", receiver, "--lamports", 5_000_000)
    signature = next((word for word in sent.stdout.split() if len(word) > 80), None)
    expect(signature, f"transfer names no signature: {sent}")

    def status(*options):
        return cluster.call(0, "getSignatureStatuses", [signature, "1" * 64], *options)["value"]

    cluster.wait("the transfer is final", lambda: (status()[0] or {}).get("confirmationStatus") == "finalized", 30)
    first = status()[0]
    cluster.wait_finalized(cluster.finalized(0) + 310, cluster.all, 60)
    expect(status() == [None, None], f"memory still knows: {status()}")
    found = status({"searchTransactionHistory": True})
    expect(found == [first, None], f"the ledger says {found}, it was {first}")


def certificates(make):
    """Every node keeps the certificates of final slots; they verify from genesis alone, and not from another."""
    cluster = make()
    cluster.start_all()
    cluster.wait_finalized(20, cluster.all, 120)
    slot = next(s for s in range(5, 20) if cluster.call(0, "belfryBlock", s))
    block = cluster.call(0, "belfryBlock", slot)
    genesis = cluster.folder / "genesis.toml"
    for index in cluster.all:
        cluster.wait(f"validator {index} keeps the certificate of slot {slot}",
                     lambda: len(cluster.call(index, "belfryCertificates", slot) or []) == 2, 20)
        shown = cluster.run("certificate", slot, "--rpc", cluster.rpc[index], "--genesis", genesis)
        expect(shown.returncode == 0 and f"block {block['blockId']} and all its ancestors are final" in shown.stdout,
               f"the certificates of slot {slot} do not verify: {shown}")
    other = cluster.folder / "other.toml"
    other.write_text(genesis.read_text().replace('name = "local"', 'name = "other"'))
    shown = cluster.run("certificate", slot, "--rpc", cluster.rpc[0], "--genesis", other)
    expect(shown.returncode != 0 and "DOES NOT VERIFY" in shown.stdout, f"verified from another genesis: {shown}")
    none = cluster.run("certificate", 10**9, "--rpc", cluster.rpc[0], "--genesis", genesis)
    expect(none.returncode != 0 and "no certificate" in none.stderr, f"a certificate of a slot to come: {none}")
    quiet = cluster.run("evidence", "--rpc", cluster.rpc[0], "--genesis", genesis)
    expect(quiet.returncode == 0 and not quiet.stdout, f"evidence against honest validators: {quiet}")


def without_certificates(make):
    """Where genesis turns certificates off, what more than 2/3 has rooted is final."""
    cluster = make(**{"no-certificates": True, "slot-ms": 150})
    cluster.start_all()
    cluster.everything_sent_is_final(cluster.load(50, 5), 120)
    cluster.wait_finalized(10, cluster.all, 90)
    expect(not cluster.call(0, "belfryCertificates", 5), "there is a certificate all the same")
    cluster.same_state()


def journal_lost(make):
    """A validator without its vote journal follows and signs nothing."""
    cluster = make()
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.kill(3)
    (cluster.configs[3].parent / "data" / "votes").unlink()
    cluster.start(3)
    cluster.wait_finalized(cluster.processed([0]) + 8, cluster.all, 60)
    expect(not cluster.status(3).get("votesSent"), "it voted without a journal")
    cluster.same_state()


def hard_fork(make):
    """Without a quorum blocks pile up that nobody can finalise; all declare a hard fork below them and go on."""
    cluster = make()
    cluster.start_all()
    cluster.wait_finalized(8, cluster.all, 120)
    for index in (1, 3):
        cluster.kill(index)
    time.sleep(4 * cluster.slot_s)
    final = max(cluster.finalized(i) for i in (0, 2))
    slot = final + 4

    def blocks_above(index):
        found = [cluster.call(index, "belfryBlock", s) for s in range(slot + 1, slot + 40)]
        return {block["blockId"] for block in found if block}

    cluster.wait("blocks that are not final", lambda: len(blocks_above(0)) >= 4 and len(blocks_above(2)) >= 4, 60)
    doomed = blocks_above(0)
    for index in (0, 2):
        cluster.kill(index)
    refused = cluster.run("run", "--config", cluster.configs[0], "--hard-fork", final - 2)
    expect(refused.returncode == 65 and "is final here" in refused.stderr, f"what is final was given up: {refused}")
    for index in cluster.all:
        cluster.start(index, arguments=("--hard-fork", str(slot)))
    cluster.wait_finalized(slot + 40, cluster.all, 60)
    for index in cluster.all:
        kept = doomed & blocks_above(index)
        expect(not kept, f"validator {index} holds blocks from before the fork: {kept}")
    expect("hard_fork" in cluster.log(0), "it does not say what it forgot")
    cluster.everything_sent_is_final(cluster.load(50, 3), 120)
    before = max(cluster.finalized(i) for i in cluster.all)
    for index in cluster.all:
        cluster.kill(index)
    for index in cluster.all:  # as a service whose command line nobody has changed back
        cluster.start(index, arguments=("--hard-fork", str(slot)))
    cluster.wait_finalized(before, cluster.all, 60)
    cluster.same_state()
    cluster.nobody_lied()


def ipv6(make):
    """The same over IPv6."""
    cluster = make(ipv6=True)
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.same_state()


SCENARIOS = {f.__name__: f for f in (
    short, kill_each, loss, late_joiner, far_joiner, outage, restart_all, expiry, commitments, history,
    certificates, without_certificates, journal_lost, hard_fork, ipv6, partition_2_2, partition_3_1, equivocator,
    clock_jump, kill_two, standstill_of_all, kill_all, random_kills, standstill,
    old_copy, twins, twins_apart, truthful_health, crash_loop, crash_loop_most,
    recorder, birth, crash_some, crash_points, errors_some, disk_errors, disk_full,
    small_disk, power_cuts, slow_some, slow_disks, spoilt_some, spoilt_all)}


def main():
    name, _, count = sys.argv[2].partition(":") if len(sys.argv) > 2 else ("", "", "")
    if name not in SCENARIOS or not (count.isdecimal() or not count):
        print(__doc__, "scenarios:", " ".join(SCENARIOS), file=sys.stderr)
        return 64
    scenario = SCENARIOS[name]
    if scenario is ipv6 and not pathlib.Path("/proc/net/if_inet6").exists():
        print("skipped: this machine has no IPv6")
        return 77
    # In memory where there is some: a kill, unlike a power cut, leaves the page cache as it is, and the
    # scenarios are about validators, not about who else is using the disk.
    memory = pathlib.Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES else None
    folder = pathlib.Path(sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="belfry-", dir=parent))
    shutil.rmtree(folder, ignore_errors=True)
    clusters = []

    def make(validators=4, **flags):
        clusters.append(Cluster(sys.argv[1], folder, validators, **flags))
        return clusters[-1]

    try:
        scenario(make, *map(int, filter(None, [count])))
        for cluster in clusters:
            cluster.stop()
    except Skipped as why:
        print(f"skipped: {why}")
        return 77
    except Failure as failure:
        print(f"{sys.argv[2]}: {failure}; logs in {folder}")
        return 1
    finally:
        for cluster in clusters:
            cluster.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
