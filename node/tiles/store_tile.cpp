// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/store_tile.hpp"

#include "node/cli/exit_code.hpp"
#include "node/proof_kind.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::uint64_t sets_wait_ns = 200'000'000;
constexpr std::size_t sets_wait_bytes = std::size_t{4} << 20;
constexpr std::uint64_t proofs_interval_ns = 1'000'000'000;
constexpr std::uint64_t prune_interval_ns = 10'000'000'000;
constexpr std::uint64_t prune_more_ns = 50'000'000; // while there is more to go
constexpr std::size_t prune_records_max = 4096;
constexpr std::uint64_t store_publish_interval_ns = 100'000'000;
constexpr std::size_t requests_per_turn = 64;
constexpr std::size_t chain_walk_max = 64; // blocks above finalized that a hint may name
constexpr std::uint64_t shred_reply_bytes = 1270;

} // namespace

/// Reads what repair asks for; the store tile is the environment's only user.
class StoreTile::Source final : public dataplane::SetSource {
public:
    explicit Source(const ledger::BlockStore& blocks)
        : blocks_(blocks)
    {
    }
    std::optional<ledger::ShredSet> set(const dataplane::SetKey& key) override
    {
        return value_or_nothing(blocks_.set({key.slot, key.set_index, key.root}));
    }
    std::optional<ledger::ShredSet> successor(const dataplane::SetKey& key) override
    {
        return value_or_nothing(blocks_.successor({key.slot, key.set_index, key.root}));
    }
    std::optional<ledger::ShredSet> set_of_block(const ledger::BlockRef& block,
                                                 std::uint32_t set_index) override
    {
        const auto record = value_or_nothing(blocks_.block(block));
        if (!record) {
            return std::nullopt;
        }
        const auto count = static_cast<std::uint32_t>(record->set_roots.size());
        const std::uint32_t index = set_index == dataplane::tail_set_index ? count - 1 : set_index;
        if (index >= count) {
            return std::nullopt;
        }
        return value_or_nothing(blocks_.set({block.slot, index, record->set_roots[index]}));
    }
    std::vector<dataplane::ChainHint> chain_after(Slot slot, std::size_t count_max) override
    {
        std::vector<dataplane::ChainHint> hints;
        const auto finalized = blocks_.finalized_from(slot.next(), count_max);
        for (const ledger::BlockRef& ref : finalized.value_or(std::vector<ledger::BlockRef>{})) {
            add_hint(ref, hints);
        }
        if (hints.size() == count_max) {
            return hints;
        }
        // Above finalized: the ancestors of the highest block.
        std::vector<ledger::BlockRef> above;
        std::optional<ledger::BlockRef> ref = value_or_nothing(blocks_.highest_block());
        const Slot floor = hints.empty() ? slot : hints.back().block.slot;
        while (ref && ref->slot > floor && above.size() < chain_walk_max) {
            above.push_back(*ref);
            const auto record = value_or_nothing(blocks_.block(*ref));
            ref = record ? std::optional(record->parent) : std::nullopt;
        }
        while (!above.empty() && hints.size() < count_max) {
            add_hint(above.back(), hints);
            above.pop_back();
        }
        return hints;
    }
    Slot tip() override
    {
        const auto highest = value_or_nothing(blocks_.highest_block());
        return highest ? highest->slot : Slot{};
    }

private:
    /// What cannot be read is not here for a peer; the next write will stop the node if the disk
    /// is at fault.
    template <class T>
    static std::optional<T> value_or_nothing(Result<std::optional<T>, ledger::StoreError> read)
    {
        return read ? std::move(*read) : std::nullopt;
    }
    void add_hint(const ledger::BlockRef& ref, std::vector<dataplane::ChainHint>& hints) const
    {
        const auto record = value_or_nothing(blocks_.block(ref));
        if (record) {
            hints.push_back({ref, static_cast<std::uint16_t>(record->set_roots.size())});
        }
    }
    const ledger::BlockStore& blocks_;
};

StoreTile::StoreTile(Options options, ledger::LmdbEnv& env, Links& links, NodeStop& node,
                     const Latch& stop)
    : options_(std::move(options))
    , env_(env)
    , blocks_(env)
    , accounts_(env)
    , proofs_(env)
    , links_(links)
    , node_(node)
    , stop_(stop)
    , source_(std::make_unique<Source>(blocks_))
    , recent_(dataplane::RecentSets::Options{}, source_.get())
    , server_({.genesis = options_.genesis,
               .roster = options_.roster.keys(),
               .me = options_.roster.me,
               .bytes_per_second = options_.repair_replies_per_second * shred_reply_bytes,
               .burst_bytes = options_.repair_replies_per_second * shred_reply_bytes / 2},
              recent_)
{
}

