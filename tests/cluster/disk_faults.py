# SPDX-License-Identifier: Apache-2.0
"""A validator with disk_faults.cpp between it and its disk: what is ordered, what was seen, and the files made anew."""
import os, pathlib, re, struct, time

from cluster import SLOWNESS, Failure, expect

LIBRARY = "tests/libdisk_faults.so"  # beside the program
LANES = ("transactions", "forwards", "shreds", "votes", "repair")
EXIT_IO = 74
# One line and no more, whoever met the error first; at a start it is the command that says it.
SAID = re.compile(r"vote journal: a write failed \((?:io|disk_full)\): .*, then start again"
                  r"|ledger: writing \w+ failed \((?:io|disk_full)\): .*, then start again"
                  r"|^belfry: .*(?:check the disk|check it|free space.*)(?:, then start again)?$", re.M)


class Report:
    """What the library counted; the layout is that of Report in disk_faults.cpp."""
    HEAD, ENTRY = struct.Struct("<5Q24s"), struct.Struct("<24sQ")
    DELAY_AT = HEAD.size + 40 * ENTRY.size
    BYTES = DELAY_AT + 16

    def __init__(self, data):
        (self.fired_ns, self.fired_count, self.votes_after, self.last_vote_ns, self.retries,
         name) = self.HEAD.unpack_from(data)
        self.fired_name = name.rstrip(b"\0").decode()
        entries = self.ENTRY.iter_unpack(data[self.HEAD.size:self.DELAY_AT])
        self.delay_ms, self.delayed_count = struct.unpack_from("<QQ", data, self.DELAY_AT)
        self.counts = {name.rstrip(b"\0").decode(): count for name, count in entries if count}

    @property
    def voted_for_s(self):
        """How long after the fault it still sent a statement of its own."""
        return max(0, self.last_vote_ns - self.fired_ns) / 1e9 if self.votes_after else 0.0


class DiskFaults:
    def __init__(self, cluster, index):
        self.cluster, self.index = cluster, index
        self.folder = cluster.configs[index].parent
        self.data = self.folder / "data"
        self.library = pathlib.Path(cluster.belfry).resolve().parent / LIBRARY
        expect(self.library.exists(), f"{self.library} is not built")
        text = cluster.configs[index].read_text()
        ports = {lane: re.findall(rf'^{lane} = "[^"]+:(\d+)"', text, re.M) for lane in LANES}
        self.lanes = ",".join(f"{lane}={ports[lane][index]}" for lane in LANES)
        self.life = 0  # where the log of this life begins

    def environment(self, order="", record=None):
        return {"LD_PRELOAD": str(self.library), "BELFRY_DISK_FAULT": order, "BELFRY_DISK_LANES": self.lanes,
                "BELFRY_DISK_REPORT": str(self.folder / "disk-report"),
                "BELFRY_DISK_RECORD": str(record) if record else ""}

    def start(self, order="", record=None, new=False, tracer=()):
        """tracer: strace and its options; the library is for the validator and not for it."""
        log = self.folder / "log"
        self.life = log.stat().st_size if log.exists() else 0
        (self.folder / "disk-report").unlink(missing_ok=True)
        environment = self.environment(order, record)
        prefix = (*tracer, "-E", f"LD_PRELOAD={environment.pop('LD_PRELOAD')}") if tracer else ()
        self.cluster.start(self.index, new=new, prefix=prefix, environment=environment)

    def report(self):
        file = self.folder / "disk-report"
        data = file.read_bytes() if file.exists() else b""  # it has just been started
        return Report(data.ljust(Report.BYTES, b"\0"))

    def delay(self, milliseconds):
        """Of the order `slow`: from now on each event of its name waits so long."""
        with open(self.folder / "disk-report", "r+b") as file:
            file.seek(Report.DELAY_AT)
            file.write(struct.pack("<Q", milliseconds))

    def said(self):
        """What it wrote into its log in this life."""
        return (self.folder / "log").read_bytes()[self.life:].decode(errors="replace")

    def wait_end(self, seconds):
        """The exit code of the validator, which is expected to end; the others are expected not to."""
        process = self.cluster.processes[self.index]
        self.cluster.processes[self.index] = None
        self.cluster.loads.append((process, None))  # to be ended with the rest if this fails
        end = time.monotonic() + seconds * SLOWNESS
        while process.poll() is None:
            if time.monotonic() > end:
                report = self.report()
                raise Failure(f"validator {self.index} did not end in {seconds} s: fired {report.fired_ns} "
                              f"{report.fired_name}, counts {report.counts}")
            self.cluster.expect_alive()
            time.sleep(0.02)
        self.cluster.loads.pop()
        return process.returncode

    def expect_stopped_by_disk(self, code, slot_s):
        """After the first error: the exit code, one clear line, no second try, and no vote from the next slot on."""
        report, said = self.report(), self.said()
        where = f"{report.fired_name} {report.fired_count}"
        expect(report.fired_ns, f"nothing was injected: {report.counts}")
        expect(code == EXIT_IO, f"after an error at {where} it ended with {code}: {said[-600:]}")
        lines = SAID.findall(said)
        expect(len(lines) == 1, f"after an error at {where} it says {lines}: {said[-600:]}")
        # LMDB takes a meta page whose write failed back out of the page cache, by one write of the old one.
        taken_back = 1 if report.fired_name.endswith("_meta.write") else 0
        expect(report.retries <= taken_back, f"after an error at {where} it tried {report.retries} times again")
        expect(report.voted_for_s <= slot_s * SLOWNESS,
               f"after an error at {where} it voted for {report.voted_for_s:.3f} s more")
        return report


def events(record):
    """(action, path, offset, bytes) of each event of a record, in order."""
    data, at = record.read_bytes(), 0
    while at < len(data):
        action, path_bytes, offset, count = struct.unpack_from("<cHQI", data, at)
        at += 15
        path = data[at:at + path_bytes].decode()
        at += path_bytes
        yield action.decode(), path, offset, data[at:at + count]
        at += count


def replay(record, directory):
    """The files of a data directory as the record alone makes them: path from the directory -> bytes."""
    files = {}
    for action, path, offset, data in events(record):
        name = os.path.relpath(path, directory) if os.path.isabs(path) else path
        if action == "r":
            data = data.decode()
            files[os.path.relpath(data, directory) if os.path.isabs(data) else data] = files.pop(name)
        elif action == "a":
            files[name] = bytearray(offset)
        elif action in "wd":
            file = files.setdefault(name, bytearray())
            if len(file) < offset + len(data):
                file.extend(bytes(offset + len(data) - len(file)))
            file[offset:offset + len(data)] = data
    return files
