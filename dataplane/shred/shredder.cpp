// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shred/shredder.hpp"

#include "base/check.hpp"
#include "crypto/merkle.hpp"
#include "crypto/reed_solomon.hpp"

#include <algorithm>
#include <utility>

namespace belfry::dataplane {
namespace {

constexpr std::size_t leaf_bytes = leaf_header_bytes + row_bytes;

/// Fills the leaves of a set (header and row each) inside datagrams that lie stride bytes apart,
/// the first leaf at out[0], and returns the tree over them.
crypto::MerkleTree fill_leaves(const SetHeader& header, ByteView stream,
                               std::span<std::uint8_t> out, std::size_t stride)
{
    BELFRY_CHECK(stream.size() == header.stream_bytes);
    BELFRY_CHECK(data_count_for(stream.size()) == header.data_count);
    const std::size_t shred_count = header.shred_count();
    BELFRY_CHECK(shred_count <= set_shreds_max);
    std::vector<ByteView> data;
    std::vector<std::span<std::uint8_t>> parity;
    std::vector<ByteView> leaves;
    for (std::size_t i = 0; i < shred_count; ++i) {
        const std::span<std::uint8_t> leaf = out.subspan(i * stride, leaf_bytes);
        write_leaf_header(header, static_cast<std::uint8_t>(i), leaf.first(leaf_header_bytes));
        const std::span<std::uint8_t> row = leaf.subspan(leaf_header_bytes);
        if (i < header.data_count) {
            const ByteView piece =
                stream.subspan(i * row_bytes, std::min(row_bytes, stream.size() - i * row_bytes));
            std::ranges::fill(row, std::uint8_t{0});
            std::ranges::copy(piece, row.begin());
            data.emplace_back(row);
        } else {
            parity.push_back(row);
        }
        leaves.emplace_back(leaf);
    }
    crypto::rs_encode(data, parity);
    return crypto::MerkleTree(leaves);
}

struct Unsigned {
    SetDatagrams datagrams;
    Hash root;
};

/// All of a set's datagrams but the signature.
Unsigned lay_out(const SetHeader& header, ByteView stream, const Hash& genesis)
{
    const std::size_t shred_count = header.shred_count();
    Unsigned out;
    const std::size_t shred_bytes = shred_bytes_for(shred_count);
    out.datagrams.shred_bytes = shred_bytes;
    out.datagrams.bytes.resize(shred_count * shred_bytes);
    const std::span<std::uint8_t> bytes{out.datagrams.bytes};
    const crypto::MerkleTree tree =
        fill_leaves(header, stream, bytes.subspan(leaf_offset), shred_bytes);
    out.root = tree.root();
    const Prefix prefix(genesis);
    for (std::size_t i = 0; i < shred_count; ++i) {
        const std::span<std::uint8_t> shred = bytes.subspan(i * shred_bytes, shred_bytes);
        copy_bytes_exactly(shred.first(prefix_bytes), prefix.view());
        shred[prefix_bytes] = kind_shred;
        tree.proof(i, shred.subspan(shred_header_bytes + row_bytes));
    }
    return out;
}

void stamp(SetDatagrams& datagrams, const Signature& signature)
{
    const std::span<std::uint8_t> bytes{datagrams.bytes};
    for (std::size_t at = prefix_bytes + 1; at < bytes.size(); at += datagrams.shred_bytes) {
        copy_bytes_exactly(bytes.subspan(at, Signature::size_bytes), signature.view());
    }
}

} // namespace

Shredder::Shredder(const Options& options, const crypto::Keypair& leader)
    : options_(options)
    , leader_(leader)
    , chained_root_(options.parent.id)
{
    BELFRY_CHECK(options.parent.slot < options.slot);
    BELFRY_CHECK(options.slot.value <= slot_max);
    pending_.reserve(2 * set_stream_bytes_max);
}

std::vector<SetOut> Shredder::push(ByteView stream_piece)
{
    BELFRY_CHECK(!finished_);
    BELFRY_CHECK(stream_piece.size() <= stream_bytes_left());
    pending_.insert(pending_.end(), stream_piece.begin(), stream_piece.end());
    std::vector<SetOut> out;
    std::size_t done = 0;
    while (pending_.size() - done > set_stream_bytes_max) {
        out.push_back(make_set(ByteView{pending_}.subspan(done, set_stream_bytes_max), false));
        done += set_stream_bytes_max;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(done));
    return out;
}

SetOut Shredder::finish()
{
    BELFRY_CHECK(!finished_);
    BELFRY_CHECK(!pending_.empty());
    finished_ = true;
    return make_set(pending_, true);
}

std::size_t Shredder::stream_bytes_left() const
{
    return (block_sets_max - set_index_) * set_stream_bytes_max - pending_.size();
}

SetOut Shredder::make_set(ByteView stream, bool last)
{
    ledger::ShredSet set;
    set.slot = options_.slot;
    set.parent_slot = options_.parent.slot;
    set.index = set_index_;
    set.data_count = static_cast<std::uint8_t>(data_count_for(stream.size()));
    set.parity_count = static_cast<std::uint8_t>(parity_count_for(set.data_count));
    set.last = last;
    set.chained_root = chained_root_;
    set.version = shred_format;
    set.payload.assign(stream.begin(), stream.end());
    Unsigned shreds = lay_out(header_of(set), stream, options_.genesis);
    set.root = shreds.root;
    set.signature =
        leader_.sign(crypto::SigningPurpose::shred_set, set_statement(options_.genesis, set.root));
    chained_root_ = set.root;
    ++set_index_;
    stamp(shreds.datagrams, set.signature);
    return {std::move(set), std::move(shreds.datagrams)};
}

SetHeader header_of(const ledger::ShredSet& set)
{
    BELFRY_CHECK(set.payload.size() <= set_stream_bytes_max);
    SetHeader header;
    header.slot = set.slot;
    header.parent_slot = set.parent_slot;
    header.set_index = set.index;
    header.data_count = set.data_count;
    header.parity_count = set.parity_count;
    header.last = set.last;
    header.stream_bytes = static_cast<std::uint16_t>(set.payload.size());
    header.chained_root = set.chained_root;
    return header;
}

SetDatagrams shreds_of(const ledger::ShredSet& set, const Hash& genesis)
{
    Unsigned shreds = lay_out(header_of(set), set.payload, genesis);
    stamp(shreds.datagrams, set.signature);
    return std::move(shreds.datagrams);
}

Hash root_of_set(const SetHeader& header, ByteView stream)
{
    Bytes leaves(header.shred_count() * leaf_bytes);
    return fill_leaves(header, stream, leaves, leaf_bytes).root();
}

} // namespace belfry::dataplane
