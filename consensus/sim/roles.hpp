// SPDX-License-Identifier: Apache-2.0
#pragma once
// roles.hpp: how a Byzantine machine lies. It runs the shipping engine; what leaves it is changed.

#include <cstdint>

namespace belfry::consensus::sim {

struct Roles {
    bool silent = false;         // sends no statement and no block
    bool equivocates = false;    // two blocks in a slot that it leads, each to some
    bool votes_twice = false;    // to some the statement, to others its opposite
    bool selective = false;      // each statement to about half, drawn anew
    bool withholds = false;      // keeps statements back and sends many at once, slots later
    bool stale = false;          // says old statements again
    bool lies_in_repair = false; // answers with what was not asked for
    bool late_blocks = false;    // sends its blocks up to a slot late, and not to all
    bool false_roots = false;    // claims roots and lockouts that it has not
    [[nodiscard]] bool any() const
    {
        return silent || equivocates || votes_twice || selective || withholds || stale ||
               lies_in_repair || late_blocks || false_roots;
    }
};

} // namespace belfry::consensus::sim
