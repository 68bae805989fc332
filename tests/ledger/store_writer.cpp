// SPDX-License-Identifier: Apache-2.0
// store_writer.cpp: writes all stores of the ledger as fast as it can and says on its standard
// output what is durable; or says what a directory holds and whether it is what was written. It is
// killed, and its disk is cut off, by tests/ledger/power_cut.py.
//
//   store_writer write DIRECTORY [SLOTS]
//                                    lines `journal N T`, `blocks N T`, `accounts N T`, `proofs N
//                                    T`: that and all before it had been acknowledged by the store
//                                    at the time T of the monotonic clock, in nanoseconds
//   store_writer verify DIRECTORY    the same lines for what is there; exit 1 when any of it is
//                                    not what was written, 65 when a store refuses the directory
// Shapes   store_sample.hpp. Journal and ledger have a thread each, as in the node.
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/proof_store.hpp"
#include "ledger/store/storage_failure.hpp"
#include "ledger/store/vote_journal.hpp"
#include "tests/ledger/store_sample.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>

namespace belfry::ledger {
namespace {

constexpr std::uint64_t records_per_slot = 8;

void say(std::string_view store, std::uint64_t number)
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::string line = fmt::format("{} {} {}\n", store, number, now.count());
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        _exit(1); // nobody listens
    }
}

template <class T, class E>
T must(Result<T, E> result, std::string_view what)
{
    if (!result) {
        fmt::print(stderr, "{}: error {}\n", what, static_cast<int>(result.error()));
        std::_Exit(74);
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

std::unique_ptr<VoteJournal> open_journal(Disk& disk)
{
    std::unique_ptr<VoteJournal> journal = VoteJournal::open(disk, sample::journal_options());
    return journal != nullptr ? std::move(journal)
                              : VoteJournal::create(disk, sample::journal_options());
}

void write_journal(VoteJournal& journal, std::uint64_t records_max)
{
    while (journal.durable_sequence() < records_max) {
        const std::uint64_t number = journal.durable_sequence() + 1;
        const Bytes body = sample::journal_body(number);
        say("journal",
            must(journal.append({.kind = sample::journal_kind(number), .body = body}), "journal"));
    }
}

void write_ledger(LmdbEnv& env, std::uint64_t slots_max)
{
    BlockStore blocks(env);
    AccountStore accounts(env);
    ProofStore proofs(env);
    const auto highest = must(blocks.highest_block(), "blocks");
    const auto anchor = must(accounts.anchor(), "anchor");
    std::uint64_t flushed = anchor ? anchor->block.slot.value : 0;
    for (std::uint64_t slot = highest ? highest->slot.value + 1 : 1; slot <= slots_max; ++slot) {
        const SampleBlock block = sample::block_at(slot);
        const BlockRef before = sample::ref_at(slot - 1);
        const SignatureRecord signature = sample::signature_at(slot - 1);
        const bool first = slot == 1;
        must(
            blocks.commit({.sets = block.sets,
                           .blocks = std::span(&block.record, 1),
                           .finalized = first ? std::span<const BlockRef>() : std::span(&before, 1),
                           .signatures = first ? std::span<const SignatureRecord>()
                                               : std::span(&signature, 1)}),
            "blocks");
        say("blocks", slot);
        for (; flushed + sample::flush_every < slot; flushed += sample::flush_every) {
            const std::uint64_t next = flushed + sample::flush_every;
            must(accounts.flush(sample::changes_at(next), sample::anchor_at(next)), "accounts");
            say("accounts", next);
        }
        if (slot % sample::proof_every == 0) {
            const Proof proof = sample::proof_at(slot);
            must(proofs.put(std::span(&proof, 1)), "proofs");
            say("proofs", slot);
        }
        if (slot % sample::prune_every == 0 && slot > sample::kept_slots) {
            must(blocks.prune(Slot{slot - sample::kept_slots}, 4096), "prune");
            must(proofs.prune(Slot{slot - sample::kept_slots}, UINT8_MAX, 4096), "prune");
        }
    }
}

void say_newest(const std::string& directory)
{
    const sample::Newest newest = sample::verify(directory);
    say("journal", newest.journal);
    say("blocks", newest.blocks);
    say("accounts", newest.accounts);
    say("proofs", newest.proofs);
}

void write_stores(const std::string& directory, std::uint64_t slots_max)
{
    LmdbEnv env(sample::env_options(directory));
    const std::unique_ptr<Disk> disk = open_disk(directory);
    const std::unique_ptr<VoteJournal> journal = open_journal(*disk);
    const std::uint64_t records_max =
        slots_max == UINT64_MAX ? slots_max : slots_max * records_per_slot;
    const std::jthread writer([&] { write_journal(*journal, records_max); });
    write_ledger(env, slots_max);
}

} // namespace
} // namespace belfry::ledger

int main(int argc, char** argv)
{
    const std::string_view verb = argc > 1 ? argv[1] : "";
    if (argc < 3 || argc > 4 || (verb != "write" && verb != "verify")) {
        fmt::print(stderr, "usage: store_writer write DIRECTORY [SLOTS] | verify DIRECTORY\n");
        return 64;
    }
    try {
        if (verb == "write") {
            belfry::ledger::write_stores(argv[2], argc == 4 ? std::strtoull(argv[3], nullptr, 10)
                                                            : UINT64_MAX);
        } else {
            belfry::ledger::say_newest(argv[2]);
        }
        return 0;
    } catch (const belfry::ledger::sample::WrongContent& what) {
        fmt::print(stderr, "wrong: {}\n", what.what());
        return 1;
    } catch (const belfry::ledger::StorageFailure& failure) {
        fmt::print(stderr, "{}\n", failure.what());
        return 74;
    } catch (const std::runtime_error& refusal) {
        fmt::print(stderr, "{}\n", refusal.what());
        return 65;
    }
}
