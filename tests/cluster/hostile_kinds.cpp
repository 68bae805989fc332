// SPDX-License-Identifier: Apache-2.0
#include "tests/cluster/hostile_kinds.hpp"

#include "consensus/certificate/statement.hpp"
#include "crypto/keypair.hpp"
#include "dataplane/repair/repair_wire.hpp"
#include "dataplane/shred/shredder.hpp"
#include "ledger/model/transaction.hpp"
#include "ledger/model/transaction_builder.hpp"
#include "node/demo/local_cluster.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace belfry::hostile {
namespace {

using dataplane::Lane;
using dataplane::Prefix;

constexpr std::uint16_t nobody = 99; // an index that the clusters of tests do not have

Bytes random_bytes(Random& random, std::size_t count)
{
    Bytes out(count);
    std::ranges::generate(out, [&random] { return static_cast<std::uint8_t>(random()); });
    return out;
}

crypto::Keypair stranger(Random& random)
{
    return crypto::Keypair::from_seed(random_bytes(random, 32));
}

Hash other_genesis(const World& world)
{
    Hash other = world.genesis;
    other.bytes[0] ^= 0xff;
    return other;
}

std::vector<Bytes> repeat(std::size_t count, const auto& make_one)
{
    std::vector<Bytes> out;
    for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
        out.push_back(make_one());
    }
    return out;
}

// ---- transactions -------------------------------------------------------------------------------

Bytes signed_transfer(const crypto::InsecureSigningKey& from, const Hash& blockhash, Random& random)
{
    Pubkey to;
    to.bytes.fill(9);
    const std::array instructions{ledger::system_transfer(
        {.from = from.pubkey, .to = to, .lamports = Lamports{random() % 1'000'000}})};
    const Bytes message = ledger::build_message(
        {.fee_payer = from.pubkey, .recent_blockhash = blockhash}, instructions);
    Signature signature;
    const crypto::InsecureSignJob job{&from, message, &signature};
    crypto::insecure_sign_many(std::span(&job, 1));
    return ledger::assemble_transaction(std::span(&signature, 1), message);
}

/// From an account that exists, on a blockhash that never did.
Bytes transfer(Random& random)
{
    static const std::vector<crypto::InsecureSigningKey> keys = node::load_account_keys(16);
    return signed_transfer(keys[random() % keys.size()], Hash::from(random_bytes(random, 32)),
                           random);
}

constexpr std::size_t signature_offset = 1;

std::vector<Bytes> expired(const World& /*world*/, std::size_t count, Random& random)
{
    return repeat(count, [&] { return transfer(random); });
}

/// From keys that own nothing: whoever makes them pays nothing.
std::vector<Bytes> unfunded(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        const Bytes seed = random_bytes(random, 32);
        return signed_transfer(crypto::InsecureSigningKey::from_seed(seed), world.blockhash,
                               random);
    });
}

std::vector<Bytes> duplicate(const World& /*world*/, std::size_t /*count*/, Random& random)
{
    return {transfer(random)};
}

std::vector<Bytes> truncated(const World& /*world*/, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        Bytes bytes = transfer(random);
        bytes.resize(1 + random() % (bytes.size() - 1));
        return bytes;
    });
}

std::vector<Bytes> oversized(const World& /*world*/, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        Bytes bytes = transfer(random);
        bytes.resize(ledger::transaction_bytes_max + 1 +
                     random() % (dataplane::datagram_bytes_max - ledger::transaction_bytes_max));
        return bytes;
    });
}

/// Noise, and good ones with a few bytes changed; whatever the parser refuses.
std::vector<Bytes> malformed(const World& /*world*/, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        Bytes bytes;
        do {
            if (random() % 2 == 0) {
                bytes = random_bytes(random, 1 + random() % ledger::transaction_bytes_max);
            } else {
                bytes = transfer(random);
                for (int i = 0; i < 3; ++i) {
                    const std::size_t header = signature_offset + 64;
                    bytes[random() % 3 == 0 ? 0 : header + random() % (bytes.size() - header)] =
                        static_cast<std::uint8_t>(random());
                }
            }
        } while (ledger::parse_transaction(bytes).has_value());
        return bytes;
    });
}

std::vector<Bytes> no_signature(const World& /*world*/, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        Bytes bytes = transfer(random);
        std::fill_n(bytes.begin() + signature_offset, 64, std::uint8_t{0});
        return bytes;
    });
}

/// Signatures that are points and scalars in range, over other messages.
std::vector<Bytes> bad_signature(const World& /*world*/, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        Bytes bytes = transfer(random);
        bytes.back() ^= 0x40; // the amount
        return bytes;
    });
}

// ---- forwards -----------------------------------------------------------------------------------

