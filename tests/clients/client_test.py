#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Solana's own JavaScript clients, unmodified and at pinned versions, against a cluster of this build.

usage: client_test.py BELFRY WORK_DIR [VALIDATORS]       exit 0 when all holds, 77 when skipped

The clients come from the npm registry into WORK_DIR, once, with the checksums of package-lock.json.
"""
import os, pathlib, re, shutil, subprocess, sys, tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cluster"))
os.environ.setdefault("BELFRY_CLUSTER_SLOT_MS", "400")
from cluster import Cluster, Failure, expect

SCRIPTS = ("package.json", "package-lock.json", "steps.mjs", "web3js_test.mjs", "kit_test.mjs", "trouble_test.mjs")
REACHED_S = 15  # in that time the registry answers, or the test is skipped
NODE_MIN = 20


def skip(why):
    print(f"skipped: {why}")
    return 77


def node_version():
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20).stdout
    return int(re.match(r"v(\d+)", said)[1])


def install(work):
    """The clients in WORK_DIR; "" or why not."""
    work.mkdir(parents=True, exist_ok=True)
    done = work / "node_modules" / ".installed"
    lock = (HERE / "package-lock.json").read_text()
    for name in SCRIPTS:
        shutil.copy(HERE / name, work / name)
    if done.exists() and done.read_text() == lock:
        return ""
    try:
        asked = subprocess.run(["npm", "ping", "--fetch-retries", "0"], cwd=work, capture_output=True, text=True,
                               timeout=REACHED_S)
    except subprocess.TimeoutExpired:
        return f"the npm registry has not answered in {REACHED_S} s"
    if asked.returncode != 0:
        return f"the npm registry cannot be reached: {asked.stderr.strip()[-200:]}"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", "1"]
    try:
        made = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        return "npm did not finish in 240 s"
    if made.returncode != 0:
        if re.search(r"EINTEGRITY|EUSAGE", made.stderr):
            raise Failure(f"npm ci: {made.stderr[-600:]}")
        return f"the npm registry cannot be reached: {made.stderr.strip()[-200:]}"
    done.write_text(lock)
    return ""


def run(cluster, work, script, *arguments):
    ended = subprocess.run(["node", str(work / script), *arguments], capture_output=True, text=True, timeout=240)
    print(ended.stdout, end="")
    expect(ended.returncode == 0, f"{script} ended with {ended.returncode}: {ended.stderr[-3000:]}")


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 64
    version, work = node_version(), pathlib.Path(sys.argv[2])
    if version is None:
        return skip("there is no node with npm")
    if version < NODE_MIN:
        return skip(f"node {version} is too old; the clients need {NODE_MIN}")
    if why := install(work):
        return skip(why)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="belfry-clients-"))
    cluster = Cluster(sys.argv[1], folder / "cluster", int(sys.argv[3]) if len(sys.argv) > 3 else 2)
    websocket = re.search(r'^websocket = "([^"]+)"', cluster.configs[0].read_text(), re.M)[1]
    try:
        cluster.start_all()
        cluster.wait_finalized(0, cluster.all, 60)
        run(cluster, work, "web3js_test.mjs", cluster.rpc[0])
        run(cluster, work, "kit_test.mjs", cluster.rpc[0], f"ws://{websocket}")
        run(cluster, work, "kit_test.mjs", cluster.rpc[0], cluster.rpc[0].replace("http", "ws"))  # by upgrade
        for index in cluster.all[1:]:
            cluster.kill(index)
        run(cluster, work, "trouble_test.mjs", cluster.rpc[0], "lost")
        for index in cluster.all[1:]:
            cluster.start(index)
        run(cluster, work, "trouble_test.mjs", cluster.rpc[0], "healed")
        cluster.stop()
    except Failure as failure:
        print(f"clients: {failure}; logs in {folder}")
        for tile in cluster.status(0).get("tiles", []):
            if tile["name"] in ("bank", "consensus", "rpc"):
                print(tile["name"], tile["counters"], tile["drops"])
        return 1
    finally:
        cluster.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
    return 0


sys.exit(main())
