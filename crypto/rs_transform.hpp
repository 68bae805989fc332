// SPDX-License-Identifier: Apache-2.0
#pragma once
// rs_transform.hpp: private to the islands of Reed-Solomon, which instantiate it with their own
// vectors. Everything has internal linkage, so that no island's code can stand in for another's.
// How      the additive transform: values at 2^n consecutive points to and from coefficients in the
//          basis of rs_kernels.hpp, by n levels of butterflies a += twiddle * b, b += a. Blocks of
//          up to 32 points are laid out without loops and live in registers as far as they go.
// Ops      Vector; load, store, zero, add, multiply by a coefficient, multiply by a twiddle index.

#include "crypto/rs_kernels.hpp"

namespace belfry::crypto {
namespace {

template <class Ops>
struct Transform {
    using Vector = typename Ops::Vector;
    static constexpr std::size_t vector_bytes = sizeof(Vector);
    static constexpr unsigned block = 32;

    /// count butterflies of one level between x[0..] and x[distance..]. At point 0 the twiddle is
    /// 0.
    template <unsigned count, bool at_zero, bool inverse>
    [[gnu::always_inline]] static void butterflies(Vector* x, std::size_t distance,
                                                   std::size_t twiddle)
    {
        if constexpr (count > 1) {
            butterflies<count / 2, at_zero, inverse>(x, distance, twiddle);
            butterflies<count / 2, at_zero, inverse>(x + count / 2, distance, twiddle);
        } else {
            Vector a = x[0];
            Vector b = x[distance];
            if constexpr (inverse) {
                b = Ops::add(b, a);
                a = at_zero ? a : Ops::add(a, Ops::multiply_twiddle(b, twiddle));
            } else {
                a = at_zero ? a : Ops::add(a, Ops::multiply_twiddle(b, twiddle));
                b = Ops::add(b, a);
            }
            if constexpr (!at_zero) {
                x[0] = a;
            }
            x[distance] = b;
        }
    }

    /// Values at points point..point + 2^log_count - 1 from coefficients.
    template <unsigned log_count, bool at_zero>
    [[gnu::always_inline]] static void forward(Vector* x, unsigned point)
    {
        if constexpr (log_count > 0) {
            constexpr unsigned half = 1U << (log_count - 1);
            butterflies<half, at_zero, false>(x, half, rs_twiddle_index(log_count - 1, point));
            forward<log_count - 1, at_zero>(x, point);
            forward<log_count - 1, false>(x + half, point + half);
        }
    }

    /// Coefficients from values.
    template <unsigned log_count, bool at_zero>
    [[gnu::always_inline]] static void inverse(Vector* x, unsigned point)
    {
        if constexpr (log_count > 0) {
            constexpr unsigned half = 1U << (log_count - 1);
            inverse<log_count - 1, at_zero>(x, point);
            inverse<log_count - 1, false>(x + half, point + half);
            butterflies<half, at_zero, true>(x, half, rs_twiddle_index(log_count - 1, point));
        }
    }

    template <unsigned count>
    [[gnu::always_inline]] static void load_rows(Vector* x, const std::uint8_t* const* rows,
                                                 std::size_t at)
    {
        if constexpr (count > 1) {
            load_rows<count / 2>(x, rows, at);
            load_rows<count / 2>(x + count / 2, rows + count / 2, at);
        } else {
            x[0] = Ops::load(rows[0] + at);
        }
    }

    template <unsigned count>
    [[gnu::always_inline]] static void store_rows(const Vector* x, std::uint8_t* const* rows,
                                                  std::size_t at)
    {
        if constexpr (count > 1) {
            store_rows<count / 2>(x, rows, at);
            store_rows<count / 2>(x + count / 2, rows + count / 2, at);
        } else {
            Ops::store(rows[0] + at, x[0]);
        }
    }

    template <unsigned count>
    [[gnu::always_inline]] static void copy(Vector* to, const Vector* from)
    {
        if constexpr (count > 1) {
            copy<count / 2>(to, from);
            copy<count / 2>(to + count / 2, from + count / 2);
        } else {
            to[0] = from[0];
        }
    }

    /// work(at) for columns that cover row_bytes; the last one may overlap the one before.
    template <class Work>
    [[gnu::always_inline]] static void for_each_column(std::size_t row_bytes, const Work& work)
    {
        std::size_t at = 0;
        for (; at + vector_bytes <= row_bytes; at += vector_bytes) {
            work(at);
        }
        if (at != row_bytes) {
            work(row_bytes - vector_bytes);
        }
    }

    /// k = m = 2^log_count.
    template <unsigned log_count>
    static void encode_square(const std::uint8_t* const* data, std::uint8_t* const* parity,
                              std::size_t row_bytes)
    {
        constexpr unsigned count = 1U << log_count;
        for_each_column(row_bytes, [=](std::size_t at) {
            Vector x[count];
            load_rows<count>(x, data, at);
            inverse<log_count, true>(x, 0);
            forward<log_count, false>(x, count);
            store_rows<count>(x, parity, at);
        });
    }