Bytes forward(const Hash& genesis, const Bytes& transaction)
{
    Bytes out;
    dataplane::write_forward(Prefix(genesis), transaction, out);
    return out;
}

std::vector<Bytes> forward_bad_signature(const World& world, std::size_t count, Random& random)
{
    std::vector<Bytes> out = bad_signature(world, count, random);
    std::ranges::transform(out, out.begin(), [&world](const Bytes& transaction) {
        return forward(world.genesis, transaction);
    });
    return out;
}

std::vector<Bytes> forward_other_genesis(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] { return forward(other_genesis(world), transfer(random)); });
}

// ---- votes --------------------------------------------------------------------------------------

struct ForgedVote {
    Hash genesis;
    std::uint16_t voter = 0;
};

/// A notarization of a block that never was, signed by a key that no validator has.
Bytes vote(const ForgedVote& forged, Random& random)
{
    static const crypto::Keypair key = stranger(random);
    const consensus::Statement statement = consensus::Statement::notarize(
        {forged.voter}, {.slot = Slot{1 + random() % 1'000'000},
                         .id = Hash::from(random_bytes(random, Hash::size_bytes))});
    const consensus::StatementBody body = consensus::encode_statement(statement);
    const auto kind = static_cast<std::uint8_t>(statement.kind);
    const Bytes bytes = dataplane::vote_signing_bytes(
        forged.genesis, {.kind = kind, .voter_index = forged.voter, .body = body.view()});
    Bytes out;
    dataplane::write_vote(Prefix(forged.genesis),
                          {.kind = kind,
                           .voter_index = forged.voter,
                           .body = body.view(),
                           .signature = key.sign(crypto::SigningPurpose::vote, bytes)},
                          out);
    return out;
}

std::vector<Bytes> vote_forged(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] { return vote({world.genesis, world.target}, random); });
}

std::vector<Bytes> vote_unknown_voter(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] { return vote({world.genesis, nobody}, random); });
}

std::vector<Bytes> vote_other_genesis(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] { return vote({other_genesis(world), 0}, random); });
}

std::vector<Bytes> vote_garbage(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        Bytes out;
        Prefix(world.genesis).append_to(out);
        out.push_back(0); // no kind of statement
        const Bytes rest = random_bytes(random, 80 + random() % 800);
        out.insert(out.end(), rest.begin(), rest.end());
        return out;
    });
}

std::vector<Bytes> evidence_forged(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        Bytes out;
        dataplane::write_evidence(Prefix(world.genesis), random_bytes(random, 100 + random() % 500),
                                  out);
        return out;
    });
}

// ---- shreds -------------------------------------------------------------------------------------

/// All shreds of whole sets of slots that are to come, signed by a key that leads none of them.
std::vector<Bytes> shreds_of(const Hash& genesis, std::size_t count, Random& random)
{
    static const crypto::Keypair key = stranger(random);
    std::vector<Bytes> out;
    while (out.size() < std::max<std::size_t>(count, 1)) {
        const Slot slot{1'000'000 + random() % 1'000'000};
        dataplane::Shredder shredder({.genesis = genesis,
                                      .slot = slot,
                                      .parent = {.slot = Slot{slot.value - 1}, .id = genesis}},
                                     key);
        (void)shredder.push(random_bytes(random, 3000));
        const dataplane::SetOut set = shredder.finish();
        for (std::size_t i = 0; i < set.datagrams.count(); ++i) {
            const ByteView shred = set.datagrams.at(i);
            out.emplace_back(shred.begin(), shred.end());
        }
    }
    return out;
}

std::vector<Bytes> shred_wrong_leader(const World& world, std::size_t count, Random& random)
{
    return shreds_of(world.genesis, count, random);
}

std::vector<Bytes> shred_other_genesis(const World& world, std::size_t count, Random& random)
{
    return shreds_of(other_genesis(world), count, random);
}

/// Bytes of the header overwritten; see dataplane/shred/shred.hpp for the offsets.
template <std::size_t offset, std::uint8_t value>
std::vector<Bytes> shred_with(const World& world, std::size_t count, Random& random)
{
    std::vector<Bytes> out = shreds_of(world.genesis, count, random);
    for (Bytes& shred : out) {
        shred[offset] = value;
    }
    return out;
}

std::vector<Bytes> shred_truncated(const World& world, std::size_t count, Random& random)
{
    std::vector<Bytes> out = shreds_of(world.genesis, count, random);
    for (Bytes& shred : out) {
        shred.resize(dataplane::prefix_bytes + random() % (shred.size() - 5));
    }
    return out;
}

// ---- repair -------------------------------------------------------------------------------------

struct ForgedRequest {
    Hash genesis;
    std::uint16_t sender = 0;
    std::uint16_t target = 0;
};

