// SPDX-License-Identifier: Apache-2.0
#include "node/tiles/bank_tile.hpp"

#include "crypto/base58.hpp"
#include "exec/in_flight.hpp"
#include "node/tiles/bank_chain_queries.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace belfry::node {
namespace {

constexpr std::size_t transactions_per_turn = 1024;
constexpr std::size_t questions_per_turn = 256;
constexpr std::size_t forwards_per_turn = 512;
constexpr std::size_t blocks_waiting_max = 2048;
constexpr std::size_t batch_transactions_max = 1024; // of one entry
constexpr std::size_t stream_piece_bytes = std::size_t{32} * 1024;
constexpr std::uint64_t ticks_per_turn = 32; // when skipped slots' ticks are made up for
constexpr std::uint64_t long_silence_slots = 8;
constexpr std::uint64_t leader_slots_ahead = 8;
constexpr std::uint64_t bank_publish_interval_ns = 100'000'000;

} // namespace

BankTile::BankTile(Options options, std::unique_ptr<exec::Bank> bank,
                   consensus::LeaderSchedule schedule, Links& links, Logger& logger,
                   const Latch& stop)
    : options_(std::move(options))
    , prefix_(bank->genesis_hash())
    , bank_(std::move(bank))
    , gate_(exec::PoolGate::Options{})
    , pool_({}, exec::ExecutionRules::from(options_.genesis))
    , schedule_(std::move(schedule))
    , links_(links)
    , log_(logger, {.tile = "bank",
                    .interval = std::chrono::milliseconds(options_.genesis.slot_ms * 3 / 4)})
    , stop_(stop)
    , silence_(options_.genesis.hashes_per_tick)
    , slot_(options_.tip.slot)
{
    for (const BlockSummary& block : options_.history) {
        history_.add(block);
    }
    const auto observer = [this](exec::PoolEvent event, const ledger::Transaction& transaction) {
        note(event, transaction);
    };
    pool_.observe(observer);
    gate_.observe(observer);
    levels_.finalized = bank_->finalized().ref();
    levels_.confirmed = levels_.finalized;
    levels_.processed = options_.tip;
    publish(monotonic_ns());
}

void BankTile::note(const Signature& signature, const TrailEvent& event)
{
    TrailEvent timed = event;
    timed.time_ns = now_ns_;
    trail_.note(signature, timed);
}

void BankTile::note(exec::PoolEvent event, const ledger::Transaction& transaction)
{
    const bool packs = event == exec::PoolEvent::packed && building_.has_value();
    note(transaction.signature(0),
         {.stage = trail_stage(event), .slot = packs ? building_->order.slot : slot_});
}

const Pubkey& BankTile::leader_key(Slot slot)
{
    return options_.roster.validators[schedule_.leader_at(slot).value].key;
}

bool BankTile::has_input() const
{
    return !links_.verify_bank.empty() || !links_.shred_bank.empty() ||
           !links_.consensus_bank.empty() || !links_.rpc_bank.empty();
}

std::chrono::nanoseconds BankTile::sleep_max() const
{
    if (!queue_.empty() && !building_) {
        return std::chrono::nanoseconds(0);
    }
    if (!building_) {
        return std::chrono::milliseconds(100);
    }
    const std::uint64_t now = monotonic_ns();
    const BuildOrder& order = building_->order;
    if (now >= order.deadline_ns) {
        return std::chrono::nanoseconds(0);
    }
    const std::uint64_t tick_ns =
        (order.deadline_ns - order.begin_ns) / options_.genesis.ticks_per_slot;
    const std::uint64_t into =
        (now - std::min(now, order.begin_ns)) % std::max<std::uint64_t>(1, tick_ns);
    return std::chrono::nanoseconds(std::min(tick_ns - into, order.deadline_ns - now));
}

bool BankTile::work(std::uint64_t now_ns)
{
    now_ns_ = now_ns;
    bool busy = take_orders();
    busy = take_transactions() || busy;
    busy = take_blocks() || busy;
    busy = answer_questions() || busy;
    busy = forward() || busy;
    busy = (building_ && build(*building_, now_ns)) || busy;
    busy = (!is_building() && replay_next()) || busy; // a block to wait for may be among them
    if (!busy) {
        busy = follow_silence();
    }
    if (now_ns - published_ns_ >= bank_publish_interval_ns) {
        publish(now_ns);
    }
    return busy;
}

