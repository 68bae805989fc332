// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "crypto/poh.hpp"
#include "exec/bank.hpp"
#include "exec/closing.hpp"
#include "exec/in_flight.hpp"
#include "exec/programs/compute_budget.hpp"
#include "ledger/model/entry.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace belfry::exec {
namespace {

// Grains of 5-10 us and more. Kernels work on many chains and signatures at once, so theirs are
// larger.
constexpr std::size_t transactions_per_parse = 16;
constexpr std::size_t segments_per_check = 32;
constexpr std::size_t signatures_per_check_min = 64;
constexpr std::size_t signatures_per_check_max = 1024;

/// Asked for every transaction of a block, of which most name the same blockhash.
class AgeMemo {
public:
    AgeMemo(const BlockTree& tree, const BlockState& parent)
        : tree_(tree)
        , parent_(parent)
    {
    }
    [[nodiscard]] BlockhashAge age_of(const Hash& blockhash)
    {
        if (!known_ || blockhash != last_) {
            last_ = blockhash;
            age_ = tree_.blockhash_age(parent_, blockhash);
            known_ = true;
        }
        return age_;
    }

private:
    const BlockTree& tree_;
    const BlockState& parent_;
    Hash last_;
    BlockhashAge age_ = BlockhashAge::unknown;
    bool known_ = false;
};

} // namespace

/// A block on its way. Views lead into input.block->stream.
struct Bank::Replay {
    const ReplayInput& input;
    const BlockState& parent;
    Hash blockhash;
    Hash state_hash; // the footer's
    std::vector<crypto::PohSegment> segments;
    std::vector<ByteView> wires;
    std::vector<std::pair<std::size_t, std::size_t>> mixins = {}; // segment, its transaction count
    std::vector<std::optional<ledger::Transaction>>& parsed;
    std::vector<const ledger::Transaction*> transactions = {}; // into parsed
};

Result<const BlockState*, BlockError> Bank::replay(const ledger::Block& block, const Pubkey& leader)
{
    return replay(ReplayInput{.block = &block, .leader = leader});
}

Result<const BlockState*, BlockError> Bank::replay(const ReplayInput& input)
{
    BELFRY_CHECK(input.block != nullptr);
    if (const BlockState* known = tree_.find(input.block->ref.id); known != nullptr) {
        return known;
    }
    const BlockInFlight mark(&input.block->ref);
    auto result = run_replay(input);
    ++(result ? counters_.blocks_replayed : counters_.blocks_refused);
    return result;
}

Result<const BlockState*, BlockError> Bank::run_replay(const ReplayInput& input)
{
    BELFRY_TRY(parent, place_of(*input.block));
    Replay replay{.input = input,
                  .parent = *parent,
                  .blockhash = {},
                  .state_hash = {},
                  .segments = {},
                  .wires = {},
                  .parsed = parsed_};
    // Cheap checks first: what costs much is done only for what may still be good.
    using Step = Result<void, BlockError> (Bank::*)(Replay&);
    for (const Step step : {&Bank::read_entries, &Bank::read_transactions, &Bank::check_window,
                            &Bank::verify_chain, &Bank::verify_signatures}) {
        if (const Result<void, BlockError> done = (this->*step)(replay); !done) {
            return std::unexpected(done.error());
        }
    }
    return execute(replay);
}

Result<const BlockState*, BlockError> Bank::place_of(const ledger::Block& block) const
{
    if (options_.quarantine.holds_block(block.ref.id)) {
        return std::unexpected(BlockError::quarantined);
    }
    if (block.ref.slot <= tree_.finalized().slot()) {
        return std::unexpected(BlockError::below_finalized);
    }
    const BlockState* parent = tree_.find(block.parent.id);
    if (parent == nullptr) {
        return std::unexpected(BlockError::unknown_parent);
    }
    if (parent->slot() != block.parent.slot) {
        return std::unexpected(BlockError::wrong_parent_slot);
    }
    if (block.ref.slot <= parent->slot()) {
        return std::unexpected(BlockError::slot_not_after_parent);
    }
    if (tree_.size() >= options_.blocks_max) {
        return std::unexpected(BlockError::too_many_blocks);
    }
    return parent;
}

