// SPDX-License-Identifier: Apache-2.0
#pragma once
// ed25519_batch_engine.hpp: private to this room. The batch verification of Ed25519 signatures.
// Equation [8](sum z_i R_i + sum (z_i k_i) A_i - (sum z_i S_i) B) = 0 with a fresh random z_i for
//          each signature; the multiplication by 8 is three doublings of the final sum, never of
//          scalars. A batch of good signatures always holds; one with a bad one holds with
//          probability 2^-128.
// Methods  few signatures go to exact lanes; from 16 up, buckets (Pippenger) with windows of 4 to 8
//          bits. Straus's method, a table of multiples for each point and eight running sums, was
//          built and measured at 0.84 of the buckets' rate for 16, 32 and 64 signatures and 0.80
//          for 128: its additions need a Z (9 products to 7), and all lanes must be doubled 252
//          times where the buckets' windows are folded as one point. So it is not here.
// Failure  what fails is split: the left part is summed with the same weights, the right part is
//          the difference, few signatures go to exact lanes. Of a large batch the first part is a
//          32nd: if it fails and the rest does too, many are bad and all go to exact lanes at
//          once. Points, hashes and weights are never made twice. Cost: bench/kernels, *_bad.
// Rules    a template parameter, so that tests can break one rule and show that a test sees it.
// Bounds   everything is allocated by the constructor for jobs_max jobs.
// Threads  one owner.

#include "base/check.hpp"
#include "crypto/ed25519.hpp"
#include "crypto/ed25519_digits.hpp"
#include "crypto/ed25519_kernel_choice.hpp"
#include "crypto/ed25519_key_cache.hpp"
#include "crypto/ed25519_point.hpp"
#include "crypto/ed25519_scalar.hpp"
#include "crypto/sha512.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace belfry::crypto {

/// Random bytes for weights: ChaCha20 under a key from the system, a new nonce for every draw.
class WeightStream {
public:
    WeightStream()
    {
        BELFRY_CHECK(sodium_init() >= 0);
        randombytes_buf(key_.data(), key_.size());
    }
    void fill(std::uint8_t* out, std::size_t bytes)
    {
        std::array<std::uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce{};
        std::memcpy(nonce.data(), &draw_count_, sizeof(draw_count_));
        ++draw_count_;
        crypto_stream_chacha20(out, bytes, nonce.data(), key_.data());
    }

private:
    std::array<std::uint8_t, crypto_stream_chacha20_KEYBYTES> key_{};
    std::uint64_t draw_count_ = 0;
};

/// The rules of ZIP-215.
struct Zip215Rules {
    static bool holds(const ExtendedPoint& sum) { return point_is_small_order(sum); }
    /// Any encoding of 32 bytes may be decoded.
    static bool admits_encoding(ByteView) { return true; }
    /// What k is computed over: the bytes as received.
    static void hashed_point(std::uint8_t* to, ByteView encoding)
    {
        std::memcpy(to, encoding.data(), encoding.size());
    }
    static void draw_weights(WeightStream& stream, std::span<BatchWeight> weights)
    {
        stream.fill(reinterpret_cast<std::uint8_t*>(weights.data()), weights.size_bytes());
        for (BatchWeight& weight : weights) {
            while (weight.is_zero()) {
                stream.fill(reinterpret_cast<std::uint8_t*>(&weight), sizeof(weight));
            }
        }
    }
};
static_assert(sizeof(BatchWeight) == 16);