bool BankTile::take_orders()
{
    const Levels before = levels_;
    const bool busy = links_.consensus_bank.drain(1024, [this](const ConsensusToBank& order) {
        if (const auto* build = std::get_if<BuildOrder>(&order)) {
            begin_block(*build);
        } else if (const auto* processed = std::get_if<ProcessedBlock>(&order)) {
            if (bank_->find(processed->ref.id) != nullptr) {
                levels_.processed = processed->ref;
            }
        } else if (const auto* confirmed = std::get_if<ConfirmedBlock>(&order)) {
            if (bank_->find(confirmed->ref.id) != nullptr &&
                confirmed->ref.slot > levels_.confirmed.slot) {
                levels_.confirmed = confirmed->ref;
            }
        } else if (const auto* final = std::get_if<FinalizedBlock>(&order)) {
            finalize(final->ref);
        } else if (const auto* begun = std::get_if<SlotBegun>(&order)) {
            begin_slot(begun->slot);
        }
    }) > 0;
    if (busy) {
        tell_levels(before);
    }
    return busy;
}

void BankTile::finalize(const ledger::BlockRef& ref)
{
    StoreFinalized final;
    std::vector<const exec::BlockState*> chain;
    const exec::BlockState* block = bank_->find(ref.id);
    while (block != nullptr && block->slot() > bank_->finalized().slot()) {
        chain.push_back(block);
        block = block->parent;
    }
    if (chain.empty()) {
        return;
    }
    for (const exec::BlockState* newly : chain | std::views::reverse) {
        final.blocks.push_back(newly->ref());
        newly_final_.push_back({newly->ref(), newly->anchor.parent.slot});
        history_.add(summary_of(*newly, leader_key(newly->slot())));
        std::uint32_t index = 0;
        for (const exec::TransactionStatus& status : newly->statuses) {
            Bytes outcome;
            ByteWriter writer(outcome);
            exec::encode_outcome(status, writer);
            final.signatures.push_back({.signature = status.first_signature,
                                        .block = newly->ref(),
                                        .index = index++,
                                        .outcome = std::move(outcome)});
        }
    }
    finalized_since_flush_ += static_cast<std::uint32_t>(chain.size());
    push_or_wait(links_.bank_store, BankToStore(std::move(final)), stop_);
    (void)bank_->set_finalized(ref.id);
    levels_.finalized = ref;
    for (ledger::BlockRef* level : {&levels_.confirmed, &levels_.processed}) {
        if (bank_->find(level->id) == nullptr) {
            *level = ref;
        }
    }
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        const auto here = next++;
        waiting_count_ -= std::erase_if(
            here->second, [&ref](const auto& held) { return held->ref.slot <= ref.slot; });
        if (here->second.empty()) {
            waiting_.erase(here);
        }
    }
    if (finalized_since_flush_ >= options_.account_flush_blocks) {
        flush_accounts();
    }
}

void BankTile::flush_accounts()
{
    finalized_since_flush_ = 0;
    std::optional<exec::Flush> flush = bank_->take_flush();
    if (flush) {
        push_or_wait(links_.bank_store, BankToStore(StoreAccounts{std::move(*flush)}), stop_);
    }
}

bool BankTile::take_transactions()
{
    const exec::PoolGate::View view = gate_view(*bank_, levels_);
    return links_.verify_bank.drain(transactions_per_turn, [this,
                                                            &view](AdmittedTransaction& admitted) {
        const exec::PoolGate::Arrival arrival{.transaction = *admitted.transaction,
                                              .origin = admitted.forwarded ? exec::Origin::forwarded
                                                                           : exec::Origin::direct,
                                              .received = slot_};
        if (gate_.admit(arrival, view) == exec::PoolGate::Verdict::enter) {
            // A duplicate or a full pool is the pool's to count.
            (void)pool_.insert(arrival.transaction, arrival.origin, arrival.received);
        }
    }) > 0;
}

bool BankTile::take_blocks()
{
    return links_.shred_bank.drain(256, [this](ShredToBank& message) {
        if (const auto* sealed = std::get_if<SealedBlock>(&message)) {
            seal(*sealed);
            return;
        }
        queue_.push_back(std::move(std::get<CompleteBlock>(message).block));
    }) > 0;
}

bool BankTile::replay_next()
{
    if (queue_.empty()) {
        return false;
    }
    std::unique_ptr<ledger::Block> block = std::move(queue_.front());
    queue_.pop_front();
    replay(std::move(block));
    return true;
}