Result<void, BlockError> Bank::read_entries(Replay& replay)
{
    auto entries = ledger::decode_entries(replay.input.block->stream);
    if (!entries) {
        return std::unexpected(BlockError::malformed_entries);
    }
    const std::uint64_t slots = replay.input.block->ref.slot.value - replay.parent.slot().value;
    std::uint64_t ticks = 0;
    std::uint64_t hashes_in_tick = 0;
    Hash chain = replay.parent.blockhash();
    for (const ledger::Entry& entry : *entries) {
        if (entry.kind == ledger::EntryKind::footer) {
            replay.blockhash = entry.hash;
            replay.state_hash = entry.state_hash;
            break;
        }
        if (entry.kind == ledger::EntryKind::certificate) {
            continue; // not a matter of state
        }
        hashes_in_tick += entry.hash_count;
        if (entry.kind == ledger::EntryKind::tick) {
            // A tick closes with a hash of its own, so that its place is proven by work.
            if (entry.hash_count == 0 || hashes_in_tick != genesis_.hashes_per_tick) {
                return std::unexpected(BlockError::wrong_tick_hash_count);
            }
            ++ticks;
            hashes_in_tick = 0;
        } else {
            if (hashes_in_tick >= genesis_.hashes_per_tick) {
                return std::unexpected(BlockError::wrong_tick_hash_count);
            }
            replay.mixins.emplace_back(replay.segments.size(), entry.transactions.size());
            replay.wires.insert(replay.wires.end(), entry.transactions.begin(),
                                entry.transactions.end());
        }
        replay.segments.push_back(
            crypto::PohSegment{chain, entry.hash, entry.hash_count, std::nullopt});
        chain = entry.hash;
    }
    // The division cannot overflow; the product of a far slot and ticks_per_slot could.
    if (hashes_in_tick != 0 || ticks % genesis_.ticks_per_slot != 0 ||
        ticks / genesis_.ticks_per_slot != slots) {
        return std::unexpected(BlockError::wrong_tick_count);
    }
    if (chain != replay.blockhash) {
        return std::unexpected(BlockError::wrong_chain_hash);
    }
    return {};
}

Result<void, BlockError> Bank::read_transactions(Replay& replay)
{
    replay.parsed.clear();
    replay.parsed.resize(replay.wires.size());
    arena_.for_chunks(replay.wires.size(), transactions_per_parse, [&](const Chunk& chunk) {
        for (std::size_t i = chunk.begin; i < chunk.end; ++i) {
            if (const auto good = ledger::parse_transaction(replay.wires[i]); good) {
                replay.parsed[i].emplace(*good);
            }
        }
    });
    replay.transactions.reserve(replay.parsed.size());
    for (const auto& good : replay.parsed) {
        if (!good) {
            return std::unexpected(BlockError::malformed_transaction);
        }
        if (options_.quarantine.holds_message(good->message_hash())) {
            return std::unexpected(BlockError::quarantined);
        }
        replay.transactions.push_back(&*good);
    }
    std::size_t next = 0;
    std::vector<Hash> hashes;
    for (const auto& [segment, count] : replay.mixins) {
        hashes.clear();
        for (std::size_t i = 0; i < count; ++i) {
            hashes.push_back(replay.transactions[next++]->message_hash());
        }
        replay.segments[segment].mixin = ledger::entry_mixin(hashes);
    }
    return {};
}

Result<void, BlockError> Bank::check_window(Replay& replay)
{
    AgeMemo ages(tree_, replay.parent);
    std::unordered_set<Hash, FixedBytesHasher> messages; // asked only, never walked
    messages.reserve(replay.transactions.size());
    std::uint64_t compute_units = 0;
    for (const ledger::Transaction* transaction : replay.transactions) {
        switch (ages.age_of(transaction->recent_blockhash())) {
        case BlockhashAge::valid:
            break;
        case BlockhashAge::unknown:
            return std::unexpected(BlockError::blockhash_not_found);
        case BlockhashAge::expired:
            return std::unexpected(BlockError::blockhash_expired);
        }
        if (!messages.insert(transaction->message_hash()).second ||
            tree_.in_window(replay.parent, transaction->message_hash())) {
            return std::unexpected(BlockError::duplicate_transaction);
        }
        compute_units += compute_budget_of(*transaction, executor_.rules()).unit_limit;
    }
    if (compute_units > genesis_.compute.block_units_max) {
        return std::unexpected(BlockError::too_many_compute_units);
    }
    return {};
}

