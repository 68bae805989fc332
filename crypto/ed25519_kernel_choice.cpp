// SPDX-License-Identifier: Apache-2.0
#include "crypto/ed25519_kernel_choice.hpp"

#include "base/check.hpp"
#include "crypto/ed25519_digits.hpp"
#include "crypto/ed25519_quotient.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace belfry::crypto {
namespace {

constexpr std::size_t comb_windows = 32;
constexpr std::size_t comb_multiples = 128;

constexpr std::array<Kernel<const Ed25519Lanes*>, 3> kernels{{
    {"avx512-ifma", KernelTier::avx512,
     [](const CpuFeatures& cpu) {
         return cpu.avx512f && cpu.avx512dq && cpu.avx512bw && cpu.avx512vl && cpu.avx512ifma;
     },
     &ed25519_lanes_avx512},
    {"avx2", KernelTier::avx2, [](const CpuFeatures& cpu) { return cpu.avx2; },
     &ed25519_lanes_avx2},
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

// The self-test: fixed inputs, the portable point arithmetic as the judge.
constexpr std::size_t test_points = 37; // not a multiple of any lane count

/// Encodings of which about half are points; with non-canonical ones and -0 among them.
std::vector<std::array<std::uint8_t, 32>> test_encodings()
{
    std::vector<std::array<std::uint8_t, 32>> out(test_points);
    std::uint32_t state = 1;
    for (auto& bytes : out) {
        for (std::uint8_t& byte : bytes) {
            state = state * 1664525 + 1013904223;
            byte = static_cast<std::uint8_t>(state >> 24);
        }
    }
    out[1].fill(0xFF); // y = 2^255 - 1, past p
    out[2] = {1};
    out[2][31] = 0x80; // the identity with x = -0
    out[3].fill(0xFF);
    out[3][0] = 0xEE; // y = p + 1, x = -0
    return out;
}

Scalar test_scalar(std::uint64_t seed)
{
    Scalar scalar;
    for (std::uint64_t& word : scalar.word) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        word = seed ^ (seed >> 29);
    }
    scalar.word[3] >>= 4; // below 2^252
    return scalar;
}

bool decode_agrees(const Ed25519Lanes& lanes)
{
    const auto encodings = test_encodings();
    std::vector<const std::uint8_t*> pointers;
    pointers.reserve(encodings.size());
    for (const auto& bytes : encodings) {
        pointers.push_back(bytes.data());
    }
    std::vector<Ed25519Row> rows(test_points);
    std::vector<std::uint8_t> decoded(test_points);
    lanes.decode(pointers.data(), test_points, rows.data(), decoded.data());
    for (std::size_t i = 0; i < test_points; ++i) {
        const std::optional<AffineNiels> expect = point_decode(encodings[i]);
        if (expect.has_value() != (decoded[i] != 0)) {
            return false;
        }
        if (expect && !same_point(point_of(*expect), point_of(niels_of(rows[i])))) {
            return false;
        }
    }
    return true;
}

bool sums_agree(const Ed25519Lanes& lanes)
{
    const Ed25519Row* comb = ed25519_base_comb();
    std::vector<Ed25519Sum> buckets(ed25519_bucket_count);
    std::vector<Ed25519Sum> windows(ed25519_window_sum_count);
    for (unsigned bits = ed25519_window_bits_min; bits <= ed25519_window_bits_max; ++bits) {
        std::vector<const Ed25519Row*> rows;
        std::vector<std::int8_t> long_digits(test_points * ed25519_long_digits);
        std::vector<std::int8_t> short_digits(test_points * ed25519_short_digits);
        Scalar expect;
        for (std::size_t i = 0; i < test_points; ++i) {
            rows.push_back(&comb[i]); // (i + 1) B
            const Scalar scalar = test_scalar(std::uint64_t{100} * bits + i);
            const Scalar random = test_scalar(std::uint64_t{7'000} * bits + i);
            const BatchWeight weight{{random.word[0], random.word[1]}};
            recode_long(scalar, bits, &long_digits[i * ed25519_long_digits]);
            recode_short(weight, bits, &short_digits[i * ed25519_short_digits]);
            Scalar signed_weight = scalar_weigh(weight.magnitude(), Scalar{{1, 0, 0, 0}});
            if (weight.is_negative()) {
                signed_weight = scalar_negate(signed_weight);
            }
            expect =
                scalar_mul_add(scalar_add(scalar, signed_weight), Scalar{{i + 1, 0, 0, 0}}, expect);
        }
        Ed25519Sum sum{};
        const Ed25519BucketJob job{.long_rows = rows.data(),
                                   .long_digits = long_digits.data(),
                                   .long_count = test_points,
                                   .long_windows = long_window_count(bits),
                                   .short_rows = rows.data(),
                                   .short_digits = short_digits.data(),
                                   .short_count = test_points,
                                   .short_windows = short_window_count(bits),
                                   .window_bits = bits,
                                   .buckets = buckets.data(),
                                   .windows = windows.data()};
        lanes.bucket_sums(&job);
        lanes.fold_windows(windows.data(), job.long_windows, bits, &sum);
        if (!same_point(point_of(sum), point_multiply_with_base({}, point_base(), expect))) {
            return false;
        }
    }
    return true;
}

/// s = k a + r for A = aB, R = rB holds; with any of them changed in one lane, that lane fails.
bool exact_lanes_agree(const Ed25519Lanes& lanes)
{
    const Ed25519Row* comb = ed25519_base_comb();
    std::array<Ed25519ExactDigits, ed25519_lanes_max> digits{};
    std::array<Ed25519ExactLane, ed25519_lanes_max> jobs{};
    std::array<Scalar, ed25519_lanes_max> k;
    std::array<Scalar, ed25519_lanes_max> s;
    std::vector<Ed25519Sum> table(ed25519_exact_table_count);
    for (std::size_t bad = 0; bad <= lanes.lane_count; ++bad) {
        for (std::size_t i = 0; i < lanes.lane_count; ++i) {
            k[i] = test_scalar(i);
            s[i] = scalar_mul_add(k[i], Scalar{{i + 5, 0, 0, 0}},
                                  Scalar{{i + (i == bad ? 10 : 9), 0, 0, 0}});
            jobs[i] = digits[i].lane(&comb[i + 4], &comb[i + 8]);
        }
        ed25519_exact_digits(std::span(k).first(lanes.lane_count),
                             std::span(s).first(lanes.lane_count),
                             std::span(digits).first(lanes.lane_count));
        const unsigned all = (1U << lanes.lane_count) - 1;
        const unsigned expect = bad < lanes.lane_count ? all & ~(1U << bad) : all;
        if (lanes.verify_exact(jobs.data(), lanes.lane_count, comb, table.data()) != expect) {
            return false;
        }
    }
    return true;
}

/// S = k a + r for encodings of A = aB and R = rB, and S + 1.
bool single_agrees(const Ed25519Lanes& lanes)
{
    if (lanes.verify_one == nullptr) {
        return true;
    }
    const Ed25519Row* comb = ed25519_base_comb();
    for (std::uint64_t i = 0; i < 12; ++i) {
        const Scalar k = test_scalar(i);
        const bool good = i % 3 != 0;
        const Scalar s =
            scalar_mul_add(k, Scalar{{i + 1, 0, 0, 0}}, Scalar{{i + (good ? 2 : 3), 0, 0, 0}});
        std::array<std::int8_t, 64> k_digits{};
        std::array<std::int8_t, 64> s_digits{};
        recode_long(k, 4, k_digits.data());
        recode_long(s, 8, s_digits.data());
        const auto key = point_to_bytes(point_of(niels_of(comb[i])));
        const auto r = point_to_bytes(point_of(niels_of(comb[i + 1])));
        const Ed25519One one{key.data(), r.data(), k_digits.data(), s_digits.data(), comb};
        if (lanes.verify_one(&one) != good) {
            return false;
        }
    }
    return true;
}

bool base_multiples_agree(const Ed25519Lanes& lanes)
{
    std::vector<std::int8_t> digits(32 * test_points);
    std::vector<Ed25519Sum> scratch(test_points + ed25519_lanes_max);
    std::vector<std::uint8_t> out(32 * test_points);
    for (std::size_t i = 0; i < test_points; ++i) {
        std::array<std::int8_t, 64> recoded{};
        recode_long(test_scalar(i), 8, recoded.data());
        std::copy_n(recoded.begin(), 32, digits.begin() + static_cast<std::ptrdiff_t>(32 * i));
    }
    lanes.base_multiply(digits.data(), test_points, ed25519_base_comb(), scratch.data(),
                        out.data());
    for (std::size_t i = 0; i < test_points; ++i) {
        const auto expect =
            point_to_bytes(point_multiply_with_base({}, point_base(), test_scalar(i)));
        if (!std::equal(expect.begin(), expect.end(),
                        out.begin() + static_cast<std::ptrdiff_t>(32 * i))) {
            return false;
        }
    }
    return true;
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

void ed25519_exact_digits(std::span<const Scalar> k, std::span<const Scalar> s,
                          std::span<Ed25519ExactDigits> digits)
{
    BELFRY_CHECK(k.size() == s.size() && k.size() == digits.size());
    BELFRY_CHECK(k.size() <= ed25519_lanes_max);
    std::array<ScalarQuotient, ed25519_lanes_max> quotients;
    scalar_quotients(k, std::span(quotients).first(k.size()));
    for (std::size_t i = 0; i < k.size(); ++i) {
        const ScalarQuotient& quotient = quotients[i];
        const Scalar w = scalar_weigh(quotient.denominator, s[i]);
        recode_half(quotient.numerator, false, digits[i].u.data());
        recode_half(quotient.denominator, quotient.negative, digits[i].v.data());
        recode_long(quotient.negative ? scalar_negate(w) : w, 8, digits[i].w.data());
    }
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
    constexpr std::size_t step_cost = 10;
    constexpr std::size_t collect_cost = 24;
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
    return decode_agrees(*lanes) && sums_agree(*lanes) && exact_lanes_agree(*lanes) &&
           base_multiples_agree(*lanes) && single_agrees(*lanes);
}

} // namespace belfry::crypto