void BankTile::replay(std::unique_ptr<ledger::Block> block)
{
    const ledger::BlockRef ref = block->ref;
    const exec::BlockInFlight mark(&ref);
    const bool known = bank_->find(ref.id) != nullptr;
    const auto result = bank_->replay({.block = block.get(),
                                       .leader = leader_key(block->ref.slot),
                                       .verified_before =
                                           [this](const ledger::Transaction& transaction) {
                                               return pool_.holds_exactly(transaction);
                                           },
                                       .known_ticks = silence_.ticks_after(block->parent.id)});
    if (!result) {
        refuse(std::move(block), result.error());
        return;
    }
    if (block->ref.slot.value > block->parent.slot.value + long_silence_slots) {
        const exec::BlockState* const parent = bank_->find(block->parent.id);
        if (parent != nullptr) { // the next leader may build on it too
            silence_.follow(parent->id(), parent->blockhash());
        }
    }
    if (!known) {
        executed(**result, {.parent = block->parent,
                            .set_roots = std::move(block->set_roots),
                            .certificates = ledger::certificates_of(block->stream)});
    }
}

void BankTile::refuse(std::unique_ptr<ledger::Block> block, exec::BlockError why)
{
    ++counts_.refused[static_cast<std::size_t>(why)];
    if (why == exec::BlockError::unknown_parent || why == exec::BlockError::too_many_blocks) {
        if (waiting_count_ < blocks_waiting_max && block->ref.slot > levels_.finalized.slot) {
            ++waiting_count_;
            waiting_[block->parent.id].push_back(std::move(block));
        } else {
            ++counts_.waiting_dropped;
        }
        return;
    }
    if (why == exec::BlockError::quarantined && block->ref.slot > counts_.quarantined) {
        counts_.quarantined = block->ref.slot;
        log_.error("block.quarantined",
                   "block {} of slot {} is not replayed: this node died of it more than once",
                   crypto::to_base58(block->ref.id), block->ref.slot.value);
    }
    if (exec::proves_invalid(why)) {
        log_.warning("block.invalid", "slot {} is invalid: {}", block->ref.slot.value,
                     exec::to_string(why));
        push_or_wait(links_.bank_consensus,
                     ReplayedBlock{.ref = block->ref, .parent = block->parent}, stop_);
    }
}

void BankTile::executed(const exec::BlockState& state, Executed block)
{
    pool_.on_block_processed(state.statuses);
    for (const exec::TransactionStatus& status : state.statuses) {
        note(status.first_signature, {.stage = TrailStage::processed, .slot = state.slot()});
    }
    push_or_wait(links_.bank_store,
                 BankToStore(StoreBlock{{.ref = state.ref(),
                                         .parent = block.parent,
                                         .height = state.height(),
                                         .set_roots = std::move(block.set_roots)}}),
                 stop_);
    push_or_wait(links_.bank_consensus,
                 ReplayedBlock{.ref = state.ref(),
                               .parent = block.parent,
                               .valid = true,
                               .state_hash = state.state_hash(),
                               .certificates = std::move(block.certificates)},
                 stop_);
    const auto children = waiting_.extract(state.id());
    if (!children.empty()) {
        waiting_count_ -= children.mapped().size();
        for (std::unique_ptr<ledger::Block>& child : children.mapped()) {
            queue_.push_front(std::move(child));
        }
    }
}

void BankTile::begin_block(const BuildOrder& order)
{
    if (is_building() || sealing_ != nullptr) {
        ++counts_.blocks_abandoned; // two own slots at once: the older goes on
        return;
    }
    if (building_) {
        ++counts_.blocks_abandoned; // nothing of it was made; what was hashed for it is kept
    }
    building_ = Building{order, nullptr};
}

/// What lies between the parent and the own slot, a few ticks at a time. False when all is there.
bool BankTile::make_up_for_silence(const BuildOrder& order)
{
    const exec::BlockState* const parent = bank_->find(order.parent.id);
    if (parent == nullptr) {
        return false; // start_builder() says so
    }
    silence_.follow(parent->id(), parent->blockhash());
    return hash_silence(*parent, order.slot, ticks_per_turn);
}

bool BankTile::start_builder(Building& building)
{
    auto builder =
        bank_->start_block({.slot = building.order.slot,
                            .parent_id = building.order.parent.id,
                            .leader = options_.roster.validators[options_.roster.me].key});
    if (!builder) {
        ++counts_.refused[static_cast<std::size_t>(builder.error())];
        return false;
    }
    (*builder)->take_known_ticks(silence_.ticks_after(building.order.parent.id));
    building.builder = std::move(*builder);
    return true;
}