template <class Rules>
class Ed25519BatchEngine {
public:
    Ed25519BatchEngine(const Ed25519BatchVerifier::Options& options, const Ed25519Lanes& lanes)
        : lanes_(lanes)
        , jobs_max_(options.jobs_max)
        , coalesce_(options.coalesce_keys)
        , hash_(secret_hash())
        , cache_(options.key_cache_bytes, hash_)
        , buckets_(ed25519_bucket_count)
        , window_sums_(ed25519_window_sum_count)
        , exact_table_(ed25519_exact_table_count)
        , hash_bytes_(hash_group * hash_slot_bytes)
    {
        BELFRY_CHECK(jobs_max_ > 0 && jobs_max_ <= jobs_limit);
        std::size_t table_size = 16;
        while (table_size < 2 * jobs_max_) {
            table_size *= 2;
        }
        table_.resize(table_size);
        keys_.resize(jobs_max_);
        undecoded_.resize(jobs_max_);
        rows_.resize(2 * jobs_max_);
        terms_.resize(jobs_max_);
        encodings_.resize(2 * jobs_max_);
        decoded_.resize(2 * jobs_max_);
        candidates_.resize(jobs_max_);
        weights_.resize(jobs_max_);
        long_rows_.resize(jobs_max_ + 1);
        short_rows_.resize(jobs_max_);
        long_digits_.resize((jobs_max_ + 1) * ed25519_long_digits);
        short_digits_.resize(jobs_max_ * ed25519_short_digits);
    }

    /// How much work was done since the engine was made; tests bound the cost of bad signatures.
    struct Work {
        std::size_t terms = 0; // signatures that went into weighted sums, each time they did
        std::size_t exact = 0; // signatures that went to exact lanes
    };
    [[nodiscard]] const Work& work() const { return work_; }

    void verify(std::span<const Ed25519Job> jobs, std::span<bool> verdicts)
    {
        BELFRY_CHECK(jobs.size() == verdicts.size());
        for (std::size_t at = 0; at < jobs.size(); at += jobs_max_) {
            const std::size_t count = std::min(jobs_max_, jobs.size() - at);
            jobs_ = jobs.subspan(at, count);
            verdicts_ = verdicts.subspan(at, count);
            verify_part();
        }
    }

private:
    static constexpr std::size_t jobs_limit = std::size_t{1} << 20;
    static constexpr std::size_t exact_below = 16;    // fewer go to the exact lanes
    static constexpr std::size_t exact_if_fails = 24; // so do as many, once their sum fails
    static constexpr std::size_t exact_if_both_fail = 64;
    static constexpr std::size_t probe_from = 256; // a larger batch that fails is probed
    static constexpr std::size_t probe_part = 32;
    static constexpr std::size_t hash_group = 64; // messages hashed at once
    static constexpr std::size_t hash_slot_bytes = 1536;
    static constexpr std::size_t points_bytes = 64; // R and A before the message

    /// A signature that can still be good.
    struct Candidate {
        std::uint32_t job = 0;
        std::uint32_t key = 0; // index in keys_
        const Ed25519Row* r_row = nullptr;
        Scalar s;
        Scalar k;
        Scalar weighed_k; // z k, once weights are drawn
    };
    /// A public key of this batch.
    struct Key {
        const Pubkey* bytes = nullptr;
        std::uint64_t hash = 0;
        const Ed25519Row* row = nullptr; // nullptr: no point has this y
        std::uint32_t term = 0;          // its place in the sum that sum_number names
        std::uint64_t sum_number = 0;
        Scalar scalar;
    };
    /// A run of candidates_.
    struct Range {
        std::size_t begin = 0;
        std::size_t end = 0;
        [[nodiscard]] std::size_t size() const { return end - begin; }
    };

    static KeyedKeyHash secret_hash()
    {
        KeyedKeyHash hash;
        randombytes_buf(hash.secret.data(), sizeof(hash.secret));
        return hash;
    }

