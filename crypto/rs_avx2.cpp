// SPDX-License-Identifier: Apache-2.0
#include "crypto/rs_kernels.hpp"
#include "crypto/rs_transform.hpp"

#include <immintrin.h>

// A product by a constant is two look-ups in tables of sixteen bytes, by nibble.

namespace belfry::crypto {
namespace {

struct Shuffle {
    using Vector = __m256i;

    [[gnu::always_inline]] static Vector load(const std::uint8_t* from)
    {
        return _mm256_loadu_si256(reinterpret_cast<const Vector*>(from));
    }
    [[gnu::always_inline]] static void store(std::uint8_t* to, Vector value)
    {
        _mm256_storeu_si256(reinterpret_cast<Vector*>(to), value);
    }
    [[gnu::always_inline]] static Vector zero() { return _mm256_setzero_si256(); }
    [[gnu::always_inline]] static Vector add(Vector a, Vector b) { return _mm256_xor_si256(a, b); }
    [[gnu::always_inline]] static Vector table(const std::uint8_t* bytes)
    {
        return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(bytes)));
    }
    [[gnu::always_inline]] static Vector look_up(Vector value, const NibbleProducts& products)
    {
        const Vector nibble = _mm256_set1_epi8(15);
        const Vector high = _mm256_and_si256(_mm256_srli_epi64(value, 4), nibble);
        return add(_mm256_shuffle_epi8(table(products.low), _mm256_and_si256(value, nibble)),
                   _mm256_shuffle_epi8(table(products.high), high));
    }
    [[gnu::always_inline]] static Vector multiply(Vector value, std::uint8_t coefficient)
    {
        return look_up(value, rs_tables.products[coefficient]);
    }
    [[gnu::always_inline]] static Vector multiply_twiddle(Vector value, std::size_t index)
    {
        return look_up(value, rs_tables.twiddle_products[index]);
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
    __m256i sum[out_count];
    for (unsigned i = 0; i < out_count; ++i) {
        sum[i] = Shuffle::zero();
    }
    const std::uint8_t* const coefficients = job.coefficients + first * job.in_count;
    for (std::size_t j = 0; j < job.in_count; ++j) {
        const __m256i x = Shuffle::load(job.in[j] + at);
        for (unsigned i = 0; i < out_count; ++i) {
            sum[i] = Shuffle::add(sum[i], Shuffle::multiply(x, coefficients[i * job.in_count + j]));
        }
    }
    for (unsigned i = 0; i < out_count; ++i) {
        Shuffle::store(job.out[first + i] + at, sum[i]);
    }
}

} // namespace

void rs_combine_avx2(const RsCombination& job)
{
    Transform<Shuffle>::for_each_column(job.row_bytes, [&](std::size_t at) {
        std::size_t first = 0;
        for (; first + 4 <= job.out_count; first += 4) {
            combine_column<4>(job, first, at);
        }
        for (; first < job.out_count; ++first) {
            combine_column<1>(job, first, at);
        }
    });
}

void rs_recover_avx2(const RsRecovery& job)
{
    Transform<Shuffle>::recover(job);
}

const RsEncodeShape rs_encode_shapes_avx2[rs_encode_shape_count] = {
    {32, 32, Transform<Shuffle>::encode_square<5>}, {64, 64, Transform<Shuffle>::encode_64<true>},
    {64, 32, Transform<Shuffle>::encode_64<false>}, {32, 96, Transform<Shuffle>::encode_32_96},
    {16, 16, Transform<Shuffle>::encode_square<4>},
};

} // namespace belfry::crypto
