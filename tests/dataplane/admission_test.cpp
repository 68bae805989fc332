// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ingress/admission.hpp"

#include <gtest/gtest.h>

namespace belfry::dataplane {
namespace {

using Refusal = Admission::Refusal;
constexpr std::array validator_lanes{Lane::forwards, Lane::shreds, Lane::votes, Lane::repair};
constexpr std::uint64_t now_ns = 1'000'000'000;

Admission::Options admission_options()
{
    return {.clients = {.packets_per_second = 100, .burst_packets = 10},
            .validators = {*Endpoint::parse("10.0.0.1:8001"),
                           *Endpoint::parse("[2001:db8::1]:8002"),
                           *Endpoint::parse("10.0.0.1:8003")},
            .strangers_per_second = 20};
}

TEST(Admission, strangers_share_one_bucket_on_each_lane_of_the_validators)
{
    Admission admission(admission_options());
    for (const Lane lane : validator_lanes) {
        for (std::uint16_t i = 0; i < 30; ++i) {
            const Endpoint stranger = *Endpoint::parse("192.0.2." + std::to_string(i) + ":8001");
            EXPECT_EQ(admission.refuse(lane, stranger, now_ns),
                      i < 20 ? std::nullopt : std::optional(Refusal::stranger));
        }
        EXPECT_EQ(admission.refused(lane, Refusal::stranger).read(), 10U);
        EXPECT_EQ(admission.refuse(lane, *Endpoint::parse("[2001:db8::2]:8002"), now_ns),
                  Refusal::stranger);
        EXPECT_EQ(admission.refuse(lane, *Endpoint::parse("192.0.2.1:1"), now_ns + 50'000'000),
                  std::nullopt);
    }
    EXPECT_EQ(admission.refused(Lane::transactions, Refusal::stranger).read(), 0U);
}

TEST(Admission, validators_pass_from_any_port_whatever_strangers_send)
{
    Admission admission(admission_options());
    for (const Lane lane : validator_lanes) {
        for (int i = 0; i < 1000; ++i) {
            (void)admission.refuse(lane, *Endpoint::parse("192.0.2.1:1"), now_ns);
            EXPECT_EQ(admission.refuse(lane, *Endpoint::parse("10.0.0.1:40000"), now_ns),
                      std::nullopt);
            EXPECT_EQ(admission.refuse(lane, *Endpoint::parse("[2001:db8::1]:1"), now_ns),
                      std::nullopt);
        }
    }
}

TEST(Admission, clients_have_a_bucket_each_and_validators_none_to_spare_on_that_lane)
{
    Admission admission(admission_options());
    for (const std::string_view from : {"192.0.2.1:1", "10.0.0.1:8001", "[2001:db8::1]:1"}) {
        for (int i = 0; i < 15; ++i) {
            EXPECT_EQ(admission.refuse(Lane::transactions, *Endpoint::parse(from), now_ns),
                      i < 10 ? std::nullopt : std::optional(Refusal::over_rate))
                << from << " " << i;
        }
    }
    EXPECT_EQ(admission.refused(Lane::transactions, Refusal::over_rate).read(), 15U);
    for (const Lane lane : validator_lanes) {
        EXPECT_EQ(admission.refuse(lane, *Endpoint::parse("192.0.2.1:1"), now_ns), std::nullopt)
            << "a flood of transactions is no reason to refuse anything else";
    }
}

TEST(Admission, too_many_loud_clients_of_one_set_are_counted_as_a_crowd)
{
    Admission::Options few = admission_options();
    few.clients.sources_max = SourceLimiter::places_per_set;
    Admission admission(few);
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 9; ++i) {
            const Endpoint client = *Endpoint::parse("192.0.2." + std::to_string(i) + ":1");
            (void)admission.refuse(Lane::transactions, client, now_ns);
        }
    }
    EXPECT_EQ(admission.refused(Lane::transactions, Refusal::over_rate).read(), 80U);
    EXPECT_EQ(admission.refused(Lane::transactions, Refusal::crowded).read(), 10U);
}

TEST(Admission, while_room_is_scarce_a_flood_within_its_rate_leaves_it_to_the_quiet)
{
    Admission::Options many = admission_options();
    many.clients = {.packets_per_second = 6400, .burst_packets = 640}; // quiet: 100 a second, 10
    Admission admission(many);
    const Endpoint quiet = *Endpoint::parse("192.0.2.1:1");
    std::uint64_t now = now_ns;
    std::uint64_t loud_passed = 0;
    constexpr std::uint64_t sources = 20;
    constexpr std::uint64_t each = 1000; // of every loud source within the second
    for (std::uint64_t i = 0; i < each; ++i) {
        now += 1'000'000;
        for (std::uint64_t source = 0; source < sources; ++source) {
            const Endpoint loud = *Endpoint::parse("198.51.100." + std::to_string(source) + ":1");
            const auto refused =
                admission.refuse(Lane::transactions, loud, now, Admission::Room::scarce);
            EXPECT_TRUE(!refused || *refused == Refusal::loud);
            loud_passed += refused ? 0U : 1U;
        }
        if (i % 20 == 0) { // 50 a second
            EXPECT_EQ(admission.refuse(Lane::transactions, quiet, now, Admission::Room::scarce),
                      std::nullopt);
        }
    }
    EXPECT_LE(loud_passed, sources * (100 + 10));
    EXPECT_GE(loud_passed, sources * 100) << "their quiet part passes like everybody's";
    EXPECT_EQ(admission.refused(Lane::transactions, Refusal::loud).read(),
              sources * each - loud_passed);
    EXPECT_EQ(admission.refuse(Lane::transactions, *Endpoint::parse("198.51.100.1:1"), now),
              std::nullopt)
        << "where there is room it may send its rate";
    EXPECT_EQ(admission.refuse(Lane::forwards, *Endpoint::parse("10.0.0.1:1"), now,
                               Admission::Room::scarce),
              std::nullopt);
}

TEST(Admission, every_refusal_has_its_own_name)
{
    EXPECT_EQ(to_string(Refusal::over_rate), "over_rate");
    EXPECT_EQ(to_string(Refusal::crowded), "crowded");
    EXPECT_EQ(to_string(Refusal::stranger), "stranger");
    EXPECT_EQ(to_string(Refusal::loud), "loud");
}

} // namespace
} // namespace belfry::dataplane
