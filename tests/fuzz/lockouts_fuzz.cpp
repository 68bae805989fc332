// SPDX-License-Identifier: Apache-2.0
// lockouts_fuzz: votes, looks at later slots and finality as the bytes say: a tower holds what the
// slow one holds, and a vote with it is written and read as the same.
#include "base/check.hpp"
#include "consensus/tower/tower_vote.hpp"
#include "tests/base/choices.hpp"
#include "tests/consensus/slow_tower.hpp"

namespace {

using namespace belfry;            // NOLINT(google-build-using-namespace)
using namespace belfry::consensus; // NOLINT(google-build-using-namespace)

void check(const Tower& tower, const SlowTower& slow)
{
    BELFRY_CHECK(shown(tower) == slow.shown());
    BELFRY_CHECK(well_formed(tower.root(), tower.entries()));
    BELFRY_CHECK(tower.empty() || tower.top() == tower.below_top(0));
    if (tower.empty()) {
        return;
    }
    const TowerVote vote{
        .voter = ValidatorIndex{3}, .tower = tower, .block_id = {}, .state_hash = {}};
    Bytes body;
    encode_tower_vote(vote, body);
    const auto again = decode_tower_vote(body);
    BELFRY_CHECK(again.has_value() && again->tower == tower);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Choices choices{ByteView(data, size)};
    Tower tower;
    SlowTower slow;
    std::uint64_t slot = 0;
    for (int step = 0; choices.more() && step < 500; ++step) {
        const std::uint64_t draw = choices();
        if (draw < 230) { // mostly steps of one, so that towers grow deep
            slot += draw < 190 ? 1 : draw < 220 ? 1 + choices() % 8 : 1 + choices.up_to(60'000);
            const std::optional<Lockout> rooted = tower.push(Slot{slot});
            const std::optional<std::uint64_t> expected = slow.push(slot);
            BELFRY_CHECK(rooted.has_value() == expected.has_value());
            BELFRY_CHECK(!rooted || rooted->slot.value == *expected);
        } else if (draw < 245) {
            const std::uint64_t later = slot + choices();
            const std::size_t depth = tower.depth();
            const std::size_t binding = tower.binding_count(Slot{later});
            tower.expire(Slot{later});
            slow.expire(later);
            BELFRY_CHECK(tower.depth() == binding && binding <= depth);
        } else {
            const std::uint64_t upto = slot - std::min<std::uint64_t>(slot, choices());
            if (Slot{upto} >= tower.root()) {
                tower.drop_through(Slot{upto});
                slow.drop_through(upto);
            }
        }
        check(tower, slow);
    }
    return 0;
}