    static void encode_32_96(const std::uint8_t* const* data, std::uint8_t* const* parity,
                             std::size_t row_bytes)
    {
        for_each_column(row_bytes, [=](std::size_t at) {
            Vector x[block];
            Vector coefficients[block];
            load_rows<block>(x, data, at);
            inverse<5, true>(x, 0);
            copy<block>(coefficients, x);
            Ops::keep_in_memory(coefficients);
            for (unsigned point = block; point < 4 * block; point += block) {
                copy<block>(x, coefficients);
                forward<5, false>(x, point);
                store_rows<block>(x, parity + point - block, at);
            }
        });
    }

    /// 64 data rows; the levels of distance 32 of both transforms meet between the blocks.
    template <bool both_halves>
    static void encode_64(const std::uint8_t* const* data, std::uint8_t* const* parity,
                          std::size_t row_bytes)
    {
        for_each_column(row_bytes, [=](std::size_t at) {
            Vector x[block];
            Vector low[block];
            load_rows<block>(x, data, at);
            inverse<5, true>(x, 0);
            copy<block>(low, x);
            Ops::keep_in_memory(low);
            load_rows<block>(x, data + block, at);
            inverse<5, false>(x, block);
            join<block, both_halves>(low, x);
            if constexpr (both_halves) {
                Ops::keep_in_memory(low);
                forward<5, false>(x, 3 * block);
                store_rows<block>(x, parity + block, at);
            }
            copy<block>(x, low);
            forward<5, false>(x, 2 * block);
            store_rows<block>(x, parity, at);
        });
    }

    /// Last level of the inverse at point 0, first of the forward transform at point 64.
    template <unsigned count, bool both_halves>
    [[gnu::always_inline]] static void join(Vector* low, Vector* high)
    {
        if constexpr (count > 1) {
            join<count / 2, both_halves>(low, high);
            join<count / 2, both_halves>(low + count / 2, high + count / 2);
        } else {
            const Vector b = Ops::add(high[0], low[0]);
            const Vector a =
                Ops::add(low[0], Ops::multiply_twiddle(b, rs_twiddle_index(5, 2 * block)));
            low[0] = a;
            if constexpr (both_halves) {
                high[0] = Ops::add(b, a);
            }
        }
    }

    /// One level of distance >= 32 over point_count values in memory.
    template <bool inverted>
    static void wide_level(Vector* values, std::size_t point_count, unsigned level)
    {
        const std::size_t distance = std::size_t{1} << level;
        for (std::size_t i = 0; i < distance; i += 4) {
            butterflies<4, true, inverted>(values + i, distance, 0);
        }
        for (unsigned point = 2U << level; point < point_count; point += 2U << level) {
            for (std::size_t i = 0; i < distance; i += 4) {
                butterflies<4, false, inverted>(values + point + i, distance,
                                                rs_twiddle_index(level, point));
            }
        }
    }

    /// Derivative of 2^log_count scaled coefficients: value i becomes the sum of the values at
    /// i + 2^j, j not a bit of i.
    template <unsigned log_count>
    [[gnu::always_inline]] static void differentiate(Vector* x)
    {
        if constexpr (log_count > 0) {
            constexpr unsigned half = 1U << (log_count - 1);
            differentiate<log_count - 1>(x);
            add_rows<half>(x, x + half);
            differentiate<log_count - 1>(x + half);
        } else {
            x[0] = Ops::zero();
        }
    }

    template <unsigned count>
    [[gnu::always_inline]] static void add_rows(Vector* to, const Vector* from)
    {
        if constexpr (count > 1) {
            add_rows<count / 2>(to, from);
            add_rows<count / 2>(to + count / 2, from + count / 2);
        } else {
            to[0] = Ops::add(to[0], from[0]);
        }
    }

    /// to = from, or to += from, scaled.
    template <unsigned count, bool added>
    [[gnu::always_inline]] static void scale(Vector* to, const Vector* from,
                                             const std::uint8_t* factors)
    {
        if constexpr (count > 1) {
            scale<count / 2, added>(to, from, factors);
            scale<count / 2, added>(to + count / 2, from + count / 2, factors + count / 2);
        } else {
            const Vector product = Ops::multiply(from[0], factors[0]);
            to[0] = added ? Ops::add(to[0], product) : product;
        }
    }

    /// Coefficients point..point + 31 of the derivative; those from point on are not yet replaced.
    [[gnu::always_inline]] static void differentiate_block(Vector* x, const Vector* coefficients,
                                                           std::size_t point,
                                                           std::size_t point_count)
    {
        scale<block, false>(x, coefficients + point, rs_tables.weight + point);
        differentiate<5>(x);
        for (std::size_t bit = block; bit < point_count; bit *= 2) {
            if ((point & bit) == 0) {
                scale<block, true>(x, coefficients + point + bit, rs_tables.weight + point + bit);
            }
        }
        scale<block, false>(x, x, rs_tables.weight_inverse + point);
    }

