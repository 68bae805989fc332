// SPDX-License-Identifier: Apache-2.0
#pragma once
// statement_intake.hpp: from datagrams of the votes lane to signed statements that are true.
// Rule     a statement that was found good before costs a hash and no signature check, whether it
//          comes again by itself or in a bundle; what is new is checked in batches.
// Kinds    those of the engine, and the questions and answers of recall.hpp, which only come by
//          themselves.
// Bounds   pending_max statements wait for a batch; seen_max good ones are remembered, a newer one
//          takes the place of an older.
// Errors   nothing throws; what is not given on is counted.
// Threads  one owner, the consensus tile.

#include "base/bytes.hpp"
#include "consensus/engine.hpp"
#include "crypto/ed25519.hpp"
#include "dataplane/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace belfry::node {

class StatementIntake {
public:
    static constexpr std::size_t pending_max = 512;
    static constexpr std::size_t seen_max = 8192; // a power of two

    struct Counters {
        std::uint64_t good = 0;
        std::uint64_t copied = 0;
        std::uint64_t bundles = 0;
        std::uint64_t bad_form = 0;
        std::uint64_t other_genesis = 0;
        std::uint64_t unknown_voter = 0; // an index that the roster does not have
        std::uint64_t bad_signature = 0;
    };
    /// keys by voter index.
    StatementIntake(const Hash& genesis_hash, std::vector<Pubkey> keys);

    /// Takes a datagram apart. Precondition: !full().
    void add(ByteView datagram);
    /// Room for one more datagram is not certain: check() first.
    [[nodiscard]] bool full() const;
    /// A question or an answer (recall.hpp) that its voter signed; body lives during the call.
    struct Talk {
        consensus::ValidatorIndex from;
        std::uint8_t kind = 0;
        ByteView body;
    };
    /// Checks what was added; gives the good ones in the order of their coming.
    using Take = std::function<void(const consensus::VoteMessage&)>;
    using TakeTalk = std::function<void(const Talk&)>;
    void check(const Take& take, const TakeTalk& take_talk = {});
    /// What this node signs itself and will hear again: then it costs a hash.
    void note_own(ByteView signing_bytes);
    /// It was signed here, or found good, not long ago.
    [[nodiscard]] bool knows(ByteView signing_bytes);
    /// A voter that sent a copy of what it had said is alive; nullopt when there was none.
    [[nodiscard]] std::optional<std::uint16_t> take_copied_voter();

    /// The evidence that the datagram added last holds, unchecked; nullopt when it was none.
    [[nodiscard]] std::optional<Bytes> take_evidence();
    /// Whether voter signed it, in this cluster.
    [[nodiscard]] bool is_signed(consensus::ValidatorIndex voter, consensus::StatementKind kind,
                                 ByteView body, const Signature& signature) const;
    /// What a statement's signature covers in this cluster.
    [[nodiscard]] Bytes signing_bytes(consensus::ValidatorIndex voter,
                                      consensus::StatementKind kind, ByteView body) const;
    [[nodiscard]] Bytes signing_bytes(const dataplane::SignedVote& statement) const;
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    struct Pending {
        dataplane::SignedVote vote; // its body is a view into `signed_bytes`
        Bytes signed_bytes;
        Hash name;
        Signature signature;
    };
    void refuse(dataplane::WireError error);
    void add_bundle(ByteView bundle);
    void add_one(const dataplane::SignedVote& vote, const Signature& signature);
    [[nodiscard]] Hash& seen(const Hash& name);

    Hash genesis_hash_;
    dataplane::Prefix prefix_;
    std::vector<Pubkey> keys_;
    crypto::Ed25519BatchVerifier verifier_;
    std::vector<Pending> pending_;
    std::vector<crypto::Ed25519Job> jobs_;
    std::vector<Hash> seen_; // by the first bytes of the name
    std::optional<std::uint16_t> copied_voter_;
    std::optional<Bytes> evidence_;
    Counters counters_;
};

} // namespace belfry::node
