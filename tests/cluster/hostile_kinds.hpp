// SPDX-License-Identifier: Apache-2.0
#pragma once
// hostile_kinds.hpp: datagrams that no honest node or client sends, kind by kind, each with the
// lane it attacks and the counter that must tell of it. For the flood tool and for tests. Rule what
// is made here is as close to good as the kind allows: of the right form, and signed
//          by somebody, where only the signature is wrong, so that it costs its receiver the most.

#include "base/bytes.hpp"
#include "dataplane/wire.hpp"

#include <cstddef>
#include <ostream>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace belfry::hostile {

using Random = std::mt19937_64;

/// What an attacker knows: everything that is public.
struct World {
    Hash genesis;
    std::uint16_t target = 0; // index in the roster of the node under attack
    Hash blockhash{};         // a recent one, for kinds that name one
};

struct Kind {
    std::string_view name;
    dataplane::Lane lane = dataplane::Lane::transactions;
    /// In the answer of belfryStatus: the tile and its counter that grows by one for each. Empty:
    /// it depends on the datagram.
    std::string_view tile;
    std::string_view counter;
    /// Datagrams to be sent over and over; at least one.
    std::vector<Bytes> (*make)(const World&, std::size_t count, Random&) = nullptr;
    /// The last eight bytes may be overwritten with a number, so that no two are equal.
    bool numbered = false;
    /// So many different ones are made at most.
    std::size_t pool_max = 4096;
};

/// For GoogleTest.
inline void PrintTo(const Kind& kind, std::ostream* out)
{
    *out << kind.name;
}

[[nodiscard]] std::span<const Kind> kinds();
/// nullptr: no such kind.
[[nodiscard]] const Kind* find_kind(std::string_view name);

} // namespace belfry::hostile
