// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_kernels.hpp: private to this room. What the islands of Ed25519 and their callers share.
// Islands  ed25519_avx512_ifma.cpp (8 lanes), ed25519_avx2.cpp (4 lanes), ed25519_portable.cpp
//          (1 lane): one text, ed25519_lanes*.inc, over three kinds of field element.
//          ed25519_single_ifma.cpp: one signature, its coordinates in four lanes.
// Shapes   a row is 16 words: y + x, y - x and 2d x y in limbs of 51 bits (each < 2^51 + 2^15),
//          and one spare word. Digits are signed, |digit| <= 2^(window_bits - 1).

#include <cstddef>
#include <cstdint>

namespace belfry::crypto {

/// A decoded point in affine Niels form.
struct alignas(64) Ed25519Row {
    std::uint64_t word[16];
};

/// A point as (Y + X : Y - X : Z : T) in limbs of 51 bits.
struct alignas(32) Ed25519Sum {
    std::uint64_t word[20];
};

inline constexpr std::size_t ed25519_window_bits_min = 4;
inline constexpr std::size_t ed25519_window_bits_max = 8;
inline constexpr std::size_t ed25519_lanes_max = 8;
/// Digits of one term are this far apart, whatever the window.
inline constexpr std::size_t ed25519_long_digits = 64;
inline constexpr std::size_t ed25519_short_digits = 32;

/// Buckets for two groups of windows, for any window and lane count.
inline constexpr std::size_t ed25519_bucket_count =
    2 * ed25519_lanes_max * ((std::size_t{1} << (ed25519_window_bits_max - 1)) + 1);

/// Sums of windows: as many as windows, up to a multiple of any lane count.
inline constexpr std::size_t ed25519_window_sum_count = ed25519_long_digits;
static_assert(ed25519_long_digits % ed25519_lanes_max == 0);

/// windows[w] = sum of digit w times row over both lists. Unused digits are zero.
struct Ed25519BucketJob {
    const Ed25519Row* const* long_rows;
    const std::int8_t* long_digits; // ed25519_long_digits for each row
    std::size_t long_count;
    std::size_t long_windows; // how many of them are used
    const Ed25519Row* const* short_rows;
    const std::int8_t* short_digits; // ed25519_short_digits for each row
    std::size_t short_count;
    std::size_t short_windows;
    unsigned window_bits;
    Ed25519Sum* buckets; // ed25519_bucket_count
    Ed25519Sum* windows; // ed25519_window_sum_count
};

/// One lane of exact verification: [8]([w]B - [u]A - [v]R), where u = v k and w = v S mod L.
struct Ed25519ExactLane {
    const Ed25519Row* key;
    const Ed25519Row* r;
    const std::int8_t* u_digits; // 32 of 4 bits
    const std::int8_t* v_digits; // 32 of 4 bits
    const std::int8_t* w_digits; // 32 of 8 bits
};

/// One signature alone: encodings in, S and k as digits. False also when a point does not decode.
struct Ed25519One {
    const std::uint8_t* key;
    const std::uint8_t* r;
    const std::int8_t* k_digits; // 64 of 4 bits
    const std::int8_t* s_digits; // 32 of 8 bits
    const Ed25519Row* base_rows; // 1B, 2B, ..., 128B
};
bool ed25519_verify_one_ifma(const Ed25519One* job);
void ed25519_fold_windows_ifma(const Ed25519Sum* windows, std::size_t count, unsigned bits,
                               Ed25519Sum* sum);

inline constexpr std::size_t ed25519_exact_table_count = 2 * 9 * ed25519_lanes_max;

/// What one island offers. All counts may be 0 unless a comment says otherwise.
struct Ed25519Lanes {
    std::size_t lane_count;
    /// rows[i] from 32 bytes; decoded[i] is 1, or 0 when no point has this y.
    void (*decode)(const std::uint8_t* const* encodings, std::size_t count, Ed25519Row* rows,
                   std::uint8_t* decoded);
    void (*bucket_sums)(const Ed25519BucketJob* job);
    /// sum = sum over count windows of 2^(bits w) windows[w]. One point after the other: the lanes
    /// of its coordinates double it faster than lanes of points do.
    void (*fold_windows)(const Ed25519Sum* windows, std::size_t count, unsigned bits,
                         Ed25519Sum* sum);
    /// Bit i of the result: lane i holds. count in 1..lane_count. comb: 32 times 128 rows,
    /// comb[128 w + j] = (j + 1) 256^w B; table: ed25519_exact_table_count.
    unsigned (*verify_exact)(const Ed25519ExactLane* lanes, std::size_t count,
                             const Ed25519Row* comb, Ed25519Sum* table);
    /// out[i] = sum over 32 windows of digit * 256^window B, as 32 bytes each. scratch: count
    /// rounded up to lane_count.
    void (*base_multiply)(const std::int8_t* digits, std::size_t count, const Ed25519Row* comb,
                          Ed25519Sum* scratch, std::uint8_t* out);
    /// nullptr: the portable verification is as fast.
    bool (*verify_one)(const Ed25519One* job);
};

extern const Ed25519Lanes ed25519_lanes_portable;
extern const Ed25519Lanes ed25519_lanes_avx2;
extern const Ed25519Lanes ed25519_lanes_avx512;

} // namespace belfry::crypto
