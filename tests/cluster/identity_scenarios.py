# SPDX-License-Identifier: Apache-2.0
"""Scenarios of cluster_test.py in which a validator has forgotten what it signed, or is there twice; and what each node
says of itself meanwhile."""
import json, re, select, shutil, signal, socket, threading, time, urllib.error, urllib.request

from cluster import expect
from journal import Journal
from kill_scenarios import begun

RUN_ON_SLOTS = 20
NO_QUORUM_S = 10  # peers that were silent for longer do not count as heard
LANES = ("transactions", "forwards", "shreds", "votes", "repair")
FIRST_HOME, SECOND_HOME = "127.0.0.2", "127.0.0.3"


def get(cluster, index, path):
    """Status code and body of a page of validator index."""
    try:
        with urllib.request.urlopen(cluster.rpc[index] + path, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError as error:
        return None, str(error)


def readiness(cluster, index):
    code, body = get(cluster, index, "/readyz")
    return code, json.loads(body) if body.startswith("{") else {"reasons": [body]}


def silent(cluster, index, words):
    """It signs nothing, and says why in its status and in its log, once; it is not ready for that reason."""
    cluster.wait(f"validator {index} is silent: {words}",
                 lambda: words in (cluster.status(index).get("silence") or ""), 20)
    code, body = readiness(cluster, index)
    expect(code == 503 and any(r.startswith("signs nothing") and words in r for r in body["reasons"]),
           f"/readyz of validator {index} says {code} {body}")
    expect(cluster.call(index, "getHealth") is None, f"validator {index} calls itself healthy")
    shown = cluster.run("status", "--rpc", cluster.rpc[index])
    expect(re.search(r"^signing +false$", shown.stdout, re.M) and words in shown.stdout, f"status shows {shown}")
    expect(get(cluster, index, "/livez")[0] == 200, f"/livez of validator {index}: it is alive")
    this_life = cluster.log(index).rsplit("process.guard", 1)[-1]
    lines = [line for line in this_life.splitlines() if words in line]
    expect(len(lines) == 1, f"said {len(lines)} times in the log of validator {index}: {lines}")
    print(lines[0][-330:])


def copy_while_it_stands(cluster, index, to):
    """The data directory as a snapshot of the disk would have it."""
    process, data = cluster.processes[index], cluster.configs[index].parent / "data"
    process.send_signal(signal.SIGSTOP)
    try:
        shutil.copytree(data, to)
    finally:
        process.send_signal(signal.SIGCONT)


def put_back(cluster, index, copy):
    """The copy stands where the directory was, which goes aside; gives the journal of what was really signed."""
    data = cluster.configs[index].parent / "data"
    aside = data.with_name(f"newer-{time.monotonic_ns()}")
    data.rename(aside)
    shutil.copytree(copy, data)
    return aside / "votes"


def bodies(file):
    return list(Journal(file).bodies())


def old_copy(make, rounds=1):
    """An older copy of a data directory is put back, its validator having voted on in between, once while the others
    run and once while all are down: it signs nothing, says why, and follows; the others go on."""
    cluster = begun(make)
    victim, others = 3, (0, 1, 2)
    votes = cluster.configs[victim].parent / "data" / "votes"
    load = cluster.load(50, 10)
    for number in range(rounds):
        for all_down in (False, True):
            copy = cluster.folder / f"copy-{number}-{all_down}"
            copy_while_it_stands(cluster, victim, copy)
            cluster.wait_finalized(cluster.processed(others) + RUN_ON_SLOTS, cluster.all, 30)
            for index in cluster.all if all_down else [victim]:
                cluster.kill(index)
            signed = put_back(cluster, victim, copy)
            old, new = bodies(copy / "votes"), bodies(signed)
            expect(len(new) > len(old) + RUN_ON_SLOTS, f"nothing was signed in between: {len(old)}, {len(new)} records")
            for index in cluster.all if all_down else [victim]:
                cluster.start(index)
            silent(cluster, victim, "the data directory is an older copy")
            slot = cluster.processed(others)
            cluster.wait_finalized(slot + RUN_ON_SLOTS, others, 30)
            cluster.wait_finalized(slot, [victim], 30)
            expect(bodies(votes) == old, "it wrote down something new to sign")
            cluster.nobody_lied()
            cluster.kill(victim)  # with the newest directory, or only its journal, it is a validator again
            if all_down:
                signed.replace(votes)
            else:
                shutil.rmtree(votes.parent)
                signed.parent.rename(votes.parent)
            cluster.start(victim)
            slot = cluster.processed(others)
            cluster.wait("with its own journal it votes again", lambda: cluster.last_vote(victim) > slot, 20)
            listened = cluster.counter(victim, "consensus", "listened_ms")
            print(f"it signed again after {listened} ms of listening")
    cluster.everything_sent_is_final(load, 60)
    forced_without_journal(cluster, victim, others)
    cluster.nobody_lied()
    cluster.same_state()


def forced_without_journal(cluster, victim, others):
    """Its journal is lost, and the operator says wrongly that the identity is new."""
    cluster.kill(victim)
    (cluster.configs[victim].parent / "data" / "votes").unlink()
    cluster.start(victim, new=True)
    silent(cluster, victim, "the data directory is an older copy")
    cluster.wait_finalized(cluster.processed(others), cluster.all, 30)
    expect(not bodies(cluster.configs[victim].parent / "data" / "votes"), "it signed something")


class Tee:
    """Stands at the roster's addresses of a validator and hands each datagram to the processes at its homes."""

    def __init__(self, addresses, homes):
        self.homes, self.hears_itself, self.handed = list(homes), True, 0
        self.sockets = []
        for host, port in addresses:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            one.bind((host, port))
            one.setblocking(False)
            self.sockets.append(one)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            for one in select.select(self.sockets, [], [], 0.1)[0]:
                for _ in range(64):
                    try:
                        datagram, source = one.recvfrom(2048)
                    except BlockingIOError:
                        break
                    if not self.hears_itself and source[0] in (FIRST_HOME, SECOND_HOME):
                        continue
                    for home in self.homes:
                        self.handed += 1
                        try:
                            one.sendto(datagram, (home, one.getsockname()[1]))
                        except OSError:
                            pass  # nobody lives there yet

    def stop(self):
        self.over.set()
        self.thread.join(timeout=5)
        for one in self.sockets:
            one.close()


def free_port_pair():
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            try:
                second.bind(("127.0.0.1", first.getsockname()[1] + 1))
            except OSError:
                continue
            return first.getsockname()[1]


def with_twin(cluster, index):
    """The validator lives at FIRST_HOME behind a tee; a second one, with its key and a home of its own, is added to the
    cluster's list. Returns the tee and the twin's index. Nothing runs yet."""
    config = cluster.configs[index]
    for other in cluster.configs:  # what comes from the homes comes from no address of the roster
        other.write_text(re.sub(r"^strangers_per_second = .*$", "strangers_per_second = 1000000", other.read_text(),
                                flags=re.M))
    text = config.read_text()
    entry = text.split("[[validator]]")[1 + index]
    addresses = [(host, int(port)) for lane in LANES
                 for host, port in re.findall(rf'^{lane} = "([0-9.]+):(\d+)"', entry, re.M)]
    folder = config.parent.with_name(f"validator-{index}-twin")
    folder.mkdir(mode=0o700)
    shutil.copy2(config.parent / "identity.json", folder / "identity.json")
    port = free_port_pair()
    twin = text.replace("[node]\n", f'[node]\nlisten = "{SECOND_HOME}"\n')
    twin = re.sub(r'^websocket = .*$', f'websocket = "127.0.0.1:{port + 1}"', twin, flags=re.M)
    twin = twin.replace("[rpc]\n", f'[rpc]\nlisten = "127.0.0.1:{port}"\n')
    (folder / "node.toml").write_text(twin)
    config.write_text(text.replace("[node]\n", f'[node]\nlisten = "{FIRST_HOME}"\n'))
    cluster.configs.append(folder / "node.toml")
    cluster.rpc.append(f"http://127.0.0.1:{port}")
    cluster.processes.append(None)
    return Tee(addresses, [FIRST_HOME, SECOND_HOME]), len(cluster.configs) - 1


def evidence_on(cluster, indexes):
    shown = [cluster.run("evidence", "--rpc", cluster.rpc[i], "--genesis", cluster.folder / "genesis.toml").stdout
             for i in indexes]
    return [len(text.splitlines()) for text in shown]


def twins(make):
    """Two processes with one key behind one address. Started together neither signs anything; started one after the
    other the second signs nothing and the first stops. The other three go on."""
    cluster = make()
    first, others = 3, (0, 1, 2)
    tee, second = with_twin(cluster, first)
    try:
        cluster.start_all()  # both at once, each told that the identity is new
        for index in (first, second):
            silent(cluster, index, "another process votes with this node's key")
        cluster.wait_finalized(RUN_ON_SLOTS, others, 60)
        sent = [cluster.status(i)["votesSent"] for i in (first, second)]
        expect(sent == [0, 0], f"started together they sent {sent} statements")
        cluster.nobody_lied(others)
        for index in (first, second):
            cluster.end(index)

        cluster.start(first)  # alone it is a validator
        slot = cluster.processed(others)
        cluster.wait("alone it votes", lambda: cluster.last_vote(first) > slot, 20)
        shutil.rmtree(cluster.configs[second].parent / "data")
        copy_while_it_stands(cluster, first, cluster.configs[second].parent / "data")
        begin = time.monotonic()
        cluster.start(second)
        cluster.wait("both are silent", lambda: all(cluster.status(i).get("silence") for i in (first, second)), 20)
        print(f"both silent {time.monotonic() - begin:.2f} s after the second was started")
        cluster.wait("the first knows why", lambda: "another process" in cluster.status(first)["silence"], 5)
        sent = cluster.status(second)["votesSent"]
        old = bodies(cluster.configs[second].parent / "data" / "votes")
        slot = cluster.processed(others)
        cluster.wait_finalized(slot + RUN_ON_SLOTS, others, 30)
        expect(bodies(cluster.configs[second].parent / "data" / "votes") == old, "the second signed something new")
        print(f"the second repeated {sent} statements of its journal; evidence at the others: "
              f"{evidence_on(cluster, others)}")
        cluster.nobody_lied(others)
    finally:
        tee.stop()


def twins_apart(make):
    """The same when they do not hear themselves or each other for a while, both of a new identity, so that nobody can
    know of the other: what one of the others sees contradict is kept, and once they hear each other both stop."""
    cluster = make()
    first, others = 3, (0, 1, 2)
    tee, second = with_twin(cluster, first)
    try:
        tee.hears_itself = False
        cluster.start_all()
        cluster.wait_finalized(RUN_ON_SLOTS, others, 60)
        time.sleep(RUN_ON_SLOTS * cluster.slot_s)
        apart = [cluster.status(i).get("silence") for i in (first, second)]
        tee.hears_itself = True
        begin = time.monotonic()
        cluster.wait("both are silent",
                     lambda: all("another process" in (cluster.status(i).get("silence") or "")
                                 for i in (first, second)), 20)
        took = time.monotonic() - begin
        for index in (first, second):
            silent(cluster, index, "another process votes with this node's key")
        cluster.wait_finalized(cluster.processed(others) + RUN_ON_SLOTS, others, 30)
        written = [set(bodies(cluster.configs[i].parent / "data" / "votes")) for i in (first, second)]
        print(f"apart they were {apart}; both silent {took:.2f} s after they could hear each other; "
              f"statements of one and not of the other {len(written[0] - written[1])} and "
              f"{len(written[1] - written[0])}, of both {len(written[0] & written[1])}; "
              f"evidence at the others {evidence_on(cluster, others)}")
    finally:
        tee.stop()


def truthful_health(make):
    """What nodes say of themselves while others are gone: ready, without a quorum, just started; and exit codes."""
    cluster = begun(make)
    cluster.wait("all are ready", lambda: all(readiness(cluster, i)[0] == 200 for i in cluster.all), 20)
    for index in cluster.all:
        body = readiness(cluster, index)[1]
        expect(body["ready"] and not body["reasons"] and body["peersHeard"] == 3, f"validator {index} says {body}")
        expect(cluster.call(index, "getHealth") == "ok", f"validator {index} does not call itself healthy")
    left, dead = (0, 2), (1, 3)
    for index in dead:
        cluster.kill(index)
    for index in left:
        cluster.wait(f"validator {index} knows that two thirds are gone",
                     lambda: any("two thirds of the stake were last heard" in r
                                 for r in readiness(cluster, index)[1]["reasons"]), 3 * NO_QUORUM_S)
        code, body = readiness(cluster, index)
        expect(code == 503 and not body["ready"] and body["peersHeard"] == 1, f"validator {index} says {code} {body}")
        expect(body["quorumMsAgo"] >= 1000 * NO_QUORUM_S, f"validator {index} heard two thirds: {body}")
        expect(cluster.call(index, "getHealth") is None and get(cluster, index, "/livez")[0] == 200,
               f"validator {index} without a quorum is healthy, or not alive")
    cluster.kill(left[1])
    cluster.start(left[1])  # two of four: nobody can tell it enough
    cluster.wait("it says that it listens", lambda: any("signs nothing: just started" in r for r in readiness(
        cluster, left[1])[1]["reasons"]), 20)
    time.sleep(1)
    expect(not cluster.counter(left[1], "consensus", "builds"), "it began a block of its own")
    expect(cluster.run("status", "--rpc", cluster.rpc[dead[0]]).returncode == 69, "status of a dead node")
    again = cluster.run("run", "--config", cluster.configs[left[0]])
    expect(again.returncode == 75, f"a second process on one data directory: {again.returncode} {again.stderr}")
    for index in dead:
        cluster.start(index)
    # Asked together: a block after many skipped slots puts a node behind until it has replayed it.
    cluster.wait("all are ready and healthy again", lambda: all(
        readiness(cluster, i)[0] == 200 and cluster.call(i, "getHealth") == "ok" for i in cluster.all), 60)
    cluster.same_state()
    cluster.nobody_lied()
