// SPDX-License-Identifier: Apache-2.0
#pragma once
// silence.hpp: why a node signs nothing, as `belfry status`, /readyz and the log say it.

#include <cstdint>
#include <string_view>

namespace belfry::node {

enum class Silence : std::uint8_t {
    none,                // it signs
    listening,           // just started (recall.hpp)
    no_journal,          // and nobody said that the identity is new
    journal_is_old,      // the others know of own statements that the journal does not
    identity_elsewhere,  // another process uses the key
    root_conflicts,      // the own root is not on the final chain
    stakes_refused,      // of an epoch
    certificates_clash,  // more than a third of the stake lies
    final_block_invalid, // what the others made final does not replay here
    journal_failed,      // a write; the node ends
};

[[nodiscard]] constexpr std::string_view to_string(Silence why)
{
    switch (why) {
    case Silence::none:
        return "";
    case Silence::listening:
        return "just started: two thirds of the stake have not yet said what they heard of this "
               "node before";
    case Silence::no_journal:
        return "there is no vote journal (and no --new-identity)";
    case Silence::journal_is_old:
        return "the others know of votes of this key that its journal does not: the data directory "
               "is an older copy, or another process votes with the key";
    case Silence::identity_elsewhere:
        return "another process votes with this node's key";
    case Silence::root_conflicts:
        return "this node's root is not on the final chain";
    case Silence::stakes_refused:
        return "the stakes of an epoch were refused";
    case Silence::certificates_clash:
        return "two final certificates contradict: more than a third of stake is dishonest";
    case Silence::final_block_invalid:
        return "what the others made final does not replay here; this disk or memory may be faulty";
    case Silence::journal_failed:
        return "the vote journal could not be written";
    }
    return "unknown";
}

} // namespace belfry::node
