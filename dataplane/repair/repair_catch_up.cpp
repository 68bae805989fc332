// SPDX-License-Identifier: Apache-2.0
// The planner's guides: peers whose chain is followed while this node is behind.
#include "base/check.hpp"
#include "dataplane/repair/repair_planner.hpp"

#include <algorithm>

namespace belfry::dataplane {

void RepairPlanner::on_hints(ByteView datagram, std::uint64_t now_ns)
{
    const auto hints = parse_chain_hints(datagram, prefix_);
    const auto guide =
        !hints ? guides_.end() : std::ranges::find_if(guides_, [&](const Guide& asked) {
            return asked.outstanding && asked.echo == hints->echo && asked.after == hints->after;
        });
    if (guide == guides_.end()) {
        ++counters_.hints_refused;
        return;
    }
    guide->outstanding = false;
    guide->progress_ns = now_ns;
    guide->exhausted = hints->hints.empty() || hints->hints.back().block.slot >= hints->tip;
    guide->hints.insert(guide->hints.end(), hints->hints.begin(), hints->hints.end());
    counters_.hints_taken += hints->hints.size();
    if (!hints->hints.empty()) {
        empty_guides_ = 0;
    }
}

void RepairPlanner::guide(std::uint64_t now_ns, std::vector<RepairOut>& out)
{
    for (Guide& known : guides_) {
        if (known.outstanding && now_ns >= known.deadline_ns) {
            note_failure(known.peer, now_ns);
            known.useless = true;
        } else {
            follow(known, now_ns);
        }
        if (known.useless) {
            ++counters_.guides_replaced;
            dismiss(known);
        } else if (known.exhausted && known.hints.empty()) {
            // Nothing beyond what is here. A far slot that none of several chains reaches is
            // forgotten until it is seen again.
            if (++empty_guides_ >= options_.guides_max) {
                highest_slot_seen_ = std::min(highest_slot_seen_, position_.replayed);
            }
            known.useless = true;
        }
    }
    std::erase_if(guides_, [](const Guide& known) { return known.useless; });

    const std::size_t guides_wanted = catching_up() ? options_.guides_max : 1;
    if (guides_.size() < guides_wanted && now_ns >= next_guide_ns_) {
        next_guide_ns_ =
            now_ns + (catching_up() ? options_.guide_interval_ns : options_.probe_interval_ns);
        for (std::uint16_t step = 0; step < options_.roster_count; ++step) {
            const std::uint16_t index = next_guide_peer_;
            next_guide_peer_ =
                static_cast<std::uint16_t>((next_guide_peer_ + 1) % options_.roster_count);
            const bool taken = std::ranges::any_of(
                guides_, [&](const Guide& known) { return known.peer == index; });
            if (index != options_.me && !taken) {
                Guide fresh;
                fresh.peer = index;
                fresh.progress_ns = now_ns;
                guides_.push_back(fresh);
                break;
            }
        }
    }
    for (Guide& known : guides_) {
        question(known, now_ns, out);
    }
}

void RepairPlanner::follow(Guide& guide, std::uint64_t now_ns)
{
    const auto behind = [&](const ChainHint& hint) {
        const bool reached = hint.block.slot <= position_.replayed ||
                             (!catching_up() && assembler_.is_known(hint.block));
        return reached || hint.block.slot <= position_.finalized.slot;
    };
    while (!guide.hints.empty() && behind(guide.hints.front())) {
        guide.hints.pop_front();
        ++guide.dropped_count;
    }
    std::size_t known_count = 0;
    std::size_t wanted_count = 0;
    const std::size_t window = std::min(options_.window_blocks, guide.hints.size());
    for (std::size_t i = 0; i < window; ++i) {
        const ChainHint& hint = guide.hints[i];
        if (assembler_.is_known(hint.block)) {
            ++known_count;
            continue;
        }
        ++wanted_count;
        want_far(hint.block);
    }
    const std::size_t fetched_count = guide.dropped_count + known_count;
    if (wanted_count == 0 || fetched_count > guide.fetched_count) {
        guide.progress_ns = now_ns;
    }
    guide.fetched_count = std::max(guide.fetched_count, fetched_count);
    guide.useless = now_ns - guide.progress_ns > options_.guide_patience_ns;
}

void RepairPlanner::question(Guide& guide, std::uint64_t now_ns, std::vector<RepairOut>& out)
{
    if (guide.outstanding || guide.exhausted || guide.hints.size() >= options_.window_blocks) {
        return;
    }
    guide.after = guide.hints.empty() ? position_.replayed : guide.hints.back().block.slot;
    RepairOut asked{guide.peer,
                    write_request(guide.peer, RepairWhat::chain, {guide.after, 0, Hash{}}, 0)};
    const auto sent = parse_repair_request(asked.datagram, prefix_);
    BELFRY_CHECK(sent.has_value());
    guide.echo = echo_of(sent->signature);
    guide.deadline_ns = now_ns + timeout_of(guide.peer, 2);
    guide.outstanding = true;
    out.push_back(std::move(asked));
}

void RepairPlanner::dismiss(const Guide& guide)
{
    for (const ChainHint& hint : guide.hints) {
        const bool hinted_by_another = std::ranges::any_of(guides_, [&](const Guide& other) {
            return other.peer != guide.peer && !other.useless &&
                   std::ranges::find(other.hints, hint.block, &ChainHint::block) !=
                       other.hints.end();
        });
        if (!hinted_by_another) {
            assembler_.unwant(hint.block);
        }
    }
}

} // namespace belfry::dataplane
