# SPDX-License-Identifier: Apache-2.0
"""A validator's vote journal, read by its layout alone (ledger/store/vote_journal.hpp), with no code of the program."""
import struct

HEADER = 128  # of each half
RECORD_HEADER = 28
VOTE, OWN_SLOT, NOTARIZE, SKIP, FINALIZE = 1, 2, 3, 4, 5  # the first byte of a body


class Journal:
    def __init__(self, file):
        self.file, self.bytes = file, bytearray(file.read_bytes())
        self.half = len(self.bytes) // 2
        self.records, at = [], HEADER  # (offset, length) in each half
        while at + RECORD_HEADER <= self.half and (body := struct.unpack_from("<I", self.bytes, at)[0]):
            length = (RECORD_HEADER + body + 7) // 8 * 8
            self.records.append((at, length))
            at += length

    def bodies(self):
        for at, _ in self.records:
            start = at + RECORD_HEADER
            yield bytes(self.bytes[start:start + struct.unpack_from("<I", self.bytes, at)[0]])

    def votes(self):
        """(slot, block id) of each tower vote, in the order in which they were written."""
        for body in self.bodies():
            if body[0] == VOTE:
                count, entries = body[11], 12
                yield (struct.unpack_from("<Q", body, entries + (count - 1) * 9)[0],
                       body[entries + count * 9:entries + count * 9 + 32].hex())

    def contradiction(self):
        """What an honest validator never writes; None when there is nothing of the kind."""
        notarized, skipped, final, built = {}, set(), set(), 0
        last = 0
        for slot, _ in self.votes():
            if slot <= last:
                return f"a vote for slot {slot} after one for {last}"
            last = slot
        for body in self.bodies():
            first = struct.unpack_from("<Q", body, 3)[0]
            if body[0] == OWN_SLOT:
                if first <= built:
                    return f"slot {first} begun after slot {built}"
                built = first
            elif body[0] == NOTARIZE and notarized.setdefault(first, body[11:43]) != body[11:43]:
                return f"two notarizations of slot {first}"
            elif body[0] == SKIP:
                skipped.update(range(first, struct.unpack_from("<Q", body, 11)[0] + 1))
            elif body[0] == FINALIZE:
                final.add(first)
                if first not in notarized:
                    return f"slot {first} finalized and not notarized"
        both = sorted(skipped & final)
        return f"slots {both[:5]} skipped and finalized" if both else None

    def flip(self, at, halves=(0, 1)):
        for half in halves:
            self.bytes[half * self.half + at] ^= 0x10

    def zero(self, at, count, halves=(0, 1)):
        for half in halves:
            self.bytes[half * self.half + at:half * self.half + at + count] = bytes(count)

    def swap(self, first, halves=(0, 1)):
        """A record and the one after it change places."""
        (a, a_length), (b, b_length) = self.records[first], self.records[first + 1]
        for half in halves:
            base = half * self.half
            one, two = (bytes(self.bytes[base + at:base + at + n]) for at, n in ((a, a_length), (b, b_length)))
            self.bytes[base + a:base + a + a_length + b_length] = two + one

    def save(self):
        self.file.write_bytes(self.bytes)
