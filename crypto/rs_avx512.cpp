// SPDX-License-Identifier: Apache-2.0
#include "crypto/rs_kernels.hpp"
#include "crypto/rs_transform.hpp"

#include <immintrin.h>

// A product by a constant is linear over bits: one GF2P8AFFINEQB with its 8 x 8 matrix, for any
// polynomial of the field.

namespace belfry::crypto {
namespace {

struct Gfni {
    using Vector = __m512i;

    [[gnu::always_inline]] static Vector load(const std::uint8_t* from)
    {
        return _mm512_loadu_si512(from);
    }
    [[gnu::always_inline]] static void store(std::uint8_t* to, Vector value)
    {
        _mm512_storeu_si512(to, value);
    }
    [[gnu::always_inline]] static Vector zero() { return _mm512_setzero_si512(); }
    [[gnu::always_inline]] static Vector add(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
    [[gnu::always_inline]] static Vector affine(Vector value, std::uint64_t matrix)
    {
        return _mm512_gf2p8affine_epi64_epi8(value,
                                             _mm512_set1_epi64(static_cast<long long>(matrix)), 0);
    }
    [[gnu::always_inline]] static Vector multiply(Vector value, std::uint8_t coefficient)
    {
        return affine(value, rs_tables.affine[coefficient]);
    }
    [[gnu::always_inline]] static Vector multiply_twiddle(Vector value, std::size_t index)
    {
        return affine(value, rs_tables.twiddle_affine[index]);
    }
    /// Stops the compiler from keeping more live values than there are registers.
    [[gnu::always_inline]] static void keep_in_memory(Vector* values)
    {
        __asm__ volatile("" : : "r"(values) : "memory");
    }
};

/// out_count rows of one column of the combination.
template <unsigned out_count>
[[gnu::always_inline]] inline void combine_column(const RsCombination& job, std::size_t first,
                                                  std::size_t at)
{
    __m512i sum[out_count];
    for (unsigned i = 0; i < out_count; ++i) {
        sum[i] = Gfni::zero();
    }
    const std::uint8_t* const coefficients = job.coefficients + first * job.in_count;
    for (std::size_t j = 0; j < job.in_count; ++j) {
        const __m512i x = Gfni::load(job.in[j] + at);
        for (unsigned i = 0; i < out_count; ++i) {
            sum[i] = Gfni::add(sum[i], Gfni::multiply(x, coefficients[i * job.in_count + j]));
        }
    }
    for (unsigned i = 0; i < out_count; ++i) {
        Gfni::store(job.out[first + i] + at, sum[i]);
    }
}

} // namespace

void rs_combine_gfni_avx512(const RsCombination& job)
{
    Transform<Gfni>::for_each_column(job.row_bytes, [&](std::size_t at) {
        std::size_t first = 0;
        for (; first + 8 <= job.out_count; first += 8) {
            combine_column<8>(job, first, at);
        }
        for (; first + 2 <= job.out_count; first += 2) {
            combine_column<2>(job, first, at);
        }
        for (; first < job.out_count; ++first) {
            combine_column<1>(job, first, at);
        }
    });
}

void rs_recover_gfni_avx512(const RsRecovery& job)
{
    Transform<Gfni>::recover(job);
}

const RsEncodeShape rs_encode_shapes_gfni_avx512[rs_encode_shape_count] = {
    {32, 32, Transform<Gfni>::encode_square<5>}, {64, 64, Transform<Gfni>::encode_64<true>},
    {64, 32, Transform<Gfni>::encode_64<false>}, {32, 96, Transform<Gfni>::encode_32_96},
    {16, 16, Transform<Gfni>::encode_square<4>},
};

} // namespace belfry::crypto