/// Up to the slot before that one.
bool BankTile::hash_silence(const exec::BlockState& after, Slot before, std::uint64_t tick_count)
{
    if (before.value <= after.slot().value + 1) {
        return false;
    }
    const std::uint64_t silent_slots = before.value - after.slot().value - 1;
    return silence_.advance(after.id(), silent_slots * options_.genesis.ticks_per_slot, tick_count);
}

/// Hashes the ticks of slots that have passed since the newest block, a few at a time. In a long
/// silence the next block may stand on another one, so those that were built on are followed too.
bool BankTile::follow_silence()
{
    const exec::BlockState* const tip = bank_->find(levels_.processed.id);
    if (silence_.followed().front() != tip->id()) {
        silence_.follow(tip->id(), tip->blockhash());
    }
    if (hash_silence(*tip, slot_, ticks_per_turn)) {
        return true;
    }
    if (slot_.value < tip->slot().value + long_silence_slots) {
        return false;
    }
    return std::ranges::any_of(silence_.followed(), [this](const Hash& id) {
        const exec::BlockState* const block = bank_->find(id);
        return block != nullptr && hash_silence(*block, slot_, ticks_per_turn);
    });
}

bool BankTile::build(Building& building, std::uint64_t now_ns)
{
    const BuildOrder& order = building.order;
    const ledger::BlockRef own{order.slot, {}};
    const exec::BlockInFlight mark(&own);
    if (building.builder == nullptr) {
        if (make_up_for_silence(order)) {
            return true;
        }
        if (!start_builder(building)) {
            building_.reset();
            return true;
        }
    }
    exec::BlockBuilder& builder = *building.builder;
    const std::uint64_t slot_ticks = options_.genesis.ticks_per_slot;
    const std::uint64_t skipped = builder.ticks_total() - slot_ticks;
    std::uint64_t due = builder.ticks_total();
    if (now_ns < order.deadline_ns) {
        const std::uint64_t elapsed = now_ns - std::min(now_ns, order.begin_ns);
        due = skipped + (elapsed * slot_ticks / (order.deadline_ns - order.begin_ns));
        due = std::min(due, builder.ticks_total() - 1);
    }
    const std::uint64_t done = builder.ticks_done();
    if (due <= done && now_ns < order.deadline_ns) {
        return false;
    }
    if (done < skipped) {
        builder.do_ticks(std::min(ticks_per_turn, skipped - done));
        return true;
    }
    if (order.pack) {
        pack(builder);
    }
    if (now_ns < order.deadline_ns) {
        builder.do_ticks(due - std::min(due, builder.ticks_done()));
        if (builder.stream_bytes_waiting() >= stream_piece_bytes) {
            push_stream(building, false);
        }
        return true;
    }
    (void)builder.finish(order.certificates);
    push_stream(building, true);
    sealing_ = std::move(building.builder);
    building_.reset();
    return true;
}

void BankTile::pack(exec::BlockBuilder& builder)
{
    const std::span<const ledger::Transaction* const> batch = pool_.take_batch(
        {.transactions_max = batch_transactions_max,
         .stream_bytes_max = builder.stream_bytes_left()},
        [&builder](const Hash& blockhash) { return builder.blockhash_age(blockhash); });
    if (!batch.empty()) {
        pool_.settle(builder.add(batch));
    }
}

void BankTile::push_stream(Building& building, bool last)
{
    push_or_wait(links_.bank_shred,
                 OwnStream{.slot = building.order.slot,
                           .parent = building.order.parent,
                           .piece = building.builder->take_stream(),
                           .last = last},
                 stop_);
}

void BankTile::seal(const SealedBlock& sealed)
{
    if (sealing_ == nullptr || sealing_->slot() != sealed.ref.slot) {
        return; // an own block of before the last restart came back
    }
    const ledger::BlockRef parent = sealing_->parent();
    const auto state = bank_->seal(std::exchange(sealing_, nullptr), sealed.ref.id);
    if (!state) {
        ++counts_.blocks_abandoned;
        pool_.release_packed();
        return;
    }
    executed(**state, {.parent = parent, .set_roots = sealed.set_roots, .certificates = {}});
}

