// SPDX-License-Identifier: Apache-2.0
// The oracle interpolates by the definition, in a field model that shares nothing with the room;
// ISA-L checks the field once more.
#include "crypto/gf256.hpp"
#include "crypto/reed_solomon.hpp"
#include "tests/crypto/random_bytes.hpp"

#include <gtest/gtest.h>
#include <isa-l/erasure_code.h>

#include <algorithm>
#include <numeric>

namespace belfry::crypto {
namespace {

/// Carry-less product, then division by 0x11D.
std::uint8_t slow_multiply(unsigned a, unsigned b)
{
    unsigned sum = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
        sum ^= (b >> bit & 1U) != 0 ? a << bit : 0U;
    }
    for (unsigned bit = 14; bit >= 8; --bit) {
        sum ^= (sum >> bit & 1U) != 0 ? 0x11DU << (bit - 8) : 0U;
    }
    return static_cast<std::uint8_t>(sum);
}

std::uint8_t slow_inverse(std::uint8_t a)
{
    std::uint8_t power = 1; // a^254
    for (unsigned i = 0; i < 254; ++i) {
        power = slow_multiply(power, a);
    }
    return power;
}

/// Value at point x of the polynomial of degree < k through (i, data[i][column]).
std::uint8_t slow_value(const std::vector<Bytes>& data, std::size_t column, std::uint8_t x)
{
    std::uint8_t sum = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
        std::uint8_t top = 1;
        std::uint8_t bottom = 1;
        for (std::size_t j = 0; j < data.size(); ++j) {
            if (j != i) {
                top = slow_multiply(top, x ^ static_cast<unsigned>(j));
                bottom = slow_multiply(bottom, static_cast<unsigned>(i ^ j));
            }
        }
        sum ^= slow_multiply(data[i][column], slow_multiply(top, slow_inverse(bottom)));
    }
    return sum;
}

/// A codeword: k data rows, m parity rows.
struct Code {
    std::size_t k = 0;
    std::size_t m = 0;
    std::vector<Bytes> rows;

    [[nodiscard]] RsRow row(std::size_t index) const { return {index, rows[index]}; }
};

Code make_code(std::size_t k, std::size_t m, std::size_t row_bytes, std::uint64_t seed)
{
    Code code{.k = k, .m = m, .rows = {}};
    for (std::size_t i = 0; i < k + m; ++i) {
        code.rows.push_back(i < k ? random_bytes(row_bytes, seed * 1000 + i) : Bytes(row_bytes));
    }
    const std::vector<ByteView> data(code.rows.begin(),
                                     code.rows.begin() + static_cast<std::ptrdiff_t>(k));
    const std::vector<std::span<std::uint8_t>> parity(
        code.rows.begin() + static_cast<std::ptrdiff_t>(k), code.rows.end());
    rs_encode(data, parity);
    return code;
}

/// Recovers every row that is not at hand and compares.
void expect_recovery(const Code& code, const std::vector<RsRow>& at_hand)
{
    std::vector<std::size_t> wanted;
    for (std::size_t i = 0; i < code.k + code.m; ++i) {
        if (std::ranges::none_of(at_hand, [i](const RsRow& row) { return row.index == i; })) {
            wanted.push_back(i);
        }
    }
    std::vector<Bytes> found(wanted.size(), Bytes(code.rows.front().size()));
    const std::vector<std::span<std::uint8_t>> out(found.begin(), found.end());
    ASSERT_TRUE(rs_recover(code.k, code.m, at_hand, wanted, out));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_EQ(found[i], code.rows[wanted[i]])
            << code.k << ":" << code.m << " row " << wanted[i] << " of " << at_hand.size();
    }
}

TEST(ReedSolomon, field_agrees_with_the_model_and_with_isal)
{
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            const auto x = static_cast<std::uint8_t>(a);
            const auto y = static_cast<std::uint8_t>(b);
            ASSERT_EQ(gf256::multiply(x, y), slow_multiply(a, b));
            ASSERT_EQ(gf256::multiply(x, y), gf_mul(x, y));
            if (b != 0) {
                ASSERT_EQ(gf256::divide(x, y), gf_mul(x, gf_inv(y)));
            }
        }
    }
}

