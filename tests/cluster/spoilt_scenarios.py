# SPDX-License-Identifier: Apache-2.0
"""Scenarios of cluster_test.py in which what a validator wrote is not what it finds when it starts again."""
import re, shutil, time

from cluster import SLOWNESS, Failure, expect
from disk_scenarios import VICTIM, Disks
from journal import HEADER, Journal

PAGE = 4096
EXIT_BAD_DATA = 65
DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
START_S = 60


def from_base58(text):
    value = 0
    for digit in text:
        value = value * 58 + DIGITS.index(digit)
    return value.to_bytes(32, "big")


class Spoiler:
    """Hands on the data directory of a validator that does not run. Each gives what must come of it:
    `refused`, `starts`, or None where either is right, because what was hit may be in use or not."""

    def __init__(self, disks):
        self.chance, self.data = disks.chance, disks.faults.data
        self.votes, self.ledger = self.data / "votes", self.data / "ledger.mdb"
        genesis = (disks.cluster.folder / "genesis.toml").read_text()
        self.addresses = [from_base58(key) for key in re.findall(r'^pubkey = "(\w+)"', genesis, re.M)]

    def journal(self):
        journal = Journal(self.votes)
        last = len(journal.records) - 1
        return journal, self.chance.randrange(last - 1) if last > 1 else 0

    def journal_record_in_one_half(self):
        journal, which = self.journal()
        at, length = journal.records[which]
        journal.flip(at + self.chance.randrange(length), halves=(self.chance.randrange(2),))
        journal.save()
        return "starts"

    def journal_record_in_both_halves(self):
        journal, which = self.journal()
        at, length = journal.records[which]
        journal.flip(at + self.chance.randrange(length))
        journal.save()
        return "refused"

    def journal_record_zeroed(self):
        journal, which = self.journal()
        journal.zero(*journal.records[which])
        journal.save()
        return "refused"

    def journal_records_swapped(self):
        journal, which = self.journal()
        journal.swap(which)
        journal.save()
        return "refused"

    def journal_header(self):
        journal, _ = self.journal()
        journal.flip(self.chance.randrange(HEADER))
        journal.save()
        return "refused"

    def journal_cut_short(self):
        with open(self.votes, "r+b") as file:
            file.truncate(self.chance.randrange(self.votes.stat().st_size))
        return "refused"

    def ledger_bit(self):
        data = bytearray(self.ledger.read_bytes())
        data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)
        self.ledger.write_bytes(data)

    def ledger_pages(self, act):
        data = bytearray(self.ledger.read_bytes())
        one, other = (self.chance.randrange(2, len(data) // PAGE) * PAGE for _ in range(2))
        act(data, one, other)
        self.ledger.write_bytes(data)

    def ledger_page_zeroed(self):
        def act(data, one, _):
            data[one:one + PAGE] = bytes(PAGE)
        self.ledger_pages(act)

    def ledger_pages_swapped(self):
        def act(data, one, other):
            data[one:one + PAGE], data[other:other + PAGE] = data[other:other + PAGE], data[one:one + PAGE]
        self.ledger_pages(act)

    def ledger_page_written_to_the_wrong_place(self):
        def act(data, one, other):
            data[one:one + PAGE] = data[other:other + PAGE]
        self.ledger_pages(act)

    def ledger_cut_short(self):
        with open(self.ledger, "r+b") as file:
            file.truncate(self.chance.randrange(2 * PAGE, self.ledger.stat().st_size - 64 * PAGE))
        return "refused"

    def everywhere(self, key, beyond):
        """One bit behind each place where the key stands, old copies and all."""
        data, at, hits = bytearray(self.ledger.read_bytes()), 0, 0
        while (at := data.find(key, at)) >= 0:
            at += len(key)
            if at + beyond < len(data):
                data[at + beyond] ^= 1 << self.chance.randrange(8)
                hits += 1
        expect(hits, f"{key.hex()} is nowhere in the ledger")
        self.ledger.write_bytes(data)
        return "refused"

    def ledger_account(self):
        return self.everywhere(self.chance.choice(self.addresses), self.chance.randrange(8))

    def ledger_anchor(self):
        return self.everywhere(b"anchor", self.chance.randrange(40))

    def all(self):
        return [getattr(self, name) for name in sorted(vars(Spoiler)) if name.startswith(("journal_", "ledger_"))
                and name != "ledger_pages"]


def spoil(disks, act):
    """Spoils, starts, and heals as an operator would: another copy of the journal, the chain from the others."""
    name, cluster, faults = act.__name__, disks.cluster, disks.faults
    disks.keep_load()
    ledger = faults.data / "ledger.mdb"  # it may have been made anew a moment ago
    cluster.wait("the accounts are on disk", lambda: b"anchor" in ledger.read_bytes(), 60)
    cluster.kill(VICTIM)
    shutil.copyfile(faults.data / "votes", faults.folder / "votes.good")
    must = act()
    faults.start()
    process, slot = cluster.processes[VICTIM], cluster.processed(disks.others)
    end = time.monotonic() + START_S * SLOWNESS
    while process.poll() is None and cluster.last_vote(VICTIM) <= slot:
        if time.monotonic() > end:
            raise Failure(f"{name}: it neither ends nor votes: {faults.said()[-600:]}")
        time.sleep(0.1)
    code, said = process.poll(), faults.said()
    expect(code in (None, EXIT_BAD_DATA), f"{name}: it ended with {code}: {said[-600:]}")
    became = "starts" if code is None else "refused"
    expect(must in (None, became), f"{name}: it {became}: {said[-600:]}")
    if code is None:
        return became
    lines = re.findall(r"^belfry: .*$", said, re.M)
    expect(len(lines) == 1 and "running" not in said, f"{name}: it says {lines}: {said[-600:]}")
    if name.startswith("journal"):
        # It signed nothing since that copy was made; an older one could not be put back.
        shutil.copyfile(faults.folder / "votes.good", faults.data / "votes")
    else:
        for file in ("ledger.mdb", "ledger.mdb-lock"):
            (faults.data / file).unlink()
        shutil.rmtree(faults.data / "history")
    cluster.processes[VICTIM] = None
    disks.back()
    return became


def spoilt_all(make, rounds=1, only=None):
    """Flipped, zeroed, swapped, misplaced and cut off: it refuses with one line, or starts and does what is right."""
    disks = Disks(make)
    disks.cluster.wait_finalized(40, disks.cluster.all, 60)  # accounts are on disk
    acts, table = Spoiler(disks).all(), {}
    for _ in range(rounds):
        for act in acts:
            if only and act.__name__ not in only:
                continue
            became = spoil(disks, act)
            told = table.setdefault(act.__name__, {"refused": 0, "starts": 0})
            told[became] += 1
        print(f"{sum(sum(told.values()) for told in table.values())} spoilt", flush=True)
    for name, told in table.items():
        print(f"{name}: {told}")
    print(disks.judge())


def spoilt_some(make):
    """The ones that matter most: a vote lost from both halves of the journal, and an account."""
    spoilt_all(make, only=("journal_record_in_both_halves", "ledger_account"))
