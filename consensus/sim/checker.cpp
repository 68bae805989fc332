// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/checker.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace belfry::consensus::sim {

namespace {
constexpr std::size_t violations_max = 100; // more say nothing new
} // namespace

Checker::Checker(const BlockWorld& world, std::size_t instance_count)
    : world_(world)
    , watched_(instance_count)
    , newest_final_(world.genesis())
{
    for (Watched& watched : watched_) {
        watched.final_block = world.genesis();
    }
}

void Checker::broken(const std::string& what)
{
    const bool watched = unwatched_.empty() || !what.starts_with(unwatched_);
    if (watched && violations_.size() < violations_max) {
        violations_.push_back(what);
    }
}

bool Checker::saw(std::string_view rule) const
{
    return std::ranges::any_of(violations_,
                               [&](const std::string& what) { return what.starts_with(rule); });
}

void Checker::vote_sent(std::size_t instance, ByteView body)
{
    Watched& watched = watched_[instance];
    if (!watched.honest) {
        return;
    }
    const auto vote = decode_tower_vote(body);
    if (!vote) {
        broken(fmt::format("T-S1 node {} sent a malformed tower", instance));
        return;
    }
    if (!watched.durable || watched.durable->vote.block().slot < vote->block().slot) {
        broken(fmt::format("T-S4 node {} sent its vote for slot {} before it was durable", instance,
                           vote->block().slot.value));
    }
    check_lockouts(instance, *vote);
}

void Checker::check_lockouts(std::size_t instance, const TowerVote& vote)
{
    std::map<Slot, Spoken>& votes = watched_[instance].votes;
    const BlockName block = vote.block();
    const auto same_slot = votes.find(block.slot);
    if (same_slot != votes.end() && same_slot->second.block != block) {
        broken(fmt::format("T-S2 node {} voted for two blocks of slot {}", instance,
                           block.slot.value));
        return;
    }
    if (same_slot == votes.end()) {
        for (const auto& [slot, earlier] : votes) {
            const bool later_vote = slot < block.slot;
            if (later_vote && block.slot <= earlier.expiry &&
                !world_.descends(block, earlier.block)) {
                broken(fmt::format("T-S2 node {} voted for slot {} although its vote for slot {} "
                                   "on another fork binds until {}",
                                   instance, block.slot.value, slot.value, earlier.expiry.value));
            }
        }
        votes[block.slot] = {.block = block, .expiry = block.slot};
    }
    for (const Lockout& entry : vote.tower.entries()) {
        const auto spoken = votes.find(entry.slot);
        if (spoken != votes.end()) {
            spoken->second.expiry = std::max(spoken->second.expiry, entry.expiry());
        }
    }
    for (auto& [slot, spoken] : votes) { // what is rooted binds for ever
        if (slot <= vote.tower.root() && world_.descends(block, spoken.block)) {
            spoken.expiry = Slot{UINT64_MAX};
        }
    }
}

void Checker::record_durable(std::size_t instance, ByteView record)
{
    const std::optional<TowerRecord> decoded = decode_tower_record(record);
    if (!decoded) {
        broken(fmt::format("T-S4 node {} wrote a malformed record", instance));
        return;
    }
    if (const auto* vote = std::get_if<VoteRecord>(&*decoded)) {
        watched_[instance].durable = *vote;
    }
}

void Checker::record_written(std::size_t instance, ByteView record)
{
    const std::optional<TowerRecord> decoded = decode_tower_record(record);
    if (const auto* vote = decoded ? std::get_if<VoteRecord>(&*decoded) : nullptr) {
        watched_[instance].written = *vote;
    }
}

void Checker::restarted(std::size_t instance, const std::optional<BlockName>& last_vote)
{
    Watched& watched = watched_[instance];
    watched.written = watched.durable;
    if (!watched.honest || watched.votes.empty()) {
        return;
    }
    const BlockName newest = watched.votes.rbegin()->second.block;
    if (!last_vote || last_vote->slot < newest.slot ||
        (last_vote->slot == newest.slot && *last_vote != newest)) {
        broken(fmt::format("T-S4 node {} restarted below its vote for slot {}", instance,
                           newest.slot.value));
    }
}

void Checker::block_begun(std::size_t instance, Slot slot)
{
    Watched& watched = watched_[instance];
    if (watched.honest && !watched.begun.empty() && slot <= watched.begun.back()) {
        broken(fmt::format("T-S8 node {} builds slot {} after slot {}", instance, slot.value,
                           watched.begun.back().value));
    }
    watched.begun.push_back(slot);
}

void Checker::block_asked(std::size_t instance, Slot slot, const BlockName& parent, bool holds_vote)
{
    const Watched& watched = watched_[instance];
    if (!watched.honest || !watched.written || !holds_vote) {
        return;
    }
    const VoteRecord& last = *watched.written;
    const BlockName voted = last.vote.block();
    const bool lost =
        voted.slot <= watched.final_block.slot || !world_.descends(voted, watched.final_block);
    if (lost || world_.descends(parent, voted) || world_.descends(voted, parent)) {
        return;
    }
    const std::size_t binding = last.vote.tower.binding_count(parent.slot);
    for (std::size_t i = 0; i < binding; ++i) {
        const BlockName entry{.slot = last.vote.tower.entries()[i].slot, .id = last.ids[i]};
        if (!world_.descends(parent, entry)) {
            broken(fmt::format("T-L1 node {} builds slot {} away from the fork of slot {} that "
                               "it is bound to",
                               instance, slot.value, entry.slot.value));
            return;
        }
    }
}

void Checker::finalized(std::size_t instance, const BlockName& block)
{
    if (!watched_[instance].honest) {
        return;
    }
    const BlockName& higher = std::max(block, newest_final_);
    const BlockName& lower = std::min(block, newest_final_);
    if (!world_.descends(higher, lower)) {
        broken(fmt::format("T-S5 node {} finalised slot {} on another chain than slot {}", instance,
                           block.slot.value, newest_final_.slot.value));
    }
    newest_final_ = higher;
    watched_[instance].final_block = block;
}

} // namespace belfry::consensus::sim
