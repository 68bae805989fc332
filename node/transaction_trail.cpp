// SPDX-License-Identifier: Apache-2.0
#include "node/transaction_trail.hpp"

#include "base/check.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace belfry::node {
namespace {

constexpr unsigned stage_bits = 8;
constexpr unsigned detail_bits = 24;

struct Text {
    std::string_view name;
    std::string_view explanation;
};
constexpr std::array<Text, static_cast<std::size_t>(TrailStage::count)> texts{{
    {"duplicate", "another copy came; the first is what counts"},
    {"badSignature", "a copy whose signature is not good came and was dropped"},
    {"duplicateInPool", "another copy came while it waited"},
    {"pooled", "its signatures are good; it waits in the pool"},
    {"waitingForBlockhash", "it waits: no block of this fork has the blockhash it names yet"},
    {"forwarded", "it was sent on to the next leaders"},
    {"notForwarded", "the link to the network was full; the next window forwards it"},
    {"packed", "it is in a block that this node makes"},
    {"processed", "a block has executed it"},
    {"bankBusy", "dropped: its signatures are good, but the bank tile's link was full"},
    {"poolFull", "dropped: the pool is full and every other pays at least as much"},
    {"evicted", "dropped: the pool is full and another pays more"},
    {"waitingFull", "dropped: too many wait for a blockhash that is not known yet"},
    {"alreadyExecuted", "dropped: an earlier block of this fork has executed it"},
    {"payerCannotPay", "dropped: its fee payer cannot pay the fee"},
    {"expired", "dropped: it expired, 150 blocks have followed the blockhash it names"},
    {"blockhashUnknown", "dropped: the blockhash it names did not become known in time"},
    {"quarantined", "dropped: this node died while it worked on it, more than once"},
}};

const Text& text_of(TrailStage stage)
{
    BELFRY_CHECK(stage < TrailStage::count);
    return texts[static_cast<std::size_t>(stage)];
}

/// What one turn of a tile noted has one time; the stages are written in the order of the way.
bool is_earlier(const TrailEvent& a, const TrailEvent& b)
{
    return std::tuple(a.time_ns, a.stage) < std::tuple(b.time_ns, b.stage);
}

std::array<std::uint64_t, 2> key_of(const Signature& signature)
{
    ByteReader reader(signature.view().first(16));
    const std::uint64_t first = reader.u64();
    return {first, reader.u64()};
}

} // namespace

std::string_view to_string(TrailStage stage)
{
    return text_of(stage).name;
}

std::string_view explanation(TrailStage stage)
{
    return text_of(stage).explanation;
}

TrailStage trail_stage(exec::PoolEvent event)
{
    switch (event) {
    case exec::PoolEvent::inserted:
        return TrailStage::pooled;
    case exec::PoolEvent::duplicate:
        return TrailStage::duplicate_in_pool;
    case exec::PoolEvent::refused_full:
        return TrailStage::pool_full;
    case exec::PoolEvent::evicted_by_fee:
        return TrailStage::evicted_by_fee;
    case exec::PoolEvent::waiting:
        return TrailStage::waiting_for_blockhash;
    case exec::PoolEvent::dropped_waiting_full:
        return TrailStage::waiting_full;
    case exec::PoolEvent::packed:
        return TrailStage::packed;
    case exec::PoolEvent::dropped_duplicate:
        return TrailStage::already_executed;
    case exec::PoolEvent::dropped_payer:
        return TrailStage::payer_cannot_pay;
    case exec::PoolEvent::expired:
        return TrailStage::blockhash_expired;
    case exec::PoolEvent::quarantined:
        return TrailStage::quarantined;
    case exec::PoolEvent::expired_unknown:
        break;
    }
    return TrailStage::blockhash_unknown;
}

std::uint64_t TrailRing::check_of(const std::array<std::uint64_t, 4>& words)
{
    std::uint64_t check = 0x9e3779b97f4a7c15U; // an entry of zeros, never written, does not pass
    for (const std::uint64_t word : words) {
        check = (check ^ word) * 0xbf58476d1ce4e5b9U;
        check ^= check >> 29;
    }
    return check;
}

void TrailRing::note(const Signature& signature, const TrailEvent& event) noexcept
{
    const std::array<std::uint64_t, 2> key = key_of(signature);
    const std::uint64_t detail = event.detail & ((1U << detail_bits) - 1);
    const std::array<std::uint64_t, 4> words{key[0], key[1],
                                             static_cast<std::uint64_t>(event.stage) |
                                                 (detail << stage_bits) |
                                                 (event.slot.value << (stage_bits + detail_bits)),
                                             event.time_ns};
    Entry& entry = entries_[next_];
    next_ = next_ + 1 == entries_.size() ? 0 : next_ + 1;
    for (std::size_t i = 0; i < words.size(); ++i) {
        entry.words[i].set(words[i]);
    }
    entry.words[4].set(check_of(words));
}

void TrailRing::find(const Signature& signature, std::vector<TrailEvent>& out) const
{
    const std::array<std::uint64_t, 2> key = key_of(signature);
    const std::size_t before = out.size();
    for (const Entry& entry : entries_) {
        if (entry.words[0].read() != key[0]) {
            continue;
        }
        std::array<std::uint64_t, 4> words{};
        for (std::size_t i = 0; i < words.size(); ++i) {
            words[i] = entry.words[i].read();
        }
        const std::uint64_t stage = words[2] & ((1U << stage_bits) - 1);
        if (words[0] != key[0] || words[1] != key[1] || entry.words[4].read() != check_of(words) ||
            stage >= static_cast<std::uint64_t>(TrailStage::count)) {
            continue;
        }
        out.push_back({.stage = static_cast<TrailStage>(stage),
                       .slot = Slot{words[2] >> (stage_bits + detail_bits)},
                       .detail = static_cast<std::uint32_t>((words[2] >> stage_bits) &
                                                            ((1U << detail_bits) - 1)),
                       .time_ns = words[3]});
    }
    const auto found = out.begin() + static_cast<std::ptrdiff_t>(before);
    std::sort(found, out.end(), is_earlier);
    if (out.size() - before > found_max) {
        out.erase(found, out.end() - static_cast<std::ptrdiff_t>(found_max));
    }
}

std::vector<TrailEvent> find_trail(const Signature& signature,
                                   std::span<const TrailRing* const> rings)
{
    std::vector<TrailEvent> events;
    for (const TrailRing* const ring : rings) {
        ring->find(signature, events);
    }
    std::ranges::sort(events, is_earlier);
    return events;
}

std::string trail_json(std::span<const TrailEvent> events, std::uint64_t now_ns)
{
    std::string text;
    for (const TrailEvent& event : events) {
        const std::uint64_t ms_ago = (now_ns - std::min(now_ns, event.time_ns)) / 1'000'000;
        text +=
            fmt::format(R"({}{{"stage":"{}","text":"{}","dropped":{},"slot":{},)"
                        R"("leaders":{},"msAgo":{}}})",
                        text.empty() ? "" : ",", to_string(event.stage), explanation(event.stage),
                        is_drop(event.stage), event.slot.value, event.detail, ms_ago);
    }
    return fmt::format(R"({{"events":[{}]}})", text);
}

} // namespace belfry::node
