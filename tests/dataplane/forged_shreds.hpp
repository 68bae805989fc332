// SPDX-License-Identifier: Apache-2.0
#pragma once
// forged_shreds.hpp: sets of shreds that are none, signed by their leader.

#include "crypto/merkle.hpp"
#include "tests/dataplane/shred_samples.hpp"

#include <map>
#include <span>
#include <vector>

namespace belfry::dataplane::samples {

/// Shreds of a set whose rows and headers are as given: what a dishonest leader can sign.
struct ForgedShred {
    SetHeader header;
    Bytes row;
};

/// claimed: the index that the leaf at a place claims; its place if it is not named.
inline std::vector<Bytes> sign_rows(const crypto::Keypair& leader,
                                    std::span<const ForgedShred> shreds,
                                    const std::map<std::size_t, std::uint8_t>& claimed = {})
{
    std::vector<Bytes> leaves;
    for (std::size_t i = 0; i < shreds.size(); ++i) {
        Bytes leaf(leaf_header_bytes);
        const auto found = claimed.find(i);
        write_leaf_header(shreds[i].header,
                          found != claimed.end() ? found->second : static_cast<std::uint8_t>(i),
                          leaf);
        leaf.insert(leaf.end(), shreds[i].row.begin(), shreds[i].row.end());
        leaves.push_back(std::move(leaf));
    }
    const std::vector<ByteView> views(leaves.begin(), leaves.end());
    const crypto::MerkleTree tree(views);
    const Signature signature =
        leader.sign(crypto::SigningPurpose::shred_set, set_statement(genesis(), tree.root()));
    std::vector<Bytes> out;
    for (std::size_t i = 0; i < shreds.size(); ++i) {
        Bytes datagram;
        Prefix(genesis()).append_to(datagram);
        datagram.push_back(kind_shred);
        datagram.insert(datagram.end(), signature.bytes.begin(), signature.bytes.end());
        datagram.insert(datagram.end(), leaves[i].begin(), leaves[i].end());
        Bytes proof(crypto::merkle_proof_nodes(shreds.size()) * proof_node_bytes);
        tree.proof(i, proof);
        datagram.insert(datagram.end(), proof.begin(), proof.end());
        out.push_back(std::move(datagram));
    }
    return out;
}

inline std::vector<ForgedShred> honest_rows(const SetOut& set)
{
    std::vector<ForgedShred> out;
    const Prefix prefix(genesis());
    for (std::size_t i = 0; i < set.datagrams.count(); ++i) {
        const auto shred = parse_shred(set.datagrams.at(i), prefix);
        out.push_back({shred->header, Bytes(shred->row.begin(), shred->row.end())});
    }
    return out;
}

} // namespace belfry::dataplane::samples
