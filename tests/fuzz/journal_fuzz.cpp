// SPDX-License-Identifier: Apache-2.0
// journal_fuzz: a vote journal with any bytes changed is refused or opened; one that opens keeps
// its sequence without a gap, takes another record, and opens again with that record last. The
// input is a list of changes to a sound file: u16 place, u8 new value.
#include "base/check.hpp"
#include "ledger/store/vote_journal.hpp"
#include "tests/ledger/simulated_disk.hpp"

#include <stdexcept>

namespace belfry::ledger {
namespace {
VoteJournal::Options options()
{
    return {.genesis_hash = {}, .identity = {}, .file_bytes = 8192, .keep_per_kind = 4};
}

const Bytes& sound_file()
{
    static const Bytes file = [] {
        SimulatedDisk disk;
        const auto journal = VoteJournal::create(disk, options());
        for (std::uint8_t i = 1; i < 8; ++i) {
            const Bytes body(i * 9U, i);
            BELFRY_CHECK(journal->append({.kind = i, .body = body}).has_value());
        }
        return disk.files().at("votes");
    }();
    return file;
}

void feed(ByteView input)
{
    Bytes file = sound_file();
    for (std::size_t i = 0; i + 3 <= input.size(); i += 3) {
        file[(input[i] + 256U * input[i + 1]) % file.size()] = input[i + 2];
    }
    try {
        SimulatedDisk disk(SimulatedDisk::Files{{"votes", file}});
        const auto journal = VoteJournal::open(disk, options());
        const std::vector<JournalRecord> before = journal->take_recovered();
        for (std::size_t i = 1; i < before.size(); ++i) {
            BELFRY_CHECK(before[i].sequence == before[i - 1].sequence + 1);
        }
        const Bytes body(3, 0x77);
        const auto sequence = journal->append({.kind = 0, .body = body});
        BELFRY_CHECK(sequence.has_value());
        SimulatedDisk next(disk.files());
        const auto again = VoteJournal::open(next, options())->take_recovered();
        BELFRY_CHECK(again.back().sequence == *sequence && again.back().body == body);
    } catch (const std::runtime_error&) {
        return; // refused with a line
    }
}

} // namespace
} // namespace belfry::ledger

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t byte_count)
{
    belfry::ledger::feed({data, byte_count});
    return 0;
}
