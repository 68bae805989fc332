// SPDX-License-Identifier: Apache-2.0
#pragma once
// repair_simulation.hpp: one node that lacks blocks and peers that have them, over a network that
// delays, loses and reorders by seed. Virtual time; the shipping planner, server, resolver and
// assembler.

#include "base/check.hpp"
#include "dataplane/fec/block_assembler.hpp"
#include "dataplane/fec/fec_resolver.hpp"
#include "dataplane/repair/recent_sets.hpp"
#include "dataplane/repair/repair_planner.hpp"
#include "dataplane/repair/repair_server.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <functional>
#include <memory>
#include <queue>

namespace belfry::dataplane::samples {

inline constexpr std::uint64_t ms = 1'000'000; // in ns
inline constexpr std::uint64_t slot_ns = 600 * ms;
inline constexpr std::uint16_t roster_count = 5; // 0 is the node under test

inline const std::vector<crypto::Keypair>& roster_keys()
{
    static const std::vector<crypto::Keypair> keys = [] {
        std::vector<crypto::Keypair> out;
        for (std::uint8_t i = 0; i < roster_count; ++i) {
            out.push_back(keypair(static_cast<std::uint8_t>(50 + i)));
        }
        return out;
    }();
    return keys;
}

inline std::vector<Pubkey> roster()
{
    std::vector<Pubkey> out;
    for (const crypto::Keypair& key : roster_keys()) {
        out.push_back(key.pubkey());
    }
    return out;
}

/// Windows of four slots among validators 1 to 4.
inline const crypto::Keypair& leader_key(Slot slot)
{
    return roster_keys()[1 + slot.value / 4 % (roster_count - 1)];
}

/// Blocks on one chain with some slots skipped.
inline std::vector<SampleBlock> make_chain(Random& random, std::size_t block_count,
                                           std::size_t stream_bytes_max)
{
    std::vector<SampleBlock> out;
    ledger::BlockRef parent = genesis_block();
    std::uint64_t slot = 0;
    for (std::size_t i = 0; i < block_count; ++i) {
        slot += random() % 5 == 0 ? 1 + random() % 4 : 1;
        out.push_back(make_block(leader_key(Slot{slot}), Slot{slot}, parent,
                                 random_bytes(random, 1 + random() % stream_bytes_max)));
        parent = out.back().ref;
    }
    return out;
}

/// A peer's store: every set of its chain, in memory.
class ChainSource : public SetSource {
public:
    ChainSource()
        : sets_({.bytes_max = std::size_t{1} << 30}, nullptr)
    {
    }
    void add(const SampleBlock& block)
    {
        for (const SetOut& set : block.sets) {
            sets_.add(set.set);
        }
        chain_.push_back({block.ref, static_cast<std::uint16_t>(block.sets.size())});
    }
    std::optional<ledger::ShredSet> set(const SetKey& key) override { return sets_.set(key); }
    std::optional<ledger::ShredSet> successor(const SetKey& key) override
    {
        return sets_.successor(key);
    }
    std::optional<ledger::ShredSet> set_of_block(const ledger::BlockRef& block,
                                                 std::uint32_t set_index) override
    {
        return sets_.set_of_block(block, set_index);
    }
    std::vector<ChainHint> chain_after(Slot slot, std::size_t count_max) override
    {
        std::vector<ChainHint> out;
        for (const ChainHint& hint : chain_) {
            if (hint.block.slot > slot && out.size() < count_max) {
                out.push_back(hint);
            }
        }
        return out;
    }
    Slot tip() override { return chain_.empty() ? Slot{0} : chain_.back().block.slot; }

private:
    RecentSets sets_;
    std::vector<ChainHint> chain_;
};

/// What a peer does with a request: datagrams to the asking node.
using Answerer = std::function<std::vector<Bytes>(ByteView request, std::uint64_t now_ns)>;

inline Answerer honest_peer(std::uint16_t index, SetSource& source)
{
    RepairServer::Options options;
    options.genesis = genesis();
    options.roster = roster();
    options.me = index;
    auto server = std::make_shared<RepairServer>(std::move(options), source);
    return [server](ByteView request, std::uint64_t now_ns) {
        auto answer = server->serve(request, now_ns);
        return answer ? std::move(answer->datagrams) : std::vector<Bytes>{};
    };
}

struct SimulationOptions {
    std::uint64_t seed = 0;
    unsigned loss_percent = 0;
    std::uint64_t delay_max_ns = 8 * ms;
    std::size_t bytes_per_ms = 40'000; // of the node's link; more waits in its queue
    std::size_t queue_bytes_max = 400'000;
    std::uint64_t finality_lag_slots = 32;
};

class Simulation {
public:
    explicit Simulation(const SimulationOptions& options)
        : options_(options)
        , random_(options.seed)
        , resolver_(resolver_setup())
        , assembler_({})
        , planner_(planner_setup(), roster_keys()[0], resolver_, assembler_)
        , peers_(roster_count)
        , tip_(genesis_block())
    {
        move_to(Slot{0});
    }

    void set_peer(std::uint16_t index, Answerer answer) { peers_[index] = std::move(answer); }
    [[nodiscard]] const ledger::BlockRef& tip() const { return tip_; }
    [[nodiscard]] std::uint64_t now_ns() const { return now_ns_; }
    [[nodiscard]] RepairPlanner& planner() { return planner_; }
    [[nodiscard]] FecResolver& resolver() { return resolver_; }
    [[nodiscard]] BlockAssembler& assembler() { return assembler_; }
    [[nodiscard]] std::uint64_t refused_count() const { return refused_count_; }