    void verify_part()
    {
        std::ranges::fill(verdicts_, false);
        candidate_count_ = 0;
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            const ByteView signature = jobs_[i].signature->view();
            const auto s = scalar_from_canonical_bytes(signature.last(32));
            if (s && Rules::admits_encoding(jobs_[i].key->view()) &&
                Rules::admits_encoding(signature.first(32))) {
                Candidate& candidate = candidates_[candidate_count_++];
                candidate.job = static_cast<std::uint32_t>(i);
                candidate.s = *s;
            }
        }
        find_keys();
        decode_points();
        hash_messages();
        if (candidate_count_ >= exact_below) {
            weigh();
        }
        settle({0, candidate_count_});
        for (std::size_t i = 0; i < undecoded_count_; ++i) {
            const Key& key = keys_[undecoded_[i]];
            if (key.row != nullptr) {
                cache_.insert(*key.bytes, key.hash, *key.row);
            }
        }
    }

    /// Numbers the keys of all candidates; equal keys get one number when coalescing is on.
    void find_keys()
    {
        key_count_ = 0;
        std::size_t mask = 15;
        while (mask + 1 < 2 * candidate_count_) {
            mask = 2 * mask + 1;
        }
        std::fill_n(table_.begin(), mask + 1, 0U);
        for (std::size_t c = 0; c < candidate_count_; ++c) {
            const Pubkey& bytes = *jobs_[candidates_[c].job].key;
            const std::uint64_t hash = hash_(bytes);
            std::size_t slot = static_cast<std::size_t>(hash) & mask;
            while (coalesce_ && table_[slot] != 0 && *keys_[table_[slot] - 1].bytes != bytes) {
                slot = (slot + 1) & mask;
            }
            if (coalesce_ && table_[slot] != 0) {
                candidates_[c].key = table_[slot] - 1;
                continue;
            }
            candidates_[c].key = static_cast<std::uint32_t>(key_count_);
            keys_[key_count_].bytes = &bytes;
            keys_[key_count_].hash = hash;
            cache_.prefetch(hash);
            table_[slot] = static_cast<std::uint32_t>(++key_count_);
        }
    }

    /// Decodes the keys that the cache does not have and R of every candidate, all at once; who
    /// fails leaves the list.
    void decode_points()
    {
        undecoded_count_ = 0;
        for (std::size_t i = 0; i < key_count_; ++i) {
            Key& key = keys_[i];
            key.row = cache_.find(*key.bytes, key.hash);
            if (key.row == nullptr) {
                encodings_[undecoded_count_] = key.bytes->bytes.data();
                undecoded_[undecoded_count_++] = static_cast<std::uint32_t>(i);
            }
        }
        for (std::size_t c = 0; c < candidate_count_; ++c) {
            encodings_[undecoded_count_ + c] = jobs_[candidates_[c].job].signature->bytes.data();
        }
        lanes_.decode(encodings_.data(), undecoded_count_ + candidate_count_, rows_.data(),
                      decoded_.data());
        for (std::size_t i = 0; i < undecoded_count_; ++i) {
            keys_[undecoded_[i]].row = decoded_[i] != 0 ? &rows_[i] : nullptr;
        }
        std::size_t kept = 0;
        for (std::size_t c = 0; c < candidate_count_; ++c) {
            const std::size_t at = undecoded_count_ + c;
            if (decoded_[at] != 0 && keys_[candidates_[c].key].row != nullptr) {
                candidates_[kept] = candidates_[c];
                candidates_[kept++].r_row = &rows_[at];
            }
        }
        candidate_count_ = kept;
    }

    /// k = SHA-512(R | A | message) mod L for every candidate. Long messages are hashed in pieces.
    void hash_messages()
    {
        std::array<ByteView, hash_group> messages;
        std::array<std::size_t, hash_group> owners{};
        std::array<Digest512, hash_group> digests;
        std::size_t waiting = 0;
        const auto flush = [&] {
            sha512_many(std::span(messages).first(waiting), std::span(digests).first(waiting));
            for (std::size_t i = 0; i < waiting; ++i) {
                candidates_[owners[i]].k = scalar_reduce(scalar512_from_bytes(digests[i].view()));
            }
            waiting = 0;
        };
        for (std::size_t c = 0; c < candidate_count_; ++c) {
            const Ed25519Job& job = jobs_[candidates_[c].job];
            std::uint8_t* slot = &hash_bytes_[waiting * hash_slot_bytes];
            Rules::hashed_point(slot, job.signature->view().first(32));
            Rules::hashed_point(slot + 32, job.key->view());
            if (job.message.size() > hash_slot_bytes - points_bytes) {
                Sha512 hasher;
                hasher.update({slot, points_bytes});
                hasher.update(job.message);
                candidates_[c].k = scalar_reduce(scalar512_from_bytes(hasher.finish().view()));
                continue;
            }
            std::ranges::copy(job.message, slot + points_bytes);
            messages[waiting] = {slot, points_bytes + job.message.size()};
            owners[waiting++] = c;
            if (waiting == hash_group) {
                flush();
            }
        }
        flush();
    }

    void weigh()
    {
        Rules::draw_weights(stream_, std::span(weights_).first(candidate_count_));
        for (std::size_t c = 0; c < candidate_count_; ++c) {
            const Scalar zk = scalar_weigh(weights_[c].magnitude(), candidates_[c].k);
            candidates_[c].weighed_k = weights_[c].is_negative() ? scalar_negate(zk) : zk;
        }
    }

    void accept(Range range)
    {
        for (std::size_t c = range.begin; c < range.end; ++c) {
            verdicts_[candidates_[c].job] = true;
        }
    }

    void settle(Range range)
    {
        if (range.size() < exact_below) {
            check_exactly(range);
            return;
        }
        const ExtendedPoint sum = weighted_sum(range);
        if (Rules::holds(sum)) {
            accept(range);
        } else if (range.size() >= probe_from) {
            split(range, std::max(range.size() / probe_part, std::size_t{32}), sum, true);
        } else {
            split(range, left_count(range), sum, false);
        }
    }

    /// Half, or in a small range three eighths in whole vectors: where the parts go to exact lanes
    /// next, a larger right part costs less than a larger left sum.
    [[nodiscard]] std::size_t left_count(Range range) const
    {
        const std::size_t half = range.size() / 2;
        const std::size_t lanes = lanes_.lane_count;
        return range.size() > exact_if_both_fail
                   ? half
                   : (range.size() * 3 / 8 + lanes - 1) / lanes * lanes;
    }

    /// Precondition: sum is the weighted sum of the range, and does not hold. Where both parts fail
    /// in a small range, after a probe, or twice in a row, many are bad (many_bad) and further sums
    /// would be wasted. Depth: log2 of jobs, and one.
    void split(Range range, std::size_t of_left, // NOLINT(misc-no-recursion)
               const ExtendedPoint& sum, bool many_bad)
    {
        if (range.size() <= exact_if_fails) {
            check_exactly(range);
            return;
        }
        const Range left{range.begin, range.begin + of_left};
        const Range right{left.end, range.end};
        const ExtendedPoint left_sum = weighted_sum(left);
        const ExtendedPoint right_sum = point_subtract(sum, niels_of(left_sum));
        const bool left_holds = Rules::holds(left_sum);
        const bool right_holds = Rules::holds(right_sum);
        const bool both_fail = !left_holds && !right_holds;
        if (both_fail && (many_bad || range.size() <= exact_if_both_fail)) {
            check_exactly(range);
            return;
        }
        if (left_holds) {
            accept(left);
        } else {
            split(left, left_count(left), left_sum, both_fail);
        }
        if (right_holds) {
            accept(right);
        } else {
            split(right, left_count(right), right_sum, both_fail);
        }
    }

    /// Verdicts without weights, a signature in each lane.
    void check_exactly(Range range)
    {
        work_.exact += range.size();
        for (std::size_t at = range.begin; at < range.end; at += lanes_.lane_count) {
            const std::size_t count = std::min(lanes_.lane_count, range.end - at);
            std::array<Scalar, ed25519_lanes_max> k;
            std::array<Scalar, ed25519_lanes_max> s;
            std::array<Ed25519ExactDigits, ed25519_lanes_max> digits;
            std::array<Ed25519ExactLane, ed25519_lanes_max> lanes{};
            for (std::size_t i = 0; i < count; ++i) {
                const Candidate& candidate = candidates_[at + i];
                k[i] = candidate.k;
                s[i] = candidate.s;
                lanes[i] = digits[i].lane(keys_[candidate.key].row, candidate.r_row);
            }
            ed25519_exact_digits(std::span(k).first(count), std::span(s).first(count),
                                 std::span(digits).first(count));
            const unsigned good =
                lanes_.verify_exact(lanes.data(), count, ed25519_base_comb(), exact_table_.data());
            for (std::size_t i = 0; i < count; ++i) {
                verdicts_[candidates_[at + i].job] = ((good >> i) & 1U) != 0;
            }
        }
    }

    /// sum z_i R_i + sum (z_i k_i) A_i - (sum z_i S_i) B over the range, up to a point of order 8.
    [[nodiscard]] ExtendedPoint weighted_sum(Range range)
    {
        ++sum_number_;
        work_.terms += range.size();
        std::size_t term_count = 0;
        Scalar512 plus{}; // z S of positive and of negative weights; 2^20 terms of 2^381 fit
        Scalar512 minus{};
        for (std::size_t c = range.begin; c < range.end; ++c) {
            const Candidate& candidate = candidates_[c];
            scalar_accumulate(weights_[c].is_negative() ? minus : plus, weights_[c].magnitude(),
                              candidate.s);
            Key& key = keys_[candidate.key];
            if (key.sum_number != sum_number_) {
                key.sum_number = sum_number_;
                key.scalar = candidate.weighed_k;
                terms_[term_count++] = candidate.key;
            } else {
                key.scalar = scalar_add(key.scalar, candidate.weighed_k);
            }
        }
        const unsigned bits = ed25519_window_bits(lanes_, term_count + 1, range.size());
        for (std::size_t t = 0; t < term_count; ++t) {
            const Key& key = keys_[terms_[t]];
            long_rows_[t] = key.row;
            recode_long(key.scalar, bits, &long_digits_[t * ed25519_long_digits]);
        }
        long_rows_[term_count] = ed25519_base_comb();
        const Scalar base_scalar =
            scalar_add(scalar_reduce(minus), scalar_negate(scalar_reduce(plus)));
        recode_long(base_scalar, bits, &long_digits_[term_count * ed25519_long_digits]);
        for (std::size_t c = range.begin; c < range.end; ++c) {
            const std::size_t i = c - range.begin;
            short_rows_[i] = candidates_[c].r_row;
            recode_short(weights_[c], bits, &short_digits_[i * ed25519_short_digits]);
        }
        const Ed25519BucketJob job{.long_rows = long_rows_.data(),
                                   .long_digits = long_digits_.data(),
                                   .long_count = term_count + 1,
                                   .long_windows = long_window_count(bits),
                                   .short_rows = short_rows_.data(),
                                   .short_digits = short_digits_.data(),
                                   .short_count = range.size(),
                                   .short_windows = short_window_count(bits),
                                   .window_bits = bits,
                                   .buckets = buckets_.data(),
                                   .windows = window_sums_.data()};
        lanes_.bucket_sums(&job);
        Ed25519Sum sum;
        lanes_.fold_windows(window_sums_.data(), job.long_windows, bits, &sum);
        return point_of(sum);
    }

    const Ed25519Lanes& lanes_;
    std::size_t jobs_max_;
    bool coalesce_;
    WeightStream stream_;
    KeyedKeyHash hash_;
    Ed25519KeyCache cache_;
    std::span<const Ed25519Job> jobs_; // of the call in progress
    std::span<bool> verdicts_;
    std::size_t candidate_count_ = 0;
    std::size_t key_count_ = 0;
    std::size_t undecoded_count_ = 0;
    std::uint64_t sum_number_ = 0;
    Work work_;
    std::vector<Candidate> candidates_;
    std::vector<Key> keys_;
    std::vector<std::uint32_t> table_;     // open addressing: key number + 1, 0 is empty
    std::vector<std::uint32_t> undecoded_; // keys the cache did not have
    std::vector<std::uint32_t> terms_;     // keys of the sum in progress
    std::vector<const std::uint8_t*> encodings_;
    std::vector<std::uint8_t> decoded_;
    std::vector<Ed25519Row> rows_; // of keys, then of R
    std::vector<BatchWeight> weights_;
    std::vector<const Ed25519Row*> long_rows_;
    std::vector<const Ed25519Row*> short_rows_;
    std::vector<std::int8_t> long_digits_;
    std::vector<std::int8_t> short_digits_;
    std::vector<Ed25519Sum> buckets_;
    std::vector<Ed25519Sum> window_sums_;
    std::vector<Ed25519Sum> exact_table_;
    std::vector<std::uint8_t> hash_bytes_;
};

} // namespace belfry::crypto