Bytes repair_request(const ForgedRequest& forged, Random& random)
{
    static const crypto::Keypair key = stranger(random);
    dataplane::RepairRequest request;
    request.sender = forged.sender;
    request.target = forged.target;
    request.sequence = UINT64_MAX - random() % 1'000'000;
    request.what = dataplane::RepairWhat::chain;
    return dataplane::write_repair_request(request, forged.genesis, [](ByteView statement) {
        return key.sign(crypto::SigningPurpose::repair, statement);
    });
}

std::uint16_t another(std::uint16_t validator)
{
    return validator == 0 ? 1 : 0;
}

std::vector<Bytes> repair_forged(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        return repair_request({world.genesis, another(world.target), world.target}, random);
    });
}

std::vector<Bytes> repair_unknown_sender(const World& world, std::size_t count, Random& random)
{
    return repeat(count,
                  [&] { return repair_request({world.genesis, nobody, world.target}, random); });
}

std::vector<Bytes> repair_wrong_target(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        return repair_request({world.genesis, another(world.target), nobody}, random);
    });
}

std::vector<Bytes> repair_other_genesis(const World& world, std::size_t count, Random& random)
{
    return repeat(count, [&] {
        return repair_request({other_genesis(world), another(world.target), world.target}, random);
    });
}

constexpr std::size_t signed_max = 200'000; // what repeats would be a duplicate

constexpr std::array all{
    Kind{"truncated", Lane::transactions, "verify", "form.truncated", truncated},
    Kind{"oversized", Lane::transactions, "verify", "wire.too_long", oversized},
    Kind{"malformed", Lane::transactions, "", "", malformed},
    Kind{"unsigned", Lane::transactions, "verify", "bad_signature", no_signature, true},
    Kind{"bad_signature", Lane::transactions, "verify", "bad_signature", bad_signature, true},
    Kind{"duplicate", Lane::transactions, "verify", "duplicate", duplicate},
    Kind{"expired", Lane::transactions, "bank", "gate.early_expired", expired, false, signed_max},
    Kind{"unfunded", Lane::transactions, "bank", "gate.cannot_pay", unfunded, false, signed_max},
    Kind{"forward_bad_signature", Lane::forwards, "verify", "bad_signature", forward_bad_signature,
         true},
    Kind{"forward_other_genesis", Lane::forwards, "verify", "wire.wrong_cluster",
         forward_other_genesis},
    Kind{"vote_forged", Lane::votes, "consensus", "votes_bad_signature", vote_forged},
    Kind{"vote_unknown_voter", Lane::votes, "consensus", "votes_unknown_voter", vote_unknown_voter},
    Kind{"vote_other_genesis", Lane::votes, "consensus", "votes_other_genesis", vote_other_genesis},
    Kind{"vote_garbage", Lane::votes, "consensus", "votes_bad_form", vote_garbage},
    Kind{"evidence_forged", Lane::votes, "consensus", "evidence_refused", evidence_forged},
    Kind{"shred_wrong_leader", Lane::shreds, "shred", "bad_signature", shred_wrong_leader},
    Kind{"shred_bad_proof", Lane::shreds, "shred", "bad_signature", shred_with<200, 0x55>},
    Kind{"shred_bad_index", Lane::shreds, "shred", "bad_index", shred_with<90, 64>},
    Kind{"shred_bad_geometry", Lane::shreds, "shred", "bad_geometry", shred_with<88, 5>},
    Kind{"shred_wrong_version", Lane::shreds, "shred", "wrong_prefix", shred_with<0, 9>},
    Kind{"shred_wrong_format", Lane::shreds, "shred", "wrong_format", shred_with<70, 9>},
    Kind{"shred_slot_never", Lane::shreds, "shred", "bad_slot", shred_with<79, 0xff>},
    Kind{"shred_other_genesis", Lane::shreds, "shred", "wrong_prefix", shred_other_genesis},
    Kind{"shred_truncated", Lane::shreds, "shred", "wrong_length", shred_truncated},
    Kind{"repair_forged", Lane::repair, "store", "repair.bad_signature", repair_forged},
    Kind{"repair_unknown_sender", Lane::repair, "store", "repair.unknown_sender",
         repair_unknown_sender},
    Kind{"repair_wrong_target", Lane::repair, "store", "repair.wrong_target", repair_wrong_target},
    Kind{"repair_other_genesis", Lane::repair, "store", "repair.malformed", repair_other_genesis},
};

} // namespace

std::span<const Kind> kinds()
{
    return all;
}

const Kind* find_kind(std::string_view name)
{
    const auto* const found = std::ranges::find(all, name, &Kind::name);
    return found == all.end() ? nullptr : found;
}

} // namespace belfry::hostile
