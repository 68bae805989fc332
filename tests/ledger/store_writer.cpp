// SPDX-License-Identifier: Apache-2.0
// store_writer.cpp: writes all stores of the ledger as fast as it can and says on its standard
// output what is durable; or says what a directory holds and whether it is what was written. It is
// killed, and its disk is cut off, by tests/ledger/power_cut.py.
//
//   store_writer write DIRECTORY     lines `journal N T`, `blocks N T`, `accounts N T`, `proofs N
//                                    T`: that and all before it had been acknowledged by the store
//                                    at the time T of the monotonic clock, in nanoseconds
//   store_writer verify DIRECTORY    the same lines for what is there; exit 1 when any of it is
//                                    not what was written, 65 when a store refuses the directory
// Shapes   everything is a function of its number, so a verifier needs no copy. Journal and ledger
//          have a thread each, as in the node.
#include "ledger/store/account_store.hpp"
#include "ledger/store/block_store.hpp"
#include "ledger/store/proof_store.hpp"
#include "ledger/store/storage_failure.hpp"
#include "ledger/store/vote_journal.hpp"
#include "tests/ledger/sample_block.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <thread>

namespace belfry::ledger {
namespace {

constexpr Hash genesis = filled_hash(1);
constexpr std::size_t sets_per_block = 3;
constexpr std::uint64_t flush_every = 4;
constexpr std::uint64_t proof_every = 3;
constexpr std::uint64_t prune_every = 64;
constexpr std::uint64_t kept_slots = 200;
constexpr std::uint64_t accounts_per_flush = 50;
constexpr std::uint64_t accounts_max = 997;
constexpr std::uint8_t proof_kind = 4;

/// Small, so that it is written anew every few hundred records.
VoteJournal::Options journal_options()
{
    return {.genesis_hash = genesis,
            .identity = Pubkey::from(filled_hash(2).view()),
            .file_bytes = std::uint64_t{64} << 10,
            .keep_per_kind = 64};
}

LmdbEnv::Options env_options(const std::string& directory)
{
    return {.directory = directory, .genesis_hash = genesis, .map_bytes = std::uint64_t{1} << 30};
}

void say(std::string_view store, std::uint64_t number)
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    const std::string line = fmt::format("{} {} {}\n", store, number, now.count());
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        _exit(1); // nobody listens
    }
}

