# SPDX-License-Identifier: Apache-2.0
"""A cluster of real validator processes on loopback, as the scenarios of cluster_test.py use it."""
import json, os, pathlib, re, signal, socket, subprocess, time, urllib.request

SLOT_MS = int(os.environ.get("BELFRY_CLUSTER_SLOT_MS", "200"))
SLOWNESS = float(os.environ.get("BELFRY_CLUSTER_SLOWNESS", "1"))  # under sanitizers: more patience


class Failure(Exception):
    """A scenario does not hold; says what was seen."""


class Skipped(Exception):
    """This machine cannot run the scenario; says what it lacks."""


def expect(condition, what):
    if not condition:
        raise Failure(what)


def port_area():
    """(first port, what holds it): 200 ports that no other of these clusters is given while this process lives, so
    that a validator which is down finds its own again although others run beside it."""
    for first in range(10_000, 29_000, 200):
        holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            holder.bind(f"\0belfry-test-ports-{first}")
            return first, holder
        except OSError:
            holder.close()
    raise Failure("every area of ports is taken by another cluster of these tests")


class Cluster:
    def __init__(self, belfry, folder, validators=4, **flags):
        self.belfry, self.folder = str(belfry), folder
        first_port, self.port_holder = port_area()
        flags = {"slot-ms": SLOT_MS, "slots-per-epoch": 64, "fanout": 1, "first-port": first_port, **flags}
        command = [self.belfry, "local-cluster", "--dir", str(folder), "--validators", str(validators)]
        for name, value in flags.items():
            command += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        self.slot_s = flags["slot-ms"] / 1000
        made = subprocess.run(command, capture_output=True, text=True, timeout=60)
        expect(made.returncode == 0, f"local-cluster failed: {made.stderr}")
        self.configs = [pathlib.Path(line) for line in made.stdout.split()]
        text = self.configs[0].read_text()
        self.rpc = ["http://" + rpc for rpc in re.findall(r'^rpc = "([^"]+)"', text, re.M)]
        self.processes = [None] * len(self.configs)
        self.loads = []

    @property
    def all(self):
        return range(len(self.configs))

    def start(self, index, new=False, prefix=(), environment=None, arguments=()):
        """prefix: a command that becomes the validator, such as unshare. environment: what is set besides."""
        config = self.configs[index]
        arguments = [*prefix, self.belfry, "run", "--config", str(config), *arguments]
        arguments += ["--new-identity"] if new else []
        with open(config.parent / "log", "ab") as log:
            self.processes[index] = subprocess.Popen(arguments, stdout=log, stderr=log,
                                                     env={**os.environ, **(environment or {})})

    def start_all(self, indexes=None):
        for index in indexes if indexes is not None else self.all:
            self.start(index, new=True)

    def set_fault(self, index, key, value):
        """A key of [faults], for a validator that does not run yet."""
        config = self.configs[index]
        text = re.sub(rf"^{key} = .*\n", "", config.read_text(), flags=re.M)
        config.write_text(text.replace("[faults]\n", f"[faults]\n{key} = {value}\n"))

    def silence(self, index, peers):
        """From now on a validator with partition_file = "silence" hears all but these peers."""
        folder = self.configs[index].parent
        (folder / "silence.new").write_text(" ".join(map(str, peers)))
        (folder / "silence.new").rename(folder / "silence")

    def kill(self, index):
        self.processes[index].send_signal(signal.SIGKILL)
        self.processes[index].wait(timeout=10)

    def end(self, index):
        """SIGTERM, as an operator ends a validator."""
        self.processes[index].terminate()
        code = self.processes[index].wait(timeout=5 * SLOWNESS)
        expect(code == 0, f"validator {index} ended with {code}: {self.tail(index)}")
        self.processes[index] = None

    def call(self, index, method, *params, timeout=5):
        """The result, or None when the validator does not answer or answers with an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        request = urllib.request.Request(self.rpc[index], body.encode(), {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.load(answer).get("result")
        except (OSError, ValueError):
            return None

    def status(self, index):
        return self.call(index, "belfryStatus") or {}

    def counter(self, index, tile, name):
        for entry in self.status(index).get("tiles", []):
            if entry["name"] == tile:
                return entry["counters"].get(name, entry["drops"].get(name, 0))
        return 0

    def finalized(self, index):
        return self.status(index).get("finalized", 0)

    def processed(self, indexes):
        return max(self.status(i).get("processed", 0) for i in indexes)

    def last_vote(self, index):
        return self.status(index).get("lastVote") or 0

    def wait(self, what, condition, seconds):
        end = time.monotonic() + seconds * SLOWNESS
        while time.monotonic() < end:
            self.expect_alive()
            if condition():
                return
            time.sleep(0.1)
        keys = ("clockSlot", "processed", "finalized", "lastVote")
        whole = [self.status(i) for i in self.all]
        (self.folder / "status.json").write_text(json.dumps(whole, indent=1))
        state = [{k: v for k, v in status.items() if k in keys} for status in whole]
        raise Failure(f"not within {seconds * SLOWNESS:.0f} s: {what}; {state}")

    def expect_alive(self):
        for index, process in enumerate(self.processes):
            if process is not None and process.poll() not in (None, -signal.SIGKILL):
                raise Failure(f"validator {index} ended with {process.returncode}: {self.tail(index)}")

    def wait_finalized(self, slot, indexes, seconds):
        self.wait(f"finalized > {slot} on {list(indexes)}",
                  lambda: all(self.finalized(i) > slot for i in indexes), seconds)

    def log(self, index):
        return (self.configs[index].parent / "log").read_text(errors="replace")

    def tail(self, index):
        return self.log(index)[-600:]

    def load(self, rate, seconds, drain=40, blockhash=None):
        report = self.folder / f"load-{len(self.loads)}.json"
        with open(self.folder / "load.log", "ab") as log:
            process = subprocess.Popen(
                [self.belfry, "load", "--config", str(self.configs[0]), "--rate", str(rate), "--seconds", str(seconds),
                 "--drain-seconds", str(int(drain * SLOWNESS)), "--report", str(report)]
                + (["--blockhash", blockhash] if blockhash else []), stdout=log, stderr=log)
        self.loads.append((process, report))
        return len(self.loads) - 1

    def run(self, *arguments):
        """A command of the program, to its end."""
        return subprocess.run([self.belfry, *map(str, arguments)], capture_output=True, text=True, timeout=60)

    def why(self, index, signature):
        return self.run("tx", "why", "--config", self.configs[index], signature)

    def run_in_background(self, *arguments):
        with open(self.folder / "commands.log", "ab") as log:
            process = subprocess.Popen([self.belfry, *map(str, arguments)], stdout=log, stderr=log)
        self.loads.append((process, None))
        return process

    def load_result(self, load, seconds):
        process, report = self.loads[load]
        process.wait(timeout=seconds * SLOWNESS)
        expect(process.returncode == 0, f"load ended with {process.returncode}")
        return json.loads(report.read_text())

    def everything_sent_is_final(self, load, seconds):
        result = self.load_result(load, seconds)
        expect(result["sent"] > 0 and result["finalized"] == result["sent"],
               f"not everything was finalized: {result}")

    def same_state(self):
        """The state hash at the lowest finalized slot of all is one."""
        slot = min(self.finalized(i) for i in self.all)
        blocks = [self.call(i, "belfryBlock", slot) for i in self.all]
        expect(all(blocks), f"no block {slot} on some validator: {blocks}")
        expect(len({block["stateHash"] for block in blocks}) == 1, f"state hashes differ at {slot}: {blocks}")

    def nobody_lied(self, indexes=None):
        """No validator that runs holds a proof that one of them signed two things that exclude each other."""
        for index in indexes if indexes is not None else self.all:
            shown = self.run("evidence", "--rpc", self.rpc[index], "--genesis", self.folder / "genesis.toml")
            expect(shown.returncode == 0 and not shown.stdout, f"validator {index} holds evidence: {shown}")

    def stop(self):
        """SIGTERM; every validator that runs ends with 0 within 5 s."""
        for process in self.processes:
            if process is not None and process.poll() is None:
                process.terminate()
        end, bad = time.monotonic() + 5 * SLOWNESS, []
        for index, process in enumerate(self.processes):
            if process is None or process.returncode == -signal.SIGKILL:
                continue
            try:
                if process.wait(timeout=max(0.1, end - time.monotonic())) != 0:
                    bad.append(f"validator {index} ended with {process.returncode}: {self.tail(index)}")
            except subprocess.TimeoutExpired:
                bad.append(f"validator {index} did not stop in time")
        expect(not bad, "; ".join(bad))

    def cleanup(self):
        for process in self.processes + [load for load, _ in self.loads]:
            if process is not None and process.poll() is None:
                process.kill()
                process.wait(timeout=10)