TEST(ReedSolomon, parity_is_the_polynomial_at_the_next_points)
{
    for (const auto& [k, m] : {std::pair{1UL, 1UL},
                               {1UL, 128UL},
                               {2UL, 3UL},
                               {5UL, 7UL},
                               {16UL, 16UL},
                               {32UL, 32UL},
                               {33UL, 31UL},
                               {64UL, 64UL},
                               {64UL, 32UL},
                               {32UL, 96UL},
                               {100UL, 27UL},
                               {128UL, 128UL}}) {
        const Code code = make_code(k, m, 3, k * 256 + m);
        const std::vector<Bytes> data(code.rows.begin(),
                                      code.rows.begin() + static_cast<std::ptrdiff_t>(k));
        for (std::size_t i = k; i < k + m; ++i) {
            for (std::size_t column = 0; column < 3; ++column) {
                ASSERT_EQ(code.rows[i][column],
                          slow_value(data, column, static_cast<std::uint8_t>(i)))
                    << k << ":" << m << " row " << i;
            }
        }
    }
}

TEST(ReedSolomon, parity_equals_isal_with_the_same_matrix)
{
    constexpr std::size_t k = 32;
    constexpr std::size_t m = 32;
    const Code code = make_code(k, m, 777, 5);
    std::vector<Bytes> unit(k, Bytes(k));
    for (std::size_t i = 0; i < k; ++i) {
        unit[i][i] = 1;
    }
    Bytes matrix;
    for (std::size_t i = k; i < k + m; ++i) {
        for (std::size_t j = 0; j < k; ++j) {
            matrix.push_back(slow_value(unit, j, static_cast<std::uint8_t>(i)));
        }
    }
    Bytes tables(32 * k * m);
    ec_init_tables(k, m, matrix.data(), tables.data());
    std::vector<Bytes> rows = code.rows;
    std::vector<Bytes> parity(m, Bytes(777));
    std::vector<std::uint8_t*> in;
    std::vector<std::uint8_t*> out;
    for (std::size_t i = 0; i < k; ++i) {
        in.push_back(rows[i].data());
        out.push_back(parity[i].data());
    }
    ec_encode_data(777, k, m, tables.data(), in.data(), out.data());
    for (std::size_t i = 0; i < m; ++i) {
        ASSERT_EQ(parity[i], code.rows[k + i]) << i;
    }
}

TEST(ReedSolomon, recovers_from_every_choice_of_rows_when_k_plus_m_is_at_most_12)
{
    for (std::size_t k = 1; k < 12; ++k) {
        for (std::size_t m = 1; k + m <= 12; ++m) {
            const Code code = make_code(k, m, 5, k * 16 + m);
            for (unsigned mask = 0; mask < 1U << (k + m); ++mask) {
                if (static_cast<std::size_t>(std::popcount(mask)) < k) {
                    continue;
                }
                std::vector<RsRow> at_hand;
                for (std::size_t i = 0; i < k + m; ++i) {
                    if ((mask >> i & 1U) != 0) {
                        at_hand.push_back(code.row(i));
                    }
                }
                ASSERT_NO_FATAL_FAILURE(expect_recovery(code, at_hand));
            }
        }
    }
}

TEST(ReedSolomon, recovers_large_shapes_from_random_rows_in_random_order)
{
    constexpr std::uint64_t seed = 6;
    std::mt19937_64 random(seed);
    for (std::size_t round = 0; round < 300; ++round) {
        const std::pair<std::size_t, std::size_t> shapes[] = {
            {32, 32},
            {64, 64},
            {64, 32},
            {32, 96},
            {16, 16},
            {128, 128},
            {random() % 128 + 1, random() % 128 + 1}};
        const auto& [k, m] = shapes[round % std::size(shapes)];
        SCOPED_TRACE(testing::Message() << "seed " << seed << " round " << round);
        const Code code = make_code(k, m, random() % 200 + 1, round);
        std::vector<RsRow> at_hand;
        for (std::size_t i = 0; i < k + m; ++i) {
            at_hand.push_back(code.row(i));
        }
        std::ranges::shuffle(at_hand, random);
        at_hand.resize(k + (round % 3 == 0 ? random() % (m + 1) : 0));
        ASSERT_NO_FATAL_FAILURE(expect_recovery(code, at_hand));
    }
}

