#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A cluster of real processes on loopback under hostile datagrams (tests/cluster/hostile_kinds.cpp) and HTTP.

usage: hostile_scenarios.py BELFRY FLOOD SCENARIO [--long] [--dir DIR]      exit 0 when the scenario holds

  lanes    every kind to its own port of one validator: each is counted, none is answered, the cluster goes on
  flood    1,000,000 malformed and 100,000 badly signed transactions a minute to one validator, under load; ten
           seconds of it, with --long the whole minute
  http     half-open HTTP connections that drip, and requests of every hostile kind, to one that keeps them all and one
           that keeps its 1,024: new clients are served; 300 connections each, with --long 10,000
  loud     one source that sends faster than it may is cut to its rate, and strangers on the validators' ports
  figures  the honest load with and without each kind of flood; prints a table (minutes; only by hand)
"""
import argparse, json, os, pathlib, re, shutil, subprocess, sys, tempfile, threading, time

import hostile_http
from cluster import Cluster, Failure, SLOWNESS, Skipped, expect

TARGET = 0  # the validator under attack
LANES = ("transactions", "forwards", "shreds", "votes", "repair")
REFUSALS = ("over_rate", "crowded", "stranger", "loud")
STALL_SLOTS_MAX = 8
MEMORY_GROWTH_MAX = 1.10
MEMORY_BYTES = 2 << 30  # free in /dev/shm, to be used instead of the disk


class Tool:
    """The flood tool on a cluster."""

    def __init__(self, path, cluster):
        self.path, self.cluster = str(path), cluster

    def kinds(self):
        listed = subprocess.run([self.path, "--list"], capture_output=True, text=True, timeout=60, check=True)
        return [line.split() for line in listed.stdout.splitlines()]

    def run(self, send, seconds, sources=16, first_source=2):
        """What it says it sent; send: kind -> count."""
        command = [self.path, "--config", str(self.cluster.configs[TARGET]), "--node", str(TARGET),
                   "--seconds", str(seconds), "--sources", str(sources), "--first-source", str(first_source)]
        command += [f"--send={kind}={count}" for kind, count in send.items()]
        latest = self.cluster.call(TARGET, "getLatestBlockhash")
        command += ["--blockhash", latest["value"]["blockhash"]] if latest else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120 * SLOWNESS)
        expect(done.returncode == 0, f"flood failed: {done.stderr}")
        return json.loads(done.stdout)


def numbers(cluster, index):
    """Every counter and drop of a validator, by "tile counter"; what is not named there is 0."""
    found = {}
    for tile in cluster.status(index).get("tiles", []):
        for name, value in {**tile["counters"], **tile["drops"]}.items():
            found[f"{tile['name']} {name}"] = value
    expect(found, f"validator {index} does not answer")
    return found


def growth(before, after):
    return lambda name: after.get(name, 0) - before.get(name, 0)


def system_drops(cluster, index):
    """What the system has dropped of each UDP port of this validator, as it says itself."""
    text = cluster.configs[index].read_text()
    own = re.findall(r"\[\[validator\]\].*?(?=\[\[validator\]\]|\[turbine\])", text, re.S)[index]
    ports = {lane: int(re.search(rf'^{lane} = "[^"]*:(\d+)"', own, re.M)[1]) for lane in LANES}
    drops = {}
    for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        drops[int(fields[1].split(":")[1], 16)] = int(fields[-1])
    return {lane: drops[port] for lane, port in ports.items()}


def resident_kb(cluster, index):
    text = pathlib.Path(f"/proc/{cluster.processes[index].pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def settled(cluster, name, index=TARGET):
    """The counter once it stands still."""
    seen = [None]

    def stands():
        seen.append(numbers(cluster, index).get(name, 0))
        return len(seen) > 4 and seen[-1] == seen[-2] == seen[-3]
    cluster.wait(f"{name} stands still", stands, 20)
    return seen[-1]


class FinalityWatch(threading.Thread):
    """For how many slots of its clock the target's `finalized` has stood at most."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.ended, self.worst, self.lag, self.looks = cluster, threading.Event(), 0, 0, 0
        self.start()

    def run(self):
        finalized, since = None, None
        while not self.ended.wait(0.05):
            status = self.cluster.status(TARGET)
            if "finalized" not in status:
                continue
            self.looks += 1
            if finalized is None or status["finalized"] > finalized:
                finalized, since = status["finalized"], status["clockSlot"]
            self.worst = max(self.worst, status["clockSlot"] - since)
            self.lag = max(self.lag, status["clockSlot"] - status["finalized"])

    def end(self):
        self.ended.set()
        self.join()
        expect(self.looks > 10, "the validator under attack did not answer")
        return self.worst