    template <unsigned count>
    [[gnu::always_inline]] static void gather(Vector* x, const RsRecovery& job, std::size_t point,
                                              std::size_t at)
    {
        if constexpr (count > 1) {
            gather<count / 2>(x, job, point, at);
            gather<count / 2>(x + count / 2, job, point + count / 2, at);
        } else {
            x[0] = Ops::multiply(Ops::load(job.in[point] + (at & job.in_mask[point])),
                                 job.in_factor[point]);
        }
    }

    template <unsigned count>
    [[gnu::always_inline]] static void scatter(const Vector* x, const RsRecovery& job,
                                               std::size_t point, std::size_t at)
    {
        if constexpr (count > 1) {
            scatter<count / 2>(x, job, point, at);
            scatter<count / 2>(x + count / 2, job, point + count / 2, at);
        } else {
            Ops::store(job.out[point] + (at & job.out_mask[point]),
                       Ops::multiply(x[0], job.out_factor[point]));
        }
    }

    template <bool at_zero>
    static void values_to_coefficients(Vector* to, const RsRecovery& job, unsigned point,
                                       std::size_t at)
    {
        Vector x[block];
        gather<block>(x, job, point, at);
        inverse<5, at_zero>(x, point);
        copy<block>(to, x);
    }

    template <bool at_zero>
    static void coefficients_to_values(const Vector* from, const RsRecovery& job, unsigned point,
                                       std::size_t at)
    {
        Vector x[block];
        copy<block>(x, from);
        forward<5, at_zero>(x, point);
        scatter<block>(x, job, point, at);
    }

    static void differentiate_and_store(Vector* coefficients, std::size_t point,
                                        std::size_t point_count)
    {
        Vector x[block];
        differentiate_block(x, coefficients, point, point_count);
        copy<block>(coefficients + point, x);
    }

    /// The values at points 0..31 need no other coefficients of the derivative than the first 32.
    static void differentiate_and_evaluate_first(const Vector* coefficients, const RsRecovery& job,
                                                 std::size_t at)
    {
        Vector x[block];
        differentiate_block(x, coefficients, 0, job.point_count);
        forward<5, true>(x, 0);
        scatter<block>(x, job, 0, at);
    }

    /// 64 points, values wanted among the first 32: what is written to memory limits the core, so
    /// the upper coefficients are scaled and added before they leave the registers.
    static void recover_first_of_64(Vector* low, Vector* high, const RsRecovery& job,
                                    std::size_t at)
    {
        values_to_coefficients<true>(low, job, 0, at);
        Vector x[block];
        gather<block>(x, job, block, at);
        inverse<5, false>(x, block);
        add_rows<block>(x, low);
        scale<block, false>(x, x, rs_tables.weight + block);
        copy<block>(high, x);
        Ops::keep_in_memory(high);
        scale<block, false>(x, low, rs_tables.weight);
        differentiate<5>(x);
        add_rows<block>(x, high);
        scale<block, false>(x, x, rs_tables.weight_inverse);
        forward<5, true>(x, 0);
        scatter<block>(x, job, 0, at);
    }

    static void recover(const RsRecovery& job)
    {
        alignas(64) Vector x[rs_points_max];
        bool only_first = true;
        for (std::size_t i = 1; i < job.point_count / block; ++i) {
            only_first = only_first && !job.block_wanted[i];
        }
        if (only_first && job.point_count == std::size_t{2} * block) {
            for_each_column(job.row_bytes,
                            [&](std::size_t at) { recover_first_of_64(x, x + block, job, at); });
        } else {
            for_each_column(job.row_bytes,
                            [&](std::size_t at) { recover_column(x, job, only_first, at); });
        }
    }

    static void recover_column(Vector* x, const RsRecovery& job, bool only_first, std::size_t at)
    {
        values_to_coefficients<true>(x, job, 0, at);
        for (unsigned point = block; point < job.point_count; point += block) {
            values_to_coefficients<false>(x + point, job, point, at);
        }
        unsigned level = 5;
        for (; std::size_t{1} << level < job.point_count; ++level) {
            wide_level<true>(x, job.point_count, level);
        }
        if (only_first) {
            differentiate_and_evaluate_first(x, job, at);
            return;
        }
        for (std::size_t point = 0; point < job.point_count; point += block) {
            differentiate_and_store(x, point, job.point_count);
        }
        while (level-- > 5) {
            wide_level<false>(x, job.point_count, level);
        }
        if (job.block_wanted[0]) {
            coefficients_to_values<true>(x, job, 0, at);
        }
        for (unsigned point = block; point < job.point_count; point += block) {
            if (job.block_wanted[point / block]) {
                coefficients_to_values<false>(x + point, job, point, at);
            }
        }
    }
};

} // namespace
} // namespace belfry::crypto