    /// A datagram of turbine, subject to loss.
    void send_turbine(ByteView datagram) { send({datagram.begin(), datagram.end()}, false); }

    /// The slot that the clock shows; the window moves with it.
    void move_to(Slot local)
    {
        local_ = local;
        update_position();
    }

    /// Runs until done() or the time; true if done.
    bool run_until(std::uint64_t end_ns, const std::function<bool()>& done)
    {
        constexpr std::uint64_t step_ns = 2 * ms;
        while (now_ns_ < end_ns) {
            if (done()) {
                return true;
            }
            now_ns_ += step_ns;
            deliver();
            for (RepairOut& request : planner_.plan(now_ns_)) {
                BELFRY_CHECK(request.peer != 0 && request.peer < roster_count); // others only
                if (lost() || !peers_[request.peer]) {
                    continue;
                }
                for (Bytes& answer : peers_[request.peer](request.datagram, now_ns_)) {
                    send(std::move(answer), true);
                }
            }
        }
        return done();
    }

private:
    struct Flight {
        std::uint64_t arrival_ns = 0;
        std::uint64_t number = 0;
        bool by_repair = false;
        Bytes datagram;
        bool operator>(const Flight& other) const
        {
            return std::tie(arrival_ns, number) > std::tie(other.arrival_ns, other.number);
        }
    };

    static FecResolver::Options resolver_setup()
    {
        FecResolver::Options out;
        out.genesis = genesis();
        out.leader_of = [](Slot slot) {
            return std::optional{leader_key(slot).pubkey()};
        };
        return out;
    }
    static RepairPlanner::Options planner_setup()
    {
        RepairPlanner::Options out;
        out.genesis = genesis();
        out.roster_count = roster_count;
        return out;
    }
    bool lost() { return random_() % 100 < options_.loss_percent; }
    void send(Bytes datagram, bool by_repair)
    {
        if (!lost() && queued_bytes_ + datagram.size() <= options_.queue_bytes_max) {
            queued_bytes_ += datagram.size();
            const std::uint64_t delay_ns = 1 * ms + random_() % options_.delay_max_ns;
            flights_.push({now_ns_ + delay_ns, ++flight_count_, by_repair, std::move(datagram)});
        }
    }
    void deliver()
    {
        std::size_t budget_bytes = options_.bytes_per_ms * 2;
        while (!flights_.empty() && flights_.top().arrival_ns <= now_ns_ &&
               flights_.top().datagram.size() <= budget_bytes) {
            const Flight flight = flights_.top();
            flights_.pop();
            queued_bytes_ -= flight.datagram.size();
            budget_bytes -= flight.datagram.size();
            if (kind_of_datagram(flight.datagram) == kind_chain_hints) {
                planner_.on_hints(flight.datagram, now_ns_);
                continue;
            }
            const ShredSource source =
                flight.by_repair ? ShredSource::repair : ShredSource::turbine;
            auto accepted =
                resolver_.accept(flight.datagram, {.source = source, .now_ns = now_ns_});
            if (!accepted) {
                ++refused_count_;
            } else if (accepted->completed) {
                const auto blocks = assembler_.add(std::move(accepted->completed->set));
                for (const ledger::Block& block : blocks) {
                    children_[block.parent].push_back(block.ref);
                }
                if (!blocks.empty()) {
                    replay();
                }
            }
        }
    }
    /// The chain from genesis with most whole blocks, as a fork choice would come to it when all
    /// vote there; replay takes no time here.
    void replay()
    {
        std::map<ledger::BlockRef, std::size_t> depth_below; // parents after children
        for (auto at = children_.rbegin(); at != children_.rend(); ++at) {
            for (const ledger::BlockRef& child : at->second) {
                std::size_t& depth = depth_below[at->first];
                depth = std::max(depth, 1 + depth_below[child]);
            }
        }
        chain_.clear();
        tip_ = genesis_block();
        for (auto next = children_.find(tip_); next != children_.end();
             next = children_.find(tip_)) {
            chain_.push_back(tip_);
            tip_ = *std::ranges::max_element(next->second, {},
                                             [&](const auto& child) { return depth_below[child]; });
        }
        update_position();
    }
    void update_position()
    {
        RepairPlanner::Position position;
        position.finalized = genesis_block();
        for (const ledger::BlockRef& block : chain_) {
            if (block.slot.value + options_.finality_lag_slots <= tip_.slot.value) {
                position.finalized = block;
            }
        }
        position.replayed = tip_.slot;
        position.local = std::max(local_, tip_.slot);
        planner_.set_position(position);
    }

    SimulationOptions options_;
    Random random_;
    FecResolver resolver_;
    BlockAssembler assembler_;
    RepairPlanner planner_;
    std::vector<Answerer> peers_;
    ledger::BlockRef tip_;
    Slot local_;
    std::vector<ledger::BlockRef> chain_;
    std::map<ledger::BlockRef, std::vector<ledger::BlockRef>> children_;
    std::priority_queue<Flight, std::vector<Flight>, std::greater<>> flights_;
    std::size_t queued_bytes_ = 0;
    std::uint64_t flight_count_ = 0;
    std::uint64_t now_ns_ = 0;
    std::uint64_t refused_count_ = 0;
};

} // namespace belfry::dataplane::samples
