// SPDX-License-Identifier: Apache-2.0
#include "dataplane/repair/repair_server.hpp"

#include "base/check.hpp"
#include "crypto/ed25519.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace belfry::dataplane {
namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr unsigned sequence_window = 64;

/// What a rate per second gives in elapsed_ns; nothing wraps for a rate below 2^32.
std::int64_t refill_of(std::uint64_t rate, std::uint64_t elapsed_ns)
{
    const std::uint64_t capped_us = std::min(elapsed_ns, 4 * second_ns) / 1000;
    return static_cast<std::int64_t>(rate * capped_us / 1'000'000);
}

} // namespace

RepairServer::RepairServer(Options options, SetSource& source)
    : options_(std::move(options))
    , prefix_(options_.genesis)
    , source_(source)
    , peers_(options_.roster.size())
{
    BELFRY_CHECK(options_.me < options_.roster.size());
    for (const std::uint64_t rate : {options_.bytes_per_second, options_.requests_per_second * 1000,
                                     options_.checks_per_second * 1000}) {
        BELFRY_CHECK(rate >= 1000 && rate < (std::uint64_t{1} << 32));
    }
    BELFRY_CHECK(options_.built_sets_max >= 1);
}

Result<RepairAnswer, RepairServeError> RepairServer::serve(ByteView datagram, std::uint64_t now_ns)
{
    Result<RepairAnswer, RepairServeError> answer = serve_checked(datagram, now_ns);
    if (!answer) {
        ++counters_.errors[static_cast<std::size_t>(answer.error())];
        return answer;
    }
    ++counters_.requests_served;
    return answer;
}

Result<RepairAnswer, RepairServeError> RepairServer::serve_checked(ByteView datagram,
                                                                   std::uint64_t now_ns)
{
    const auto parsed = parse_repair_request(datagram, prefix_);
    if (!parsed) {
        ++counters_.malformed[static_cast<std::size_t>(parsed.error())];
        return std::unexpected(RepairServeError::malformed);
    }
    const RepairRequest& request = parsed->request;
    if (request.sender >= options_.roster.size() || request.sender == options_.me) {
        return std::unexpected(RepairServeError::unknown_sender);
    }
    if (request.target != options_.me) {
        return std::unexpected(RepairServeError::wrong_target);
    }
    Peer& peer = peers_[request.sender];
    const auto signed_of = [](std::uint64_t count) {
        return static_cast<std::int64_t>(count);
    };
    peer.bytes.refill(options_.bytes_per_second, signed_of(options_.burst_bytes), now_ns);
    const std::uint64_t requests_milli = options_.requests_per_second * 1000;
    peer.requests_milli.refill(requests_milli, signed_of(requests_milli), now_ns);
    const std::uint64_t checks_milli = options_.checks_per_second * 1000;
    checks_milli_.refill(checks_milli, signed_of(checks_milli), now_ns);
    if (peer.requests_milli.left < 1000 || peer.bytes.left <= 0 || checks_milli_.left < 1000) {
        return std::unexpected(RepairServeError::rate_limited);
    }
    // A forged request costs only the common allowance of checks: nobody can use up another's.
    checks_milli_.left -= 1000;
    const Bytes statement = repair_statement(options_.genesis, parsed->body);
    if (!crypto::ed25519_verify({.message = statement,
                                 .key = &options_.roster[request.sender],
                                 .signature = &parsed->signature})) {
        return std::unexpected(RepairServeError::bad_signature);
    }
    if (!fresh(peer.sequences, request.sequence, now_ns)) {
        return std::unexpected(RepairServeError::replayed);
    }
    peer.requests_milli.left -= 1000;

    RepairAnswer answer;
    answer.peer = request.sender;
    collect(*parsed, answer.datagrams);
    if (answer.datagrams.empty()) {
        return std::unexpected(RepairServeError::not_here);
    }
    for (const Bytes& sent : answer.datagrams) {
        peer.bytes.left -= signed_of(sent.size());
    }
    return answer;
}

void RepairServer::Bucket::refill(std::uint64_t rate, std::int64_t left_max, std::uint64_t now_ns)
{
    if (!started) {
        *this = {.left = left_max, .refilled_ns = now_ns, .started = true};
    } else if (now_ns >= refilled_ns + second_ns / 1000) {
        // Not in smaller steps, so that nothing is lost to rounding.
        left = std::min(left_max, left + refill_of(rate, now_ns - refilled_ns));
        refilled_ns = now_ns;
    }
}

