# SPDX-License-Identifier: Apache-2.0
"""A scenario of cluster_test.py in which a validator has a fault that a user's transaction meets at each replay."""
import json, re, signal, time, urllib.request

from cluster import SLOWNESS, expect
from identity_scenarios import readiness
from journal import NOTARIZE, Journal

DEATHS = 2  # deaths_max of node/crash_notes.hpp
STAYS_UP_SLOTS = 20


def answer_to(cluster, index, method, *params):
    """The whole reply, errors too."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    request = urllib.request.Request(cluster.rpc[index], body.encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def signed_for(votes):
    """Every block id that the journal has a promise for."""
    journal = Journal(votes)
    ids = {block for _, block in journal.votes()}
    return ids | {body[11:43].hex() for body in journal.bodies() if body[0] == NOTARIZE}


def crash_loop(make):
    """A check of one of four fails at a transaction: started again it dies of the block again, then leaves the block
    alone, stays up, says so and does not vote for it. The others go on. With the fault repaired and its notes removed
    it is a validator as before."""
    cluster = make()
    victim, others = 3, (0, 1, 2)
    data = cluster.configs[victim].parent / "data"
    deadly = cluster.run("keygen", "--out", cluster.folder / "deadly.json").stdout.split()[-1]
    cluster.set_fault(victim, "dies_of", f'"{deadly}"')
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.run_in_background("transfer", "--config", cluster.configs[0], "--key", cluster.folder / "faucet.json",
                              "--to", deadly, "--lamports", 5_000_000)
    first = time.monotonic()
    for death in range(1, DEATHS + 1):
        code = cluster.processes[victim].wait(timeout=60 * SLOWNESS)
        expect(code == -signal.SIGABRT, f"death {death} was one of {code}: {cluster.tail(victim)}")
        expect(len((data / "crashes").read_text().splitlines()) == death, "the death was not noted")
        cluster.start(victim)
    cluster.wait("it says which block it leaves alone",
                 lambda: any("in quarantine: this node died of it" in r for r in readiness(cluster, victim)[1]["reasons"]),
                 30)
    print(f"{DEATHS} deaths, and up for good {time.monotonic() - first:.1f} s after the first transaction")

    cluster.wait("the others have made the transfer final",
                 lambda: cluster.call(0, "getSignaturesForAddress", deadly), 30)
    signature = cluster.call(0, "getSignaturesForAddress", deadly)[0]["signature"]
    found = cluster.call(0, "getTransaction", signature, {"encoding": "base64"})
    block = cluster.call(0, "belfryBlock", found["slot"])
    cluster.wait_finalized(max(cluster.processed(others), found["slot"]) + STAYS_UP_SLOTS, others, 60)
    cluster.expect_alive()
    expect(cluster.finalized(victim) < found["slot"], "it calls a block final that it has not executed")
    expect(signed_for(data / "votes"), "the journal is not read")
    name = bytes.fromhex(block["blockId"]) if len(block["blockId"]) == 64 else from_base58(block["blockId"])
    expect(name.hex() not in signed_for(data / "votes"), "it has promised something about the block")
    code, body = readiness(cluster, victim)
    expect(code == 503 and any(f"slot {found['slot']} is in quarantine" in r for r in body["reasons"]),
           f"/readyz says {code} {body}")
    life = cluster.log(victim).rsplit("process.guard", 1)[-1]
    told = re.findall(r"block\.quarantined: block (\w+)", life)  # one of a fork that lost may hold it too
    expect(block["blockId"] in told and len(told) == len(set(told)), f"the log names {told}")
    expect(life.count("crash.noted") == DEATHS, "the log of the next life does not name the deaths")
    shown = cluster.run("status", "--rpc", cluster.rpc[victim]).stdout
    expect("quarantine" in shown and signature in shown, f"status shows {shown}")
    expect(cluster.counter(victim, "bank", "block.quarantined") > 0, "it is not counted")
    again = answer_to(cluster, victim, "sendTransaction", found["transaction"][0],
                      {"encoding": "base64", "skipPreflight": True})
    expect("in quarantine" in again.get("error", {}).get("message", ""), f"sent once more: {again}")
    cluster.nobody_lied(others)

    cluster.end(victim)  # the operator starts a program without the fault
    config = cluster.configs[victim]
    config.write_text("\n".join(l for l in config.read_text().splitlines() if not l.startswith("dies_of")) + "\n")
    cluster.start(victim)
    cluster.wait("it still leaves the block alone", lambda: readiness(cluster, victim)[0] == 503 and any(
        "in quarantine" in r for r in readiness(cluster, victim)[1]["reasons"]), 30)
    cluster.end(victim)
    (data / "crashes").unlink()
    cluster.start(victim)
    slot = cluster.processed(others)
    cluster.wait_finalized(slot, [victim], 60)
    cluster.wait("it votes again", lambda: cluster.last_vote(victim) > slot, 30)
    cluster.wait("it is ready", lambda: readiness(cluster, victim)[0] == 200, 30)
    cluster.same_state()
    cluster.nobody_lied()


def crash_loop_most(make):
    """Three of four fail at one transaction, and whoever dies is started again at once, as a service manager would: none
    dies of it more than twice, the slots of its blocks are skipped, and the chain goes on without it."""
    cluster = make()
    deadly = cluster.run("keygen", "--out", cluster.folder / "deadly.json").stdout.split()[-1]
    faulty = (1, 2, 3)
    for index in faulty:
        cluster.set_fault(index, "dies_of", f'"{deadly}"')
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    cluster.run_in_background("transfer", "--config", cluster.configs[0], "--key", cluster.folder / "faucet.json",
                              "--to", deadly, "--lamports", 5_000_000)
    begun = last = time.monotonic()
    deaths = [0] * len(cluster.all)
    while max(deaths) < DEATHS or time.monotonic() < last + STAYS_UP_SLOTS * cluster.slot_s * SLOWNESS:
        for index, process in enumerate(cluster.processes):
            if (code := process.poll()) is not None:
                expect(code == -signal.SIGABRT, f"validator {index} ended with {code}: {cluster.tail(index)}")
                deaths[index] += 1
                last = time.monotonic()
                cluster.start(index)
        expect(deaths[0] == 0 and max(deaths) <= DEATHS, f"deaths of each: {deaths}")
        expect(time.monotonic() < begun + 60 * SLOWNESS, f"it killed nobody twice: {deaths}")
        time.sleep(0.02)
    print(f"deaths of each: {deaths}, the last of them {last - begun:.1f} s after the transaction")

    cluster.everything_sent_is_final(cluster.load(rate=100, seconds=5), 90)
    cluster.wait_finalized(cluster.processed(cluster.all) + STAYS_UP_SLOTS, cluster.all, 60)
    expect(not any(cluster.call(i, "getSignaturesForAddress", deadly) for i in cluster.all), "it is in a final block")
    cluster.wait("all are ready", lambda: all(readiness(cluster, i)[0] == 200 for i in cluster.all), 30)
    cluster.same_state()
    cluster.nobody_lied()


def from_base58(text):
    value = 0
    for letter in text:
        value = value * 58 + "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".index(letter)
    return value.to_bytes(32, "big")
