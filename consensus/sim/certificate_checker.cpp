// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/certificate_checker.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace belfry::consensus::sim {

namespace {
constexpr std::uint64_t slots_max = 1'000'000; // what a liar names beyond says nothing here
} // namespace

CertificateChecker::CertificateChecker(const StakeTable& stakes, std::size_t machine_count)
    : stakes_(stakes)
    , own_(machine_count)
{
}

void CertificateChecker::add(ValidatorSet& voters, Stake& stake, ValidatorIndex who) const
{
    if (voters.insert(who)) {
        stake = Stake{stake.value + stakes_.stake(who).value};
    }
}

void CertificateChecker::durable(std::size_t machine, ByteView record)
{
    constexpr std::uint8_t notarize_record = 3; // certificate/gadget.hpp
    if (record.empty() || record.front() != notarize_record) {
        return;
    }
    const auto statement = decode_statement(StatementKind::notarize, record.subspan(1));
    if (!statement) {
        return;
    }
    std::vector<Own>& all = own_[machine];
    if (all.size() <= statement->first.value) {
        all.resize(statement->first.value + 64);
    }
    std::optional<Hash>& notarized = all[statement->first.value].notarized;
    notarized = notarized ? notarized : std::optional{statement->id};
}

std::optional<std::string> CertificateChecker::check_own(std::size_t machine,
                                                         const Statement& statement, Slot slot)
{
    std::vector<Own>& all = own_[machine];
    if (all.size() <= slot.value) {
        all.resize(slot.value + 64);
    }
    Own& own = all[slot.value];
    switch (statement.kind) {
    case StatementKind::notarize:
        if (own.notarized && *own.notarized != statement.id) {
            return fmt::format("C-S1 node {} notarizes two blocks of slot {}", machine, slot.value);
        }
        own.notarized = statement.id;
        break;
    case StatementKind::skip:
        own.skipped = true;
        break;
    default:
        if (!own.notarized) {
            return fmt::format("C-S3 node {} finalizes slot {} and notarized nothing there",
                               machine, slot.value);
        }
        own.finalized = true;
    }
    if (own.skipped && own.finalized) {
        return fmt::format("C-S2 node {} finalizes and skips slot {}", machine, slot.value);
    }
    return std::nullopt;
}

std::optional<std::string> CertificateChecker::count(const Statement& statement, Slot slot)
{
    if (tallies_.size() <= slot.value) {
        tallies_.resize(slot.value + 64);
    }
    Tally& tally = tallies_[slot.value];
    if (statement.kind == StatementKind::notarize) {
        auto version = std::ranges::find(tally.versions, statement.id, &Version::id);
        if (version == tally.versions.end()) {
            tally.versions.push_back({.id = statement.id, .voters = {}, .stake = {}});
            version = tally.versions.end() - 1;
        }
        add(version->voters, version->stake, statement.voter);
        const auto quorums = std::ranges::count_if(
            tally.versions, [&](const Version& one) { return is_quorum(one.stake); });
        if (quorums > 1) {
            return fmt::format("C-S4 slot {} has two notarized blocks", slot.value);
        }
        return std::nullopt;
    }
    if (statement.kind == StatementKind::skip) {
        add(tally.skippers, tally.skipped, statement.voter);
    } else {
        add(tally.finalizers, tally.finalized, statement.voter);
    }
    if (is_quorum(tally.skipped) && is_quorum(tally.finalized)) {
        return fmt::format("C-S5 slot {} is both final and skipped", slot.value);
    }
    return std::nullopt;
}

std::optional<std::string> CertificateChecker::said(std::size_t machine, const Statement& statement,
                                                    bool honest, bool judges_all)
{
    std::optional<std::string> broken;
    const std::uint64_t last = std::min(statement.last.value, slots_max);
    for (std::uint64_t slot = statement.first.value; slot <= last && !broken; ++slot) {
        if (honest) {
            broken = check_own(machine, statement, Slot{slot});
        }
        if (const auto all = count(statement, Slot{slot}); all && judges_all && !broken) {
            broken = all;
        }
    }
    return broken;
}

} // namespace belfry::consensus::sim
