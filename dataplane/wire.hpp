// SPDX-License-Identifier: Apache-2.0
#pragma once
// wire.hpp: every datagram of Belfry: the common prefix, the kinds, their layouts and largest
// sizes.
// Shapes   all integers little-endian, no padding. Offsets in bytes.
//
//   prefix         u8 protocol version (1) | first 4 bytes of the genesis hash
//
//   socket         datagram                                              described in
//   transactions   wire transaction, bare: no prefix, so that ordinary ledger/model/transaction.hpp
//                  Solana tools can send it
//   forwards       prefix | wire transaction                             here
//   shreds         prefix | shred header | payload | Merkle proof |      dataplane/shred/shred.hpp
//                  signature
//   votes          prefix | u8 kind 1..15 | u16 voter index | body |     here; body: consensus/
//                  signature 64                                         14, 15: node/recall.hpp
//                  prefix | u8 16 | vote bundle                          consensus/certificate/
//                  prefix | u8 17 | evidence                             consensus/evidence.hpp
//   repair         prefix | u8 kind | request or answer dataplane/repair/repair_wire.hpp
//
//   A vote's signature covers "belfry.vote.1" | genesis hash 32 | u8 kind | u16 voter index | body,
//   so that it means nothing in another cluster, for another voter or as another statement. A
//   bundle has no signature of its own: each vote in it has its voter's.
//
// Bounds   no datagram is longer than datagram_bytes_max: with IPv6 and UDP headers it fills the
//          1,320 bytes that every link must carry (checked at start, net/udp.hpp), so none is cut
//          into IP fragments.
// Errors   WireError; nothing here can fail a check, whatever the bytes.

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

namespace belfry::dataplane {

inline constexpr std::uint8_t protocol_version = 1;
inline constexpr std::size_t mtu_bytes_min = 1320;
inline constexpr std::size_t datagram_bytes_max = mtu_bytes_min - 40 - 8; // IPv6 and UDP headers
inline constexpr std::size_t prefix_bytes = 5;
inline constexpr std::size_t wire_transaction_bytes_max = 1232;
inline constexpr std::size_t forward_bytes_max = prefix_bytes + wire_transaction_bytes_max;
static_assert(forward_bytes_max <= datagram_bytes_max);

inline constexpr std::size_t vote_voter_index_bytes = 2;
inline constexpr std::size_t vote_overhead_bytes =
    prefix_bytes + 1 + vote_voter_index_bytes + Signature::size_bytes;
inline constexpr std::size_t vote_body_bytes_max = datagram_bytes_max - vote_overhead_bytes;
inline constexpr std::size_t vote_bundle_bytes_max = datagram_bytes_max - prefix_bytes - 1;
inline constexpr std::size_t evidence_bytes_max = vote_bundle_bytes_max;
inline constexpr std::uint8_t evidence_kind = 17;
inline constexpr std::uint8_t vote_bundle_kind = 16; // below it: kinds of single statements

/// The sockets of a node, each with its own address, so that what it carries is told by where it
/// arrives and a flood of one kind fills only its own buffers.
enum class Lane : std::uint8_t { transactions, forwards, shreds, votes, repair };
inline constexpr std::size_t lane_count = 5;

struct LaneKind {
    std::string_view name;
    bool has_prefix;
    std::size_t bytes_min; // shorter and longer ones are not of this kind
    std::size_t bytes_max;
};
inline constexpr std::array<LaneKind, lane_count> lane_kinds{{
    {"transactions", false, 1, wire_transaction_bytes_max},
    {"forwards", true, prefix_bytes + 1, forward_bytes_max},
    {"shreds", true, prefix_bytes + 1, datagram_bytes_max},
    {"votes", true, vote_overhead_bytes, datagram_bytes_max},
    {"repair", true, prefix_bytes + 1, datagram_bytes_max},
}};
[[nodiscard]] constexpr const LaneKind& kind_of(Lane lane)
{
    return lane_kinds[static_cast<std::size_t>(lane)];
}

enum class WireError : std::uint8_t {
    too_short,
    too_long,
    wrong_version,
    wrong_cluster, // of another genesis
    unknown_kind,
};
[[nodiscard]] std::string_view to_string(WireError error);

/// The first five bytes of every datagram but a client's transaction.
class Prefix {
public:
    explicit Prefix(const Hash& genesis_hash);

    [[nodiscard]] ByteView view() const { return bytes_; }
    void append_to(Bytes& out) const { out.insert(out.end(), bytes_.begin(), bytes_.end()); }
    /// The datagram without its prefix; a view into datagram.
    [[nodiscard]] Result<ByteView, WireError> strip(ByteView datagram) const;
    /// strip() and the size limits of the lane's kind; transactions have no prefix to strip.
    [[nodiscard]] Result<ByteView, WireError> open(Lane lane, ByteView datagram) const;

private:
    std::array<std::uint8_t, prefix_bytes> bytes_{};
};

/// A forwarded transaction into out (cleared first).
/// Precondition: transaction.size() <= wire_transaction_bytes_max.
void write_forward(const Prefix& prefix, ByteView transaction, Bytes& out);

/// A received statement. body is a view into the datagram.
struct VoteDatagram {
    std::uint8_t kind = 0; // 1..vote_bundle_kind - 1
    std::uint16_t voter_index = 0;
    ByteView body;
    Signature signature;
};
/// Statements of many voters; bundle is a view into the datagram.
struct VoteBundleDatagram {
    ByteView bundle;
};
/// Proof that a validator contradicts itself; a view into the datagram.
struct EvidenceDatagram {
    ByteView evidence;
};
using VotesLane = std::variant<VoteDatagram, VoteBundleDatagram, EvidenceDatagram>;

/// What a signature covers; kind and voter as in VoteDatagram.
struct SignedVote {
    std::uint8_t kind = 0;
    std::uint16_t voter_index = 0;
    ByteView body;
};
/// Precondition (these and write_evidence): what is written fits datagram_bytes_max.
[[nodiscard]] Bytes vote_signing_bytes(const Hash& genesis_hash, const SignedVote& vote);
void write_vote(const Prefix& prefix, const VoteDatagram& vote, Bytes& out);
void write_vote_bundle(const Prefix& prefix, ByteView bundle, Bytes& out);
void write_evidence(const Prefix& prefix, ByteView evidence, Bytes& out);
/// Takes the datagram apart; signatures are for the caller, who knows the voters' keys.
[[nodiscard]] Result<VotesLane, WireError> parse_vote(const Prefix& prefix, ByteView datagram);

} // namespace belfry::dataplane
