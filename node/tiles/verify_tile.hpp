// SPDX-License-Identifier: Apache-2.0
#pragma once
// verify_tile.hpp: joins dataplane::Verifier to its links: datagrams in, good transactions out.
// Threads  one: the verify tile.

#include "base/published.hpp"
#include "dataplane/ingress/verifier.hpp"
#include "node/tiles/tile.hpp"
#include "node/topology.hpp"
#include "node/transaction_trail.hpp"

namespace belfry::node {

class VerifyTile {
public:
    VerifyTile(const Hash& genesis_hash, Links& links);

    bool work(std::uint64_t now_ns);
    [[nodiscard]] bool has_input() const { return !links_.net_verify.empty(); }
    [[nodiscard]] std::chrono::nanoseconds sleep_max() const { return std::chrono::seconds(1); }
    void finish() {}

    [[nodiscard]] const dataplane::IngressCounters& ingress() const { return verifier_.counters(); }
    [[nodiscard]] const Counter& link_full() const { return link_full_; }
    /// Of what was dropped here; may be read by all.
    [[nodiscard]] const TrailRing& trail() const { return trail_; }

private:
    Links& links_;
    TrailRing trail_{32'768};
    dataplane::Verifier verifier_;
    std::uint64_t now_ns_ = 0;
    std::uint64_t generation_ns_ = 0;
    Counter link_full_; // good transactions for which the bank had no room
};

} // namespace belfry::node