def every_datagram_is_somewhere(cluster, before, sent=None):
    """What the sockets of transactions gave is refused, dropped, accepted or refused later: the books balance.
    One that is on its way between two tiles while they are read is in neither book yet, so they are read again."""
    for attempt in range(20):
        try:
            return books_balance(before, numbers(cluster, TARGET), sent)
        except Failure:
            if attempt == 19:
                raise
            time.sleep(0.25)


def books_balance(before, after, sent):
    grown = growth(before, after)
    arrived = sum(grown(f"net {lane}.received") for lane in ("transactions", "forwards"))
    stopped = sum(grown(f"net {lane}.{reason}") for lane in ("transactions", "forwards")
                  for reason in REFUSALS + ("link_full", "too_long", "fault"))
    expect(arrived == stopped + grown("verify received"),
           f"{arrived} arrived, {stopped} were stopped by the net tile, {grown('verify received')} came on")
    drops = sum(grown(name) for name in after if name.startswith("verify ")
                and name.split()[1] not in ("received", "accepted", "link_full"))
    expect(grown("verify received") == grown("verify accepted") + drops,
           f"verify: {grown('verify received')} came, {grown('verify accepted')} accepted, {drops} dropped")
    if sent is not None:
        lost = grown("net transactions.queue_overflow")
        expect(grown("net transactions.received") + lost >= sent,
               f"{sent} sent, {grown('net transactions.received')} received, {lost} lost in the socket")


def sockets_of_validators_lost_nothing(cluster):
    for index in cluster.all:
        told, system = numbers(cluster, index), system_drops(cluster, index)
        for lane in LANES:
            said = told.get(f"net {lane}.queue_overflow", 0)
            expect(said == system[lane], f"validator {index} tells of {said} lost {lane}, the system of {system[lane]}")
        for lane in ("votes", "shreds"):
            expect(system[lane] == 0, f"validator {index} lost {system[lane]} datagrams of its {lane} socket")
            expect(told.get(f"net {lane}.link_full", 0) == 0, f"validator {index} had no room for {lane}")


def lanes(make, tool_path, options):
    cluster = make()
    tool = Tool(tool_path, cluster)
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    kinds = tool.kinds()
    load = cluster.load(50, 3)
    before, each = numbers(cluster, TARGET), 20
    sent = tool.run({kind[0]: each for kind in kinds}, 1, sources=1, first_source=1)  # as if of the roster
    expect(sent["failed"] == 0, f"not everything was sent: {sent}")
    expect(sent["replies"] == 0, f"a node answered to forged datagrams: {sent}")
    expected = {}
    for kind, _, tile, counter in kinds:
        if counter != "-":
            # The first of the duplicates is the original.
            expected[f"{tile} {counter}"] = expected.get(f"{tile} {counter}", 0) + each - (kind == "duplicate")
    for name, count in expected.items():
        cluster.wait(f"{name} tells of {count}, it tells of {growth(before, numbers(cluster, TARGET))(name)}",
                     lambda: growth(before, numbers(cluster, TARGET))(name) >= count, 10)
    cluster.everything_sent_is_final(load, 60)
    settled(cluster, "verify received")
    grown = growth(before, numbers(cluster, TARGET))
    expect(grown("verify accepted") >= each + 1, "what is signed well does not reach the pool")
    forms = [name for name in numbers(cluster, TARGET) if name.startswith("verify form.")]
    expect(len(forms) >= 3, f"malformed transactions show in {forms} only")
    every_datagram_is_somewhere(cluster, before)
    slot = cluster.finalized(TARGET)
    cluster.wait_finalized(slot + 3, cluster.all, 30)
    sockets_of_validators_lost_nothing(cluster)
    cluster.same_state()
    print(f"{len(kinds)} kinds, {each} of each, {len(expected)} counters; no reply")


