// SPDX-License-Identifier: Apache-2.0
// Claim: hearing a notarize or finalize costs well under a microsecond, also when a hundred engines
// of a hundred validators take turns, as in the simulator.
// Run:   build/release/bench/certificate
#include "consensus/certificate/gadget.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

namespace {

using namespace belfry::consensus; // NOLINT(google-build-using-namespace): one small program
using belfry::Slot;
using belfry::Stake;

constexpr std::size_t voter_count = 100;

struct Node {
    JournalCounter counter;
    CertificateGadget gadget{{.self = ValidatorIndex{0}, .may_sign = true}, counter};
    Effects effects;
};

/// All slots of a run: everybody's notarize, then everybody's finalize, heard by each node in turn.
void hear_slots(benchmark::State& state)
{
    const auto node_count = static_cast<std::size_t>(state.range(0));
    const std::vector<Stake> stakes(voter_count, Stake{1});
    std::vector<std::unique_ptr<Node>> nodes;
    for (std::size_t i = 0; i < node_count; ++i) {
        nodes.push_back(std::make_unique<Node>());
        nodes.back()->gadget.begin_epoch(
            {}, {.number = {}, .first_slot = {}, .stakes = stakes, .schedule = {}},
            nodes.back()->effects);
    }
    std::uint64_t slot = 0;
    BlockName parent;
    std::int64_t heard = 0;
    for (auto _ : state) {
        ++slot;
        BlockName block{.slot = Slot{slot}, .id = {}};
        block.id.bytes[0] = static_cast<std::uint8_t>(slot);
        const belfry::consensus::Tick now{slot * 600'000'000};
        for (const auto& node : nodes) {
            node->effects.clear();
            node->gadget.tick(now, Slot{slot}, node->effects);
            node->gadget.ready(now,
                               {.block = block,
                                .parent = parent,
                                .validity = Validity::valid,
                                .state_hash = {},
                                .author = {}},
                               node->effects);
        }
        for (const bool final : {false, true}) {
            for (std::size_t voter = 1; voter < voter_count; ++voter) {
                const ValidatorIndex who{static_cast<std::uint16_t>(voter)};
                const Statement statement =
                    final ? Statement::finalize(who, Slot{slot}) : Statement::notarize(who, block);
                const StatementBody body = encode_statement(statement);
                for (const auto& node : nodes) {
                    node->effects.clear();
                    node->gadget.hear(
                        now,
                        {.from = who, .body = body.view(), .kind = statement.kind, .signature = {}},
                        node->effects);
                    ++heard;
                }
            }
        }
        for (const auto& node : nodes) {
            node->effects.clear();
            node->gadget.persisted(now, *node->counter.last(), node->effects);
        }
        parent = block;
    }
    if (nodes.front()->gadget.finalized().slot != Slot{slot}) {
        state.SkipWithError("nothing became final");
    }
    state.SetItemsProcessed(heard);
}
BENCHMARK(hear_slots)->Arg(1)->Arg(100);

} // namespace

BENCHMARK_MAIN();