TEST(ReedSolomon, recovers_when_all_data_or_a_run_of_it_is_lost)
{
    for (const auto& [k, m] : {std::pair{32UL, 32UL},
                               {64UL, 64UL},
                               {16UL, 16UL},
                               {32UL, 96UL},
                               {7UL, 9UL},
                               {128UL, 128UL}}) {
        const Code code = make_code(k, m, 130, k);
        for (std::size_t lost = 1; lost <= k; ++lost) {
            std::vector<RsRow> at_hand;
            for (std::size_t i = lost; i < k + lost; ++i) {
                at_hand.push_back(code.row(i));
            }
            ASSERT_NO_FATAL_FAILURE(expect_recovery(code, at_hand));
        }
    }
}

TEST(ReedSolomon, takes_rows_of_every_length_to_200_and_the_longest)
{
    for (std::size_t length = 1; length <= 200; ++length) {
        const Code code = make_code(32, 32, length, length);
        std::vector<RsRow> at_hand;
        for (std::size_t i = 9; i < 41; ++i) {
            at_hand.push_back(code.row(i));
        }
        ASSERT_NO_FATAL_FAILURE(expect_recovery(code, at_hand));
    }
    const Code longest = make_code(3, 2, 65536, 1);
    ASSERT_NO_FATAL_FAILURE(
        expect_recovery(longest, {longest.row(4), longest.row(2), longest.row(3)}));
}

TEST(ReedSolomon, says_what_is_wrong_with_the_rows)
{
    const Code code = make_code(4, 3, 20, 7);
    const std::array<std::size_t, 1> wanted{0};
    Bytes target(20);
    const std::array<std::span<std::uint8_t>, 1> out{target};
    const auto error_of = [&](const std::vector<RsRow>& rows) {
        const auto recovered = rs_recover(4, 3, rows, wanted, out);
        const auto checked = rs_check(4, 3, rows);
        EXPECT_FALSE(recovered);
        EXPECT_FALSE(checked);
        EXPECT_EQ(recovered.error(), checked.error());
        return recovered.error();
    };
    EXPECT_EQ(error_of({}), RsError::too_few_rows);
    EXPECT_EQ(error_of({code.row(1), code.row(2), code.row(3)}), RsError::too_few_rows);
    EXPECT_EQ(error_of({code.row(1), code.row(2), code.row(3), code.row(2)}),
              RsError::duplicate_row);
    EXPECT_EQ(error_of({code.row(1), code.row(2), code.row(3), {7, code.rows[0]}}),
              RsError::row_out_of_range);
    const ByteView cut = ByteView(code.rows[4]).first(19);
    EXPECT_EQ(error_of({code.row(1), code.row(2), code.row(3), {4, cut}}), RsError::short_row);
    EXPECT_EQ(error_of({{1, {}}, {2, {}}, {3, {}}, {4, {}}}), RsError::short_row);
}

TEST(ReedSolomon, check_finds_one_flipped_bit_in_any_row_when_there_is_a_surplus)
{
    for (const auto& [k, m] : {std::pair{4UL, 3UL}, {32UL, 32UL}}) {
        const Code code = make_code(k, m, 67, 8);
        std::vector<RsRow> rows;
        for (std::size_t i = 0; i < k + m; ++i) {
            rows.push_back(code.row(k + m - 1 - i));
        }
        ASSERT_TRUE(rs_check(k, m, rows));
        ASSERT_TRUE(rs_check(k, m, std::span(rows).first(k)));
        for (std::size_t i = 0; i <= k; ++i) {
            Bytes bent(rows[i].bytes.begin(), rows[i].bytes.end());
            bent[i * 5 % bent.size()] ^= static_cast<std::uint8_t>(1U << i % 8);
            std::vector<RsRow> wrong = rows;
            wrong[i].bytes = bent;
            ASSERT_EQ(rs_check(k, m, std::span(wrong).first(k + 1)).error(), RsError::corrupt_row);
            ASSERT_EQ(rs_check(k, m, wrong).error(), RsError::corrupt_row);
        }
    }
}

} // namespace
} // namespace belfry::crypto
