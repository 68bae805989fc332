// SPDX-License-Identifier: Apache-2.0
#include "node/chain_pace.hpp"

#include "crypto/poh.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <ctime>
#include <stdexcept>
#include <system_error>

namespace belfry::node {

namespace {

constexpr double probe_s = 0.005;
constexpr std::uint64_t hashes_at_once = 2'000; // 0.2 to 2 ms

double cpu_seconds_of_this_thread()
{
    timespec now{};
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) {
        throw std::system_error(errno, std::system_category(), "the thread's CPU clock");
    }
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

} // namespace

double measure_chain_hashes_per_second()
{
    Hash state{};
    std::uint64_t hashes = 0;
    const double begun = cpu_seconds_of_this_thread();
    double passed = 0;
    while (passed < probe_s) {
        state = crypto::poh_append(state, hashes_at_once);
        hashes += hashes_at_once;
        passed = cpu_seconds_of_this_thread() - begun;
    }
    return static_cast<double>(hashes) / passed;
}

ChainPace chain_pace(const ledger::Genesis& genesis, double hashes_per_second)
{
    const double chain_s = static_cast<double>(genesis.hashes_per_slot()) / hashes_per_second;
    return {.hashes_per_second = hashes_per_second, .share = chain_s * 1e3 / genesis.slot_ms};
}

std::string in_words(const ChainPace& pace)
{
    std::string text = fmt::format("proof of history: {:.1f} M hashes/s, {:.1f} % of a slot",
                                   pace.hashes_per_second / 1e6, pace.share * 100);
    if (pace.share > chain_share_high) {
        text += "; too little is left for blocks: this machine is too slow for this cluster's "
                "hashes_per_tick * ticks_per_slot in slot_ms, which genesis gives";
    }
    return text;
}

void require_chain_pace(const ChainPace& pace)
{
    if (pace.share >= 1) {
        throw std::runtime_error(in_words(pace));
    }
}

} // namespace belfry::node
