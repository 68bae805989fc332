// SPDX-License-Identifier: Apache-2.0
// `belfry certificate` and `belfry evidence`: what a node has proven, checked here from genesis
// alone: the node that is asked need not be believed.
#include "consensus/certificate/certificate.hpp"
#include "consensus/evidence.hpp"
#include "crypto/base58.hpp"
#include "crypto/ed25519.hpp"
#include "dataplane/wire.hpp"
#include "node/cli/commands.hpp"
#include "node/config.hpp"
#include "node/rpc/rpc_client.hpp"

#include <fmt/core.h>

#include <map>

namespace belfry::node {
namespace {

/// The validators, their stakes and the cluster's name, from the genesis file.
class Judge {
public:
    explicit Judge(const std::filesystem::path& file)
        : genesis_(ledger::load_genesis(file))
        , hash_(ledger::genesis_hash(genesis_))
    {
        std::vector<Stake> stakes;
        stakes.reserve(genesis_.validators.size());
        for (const ledger::GenesisValidator& validator : genesis_.validators) {
            stakes.push_back(validator.stake);
        }
        stakes_ = consensus::StakeTable::make(stakes).value();
    }
    [[nodiscard]] const consensus::StakeTable& stakes() const { return stakes_; }
    [[nodiscard]] const std::string& name(consensus::ValidatorIndex who) const
    {
        return genesis_.validators.at(who.value).name;
    }
    [[nodiscard]] consensus::SignatureCheck check() const
    {
        return [this](consensus::ValidatorIndex voter, consensus::StatementKind kind, ByteView body,
                      const Signature& signature) {
            if (voter.value >= genesis_.validators.size()) {
                return false;
            }
            const Bytes bytes =
                dataplane::vote_signing_bytes(hash_, {.kind = static_cast<std::uint8_t>(kind),
                                                      .voter_index = voter.value,
                                                      .body = body});
            return crypto::ed25519_verify({.message = bytes,
                                           .key = &genesis_.validators[voter.value].identity,
                                           .signature = &signature});
        };
    }

private:
    ledger::Genesis genesis_;
    Hash hash_;
    consensus::StakeTable stakes_;
};

Judge judge_of(const ProofOptions& options)
{
    if (!options.genesis.empty()) {
        return Judge(options.genesis);
    }
    if (options.node.config.empty()) {
        throw CommandError(
            exit_usage, "say which stakes to verify with: --genesis FILE, or --config node.toml");
    }
    return Judge(load_config(options.node.config).genesis);
}

std::vector<StoredProof> ask_node(const ProofOptions& options, std::optional<Slot> slot)
{
    RpcClient client(rpc_url_of(options.node));
    auto proofs = client.proofs(slot);
    if (!proofs) {
        throw CommandError(exit_unavailable, client.last_failure().text);
    }
    return std::move(*proofs);
}

const char* kind_name(consensus::StatementKind kind)
{
    switch (kind) {
    case consensus::StatementKind::notarize:
        return "notarized";
    case consensus::StatementKind::skip:
        return "skipped";
    case consensus::StatementKind::finalize:
        return "final";
    case consensus::StatementKind::tower_vote:
        break;
    }
    return "?";
}

/// Prints it; false when it is not true.
bool show(const consensus::Certificate& certificate, const Judge& judge)
{
    const auto verified = consensus::verify_certificate(certificate, judge.stakes(), judge.check());
    std::string names;
    for (const consensus::SignedStatement& vote : certificate.votes) {
        const bool known = vote.statement.voter.value < judge.stakes().count();
        names += (names.empty() ? "" : " ") +
                 (known ? judge.name(vote.statement.voter) : std::string("unknown"));
    }
    const Stake stake = judge.stakes().of(certificate.voters());
    fmt::print("slot {} {}{}\n  signed by {} of {} validators, {} of {} stake: {}\n  {}\n",
               certificate.slot.value, kind_name(certificate.kind),
               certificate.kind == consensus::StatementKind::notarize
                   ? " block " + crypto::to_base58(certificate.id)
                   : std::string(),
               certificate.votes.size(), judge.stakes().count(), stake.value,
               judge.stakes().total().value, names,
               verified ? "verified from the stakes of genesis" : "DOES NOT VERIFY");
    return verified.has_value();
}

} // namespace

int run_certificate(const ProofOptions& options)
{
    return guarded([&options]() -> int {
        const Judge judge = judge_of(options);
        const std::vector<StoredProof> proofs = ask_node(options, Slot{options.slot});
        std::map<consensus::StatementKind, Hash> seen;
        bool all_true = true;
        for (const StoredProof& proof : proofs) {
            const auto certificate = consensus::decode_certificate(proof.bytes);
            if (!certificate) {
                throw std::runtime_error("the node gave bytes that are no certificate");
            }
            all_true = show(*certificate, judge) && all_true;
            seen[certificate->kind] = certificate->id;
        }
        const bool is_final = seen.contains(consensus::StatementKind::finalize) &&
                              seen.contains(consensus::StatementKind::notarize);
        if (proofs.empty()) {
            throw CommandError(
                exit_failed, fmt::format("the node has no certificate of slot {}: it was skipped, "
                                         "is covered by a later one, or is not final yet",
                                         options.slot));
        }
        if (is_final && all_true) {
            fmt::print("block {} and all its ancestors are final\n",
                       crypto::to_base58(seen[consensus::StatementKind::notarize]));
        }
        return all_true ? exit_ok : exit_failed;
    });
}

int run_evidence(const ProofOptions& options)
{
    return guarded([&options]() -> int {
        const Judge judge = judge_of(options);
        bool all_true = true;
        for (const StoredProof& proof : ask_node(options, std::nullopt)) {
            const auto evidence = consensus::decode_evidence(proof.bytes);
            const bool holds = evidence && evidence->voter.value < judge.stakes().count() &&
                               consensus::verify_evidence(*evidence, judge.check());
            all_true = all_true && holds;
            if (!holds) {
                fmt::print("slot {}: DOES NOT VERIFY\n", proof.slot.value);
                continue;
            }
            fmt::print("slot {} {} signed two things that contradict each other: verified\n",
                       proof.slot.value, judge.name(evidence->voter));
        }
        return all_true ? exit_ok : exit_failed;
    });
}

} // namespace belfry::node