bool RepairServer::fresh(Window& window, std::uint64_t sequence, std::uint64_t now_ns) const
{
    // After a silence any sequence is taken: a validator whose clock was set back is not locked out
    // for ever, and who repeats an old request then makes one answer to that validator itself.
    if (!window.started || now_ns - window.newest_ns > options_.sequence_reset_ns) {
        window = {.highest = sequence, .seen = 1, .newest_ns = now_ns, .started = true};
        return true;
    }
    if (sequence > window.highest) {
        const std::uint64_t step = sequence - window.highest;
        window.seen = step < sequence_window ? window.seen << step | 1 : 1;
        window.highest = sequence;
    } else {
        const std::uint64_t age = window.highest - sequence;
        if (age >= sequence_window || (window.seen >> age & 1) != 0) {
            return false;
        }
        window.seen |= std::uint64_t{1} << age;
    }
    window.newest_ns = now_ns;
    return true;
}

void RepairServer::collect(const SignedRepairRequest& request, std::vector<Bytes>& out)
{
    const SetKey& key = request.request.key;
    switch (request.request.what) {
    case RepairWhat::set:
        if (const auto set = source_.set(key)) {
            append(*set, request.request.bits, out);
        }
        return;
    case RepairWhat::successor:
        if (const auto set = source_.successor(key)) {
            append(*set, enough_bits(*set), out);
        }
        return;
    case RepairWhat::block_sets: {
        const ledger::BlockRef block{key.slot, key.root};
        for (std::uint64_t i = 0; i < request.request.bits; ++i) {
            const auto index = key.set_index == tail_set_index
                                   ? tail_set_index
                                   : key.set_index + static_cast<std::uint32_t>(i);
            const auto set = source_.set_of_block(block, index);
            if (!set) {
                return;
            }
            append(*set, enough_bits(*set), out);
        }
        return;
    }
    case RepairWhat::chain:
        answer_chain(request, out);
        return;
    }
}

std::uint64_t RepairServer::enough_bits(const ledger::ShredSet& set)
{
    const std::size_t spare = std::min<std::size_t>(set.parity_count, 1 + set.data_count / 8U);
    return (std::uint64_t{1} << (set.data_count + spare)) - 1;
}

const RepairServer::Built& RepairServer::built(const ledger::ShredSet& set)
{
    const SetKey key{set.slot, set.index, set.root};
    const auto found = std::ranges::find(built_, key, &Built::key);
    if (found != built_.end()) {
        return *found;
    }
    if (built_.size() >= options_.built_sets_max) {
        built_.pop_back();
    }
    built_.push_front({key, shreds_of(set, options_.genesis)});
    return built_.front();
}

void RepairServer::append(const ledger::ShredSet& set, std::uint64_t bits, std::vector<Bytes>& out)
{
    const SetDatagrams& shreds = built(set).datagrams;
    for (std::size_t i = 0; i < shreds.count(); ++i) {
        if ((bits >> i & 1) != 0) {
            const ByteView shred = shreds.at(i);
            out.emplace_back(shred.begin(), shred.end());
            ++counters_.shreds_sent;
        }
    }
}

void RepairServer::answer_chain(const SignedRepairRequest& request, std::vector<Bytes>& out)
{
    ChainHints hints;
    hints.echo = echo_of(request.signature);
    hints.tip = source_.tip();
    hints.after = request.request.key.slot;
    hints.hints = source_.chain_after(hints.after, chain_hints_max);
    const auto too_far = std::ranges::find_if(hints.hints, [&](const ChainHint& hint) {
        return hint.block.slot.value - hints.after.value > UINT32_MAX;
    });
    hints.hints.erase(too_far, hints.hints.end());
    out.push_back(write_chain_hints(hints, prefix_));
    ++counters_.hints_sent;
}

std::string_view to_string(RepairServeError error)
{
    constexpr std::array<std::string_view, static_cast<std::size_t>(RepairServeError::count)> names{
        "malformed",     "unknown_sender", "wrong_target", "rate_limited",
        "bad_signature", "replayed",       "not_here"};
    const auto place = static_cast<std::size_t>(error);
    return place < names.size() ? names[place] : "unknown";
}

} // namespace belfry::dataplane
