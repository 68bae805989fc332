// SPDX-License-Identifier: Apache-2.0
// repair_plan_fuzz: votes, hints, shreds, lies and time as the bytes say, then an honest network:
// requests keep their bounds and go to others of the roster, every block of the chain comes, what
// is final is asked for no more, and blocks above it that only liars named are let go in time.
#include "base/check.hpp"
#include "tests/base/choices.hpp"
#include "tests/dataplane/repair_simulation.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace belfry;                     // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane;          // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane::samples; // NOLINT(google-build-using-namespace)

const std::vector<SampleBlock>& chain()
{
    static const std::vector<SampleBlock> only = [] {
        Random random(3);
        return make_chain(random, 5, 40'000);
    }();
    return only;
}

ChainSource& store()
{
    static ChainSource only;
    static const bool filled = [] {
        for (const SampleBlock& block : chain()) {
            only.add(block);
        }
        return true;
    }();
    BELFRY_CHECK(filled);
    return only;
}

/// A peer that sometimes says nothing, something spoilt, or something of another question.
Answerer moody_peer(std::uint16_t index, Choices& choices)
{
    return [&choices, kept = std::vector<Bytes>{},
            honest = honest_peer(index, store())](ByteView request, std::uint64_t now_ns) mutable {
        // What planner and network ask for is ours to check too.
        BELFRY_CHECK(request.size() == repair_request_bytes);
        std::vector<Bytes> answer = honest(request, now_ns);
        const std::uint64_t mood = choices();
        if (mood >= 60 && mood < 90) {
            answer.clear();
        } else if (mood >= 90 && mood < 120 && !answer.empty()) {
            Bytes& one = answer[choices() % answer.size()];
            one[choices.up_to(one.size() - 1)] ^= static_cast<std::uint8_t>(1 + choices() % 255);
        } else if (mood >= 120 && mood < 150) {
            std::swap(answer, kept);
        } else if (mood >= 150 && mood < 170) {
            answer.resize(answer.size() / 2);
        }
        return answer;
    };
}

void act(Simulation& simulation, Choices& choices)
{
    const std::uint64_t draw = choices();
    const SampleBlock& block = chain()[choices() % chain().size()];
    switch (draw % 6) {
    case 0:
        simulation.planner().want(block.ref);
        break;
    case 1: { // a block that does not exist
        ledger::BlockRef made_up = block.ref;
        made_up.id.bytes[3] ^= static_cast<std::uint8_t>(1 + draw / 6);
        simulation.planner().want(made_up);
        break;
    }
    case 2:
        simulation.planner().note_slot_seen(block.ref.slot);
        break;
    case 3: {
        const SetDatagrams& set = block.sets[choices() % block.sets.size()].datagrams;
        for (std::uint64_t i = choices() % 24; i > 0; --i) {
            simulation.send_turbine(set.at((draw + i) % set.count()));
        }
        break;
    }
    case 4: {
        ChainHints hints{.echo = draw, .tip = block.ref.slot, .after = {}, .hints = {}};
        hints.hints.push_back({block.ref, 1});
        simulation.planner().on_hints(write_chain_hints(hints, Prefix(genesis())),
                                      simulation.now_ns());
        break;
    }
    default:
        (void)simulation.run_until(simulation.now_ns() + (1 + draw) * ms, [] { return false; });
    }
    const RepairPlanner::Options bounds;
    // What one request asks for may stand above what was allowed before it.
    BELFRY_CHECK(simulation.planner().in_flight_shreds() <=
                 bounds.in_flight_shreds_max + 4 * set_shreds_max);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Choices choices{ByteView(data, size)};
    Simulation simulation({.seed = choices(), .loss_percent = 5});
    for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
        simulation.set_peer(peer, moody_peer(peer, choices));
    }
    for (int step = 0; choices.more() && step < 30; ++step) {
        act(simulation, choices);
    }
    for (std::uint16_t peer = 1; peer < roster_count; ++peer) {
        simulation.set_peer(peer, honest_peer(peer, store()));
    }
    const ledger::BlockRef& tip = chain().back().ref;
    simulation.move_to(tip.slot);
    const auto done = [&] {
        return simulation.tip() == tip;
    };
    for (int second = 0; second < 60 && !done(); ++second) {
        simulation.planner().note_slot_seen(tip.slot);
        simulation.planner().want(tip); // as votes go on naming it
        (void)simulation.run_until(simulation.now_ns() + 1000 * ms, done);
    }
    BELFRY_CHECK(done());
    simulation.planner().set_position({.finalized = tip, .replayed = tip.slot, .local = tip.slot});
    (void)simulation.planner().plan(simulation.now_ns());
    const std::set<ledger::BlockRef>& wanted = simulation.assembler().wanted();
    const auto lies_only = std::ranges::all_of(
        wanted, [&](const ledger::BlockRef& block) { return block.slot > tip.slot; });
    BELFRY_CHECK(lies_only);
    BELFRY_CHECK(!wanted.empty() || simulation.planner().in_flight_shreds() == 0);
    // block_attempts_max requests of timeout_max_ns each at the most, and some for a guide's end.
    BELFRY_CHECK(simulation.run_until(simulation.now_ns() + 60'000 * ms, [&] {
        return wanted.empty() && simulation.planner().in_flight_shreds() == 0;
    }));
    return 0;
}
