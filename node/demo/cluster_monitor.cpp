// SPDX-License-Identifier: Apache-2.0
#include "node/demo/cluster_monitor.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace belfry::node {
namespace {

Slot slot_in(const boost::json::object& status, std::string_view name)
{
    const boost::json::value* const value = status.if_contains(name);
    return Slot{value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : 0};
}

} // namespace

ClusterMonitor::ClusterMonitor(const std::vector<ValidatorEntry>& validators)
    : views_(validators.size())
    , watches_(validators.size())
{
    for (const ValidatorEntry& validator : validators) {
        clients_.emplace_back(
            validator.rpc.to_string(),
            RpcClient::Options{std::chrono::milliseconds(200), std::chrono::milliseconds(1500)});
    }
}

void ClusterMonitor::poll(std::optional<std::size_t> down)
{
    for (std::size_t i = 0; i < clients_.size(); ++i) {
        views_[i].reachable = false;
        if (down != i) {
            poll_one(i);
        }
    }
}

void ClusterMonitor::poll_one(std::size_t validator)
{
    const auto text = clients_[validator].status_json();
    if (!text) {
        return;
    }
    boost::json::error_code failed;
    const boost::json::value parsed = boost::json::parse(*text, failed);
    if (failed || !parsed.is_object()) {
        return;
    }
    const Clock::time_point now = Clock::now();
    ValidatorView& view = views_[validator];
    view.reachable = true;
    view.status = parsed.as_object();
    view.processed = slot_in(view.status, "processed");
    view.confirmed = slot_in(view.status, "confirmed");
    view.finalized = slot_in(view.status, "finalized");
    view.root = slot_in(view.status, "root");
    view.super_root = slot_in(view.status, "superRoot");
    const boost::json::value& vote = view.status["lastVote"];
    view.last_vote =
        vote.is_number() ? std::optional(slot_in(view.status, "lastVote")) : std::nullopt;
    Watch& watch = watches_[validator];
    if (!watch.started && view.finalized > Slot{}) {
        watch = {.finalized = view.finalized, .since = now, .started = true};
    } else if (watch.started) {
        watch.longest =
            std::max(watch.longest,
                     std::chrono::duration_cast<std::chrono::milliseconds>(now - watch.since));
        if (view.finalized != watch.finalized) {
            watch.finalized = view.finalized;
            watch.since = now;
        }
    }
    if (validator == 0) {
        note_slot(view.processed, now);
        finality_.note({.processed = view.processed,
                        .finalized = view.finalized,
                        .super_root = view.super_root},
                       now);
    }
}

void ClusterMonitor::note_slot(Slot processed, Clock::time_point now)
{
    if (processed == Slot{} || (newest_slot_ && newest_slot_->slot >= processed)) {
        return;
    }
    newest_slot_ = {processed, now};
    if (!first_slot_) {
        first_slot_ = newest_slot_;
    }
}

void ClusterMonitor::restart_watch(std::size_t validator)
{
    watches_[validator] = {};
}

std::optional<double> ClusterMonitor::mean_slot_ms() const
{
    if (!first_slot_ || !newest_slot_ || newest_slot_->slot == first_slot_->slot) {
        return std::nullopt;
    }
    const double ms =
        std::chrono::duration<double, std::milli>(newest_slot_->when - first_slot_->when).count();
    return ms / static_cast<double>(newest_slot_->slot.value - first_slot_->slot.value);
}

Slot ClusterMonitor::highest_processed() const
{
    Slot highest;
    for (const ValidatorView& view : views_) {
        highest = std::max(highest, view.processed);
    }
    return highest;
}

Slot ClusterMonitor::lowest_finalized() const
{
    Slot lowest{UINT64_MAX};
    for (const ValidatorView& view : views_) {
        lowest = std::min(lowest, view.finalized);
    }
    return lowest;
}

} // namespace belfry::node
