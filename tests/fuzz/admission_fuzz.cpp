// SPDX-License-Identifier: Apache-2.0
// admission_fuzz: datagrams of many sources at any times: each verdict of the limiter is that of
// the slow one, and a validator of the roster passes its own lanes whatever strangers send.
#include "base/check.hpp"
#include "dataplane/ingress/admission.hpp"
#include "tests/base/choices.hpp"
#include "tests/dataplane/slow_limiter.hpp"

namespace {

using namespace belfry;            // NOLINT(google-build-using-namespace)
using namespace belfry::dataplane; // NOLINT(google-build-using-namespace)

constexpr std::uint64_t second_ns = 1'000'000'000;

Endpoint drawn_source(Choices& choices)
{
    const std::uint64_t draw = choices();
    Endpoint from = ipv4(0x0a000000U + static_cast<std::uint32_t>(draw % 32),
                         static_cast<std::uint16_t>(choices()));
    if (draw % 3 == 0) {
        from.family = Endpoint::Family::ipv6;
        from.address[7] = static_cast<std::uint8_t>(draw / 64); // of the half that counts
        from.address[15] = static_cast<std::uint8_t>(choices());
    }
    return from;
}

void check(Choices choices)
{
    const SourceLimiter::Options options{.packets_per_second = 1 + choices() % 50,
                                         .burst_packets = 1 + choices() % 6,
                                         .sources_max = SourceLimiter::places_per_set,
                                         .secret = 0};
    SourceLimiter limiter(options);
    SlowLimiter slow(options, SourceLimiter::places_per_set);
    const Endpoint validator = ipv4(0x0b000001U, 7);
    Admission admission({.clients = options, .validators = {validator}, .strangers_per_second = 3});
    std::uint64_t let_in = 0;
    const std::uint64_t begin = second_ns;
    std::uint64_t now = begin;
    for (int step = 0; choices.more() && step < 400; ++step) {
        const std::uint64_t draw = choices();
        now += draw % 4 == 0 ? choices.up_to(400'000'000) : draw * 1000;
        const Endpoint from = drawn_source(choices);
        BELFRY_CHECK(limiter.take(from, now) == slow.take(from, now));
        const auto lane = static_cast<Lane>(draw % lane_count);
        Endpoint known = validator;
        known.port = static_cast<std::uint16_t>(draw); // only the address counts
        const auto refused = admission.refuse(lane, from, now);
        if (lane != Lane::transactions) {
            BELFRY_CHECK(!admission.refuse(lane, known, now));
            BELFRY_CHECK(!refused || refused == Admission::Refusal::stranger);
            let_in += refused ? 0 : 1;
        }
    }
    // A bucket of strangers on each of the other lanes, full at first.
    const std::uint64_t seconds = (now - begin) / second_ns + 2;
    BELFRY_CHECK(let_in <= (lane_count - 1) * 3 * (seconds + 1));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    check(Choices(ByteView(data, size)));
    return 0;
}
