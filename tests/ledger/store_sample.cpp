// SPDX-License-Identifier: Apache-2.0
#include "tests/ledger/store_sample.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>

namespace belfry::ledger::sample {

namespace {
constexpr Hash genesis = filled_hash(1);
constexpr std::size_t sets_per_block = 3;
constexpr std::uint64_t accounts_per_flush = 50;
constexpr std::uint64_t accounts_max = 997;
constexpr std::uint8_t proof_kind = 4;

[[noreturn]] void wrong(const std::string& what)
{
    throw WrongContent(what);
}

/// A record that cannot be read is refused as at the start of a node.
template <class T>
T must(Result<T, StoreError> result, std::string_view what)
{
    if (!result) {
        throw std::runtime_error(fmt::format("{}: {}", what, to_string(result.error())));
    }
    if constexpr (!std::is_void_v<T>) {
        return std::move(*result);
    }
}

/// Made once: many directories are compared with the same blocks.
const SampleBlock& known_block(std::uint64_t slot)
{
    static std::vector<SampleBlock> known;
    while (known.size() <= slot) {
        known.push_back(known.empty() ? SampleBlock{} : block_at(known.size()));
    }
    return known[slot];
}

/// All accounts as they are after the flush of a slot.
const std::map<Pubkey, Account>& known_accounts(std::uint64_t slot)
{
    static std::vector<std::map<Pubkey, Account>> known(1);
    while (known.size() <= slot / flush_every) {
        std::map<Pubkey, Account> next = known.back();
        for (AccountChange& change : changes_at(known.size() * flush_every)) {
            next[change.address] = std::move(*change.account);
        }
        known.push_back(std::move(next));
    }
    return known[slot / flush_every];
}

/// The account count is the store's own.
bool is_anchor(const Anchor& found, std::uint64_t slot)
{
    Anchor expected = anchor_at(slot);
    expected.account_count = known_accounts(slot).size();
    return slot % flush_every == 0 && found == expected;
}

std::uint64_t verify_journal(Disk& disk)
{
    const std::unique_ptr<VoteJournal> journal = VoteJournal::open(disk, journal_options());
    if (journal == nullptr) {
        return 0;
    }
    std::map<std::uint8_t, std::uint64_t> last; // what was kept of a kind has no gap
    for (const JournalRecord& record : journal->take_recovered()) {
        std::uint64_t number = 0;
        for (std::size_t i = 8; i-- > 0;) {
            number = number << 8 | record.body.at(i);
        }
        if (record.body != journal_body(number) || record.kind != journal_kind(number)) {
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
    return newest;
}

std::uint64_t verify_blocks(const LmdbEnv& env)
{
    const BlockReader blocks(env);
    const auto highest = must(blocks.highest_block(), "blocks");
    const auto lowest = must(blocks.lowest_block(), "blocks");
    const auto final = must(blocks.last_finalized(), "chain");
    for (std::uint64_t slot = lowest ? lowest->slot.value : 1;
         highest && slot <= highest->slot.value; ++slot) {
        const SampleBlock& block = known_block(slot);
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
    return highest ? highest->slot.value : 0;
}

std::uint64_t verify_accounts(LmdbEnv& env)
{
    const AccountStore accounts(env);
    const auto anchor = must(accounts.anchor(), "anchor");
    const std::uint64_t last = anchor ? anchor->block.slot.value : 0;
    const std::map<Pubkey, Account>& model = known_accounts(last);
    std::map<Pubkey, Account> found;
    must(accounts.load_all([&found](const Pubkey& address, Account&& account) {
        found.emplace(address, std::move(account));
    }),
         "accounts");
    if (anchor && !is_anchor(*anchor, last)) {
        wrong(fmt::format("the anchor at slot {}", last));
    }
    if (found != model) {
        wrong(fmt::format("the {} accounts at slot {}", found.size(), last));
    }
    return last;
}

std::uint64_t verify_proofs(const LmdbEnv& env)
{
    const auto newest = must(ProofReader(env).newest({}, 50), "proofs");
    for (const Proof& proof : newest) {
        if (proof != proof_at(proof.name.slot.value)) {
            wrong(fmt::format("proof of slot {}", proof.name.slot.value));
        }
    }
    return newest.empty() ? 0 : newest.front().name.slot.value;
}
} // namespace

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

Bytes journal_body(std::uint64_t number)
{
    Bytes body(40 + number % 200, static_cast<std::uint8_t>(number));
    for (std::size_t i = 0; i < 8; ++i) {
        body[i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return body;
}

std::uint8_t journal_kind(std::uint64_t number)
{
    return static_cast<std::uint8_t>(number % 3);
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

Newest verify(const std::string& directory)
{
    LmdbEnv env(env_options(directory));
    const std::unique_ptr<Disk> disk = open_disk(directory);
    Newest newest;
    newest.journal = verify_journal(*disk);
    newest.blocks = verify_blocks(env);
    newest.accounts = verify_accounts(env);
    newest.proofs = verify_proofs(env);
    return newest;
}

} // namespace belfry::ledger::sample
