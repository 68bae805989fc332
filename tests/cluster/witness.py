# SPDX-License-Identifier: Apache-2.0
"""A client that forgets nothing it was told: what was final once must be final everywhere, for good."""
import threading, time

from cluster import expect
from journal import Journal

LOOK_EVERY_S = 0.5


class Witness:
    """Asks every validator, again and again, for the blocks it calls final, from before the faults to after them."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.seen = {}  # slot: (block id, state hash), as first told by anyone
        self.broken = None  # what contradicted it first
        self.asked = [0 for _ in cluster.all]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.over.wait(LOOK_EVERY_S):
            for index in self.cluster.all:
                self.look(index)

    def look(self, index):
        final = self.cluster.finalized(index)
        for slot in range(self.asked[index] + 1, final + 1):
            block = self.cluster.call(index, "belfryBlock", slot)
            if block:
                told = (block["blockId"], block["stateHash"])
                if self.seen.setdefault(slot, told) != told and not self.broken:
                    self.broken = f"slot {slot}: final was {self.seen[slot]}, validator {index} says {told}"
        self.asked[index] = max(self.asked[index], final)

    def judge(self):
        """With all validators alive: what was told holds on each, their chains are one, nobody has lied."""
        self.over.set()
        self.thread.join(timeout=60)
        expect(not self.broken, self.broken)
        cluster = self.cluster
        expect(self.seen, "nothing was ever seen as final")
        last = max(self.seen)
        cluster.wait_finalized(last, cluster.all, 60)
        upto = min(cluster.finalized(i) for i in cluster.all)
        chains = [cluster.call(i, "getBlocks", 1, upto, {"commitment": "finalized"}) for i in cluster.all]
        expect(chains[0] and all(chain == chains[0] for chain in chains),
               f"the final chains up to {upto} differ: {[len(chain or []) for chain in chains]} blocks")
        lost = sorted(set(self.seen) - set(chains[0]))
        expect(not lost, f"slots {lost[:10]} were seen as final and are in no chain")
        for slot in chains[0]:
            hashes = {self.blockhash(index, slot) for index in cluster.all}
            expect(len(hashes) == 1 and None not in hashes, f"block {slot} is not one block everywhere: {hashes}")
        for index in cluster.all:  # what was not looked at in time is asked for now, where memory still has it
            self.look(index)
        expect(not self.broken, self.broken)
        cluster.same_state()
        cluster.nobody_lied()
        self.judge_journals()
        return len(chains[0])

    def judge_journals(self):
        """Over all its lives a validator wrote down each vote before anyone heard it, and nothing that contradicts it."""
        cluster = self.cluster
        heard = {}  # name: the newest vote that any peer has heard of it
        for index in cluster.all:
            for peer in cluster.status(index).get("peers", []):
                heard[peer["name"]] = max(heard.get(peer["name"], 0), peer.get("lastVote") or 0)
        for index in cluster.all:
            journal = Journal(cluster.configs[index].parent / "data" / "votes")
            wrong = journal.contradiction()
            expect(not wrong, f"the journal of validator {index} says {wrong}")
            written, told = max((slot for slot, _ in journal.votes()), default=0), heard[f"validator-{index}"]
            expect(told <= written, f"validator {index} was heard to vote for {told}, its journal ends at {written}")

    def blockhash(self, index, slot):
        options = {"transactionDetails": "none", "rewards": False, "commitment": "finalized",
                   "maxSupportedTransactionVersion": 0}
        return (self.cluster.call(index, "getBlock", slot, options) or {}).get("blockhash")
