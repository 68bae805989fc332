#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running validator looked at from outside: what it has given up, where the secrets of its keys are, and what it
refuses to start for.

usage: process_test.py BELFRY        exit 0 when all holds, 1 and one line each for what does not
"""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cluster"))
from cluster import Cluster, Failure, expect

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
MAPPING_MAX = 4 << 30  # a sanitizer's shadow is larger
LOCKS = float(os.environ.get("BELFRY_CLUSTER_SLOWNESS", "1")) == 1  # a sanitizer's runtime locks no memory


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = BASE58[digit] + text
    return text


def forms(file):
    """What must not be found anywhere: the secret half of a key file, as bytes and as text of any usual kind."""
    whole = bytes(json.loads(file.read_text()))
    seed = whole[:32]
    texts = [seed.hex(), seed.hex().upper(), base58(seed), base58(whole), ",".join(map(str, seed[:8])),
             ", ".join(map(str, seed[:8]))]
    return seed, [text.encode() for text in texts]


def holds_none(where, data, secrets):
    for seed, texts in secrets:
        expect(not any(form in data for form in [seed, *texts]), f"a secret is in {where}")


def mappings(pid):
    """begin, end, permissions, flags of each mapping."""
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if head := re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line):
            found.append([int(head[1], 16), int(head[2], 16), head[3], set()])
        elif line.startswith("VmFlags:"):
            found[-1][3] = set(line.split()[1:])
    return found


def copies(pid, secrets):
    """For each secret: the mappings with a copy; none may hold a text of it."""
    held = [[] for _ in secrets]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, permissions, flags in mappings(pid):
            if end - begin > MAPPING_MAX or permissions[3] == "s" or begin >> 63:
                continue  # files, looked at as files; rings; the page of system calls
            try:
                data = os.pread(memory.fileno(), end - begin, begin)
            except OSError:
                continue  # the kernel's own
            for place, (seed, texts) in enumerate(secrets):
                held[place] += [(permissions, flags)] * data.count(seed)
                expect(not any(text in data for text in texts), f"a secret's text is in memory at {begin:x} {permissions}")
    return held


def refuses_a_chain_too_long(cluster):
    """A cluster whose hashes no machine does in time: said, before anything is made."""
    genesis = cluster.folder / "genesis.toml"
    right = genesis.read_text()
    wrong = re.sub(r"^hashes_per_tick = \d+", "hashes_per_tick = 10000000", right, flags=re.M)
    expect(wrong != right, "no hashes_per_tick in genesis.toml")
    genesis.write_text(wrong)
    shown = cluster.run("run", "--config", cluster.configs[0], "--new-identity")
    genesis.write_text(right)
    expect(shown.returncode == 65 and "too slow for this cluster" in shown.stderr, f"a chain too long: {shown}")
    expect(not (cluster.configs[0].parent / "data").exists(), "it made a data directory for a cluster it cannot follow")


def follows_without_a_journal(cluster):
    """Nobody said that its key is new: it signs nothing, and an operator reads why."""
    cluster.start(0)
    cluster.wait("its clock runs", lambda: cluster.status(0).get("clockSlot", 0) > 5, 60)
    status = cluster.status(0)
    expect(status["signing"] is False and "no vote journal" in status["silence"] and not status["lastVote"],
           f"it does not say that it signs nothing: {status}")
    expect("no vote journal" in cluster.run("status", "--config", cluster.configs[0]).stdout, "`belfry status` does not say it")
    cluster.end(0)
    expect(len(re.findall(r"no vote journal .*--new-identity", cluster.log(0))) == 1, "its log does not say it once")
    (cluster.configs[0].parent / "log").unlink()


def look(cluster):
    cluster.start_all()
    cluster.wait_finalized(0, cluster.all, 60)
    home = cluster.configs[0].parent
    process = cluster.processes[0]
    proc = pathlib.Path(f"/proc/{process.pid}")
    secrets = [forms(home / "identity.json"), forms(cluster.folder / "faucet.json")]

    status = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines())
    expect(status["NoNewPrivs"].strip() == "1", "it may gain privileges")
    expect(re.search(r"^Max core file size +0 +0 ", (proc / "limits").read_text(), re.M), "it may leave a core file")
    log = (home / "log").read_text()
    expect(len(re.findall("process.guard: no core file, not dumpable, no new privileges", log)) == 1,
           f"the log does not say once what the process has given up: {log}")
    expect("key.not_locked" not in log and (int(status["VmLck"].split()[0]) > 0 or not LOCKS), "no memory is locked")

    holds_none("its arguments", (proc / "cmdline").read_bytes(), secrets)
    holds_none("its log", log.encode(), secrets)
    for method in ("belfryStatus", "getClusterNodes", "getIdentity", "getHealth"):
        holds_none(method, json.dumps(cluster.call(0, method)).encode(), secrets)
    files = [file for file in (home / "data").rglob("*") if file.is_file()]
    expect(files, "no data directory")
    for file in files:
        holds_none(file.name, file.read_bytes(), secrets)
    opened = [os.readlink(link) for link in (proc / "fd").iterdir()] if os.access(proc / "fd", os.R_OK) else []
    expect(not any(name.endswith(("identity.json", "faucet.json")) for name in opened), f"a key file is open: {opened}")

    try:
        holds_none("its environment", (proc / "environ").read_bytes(), secrets)
        identity, faucet = copies(process.pid, secrets)
    except PermissionError:
        print("an ordinary user may not look into it; its memory is looked at where the test runs as root")
        expect(os.geteuid() != 0, "root may not look into it")
        return
    # The consensus tile signs votes, the shred tile shreds and requests; nobody else has the identity.
    expect(len(identity) == 2 and len(faucet) == 1, f"copies in memory: identity {len(identity)}, faucet {len(faucet)}")
    for permissions, flags in identity + faucet:
        expect({"dd", "wf"} | ({"lo"} if LOCKS else set()) <= flags, f"a copy lies in memory that is not locked, not dumped, wiped: {flags}")
    expect(any(permissions.startswith("---") for permissions, _ in identity + faucet), "no copy is closed between uses")


def abort(cluster):
    """It dies of SIGABRT and leaves nothing behind."""
    process = cluster.processes[0]
    process.send_signal(signal.SIGABRT)
    process.wait(timeout=30)
    cluster.processes[0] = None
    left = [file for file in pathlib.Path.cwd().iterdir() if file.name.startswith("core")]
    expect(not left, f"it left {left}")


def main():
    # The limits a generous system would give it: what is missing below, the node took away itself.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    work = pathlib.Path(tempfile.mkdtemp(prefix="belfry-process-"))
    program = pathlib.Path(sys.argv[1]).resolve()
    os.chdir(work)
    cluster = Cluster(program, work / "cluster", 1, **{"slot-ms": 100})
    try:
        refuses_a_chain_too_long(cluster)
        follows_without_a_journal(cluster)
        look(cluster)
        abort(cluster)
    except Failure as failure:
        print(f"process: {failure}")
        return 1
    finally:
        cluster.cleanup()
        os.chdir("/")
        shutil.rmtree(work, ignore_errors=True)
    return 0


sys.exit(main())