def flood(make, tool_path, options):
    seconds = 60 if options.long else 8
    kinds = {"malformed": 1_000_000 * seconds // 60, "bad_signature": 100_000 * seconds // 60}
    cluster = make()
    tool = Tool(tool_path, cluster)
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    load = cluster.load(options.rate, seconds + 3)
    time.sleep(2)
    before, kb_before = [numbers(cluster, i) for i in cluster.all], resident_kb(cluster, TARGET)
    watch = FinalityWatch(cluster)
    sent = tool.run(kinds, seconds)
    worst = watch.end()
    # What the load alone costs in memory is seen at those that nobody attacks.
    kb_after = resident_kb(cluster, TARGET)
    kb_allowed = MEMORY_GROWTH_MAX * max([kb_before] + [resident_kb(cluster, i) for i in cluster.all if i != TARGET])
    result = cluster.load_result(load, 120)
    settled(cluster, "net transactions.received")
    settled(cluster, "verify received")
    after = numbers(cluster, TARGET)
    grown = growth(before[TARGET], after)
    figures = {"flood": sent, "stall_slots": worst, "lag_slots": watch.lag, "rss_kb": [kb_before, kb_after],
               "socket_lost": grown("net transactions.queue_overflow"), "load": result}
    print(json.dumps(figures))
    expect(sent["failed"] == 0 and sent["replies"] == 0, f"the flood: {sent}")
    expect(worst <= STALL_SLOTS_MAX, f"finalized stood for {worst} slots")
    expect(kb_after <= kb_allowed, f"resident {kb_after} kB, it was {kb_before} kB and may be {kb_allowed:.0f} kB")
    expect(result["sent"] > 0 and result["finalized"] == result["sent"], f"not everything was finalized: {result}")
    every_datagram_is_somewhere(cluster, before[TARGET], sum(kinds.values()))
    malformed = sum(grown(name) for name in after if name.startswith("verify form."))
    lost = grown("net transactions.queue_overflow") + sum(
        grown(f"net transactions.{reason}") for reason in REFUSALS + ("link_full",))
    expect(malformed + grown("verify bad_signature") + lost >= sum(kinds.values()),
           f"{sum(kinds.values())} sent; {malformed} malformed, {grown('verify bad_signature')} badly signed, {lost} lost")
    sockets_of_validators_lost_nothing(cluster)
    cluster.same_state()


def loud(make, tool_path, options):
    cluster = make()
    for config in cluster.configs:
        text = config.read_text()
        text = re.sub(r"packets_per_second = \d+", "packets_per_second = 2000", text)
        config.write_text(re.sub(r"burst_packets = \d+", "burst_packets = 500", text))
    tool = Tool(tool_path, cluster)
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    load = cluster.load(100, 6)  # from 127.0.0.1
    before = numbers(cluster, TARGET)
    sent = tool.run({"bad_signature": 40_000, "vote_forged": 20_000, "shred_wrong_leader": 20_000}, 4, sources=1)
    cluster.everything_sent_is_final(load, 60)
    settled(cluster, "net transactions.received")
    settled(cluster, "verify received")
    grown = growth(before, numbers(cluster, TARGET))
    lost = grown("net transactions.queue_overflow")
    checked = grown("verify bad_signature")
    most = 500 + 2000 * sent["seconds"] + 1
    expect(0 < checked <= most, f"{checked} of the loud source were checked, it may send {most:.0f}")
    refused = grown("net transactions.over_rate") + grown("net transactions.loud")
    expect(checked + refused + lost == 40_000, f"{checked} checked, {refused} over its rate, {lost} lost")
    for lane, counter in (("votes", "consensus votes_bad_signature"), ("shreds", "shred bad_signature")):
        most = 100 + 100 * sent["seconds"] + 1
        expect(0 < grown(counter) <= most, f"{counter}: {grown(counter)}, strangers may send {most:.0f}")
        expect(grown(f"net {lane}.stranger") > 0, f"no stranger was refused on {lane}")
    every_datagram_is_somewhere(cluster, before, 40_000)
    sockets_of_validators_lost_nothing(cluster)
    cluster.same_state()
    print(f"{checked} of 40,000 checked, {refused} over its rate")


def refused_soon(cluster, rounds):
    """Every hostile request has its answer, and the answers of all rounds cost no memory; the slowest median in ms."""
    address, slowest = rpc_address(cluster, TARGET), ("", 0.0)
    for name, request, wanted in hostile_http.requests():
        times = []
        for _ in range(rounds):
            answer, seconds = hostile_http.exchange(address, request)
            expect(wanted in answer, f"{name}: {answer[:200]}")
            times.append(seconds * 1000)
        times.sort()
        slowest = max(slowest, (name, times[len(times) // 2]), key=lambda pair: pair[1])
    expect(slowest[1] <= 50 * SLOWNESS, f"{slowest[0]} was refused after {slowest[1]:.0f} ms")
    return slowest


def rpc_address(cluster, index):
    host, port = cluster.rpc[index].removeprefix("http://").rsplit(":", 1)
    return host, int(port)


def honest_times(cluster, index, seconds):
    """How long new clients waited for their answer, in ms, rising."""
    body = b'{"jsonrpc":"2.0","id":1,"method":"getSlot"}'
    request = (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
               + body)
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        answer, taken = hostile_http.exchange(rpc_address(cluster, index), request)
        expect(b'"result"' in answer, f"an honest client of validator {index} was answered {answer[:200]}")
        times.append(taken * 1000)
        time.sleep(0.05)
    return sorted(times)


def http(make, tool_path, options):
    count, seconds, rounds = (10_000, 30, 250) if options.long else (300, 12, 5)
    keeps_all, keeps_some = TARGET, 1
    cluster = make()
    config = cluster.configs[keeps_all]
    config.write_text(re.sub(r"connections_max = \d+", f"connections_max = {count + 512}", config.read_text()))
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 120)
    load = cluster.load(50, seconds)
    refused_soon(cluster, 3)  # what is taken once
    before = [resident_kb(cluster, i) for i in cluster.all]
    slowest = refused_soon(cluster, rounds)
    grown = [resident_kb(cluster, i) - before[i] for i in cluster.all]
    others = max(grown[i] for i in cluster.all if i != TARGET)  # what the chain and the load cost meanwhile
    grown_by_requests = grown[TARGET] - others
    quiet = honest_times(cluster, TARGET, 2)
    kb_before = [resident_kb(cluster, i) for i in (keeps_all, keeps_some)]
    slow = [subprocess.Popen([sys.executable, hostile_http.__file__, "%s:%d" % rpc_address(cluster, i), str(count),
                              str(seconds)], stdout=subprocess.PIPE, text=True) for i in (keeps_all, keeps_some)]
    try:
        time.sleep(seconds / 4)
        times = [honest_times(cluster, i, seconds / 4) for i in (keeps_all, keeps_some)]
        kb_after = [resident_kb(cluster, i) for i in (keeps_all, keeps_some)]
        told = [numbers(cluster, i) for i in (keeps_all, keeps_some)]
        said = [process.communicate(timeout=seconds + 60 * SLOWNESS)[0] for process in slow]
    finally:
        for process in slow:
            process.kill()
            process.wait()
    if any(process.returncode == 77 for process in slow):
        raise Skipped(f"no {count} descriptors for one process")
    said = [json.loads(text) for text in said]
    cluster.everything_sent_is_final(load, 60)
    line = {"requests": {"rounds": rounds, "slowest": slowest, "grown_kb": [grown[TARGET], others]}}
    for name, who in (("keeps_all", 0), ("keeps_1024", 1)):
        own = times[who]
        line[name] = {**said[who], **{key: told[who][f"rpc {key}"] for key in
                                      ("open", "connections_max", "cut_for_room", "cut_slow")},
                      "rss_kb": [kb_before[who], kb_after[who]], "honest": len(own),
                      "honest_ms": [round(ms, 1) for ms in (own[len(own) // 2], own[len(own) * 99 // 100], own[-1])]}
    line["quiet_ms"] = [round(quiet[len(quiet) // 2], 1), round(quiet[-1], 1)]
    print(json.dumps(line))
    expect(grown_by_requests <= 4096, f"hostile requests have cost {grown_by_requests} kB")
    for who in (0, 1):
        own = times[who]
        waited = own[len(own) * 9 // 10]
        expect(waited <= 100 * SLOWNESS, f"one in ten honest clients waited {waited:.0f} ms")
        held = told[who]["rpc open"]
        expect(held <= told[who]["rpc connections_max"], f"{held} connections are open")
        expect(kb_after[who] - kb_before[who] <= 8192 + 16 * held, f"{held} connections cost "
               f"{kb_after[who] - kb_before[who]} kB")
    held, held_max = told[0]["rpc open"], told[0]["rpc connections_max"]
    expect(held >= min(count, held_max) * 0.8, f"only {held} were held")
    expect(said[0]["cut"] >= count * 0.5 and said[0]["cut_after_s_max"] <= 13 * SLOWNESS,
           f"slow clients were not cut after 10 s: {said[0]}")
    cluster.same_state()


def figures(make, tool_path, options):
    seconds = options.seconds
    floods = {"none": {}, "malformed": {"malformed": 18_000}, "bad_signature": {"bad_signature": 18_000},
              "both": {"malformed": 16_667, "bad_signature": 1_667}, "expired": {"expired": 18_000},
              "unfunded": {"unfunded": 18_000}, "duplicate": {"duplicate": 18_000}, "votes": {"vote_forged": 18_000},
              "shreds": {"shred_wrong_leader": 18_000}, "repair": {"repair_forged": 18_000}}
    rows = []
    for name in options.only or floods:
        per_second = floods[name]
        cluster = make(**{"slot-ms": 400})
        tool = Tool(tool_path, cluster)
        cluster.start_all()
        cluster.wait_finalized(2, cluster.all, 120)
        load = cluster.load(options.rate, seconds)
        time.sleep(1)
        watch = FinalityWatch(cluster)
        if per_second:
            tool.run({kind: count * (seconds - 3) for kind, count in per_second.items()}, seconds - 3)
        else:
            time.sleep(seconds - 3)
        worst = watch.end()
        result = cluster.load_result(load, 200)
        told = numbers(cluster, TARGET)
        final = result["latency_ms"]["finalized"]
        rows.append((name, result["sent"], result["finalized"], result["resent"], final["p50"], final["p99"], worst,
                     *(told.get(f"net transactions.{why}", 0) for why in ("queue_overflow", "link_full", "loud"))))
        print("{:14} sent {} finalized {} resent {} p50 {} ms p99 {} ms stall {} slots, socket lost {}, link full {}, "
              "loud {}".format(*rows[-1]), flush=True)
        cluster.stop()
        cluster.cleanup()
        shutil.rmtree(cluster.folder, ignore_errors=True)


SCENARIOS = {f.__name__: f for f in (lanes, flood, http, loud, figures)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("belfry")
    parser.add_argument("flood")
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--rate", type=int, default=200, help="of the honest load, per second")
    parser.add_argument("--seconds", type=int, default=30, help="of each row of figures")
    parser.add_argument("--only", nargs="+", help="rows of figures")
    parser.add_argument("--dir", type=pathlib.Path)
    options = parser.parse_args()
    # In memory where there is some, as in cluster_test.py: this is about the network.
    memory = pathlib.Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_BYTES else None
    folder = options.dir or pathlib.Path(tempfile.mkdtemp(prefix="belfry-hostile-", dir=parent))
    clusters = []

    def make(**flags):
        shutil.rmtree(folder, ignore_errors=True)
        clusters.append(Cluster(options.belfry, folder, 4, **flags))
        return clusters[-1]

    try:
        SCENARIOS[options.scenario](make, options.flood, options)
        for cluster in clusters:
            cluster.stop()
    except Skipped as skipped:
        print(f"skipped: {skipped}")
        return 77
    except Failure as failure:
        print(f"{options.scenario}: {failure}; logs in {folder}")
        return 1
    finally:
        for cluster in clusters:
            cluster.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