StoreTile::~StoreTile() = default;

bool StoreTile::has_input() const
{
    return !links_.bank_store.empty() || !links_.consensus_store.empty() ||
           !links_.shred_store.empty() || !links_.net_store.empty();
}

std::chrono::nanoseconds StoreTile::sleep_max() const
{
    return sets_.empty() ? std::chrono::milliseconds(500) : std::chrono::milliseconds(50);
}

bool StoreTile::work(std::uint64_t now_ns)
{
    bool busy = collect();
    const bool due = !records_.empty() || !finalized_.empty() || sets_bytes_ >= sets_wait_bytes ||
                     (!sets_.empty() && now_ns - oldest_set_ns_ >= sets_wait_ns);
    if (due && !failed_) {
        commit(now_ns);
    }
    if (flush_ != nullptr && !failed_) {
        flush_accounts();
    }
    if (!new_proofs_.empty() && now_ns - proofs_kept_ns_ >= proofs_interval_ns && !failed_) {
        proofs_kept_ns_ = now_ns;
        keep_proofs();
    }
    if (now_ns >= prune_at_ns_ && !failed_) {
        prune(now_ns);
    }
    busy = serve(now_ns) || busy;
    if (now_ns - published_ns_ >= store_publish_interval_ns) {
        publish(now_ns);
    }
    return busy;
}

/// The bank's link first, the shred tile's after it: what a block record names was sent to the
/// shred link before the record was sent here, so its sets are in the same batch or on disk.
bool StoreTile::collect()
{
    std::size_t count =
        links_.bank_store.drain(256, [this](BankToStore& message) { take(message); });
    count += links_.shred_store.drain(4096, [this](StoreSet& message) {
        if (sets_.empty()) {
            oldest_set_ns_ = monotonic_ns();
        }
        sets_bytes_ += message.set->payload.size();
        recent_.add(*message.set);
        sets_.push_back(std::move(*message.set));
        message.set.reset();
    });
    count += links_.consensus_store.drain(
        64, [this](StoreProof& message) { new_proofs_.push_back(std::move(message.proof)); });
    return count > 0;
}

/// Certificates can be had again from others, so they need not be durable at once: one write for
/// those of a second.
void StoreTile::keep_proofs()
{
    const Result<void, ledger::StoreError> written = proofs_.put(new_proofs_);
    if (!written) {
        fail(written.error(), "proofs");
        return;
    }
    counts_.proofs_stored += new_proofs_.size();
    new_proofs_.clear();
}

void StoreTile::take(BankToStore& message)
{
    if (auto* block = std::get_if<StoreBlock>(&message)) {
        records_.push_back(std::move(block->record));
    } else if (auto* final = std::get_if<StoreFinalized>(&message)) {
        std::ranges::move(final->blocks, std::back_inserter(finalized_));
        std::ranges::move(final->signatures, std::back_inserter(signatures_));
    } else if (auto* accounts = std::get_if<StoreAccounts>(&message)) {
        if (flush_ != nullptr && !failed_) {
            commit(monotonic_ns()); // its block must be final on disk first
            flush_accounts();
        }
        flush_ = std::make_unique<exec::Flush>(std::move(accounts->flush));
    }
}

void StoreTile::commit(std::uint64_t now_ns)
{
    const Result<void, ledger::StoreError> written = blocks_.commit(
        {.sets = sets_, .blocks = records_, .finalized = finalized_, .signatures = signatures_});
    if (!written) {
        fail(written.error(), "blocks");
        return;
    }
    counts_.commits += 1;
    counts_.sets_stored += sets_.size();
    counts_.blocks_stored += records_.size();
    counts_.commit_ns_max = std::max(counts_.commit_ns_max, monotonic_ns() - now_ns);
    for (const ledger::BlockRecord& record : records_) {
        push_or_wait(links_.store_consensus, DurableBlock{record.ref}, stop_);
    }
    if (!finalized_.empty()) {
        newest_finalized_ = finalized_.back().slot;
    }
    sets_.clear();
    sets_bytes_ = 0;
    records_.clear();
    finalized_.clear();
    signatures_.clear();
}