void BankTile::begin_slot(Slot slot)
{
    slot_ = slot;
    next_leaders_.clear();
    for (std::uint64_t ahead = 0; ahead < leader_slots_ahead; ++ahead) {
        const std::uint16_t leader = schedule_.leader_at(Slot{slot.value + ahead}).value;
        if (leader != options_.roster.me &&
            std::ranges::find(next_leaders_, leader) == next_leaders_.end()) {
            next_leaders_.push_back(leader);
        }
    }
    const exec::BlockState* const tip = bank_->find(levels_.processed.id);
    pool_.expire(slot, [this, tip](const Hash& blockhash) {
        return bank_->blockhash_age(tip->id(), blockhash);
    });
    const exec::PoolGate::View view = gate_view(*bank_, levels_);
    for (const exec::PoolGate::Arrival& arrival : gate_.look_again(slot, view)) {
        (void)pool_.insert(arrival.transaction, arrival.origin, arrival.received);
    }
    log_.flush_due();
}

bool BankTile::forward()
{
    const std::uint64_t window = slot_.value / consensus::slots_per_window;
    const std::size_t count =
        pool_.plan_forwards(window, forwards_per_turn,
                            [this](const ledger::Transaction& waiting) { forward_one(waiting); });
    links_.bank_net.publish();
    return count > 0;
}

void BankTile::forward_one(const ledger::Transaction& transaction)
{
    dataplane::write_forward(prefix_, transaction.wire(), forward_bytes_);
    const Signature signature = transaction.signature(0);
    for (const std::uint16_t leader : next_leaders_) {
        Packet* const packet = links_.bank_net.claim();
        if (packet == nullptr) {
            ++counts_.net_link_full;
            note(signature, {.stage = TrailStage::forward_link_full, .slot = slot_});
            return;
        }
        packet->lane = dataplane::Lane::forwards;
        packet->peer = options_.roster.validators[leader].forwards;
        packet->set_payload(forward_bytes_);
        links_.bank_net.commit();
        ++counts_.forwards_sent;
    }
    if (!next_leaders_.empty()) {
        note(signature, {.stage = TrailStage::forwarded,
                         .slot = slot_,
                         .detail = static_cast<std::uint32_t>(next_leaders_.size())});
    }
}

bool BankTile::answer_questions()
{
    const QueryContext context{.genesis = options_.genesis,
                               .roster = options_.roster,
                               .levels = levels_,
                               .history = history_,
                               .schedule = schedule_,
                               .bank = *bank_,
                               .pool = pool_,
                               .gate = gate_,
                               .local = slot_,
                               .faucet = options_.faucet ? &*options_.faucet : nullptr,
                               .airdrop_count = airdrop_count_};
    return links_.rpc_bank.drain(questions_per_turn, [this, &context](const RpcQuestion& question) {
        if (!links_.bank_rpc.push(answer(question, context))) {
            ++counts_.rpc_link_full; // RPC answers with a timeout
        }
    }) > 0;
}

/// RPC hears what is new at each level; a full link loses it, and the next event tells of less.
void BankTile::tell_levels(const Levels& before)
{
    ChainEvent event = chain_event(*bank_, before, levels_, newly_final_);
    newly_final_.clear();
    if (event.processed.empty() && event.confirmed.empty() && event.finalized.empty()) {
        return;
    }
    const Slot root = event.root;
    if (!links_.bank_rpc.push(
            Reply{.id = chain_event_id, .context = root, .body = std::move(event)})) {
        ++counts_.rpc_link_full;
    }
}

void BankTile::publish(std::uint64_t now_ns)
{
    published_ns_ = now_ns;
    const exec::BlockState& final = bank_->finalized();
    const exec::BlockState* const tip = bank_->find(levels_.processed.id);
    counts_.bank = bank_->counters();
    counts_.pool = pool_.counters();
    counts_.gate = gate_.counters();
    counts_.pool_size = pool_.size();
    counts_.accounts = bank_->account_count();
    counts_.blocks_waiting = waiting_count_;
    counts_.transaction_count = final.anchor.transaction_count;
    counts_.processed_height = tip != nullptr ? tip->height() : final.height();
    counts_.processed = levels_.processed.slot;
    counts_.confirmed = levels_.confirmed.slot;
    counts_.finalized = levels_.finalized.slot;
    counts_.finalized_id = final.id();
    counts_.finalized_state_hash = final.state_hash();
    published_.publish(counts_);
}

void BankTile::finish()
{
    (void)take_orders();
    flush_accounts();
    publish(monotonic_ns());
    log_.flush_all();
}

} // namespace belfry::node
