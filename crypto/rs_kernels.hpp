// SPDX-License-Identifier: Apache-2.0
#pragma once
// rs_kernels.hpp: private to this room. What the islands of Reed-Solomon and their chooser share.
// Source   Lin, Chung, Han, "Novel polynomial basis and its application to Reed-Solomon erasure
//          codes" (FOCS 2014): the additive transform, its basis and the derivative in it.

#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

inline constexpr std::size_t rs_points_max = 256;

/// Products of one coefficient with every low nibble and every high nibble.
struct alignas(32) NibbleProducts {
    std::uint8_t low[16];
    std::uint8_t high[16];
};

/// Constants of the field and of the transform, computed by the compiler.
/// s_j is the polynomial that vanishes on the points 0..2^j - 1, divided by its value at 2^j. The
/// basis of the transform is X_i = product of s_j over the bits j of i.
struct RsTables {
    NibbleProducts products[256]; // of each coefficient
    std::uint64_t affine[256];    // multiplication by each as a matrix for GF2P8AFFINEQB
    // Twiddle of a butterfly of distance 2^j in the block that begins at point x: s_j(x), at index
    // rs_twiddle_index(j, x).
    std::uint8_t twiddle[rs_points_max];
    NibbleProducts twiddle_products[rs_points_max];
    std::uint64_t twiddle_affine[rs_points_max];
    // Scaled by weight[i] = product of the slopes of s_j over the bits j of i, coefficients are
    // differentiated by additions alone; weight_inverse scales back.
    std::uint8_t weight[rs_points_max];
    std::uint8_t weight_inverse[rs_points_max];
};
extern const RsTables rs_tables;

/// Precondition: x is a multiple of 2^(level + 1).
constexpr std::size_t rs_twiddle_index(unsigned level, unsigned x)
{
    return (128U >> level) + (x >> (level + 1));
}

/// Rows of one length to combine: out[i] = sum over j of coefficients[i * in_count + j] * in[j].
/// in_count and out_count are at least 1; out rows overlap no other row.
struct RsCombination {
    const std::uint8_t* coefficients;
    const std::uint8_t* const* in;
    std::size_t in_count;
    std::uint8_t* const* out;
    std::size_t out_count;
    std::size_t row_bytes;
};
using RsCombine = void (*)(const RsCombination& job);
void rs_combine_portable(const RsCombination& job);
void rs_combine_avx2(const RsCombination& job);
void rs_combine_gfni_avx512(const RsCombination& job);

// What follows needs rows of at least one vector (rs_vector_bytes_max); their ends are worked on
// twice where lengths are no multiple of it.
inline constexpr std::size_t rs_vector_bytes_max = 64;

/// Parity of one shape (k, m) from data.
using RsEncode = void (*)(const std::uint8_t* const* data, std::uint8_t* const* parity,
                          std::size_t row_bytes);
struct RsEncodeShape {
    std::size_t data_count;
    std::size_t parity_count;
    RsEncode encode;
};
inline constexpr std::size_t rs_encode_shape_count = 5;
/// 32:32, 64:64, 64:32, 32:96, 16:16.
extern const RsEncodeShape rs_encode_shapes_avx2[rs_encode_shape_count];
extern const RsEncodeShape rs_encode_shapes_gfni_avx512[rs_encode_shape_count];

/// Recovery over the points 0..point_count - 1 (32, 64, 128 or 256): rows times their factors are
/// transformed to coefficients, differentiated and transformed back; the values times their factors
/// go out. A point without a row has a vector of zeros (or one to overwrite) and step 0, so that no
/// branch asks.
struct RsRecovery {
    std::size_t point_count;
    std::size_t row_bytes;
    const std::uint8_t* in[rs_points_max];
    std::size_t in_mask[rs_points_max]; // all ones, or zero: the row does not move on
    std::uint8_t in_factor[rs_points_max];
    std::uint8_t* out[rs_points_max];
    std::size_t out_mask[rs_points_max];
    std::uint8_t out_factor[rs_points_max];
    bool block_wanted[rs_points_max / 32]; // some value among 32 points
};
using RsRecover = void (*)(const RsRecovery& job);
void rs_recover_avx2(const RsRecovery& job);
void rs_recover_gfni_avx512(const RsRecovery& job);

} // namespace belfry::crypto