void StoreTile::flush_accounts()
{
    const std::uint64_t begun = monotonic_ns();
    const std::unique_ptr<exec::Flush> flush = std::move(flush_);
    std::vector<ledger::AccountChange> changes;
    changes.reserve(flush->accounts.size());
    for (auto& [address, account] : flush->accounts) {
        const bool gone = account.lamports == Lamports{};
        changes.push_back({address, gone ? std::nullopt : std::optional(std::move(account))});
    }
    ledger::Anchor anchor;
    anchor.block = flush->anchor.block;
    anchor.height = flush->anchor.height;
    anchor.state_hash = flush->anchor.state_hash;
    anchor.chain_hash = flush->anchor.blockhash;
    ByteWriter metadata(anchor.metadata);
    exec::encode(flush->anchor, metadata);
    const Result<void, ledger::StoreError> written = accounts_.flush(changes, anchor);
    if (!written) {
        fail(written.error(), "accounts");
        return;
    }
    counts_.account_flushes += 1;
    counts_.accounts_flushed += changes.size();
    counts_.flush_ns_max = std::max(counts_.flush_ns_max, monotonic_ns() - begun);
}

void StoreTile::prune(std::uint64_t now_ns)
{
    prune_at_ns_ = now_ns + prune_interval_ns;
    const auto lowest = blocks_.lowest_block();
    if (!lowest) {
        fail(lowest.error(), "pruning");
        return;
    }
    counts_.held_bytes = env_.held_bytes();
    counts_.short_of_space = is_short_of_space(options_.retention, counts_.held_bytes) ? 1 : 0;
    const auto below =
        prune_below(options_.retention, {.lowest = *lowest ? (*lowest)->slot : Slot{},
                                         .newest_final = newest_finalized_,
                                         .held_bytes = counts_.held_bytes});
    if (!below) {
        return;
    }
    const Result<std::size_t, ledger::StoreError> pruned = blocks_.prune(*below, prune_records_max);
    if (!pruned) {
        fail(pruned.error(), "pruning");
        return;
    }
    counts_.records_pruned += *pruned;
    if (*pruned == prune_records_max || (*pruned > 0 && counts_.short_of_space != 0)) {
        prune_at_ns_ = now_ns + prune_more_ns;
    }
    const Result<std::size_t, ledger::StoreError> proofs =
        proofs_.prune(*below, evidence_kinds_begin, prune_records_max);
    if (!proofs) {
        fail(proofs.error(), "pruning");
        return;
    }
    counts_.records_pruned += *proofs;
}

bool StoreTile::serve(std::uint64_t now_ns)
{
    const std::size_t count =
        links_.net_store.drain(requests_per_turn, [this, now_ns](const Packet& request) {
            const auto answer = server_.serve(request.payload(), now_ns);
            if (!answer) {
                return; // the server counted it
            }
            for (const Bytes& datagram : answer->datagrams) {
                Packet* const packet = links_.store_net.claim();
                if (packet == nullptr) {
                    ++counts_.net_link_full;
                    continue;
                }
                packet->lane = dataplane::Lane::repair;
                packet->peer = options_.roster.validators[answer->peer].repair;
                packet->set_payload(datagram);
                links_.store_net.commit();
            }
        });
    links_.store_net.publish();
    return count > 0;
}

void StoreTile::fail(ledger::StoreError error, const char* doing)
{
    failed_ = true;
    const bool space = error == ledger::StoreError::disk_full;
    node_.stop_node(exit_io,
                    std::string("ledger: writing ") + doing + " failed (" +
                        std::string(ledger::to_string(error)) +
                        (space ? "): free space or raise store.map_size_mb, then start again"
                               : "): check the disk, then start again"));
}

void StoreTile::publish(std::uint64_t now_ns)
{
    published_ns_ = now_ns;
    counts_.repair = server_.counters();
    counts_.used_bytes = env_.used_bytes();
    published_.publish(counts_);
}

void StoreTile::finish()
{
    while (collect()) {
    }
    const bool due = !sets_.empty() || !records_.empty() || !finalized_.empty();
    if (due && !failed_) {
        commit(monotonic_ns());
    }
    if (flush_ != nullptr && !failed_) {
        flush_accounts();
    }
    publish(monotonic_ns());
}

} // namespace belfry::node
