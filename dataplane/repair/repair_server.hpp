// SPDX-License-Identifier: Apache-2.0
#pragma once
// repair_server.hpp: answers repair requests of the roster from stored sets.
// Rule     only for a request that names this node as target, is signed by a validator of the
// roster
//          and was not seen before. The answer goes to that validator's own address (peer index;
//          node/ knows the addresses), so nothing is sent to an address that the roster does not
//          hold.
// Bounds   buckets of bytes and requests per peer, charged once the signature passed, and one of
//          signature checks for all; 64
//          shreds for a set, 4 sets with an eighth of parity for a range; built_sets_max sets'
//          shreds kept.
// Errors   RepairServeError, one counter each.
// Threads  one owner, the shred tile.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "dataplane/repair/repair_wire.hpp"
#include "dataplane/shred/shredder.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/model/shred_set.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace belfry::dataplane {

/// Where stored sets come from: the store, or memory (recent_sets.hpp). Virtual because tests and
/// disk replace one another; asked once per request, not per shred.
class SetSource {
public:
    SetSource() = default;
    SetSource(const SetSource&) = delete;
    SetSource& operator=(const SetSource&) = delete;
    virtual ~SetSource() = default;
    [[nodiscard]] virtual std::optional<ledger::ShredSet> set(const SetKey& key) = 0;
    /// Any set that names this one as the one before it.
    [[nodiscard]] virtual std::optional<ledger::ShredSet> successor(const SetKey& key) = 0;
    /// A set of a complete block; tail_set_index is its last one.
    [[nodiscard]] virtual std::optional<ledger::ShredSet>
    set_of_block(const ledger::BlockRef& block, std::uint32_t set_index) = 0;
    /// Blocks after a slot on this node's best chain, slots rising.
    [[nodiscard]] virtual std::vector<ChainHint> chain_after(Slot slot, std::size_t count_max) = 0;
    [[nodiscard]] virtual Slot tip() = 0;
};

enum class RepairServeError : std::uint8_t {
    malformed,      // see RepairWireError
    unknown_sender, // no index of the roster, or this node itself
    wrong_target,
    rate_limited,
    bad_signature,
    replayed, // sequence seen before, or too old
    not_here, // nothing of it is stored
    count,
};

/// The enumerator's name, for counters.
[[nodiscard]] std::string_view to_string(RepairServeError error);

struct RepairAnswer {
    std::uint16_t peer = 0; // roster index: send to its repair address
    std::vector<Bytes> datagrams;
};

struct RepairServerCounters {
    std::array<std::uint64_t, static_cast<std::size_t>(RepairServeError::count)> errors{};
    std::array<std::uint64_t, static_cast<std::size_t>(RepairWireError::count)> malformed{};
    std::uint64_t requests_served = 0;
    std::uint64_t shreds_sent = 0;
    std::uint64_t hints_sent = 0;
};

class RepairServer {
public:
    struct Options {
        Hash genesis;
        std::vector<Pubkey> roster;
        std::uint16_t me = 0;
        std::uint64_t bytes_per_second = std::uint64_t{8} << 20; // per peer
        std::uint64_t burst_bytes = std::uint64_t{2} << 20;
        std::uint64_t requests_per_second = 500; // answered, per peer
        std::uint64_t checks_per_second = 4000;  // signatures, of all claimed senders together
        std::size_t built_sets_max = 32;
        std::uint64_t sequence_reset_ns =
            10'000'000'000; // silence after which any sequence is taken
    };
    /// The source must outlive the server.
    RepairServer(Options options, SetSource& source);

    [[nodiscard]] Result<RepairAnswer, RepairServeError> serve(ByteView datagram,
                                                               std::uint64_t now_ns);
    [[nodiscard]] const RepairServerCounters& counters() const { return counters_; }

private:
    struct Bucket {
        std::int64_t left = 0; // below 0: the last answer was longer than what was left
        std::uint64_t refilled_ns = 0;
        bool started = false;
        void refill(std::uint64_t rate, std::int64_t left_max, std::uint64_t now_ns);
    };
    struct Window { // which sequences were seen
        std::uint64_t highest = 0;
        std::uint64_t seen = 0; // bit i: highest - i
        std::uint64_t newest_ns = 0;
        bool started = false;
    };
    struct Peer {
        Bucket bytes;
        Bucket requests_milli;
        Window sequences;
    };
    struct Built {
        SetKey key;
        SetDatagrams datagrams;
    };

    [[nodiscard]] Result<RepairAnswer, RepairServeError> serve_checked(ByteView datagram,
                                                                       std::uint64_t now_ns);
    [[nodiscard]] bool fresh(Window& window, std::uint64_t sequence, std::uint64_t now_ns) const;
    void collect(const SignedRepairRequest& request, std::vector<Bytes>& out);
    /// The data shreds and an eighth of spare ones.
    [[nodiscard]] static std::uint64_t enough_bits(const ledger::ShredSet& set);
    [[nodiscard]] const Built& built(const ledger::ShredSet& set);
    void append(const ledger::ShredSet& set, std::uint64_t bits, std::vector<Bytes>& out);
    void answer_chain(const SignedRepairRequest& request, std::vector<Bytes>& out);

    Options options_;
    Prefix prefix_;
    SetSource& source_;
    std::vector<Peer> peers_;
    Bucket checks_milli_;
    std::deque<Built> built_;
    RepairServerCounters counters_;
};

} // namespace belfry::dataplane