Result<void, BlockError> Bank::verify_chain(Replay& replay)
{
    // What was hashed here while the slots passed need not be hashed again. Up to the first mixin
    // every segment is a whole tick (read_entries).
    std::size_t known = 0;
    while (known < replay.segments.size() && known < replay.input.known_ticks.size() &&
           !replay.segments[known].mixin &&
           replay.segments[known].end == replay.input.known_ticks[known]) {
        ++known;
    }
    const std::span<const crypto::PohSegment> unknown =
        std::span<const crypto::PohSegment>(replay.segments).subspan(known);
    counters_.ticks_known += known;
    std::vector<char> wrong(arena_.threads(), 0); // by worker
    arena_.for_chunks(unknown.size(), segments_per_check, [&](const Chunk& chunk) {
        if (!crypto::poh_verify(unknown.subspan(chunk.begin, chunk.end - chunk.begin))) {
            wrong[chunk.worker] = 1;
        }
    });
    if (std::any_of(wrong.begin(), wrong.end(), [](char is_wrong) { return is_wrong != 0; })) {
        return std::unexpected(BlockError::wrong_chain_hash);
    }
    return {};
}

Result<void, BlockError> Bank::verify_signatures(Replay& replay)
{
    if (!options_.verify_signatures) {
        return {};
    }
    struct Signer {
        const ledger::Transaction* transaction;
        Pubkey key;
        Signature signature;
    };
    std::vector<Signer> signers;
    for (const ledger::Transaction* transaction : replay.transactions) {
        if (replay.input.verified_before && replay.input.verified_before(*transaction)) {
            counters_.signatures_skipped += transaction->signature_count();
            continue;
        }
        for (std::size_t i = 0; i < transaction->signature_count(); ++i) {
            signers.push_back({transaction, transaction->account(i), transaction->signature(i)});
        }
    }
    counters_.signatures_verified += signers.size();
    std::vector<crypto::Ed25519Job> jobs;
    jobs.reserve(signers.size());
    for (const Signer& signer : signers) {
        jobs.push_back({signer.transaction->message(), &signer.key, &signer.signature});
    }
    const auto verdicts = std::make_unique<bool[]>(jobs.size());
    const std::size_t grain = std::clamp(jobs.size() / arena_.threads(), signatures_per_check_min,
                                         signatures_per_check_max);
    arena_.for_chunks(jobs.size(), grain, [&](const Chunk& chunk) {
        const std::size_t count = chunk.end - chunk.begin;
        verifiers_[chunk.worker]->verify(std::span(jobs).subspan(chunk.begin, count),
                                         std::span(verdicts.get() + chunk.begin, count));
    });
    const std::span<const bool> all(verdicts.get(), jobs.size());
    if (std::ranges::find(all, false) != all.end()) {
        return std::unexpected(BlockError::bad_signature);
    }
    return {};
}

Result<const BlockState*, BlockError> Bank::execute(Replay& replay)
{
    move_to(replay.parent);
    const std::vector<const ledger::Transaction*>& transactions = replay.transactions;
    std::vector<ExecutionOutcome> outcomes(transactions.size());
    WorkingSet working;
    executor_.execute(
        transactions, working, [this](const Pubkey& key) { return accounts_.find(key); }, outcomes);
    BlockFees fees;
    std::vector<TransactionStatus> statuses;
    statuses.reserve(transactions.size());
    for (std::size_t i = 0; i < transactions.size(); ++i) {
        if (!outcomes[i].charged) {
            return std::unexpected(BlockError::payer_cannot_pay);
        }
        fees.add(outcomes[i]);
        statuses.push_back(status_of(*transactions[i], outcomes[i]));
    }
    Closing closing{.parent = replay.parent,
                    .working = working,
                    .fees = fees,
                    .statuses = std::move(statuses),
                    .slot = replay.input.block->ref.slot,
                    .leader = replay.input.leader,
                    .blockhash = replay.blockhash};
    BlockState state = close_block(closing);
    if (state.state_hash() != replay.state_hash) {
        return std::unexpected(BlockError::wrong_state_hash);
    }
    state.anchor.block.id = replay.input.block->ref.id;
    return commit(std::move(state));
}

} // namespace belfry::exec
