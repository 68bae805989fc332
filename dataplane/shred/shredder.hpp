// SPDX-License-Identifier: Apache-2.0
#pragma once
// shredder.hpp: cuts the entry stream of one block into FEC sets and makes their shreds.
// Shapes   every set but the last holds 32 KiB of stream; finish() makes the last one. Set 0 chains
//          to the parent's block id, each later one to its predecessor's root; block id = the last
//          set's root.
// Bounds   block_sets_max sets in a block: the block builder stops before (stream_bytes_left()).
// Threads  one owner.
// Speed    bench/shred_bench.cpp

#include "base/bytes.hpp"
#include "crypto/keypair.hpp"
#include "dataplane/shred/shred.hpp"
#include "ledger/model/block_ref.hpp"
#include "ledger/model/shred_set.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace belfry::dataplane {

/// The datagrams of one set, one after another and all of one length, as UDP GSO wants them.
struct SetDatagrams {
    Bytes bytes;
    std::size_t shred_bytes = 0;
    [[nodiscard]] std::size_t count() const { return bytes.size() / shred_bytes; }
    /// Valid as long as bytes. Precondition: shred_index < count().
    [[nodiscard]] ByteView at(std::size_t shred_index) const
    {
        return ByteView{bytes}.subspan(shred_index * shred_bytes, shred_bytes);
    }
};

/// One finished set: what is stored, and what is sent.
struct SetOut {
    ledger::ShredSet set;
    SetDatagrams datagrams;
};

class Shredder {
public:
    struct Options {
        Hash genesis;
        Slot slot;
        ledger::BlockRef parent; // an earlier slot
    };
    /// The keypair must outlive the shredder.
    Shredder(const Options& options, const crypto::Keypair& leader);

    /// Appends to the stream; returns the sets that are full. The last full one is held back until
    /// more comes, because it may turn out to be the block's last.
    [[nodiscard]] std::vector<SetOut> push(ByteView stream_piece);
    /// The last set. Precondition: the stream is not empty; called once.
    [[nodiscard]] SetOut finish();
    /// Root of the newest set; after finish() the block id.
    [[nodiscard]] const Hash& newest_root() const { return chained_root_; }
    /// How much the block may still take.
    [[nodiscard]] std::size_t stream_bytes_left() const;

private:
    [[nodiscard]] SetOut make_set(ByteView stream, bool last);

    Options options_;
    const crypto::Keypair& leader_;
    Hash chained_root_;
    std::uint32_t set_index_ = 0;
    Bytes pending_;
    bool finished_ = false;
};

/// Header of a stored set. Precondition: the set came out of a Shredder or a FecResolver.
[[nodiscard]] SetHeader header_of(const ledger::ShredSet& set);

/// Rebuilds the exact datagrams of a set, byte for byte, as its leader sent them.
[[nodiscard]] SetDatagrams shreds_of(const ledger::ShredSet& set, const Hash& genesis);

/// The Merkle root over all shreds of a set with this header and stream (parity included).
[[nodiscard]] Hash root_of_set(const SetHeader& header, ByteView stream);

} // namespace belfry::dataplane
