// SPDX-License-Identifier: Apache-2.0
#include "consensus/sim/regions.hpp"

#include "base/check.hpp"

#include <array>

namespace belfry::consensus::sim {

namespace {

constexpr std::array<std::string_view, region_count> region_texts{"east_us",
                                                                  "central_us",
                                                                  "west_us",
                                                                  "brazil_south",
                                                                  "north_europe",
                                                                  "uk_south",
                                                                  "germany_west_central",
                                                                  "south_africa_north",
                                                                  "uae_north",
                                                                  "central_india",
                                                                  "southeast_asia",
                                                                  "japan_east",
                                                                  "australia_east"};

// clang-format off
constexpr std::uint8_t latency_ms[region_count][region_count] = {
    {1, 18, 37, 60, 38, 40, 49, 113, 95, 108, 115, 83, 103}, // east_us
    {18, 1, 21, 77, 54, 57, 63, 126, 106, 123, 101, 70, 89}, // central_us
    {37, 21, 1, 85, 69, 72, 79, 139, 127, 112, 86, 55, 71}, // west_us
    {60, 77, 85, 1, 88, 92, 100, 163, 145, 160, 169, 135, 149}, // brazil_south
    {38, 54, 69, 88, 1, 7, 14, 89, 65, 80, 118, 116, 136}, // north_europe
    {40, 57, 72, 92, 7, 1, 10, 85, 61, 75, 92, 118, 139}, // uk_south
    {49, 63, 79, 100, 14, 10, 1, 87, 61, 75, 90, 124, 145}, // germany_west_central
    {113, 126, 139, 163, 89, 85, 87, 1, 52, 67, 100, 127, 174}, // south_africa_north
    {95, 106, 127, 145, 65, 61, 61, 52, 1, 17, 44, 78, 90}, // uae_north
    {108, 123, 112, 160, 80, 75, 75, 67, 17, 1, 29, 65, 76}, // central_india
    {115, 101, 86, 169, 118, 92, 90, 100, 44, 29, 1, 37, 49}, // southeast_asia
    {83, 70, 55, 135, 116, 118, 124, 127, 78, 65, 37, 1, 53}, // japan_east
    {103, 89, 71, 149, 136, 139, 145, 174, 90, 76, 49, 53, 1}, // australia_east
};
// clang-format on

} // namespace

std::uint64_t one_way_ms(std::size_t from, std::size_t to)
{
    BELFRY_CHECK(from < region_count);
    BELFRY_CHECK(to < region_count);
    return latency_ms[from][to];
}

std::string_view region_name(std::size_t region)
{
    BELFRY_CHECK(region < region_count);
    return region_texts[region];
}

} // namespace belfry::consensus::sim