[[noreturn]] void wrong(const std::string& what)
{
    fmt::print(stderr, "wrong: {}\n", what);
    std::_Exit(1);
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

Bytes journal_body(std::uint64_t number)
{
    Bytes body(40 + number % 200, static_cast<std::uint8_t>(number));
    for (std::size_t i = 0; i < 8; ++i) {
        body[i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return body;
}

BlockRef ref_at(std::uint64_t slot)
{
    return slot == 0
               ? BlockRef{.slot = Slot{0}, .id = genesis}
               : BlockRef{.slot = Slot{slot}, .id = filled_hash((slot << 32) + sets_per_block)};
}

SampleBlock block_at(std::uint64_t slot)
{
    return sample_block(Slot{slot}, ref_at(slot - 1), sets_per_block);
}

SignatureRecord signature_at(std::uint64_t slot)
{
    SignatureRecord record;
    for (std::size_t i = 0; i < 8; ++i) {
        record.signature.bytes[i] = static_cast<std::uint8_t>(slot >> (8 * i));
    }
    record.block = ref_at(slot);
    record.index = static_cast<std::uint32_t>(slot % 17);
    record.outcome.assign(20, static_cast<std::uint8_t>(slot));
    return record;
}

Proof proof_at(std::uint64_t slot)
{
    return {.name = {.slot = Slot{slot}, .kind = proof_kind, .about = 0},
            .bytes = Bytes(600 + slot % 100, static_cast<std::uint8_t>(slot))};
}

Anchor anchor_at(std::uint64_t slot)
{
    Anchor anchor;
    anchor.block = ref_at(slot);
    anchor.height = Height{slot};
    anchor.state_hash = filled_hash(slot + 7);
    anchor.chain_hash = filled_hash(slot + 9);
    anchor.metadata.assign(30, static_cast<std::uint8_t>(slot));
    return anchor;
}

std::vector<AccountChange> changes_at(std::uint64_t slot)
{
    std::vector<AccountChange> changes;
    for (std::uint64_t i = 0; i < accounts_per_flush; ++i) {
        const std::uint64_t number = (slot * 7 + i) % accounts_max;
        Account account;
        account.lamports = Lamports{slot * 1000 + i + 1};
        account.data.assign(number % 90, static_cast<std::uint8_t>(slot));
        changes.push_back({Pubkey::from(filled_hash(number).view()), std::move(account)});
    }
    return changes;
}

std::unique_ptr<VoteJournal> open_journal(Disk& disk)
{
    std::unique_ptr<VoteJournal> journal = VoteJournal::open(disk, journal_options());
    return journal != nullptr ? std::move(journal) : VoteJournal::create(disk, journal_options());
}

void write_journal(VoteJournal& journal)
{
    while (true) {
        const std::uint64_t number = journal.durable_sequence() + 1;
        const Bytes body = journal_body(number);
        say("journal",
            must(journal.append({.kind = static_cast<std::uint8_t>(number % 3), .body = body}),
                 "journal"));
    }
}

void write_ledger(LmdbEnv& env)
{
    BlockStore blocks(env);
    AccountStore accounts(env);
    ProofStore proofs(env);
    const auto highest = must(blocks.highest_block(), "blocks");
    const auto anchor = must(accounts.anchor(), "anchor");
    std::uint64_t flushed = anchor ? anchor->block.slot.value : 0;
    for (std::uint64_t slot = highest ? highest->slot.value + 1 : 1;; ++slot) {
        const SampleBlock block = block_at(slot);
        const BlockRef before = ref_at(slot - 1);
        const SignatureRecord signature = signature_at(slot - 1);
        const bool first = slot == 1;
        must(
            blocks.commit({.sets = block.sets,
                           .blocks = std::span(&block.record, 1),
                           .finalized = first ? std::span<const BlockRef>() : std::span(&before, 1),
                           .signatures = first ? std::span<const SignatureRecord>()
                                               : std::span(&signature, 1)}),
            "blocks");
        say("blocks", slot);
        for (; flushed + flush_every < slot; flushed += flush_every) {
            const std::uint64_t next = flushed + flush_every;
            must(accounts.flush(changes_at(next), anchor_at(next)), "accounts");
            say("accounts", next);
        }
        if (slot % proof_every == 0) {
            const Proof proof = proof_at(slot);
            must(proofs.put(std::span(&proof, 1)), "proofs");
            say("proofs", slot);
        }
        if (slot % prune_every == 0 && slot > kept_slots) {
            must(blocks.prune(Slot{slot - kept_slots}, 4096), "prune");
            must(proofs.prune(Slot{slot - kept_slots}, UINT8_MAX, 4096), "prune");
        }
    }
}

void verify_journal(Disk& disk)
{
    const std::unique_ptr<VoteJournal> journal = VoteJournal::open(disk, journal_options());
    if (journal == nullptr) {
        say("journal", 0);
        return;
    }
    std::map<std::uint8_t, std::uint64_t> last; // what was kept of a kind has no gap
    for (const JournalRecord& record : journal->take_recovered()) {
        std::uint64_t number = 0;
        for (std::size_t i = 8; i-- > 0;) {
            number = number << 8 | record.body.at(i);
        }
        if (record.body != journal_body(number) || record.kind != number % 3) {
            wrong(fmt::format("journal record {}", number));
        }
        std::uint64_t& newest = last[record.kind];
        if (newest != 0 && number != newest + 3) {
            wrong(fmt::format("journal record {} follows {}", number, newest));
        }
        newest = number;
    }
    std::uint64_t newest = 0;
    for (const auto& [kind, number] : last) {
        newest = std::max(newest, number);
    }
    if (newest != journal->durable_sequence()) {
        wrong(fmt::format("journal ends at {}, its sequence is {}", newest,
                          journal->durable_sequence()));
    }
    say("journal", newest);
}

void verify_blocks(const LmdbEnv& env)
{
    const BlockReader blocks(env);
    const auto highest = must(blocks.highest_block(), "blocks");
    const auto lowest = must(blocks.lowest_block(), "blocks");
    const auto final = must(blocks.last_finalized(), "chain");
    for (std::uint64_t slot = lowest ? lowest->slot.value : 1;
         highest && slot <= highest->slot.value; ++slot) {
        const SampleBlock block = block_at(slot);
        const auto record = must(blocks.block(ref_at(slot)), "blocks");
        const auto sets = must(blocks.sets_of_block(ref_at(slot), {}), "sets");
        if (!record || *record != block.record || sets != block.sets) {
            wrong(fmt::format("block {}", slot));
        }
        const auto finalized = must(blocks.finalized_at(Slot{slot}), "chain");
        const bool expected = slot < highest->slot.value;
        if (finalized.has_value() != expected || (expected && *finalized != ref_at(slot))) {
            wrong(fmt::format("final block of slot {}", slot));
        }
        if (expected && must(blocks.find_signature(signature_at(slot).signature), "signatures") !=
                            signature_at(slot)) {
            wrong(fmt::format("signature of slot {}", slot));
        }
    }
    if (highest && (!final || final->slot.value + 1 != highest->slot.value)) {
        wrong("the last final block is not the one before the highest");
    }
    say("blocks", highest ? highest->slot.value : 0);
}

void verify_accounts(LmdbEnv& env)
{
    const AccountStore accounts(env);
    const auto anchor = must(accounts.anchor(), "anchor");
    const std::uint64_t last = anchor ? anchor->block.slot.value : 0;
    std::map<Pubkey, Account> model;
    for (std::uint64_t slot = flush_every; slot <= last; slot += flush_every) {
        for (AccountChange& change : changes_at(slot)) {
            model[change.address] = std::move(*change.account);
        }
    }
    std::map<Pubkey, Account> found;
    must(accounts.load_all([&found](const Pubkey& address, Account&& account) {
        found.emplace(address, std::move(account));
    }),
         "accounts");
    if (found != model) {
        wrong(fmt::format("the {} accounts at slot {}", found.size(), last));
    }
    say("accounts", last);
}

void verify_proofs(const LmdbEnv& env)
{
    const auto newest = must(ProofReader(env).newest({}, 50), "proofs");
    for (const Proof& proof : newest) {
        if (proof != proof_at(proof.name.slot.value)) {
            wrong(fmt::format("proof of slot {}", proof.name.slot.value));
        }
    }
    say("proofs", newest.empty() ? 0 : newest.front().name.slot.value);
}

int run(const std::string& verb, const std::string& directory)
{
    LmdbEnv env(env_options(directory));
    const std::unique_ptr<Disk> disk = open_disk(directory);
    if (verb == "write") {
        const std::unique_ptr<VoteJournal> journal = open_journal(*disk);
        const std::jthread writer([&journal] { write_journal(*journal); });
        write_ledger(env);
        return 0;
    }
    verify_journal(*disk);
    verify_blocks(env);
    verify_accounts(env);
    verify_proofs(env);
    return 0;
}

} // namespace
} // namespace belfry::ledger

int main(int argc, char** argv)
{
    if (argc != 3) {
        fmt::print(stderr, "usage: store_writer write|verify DIRECTORY\n");
        return 64;
    }
    try {
        return belfry::ledger::run(argv[1], argv[2]);
    } catch (const belfry::ledger::StorageFailure& failure) {
        fmt::print(stderr, "{}\n", failure.what());
        return 74;
    } catch (const std::runtime_error& refusal) {
        fmt::print(stderr, "{}\n", refusal.what());
        return 65;
    }
}
