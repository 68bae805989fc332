// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.hpp"
#include "ledger/model/entry.hpp"
#include "ledger/model/transaction.hpp"
#include "tests/filled.hpp"
#include "tests/ledger/seeded.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace belfry::ledger {
namespace {

/// A block of every kind of entry: 3 transactions of 1, 200 and 1232 bytes.
struct SampleStream {
    Bytes stream;
    std::vector<Bytes> transactions{Bytes(1, 1), Bytes(200, 2), Bytes(transaction_bytes_max, 3)};
    std::vector<std::size_t> ends; // of each entry
    SampleStream()
    {
        EntryWriter writer(stream);
        const auto end = [this] {
            ends.push_back(stream.size());
        };
        writer.tick(2000, filled<Hash>(0x10));
        end();
        writer.transactions(7, filled<Hash>(0x11), std::vector<ByteView>{transactions[0]});
        end();
        writer.transactions(1, filled<Hash>(0x12),
                            std::vector<ByteView>{transactions[1], transactions[2]});
        end();
        writer.tick(0, filled<Hash>(0x13));
        end();
        writer.certificate(Bytes(1, 9));
        end();
        writer.certificate(Bytes(300, 8));
        end();
        writer.footer(filled<Hash>(0xee), filled<Hash>(0x13));
        end();
    }
};

std::optional<EntryError> entry_verdict(ByteView stream)
{
    const auto decoded = decode_entries(stream);
    return decoded ? std::nullopt : std::optional(decoded.error());
}

TEST(Entry, what_is_written_is_read)
{
    const SampleStream sample;
    const auto entries = decode_entries(sample.stream);
    ASSERT_TRUE(entries.has_value()) << to_string(entries.error());
    ASSERT_EQ(entries->size(), 7U);
    EXPECT_EQ((*entries)[0].kind, EntryKind::tick);
    EXPECT_EQ((*entries)[0].hash_count, 2000U);
    EXPECT_EQ((*entries)[0].hash, filled<Hash>(0x10));
    EXPECT_EQ((*entries)[1].kind, EntryKind::transactions);
    EXPECT_EQ((*entries)[1].hash_count, 7U);
    ASSERT_EQ((*entries)[2].transactions.size(), 2U);
    EXPECT_TRUE(std::ranges::equal((*entries)[2].transactions[0], sample.transactions[1]));
    EXPECT_TRUE(std::ranges::equal((*entries)[2].transactions[1], sample.transactions[2]));
    EXPECT_EQ((*entries)[4].kind, EntryKind::certificate);
    EXPECT_TRUE(std::ranges::equal((*entries)[4].certificate, Bytes(1, 9)));
    EXPECT_EQ((*entries)[5].certificate.size(), 300U);
    EXPECT_EQ((*entries)[6].kind, EntryKind::footer);
    EXPECT_EQ((*entries)[6].transaction_count, 3U);
    EXPECT_EQ((*entries)[6].state_hash, filled<Hash>(0xee));
    EXPECT_EQ((*entries)[6].hash, filled<Hash>(0x13));
    EXPECT_EQ(certificates_of(sample.stream), (std::vector{Bytes(1, 9), Bytes(300, 8)}));
}

TEST(Entry, the_bytes_of_each_kind_are_those_of_the_written_format)
{
    Bytes stream;
    EntryWriter writer(stream);
    writer.tick(0x01020304, filled<Hash>(0xaa));
    writer.transactions(2, filled<Hash>(0xbb), std::vector<ByteView>{Bytes{0x77, 0x78}});
    writer.certificate(Bytes{0x55, 0x56, 0x57});
    writer.footer(filled<Hash>(0xcc), filled<Hash>(0xdd));
    const auto repeated = [](const char* byte) {
        std::string text;
        for (int i = 0; i < 32; ++i) {
            text += byte;
        }
        return text;
    };
    EXPECT_EQ(to_hex(stream), "0004030201" + repeated("aa") + "0102000000" + repeated("bb") +
                                  "010002007778" + "030300555657" + "020100000000000000" +
                                  repeated("cc") + repeated("dd"));
    EXPECT_EQ(stream.size(), entry_header_bytes + transactions_entry_overhead(1) + 2 +
                                 certificate_entry_overhead + 3 + entry_footer_bytes);
}

TEST(Entry, cut_anywhere_it_is_truncated_or_lacks_the_footer)
{
    const SampleStream sample;
    for (std::size_t length = 0; length < sample.stream.size(); ++length) {
        const bool between = length == 0 || std::ranges::count(sample.ends, length) == 1;
        ASSERT_EQ(entry_verdict(ByteView(sample.stream).first(length)),
                  between ? EntryError::no_footer : EntryError::truncated)
            << length;
    }
}

TEST(Entry, a_reader_waits_at_the_front_of_an_entry_that_is_not_all_there)
{
    const SampleStream sample;
    for (std::size_t length = 0; length < sample.stream.size(); ++length) {
        EntryReader reader(ByteView(sample.stream).first(length));
        std::size_t whole = 0;
        while (true) {
            const auto entry = reader.next();
            if (!entry) {
                ASSERT_EQ(entry.error(), EntryError::truncated);
                break;
            }
            ASSERT_EQ(reader.position(), sample.ends[whole++]);
        }
        ASSERT_EQ(whole,
                  std::ranges::count_if(sample.ends, [=](auto end) { return end <= length; }))
            << length;
    }
}

TEST(Entry, anything_after_the_footer_is_refused)
{
    SampleStream sample;
    EntryWriter more(sample.stream);
    more.tick(1, {});
    EXPECT_EQ(entry_verdict(sample.stream), EntryError::after_footer);
}

TEST(Entry, every_other_kind_is_unknown)
{
    for (unsigned kind = 4; kind <= 255; ++kind) {
        SampleStream sample;
        sample.stream[sample.ends[0]] = static_cast<std::uint8_t>(kind);
        EXPECT_EQ(entry_verdict(sample.stream), EntryError::unknown_kind) << kind;
    }
}

TEST(Entry, transactions_of_no_hash_are_refused)
{
    SampleStream sample;
    sample.stream[sample.ends[0] + 1] = 0; // 7 becomes 0
    EXPECT_EQ(entry_verdict(sample.stream), EntryError::no_hash);
}

TEST(Entry, a_transactions_entry_without_a_transaction_is_refused)
{
    SampleStream sample;
    sample.stream[sample.ends[0] + entry_header_bytes] = 0;
    EXPECT_EQ(entry_verdict(sample.stream), EntryError::no_transaction);
}

TEST(Entry, a_transaction_of_0_or_of_1233_bytes_is_refused)
{
    SampleStream sample;
    const std::size_t length_at = sample.ends[0] + entry_header_bytes + 2;
    sample.stream[length_at] = 0;
    EXPECT_EQ(entry_verdict(sample.stream), EntryError::bad_transaction_bytes);
    sample.stream[length_at] = 0xd1; // 1233 = 0x04d1
    sample.stream[length_at + 1] = 0x04;
    EXPECT_EQ(entry_verdict(sample.stream), EntryError::bad_transaction_bytes);
}

TEST(Entry, a_footer_that_counts_otherwise_is_refused)
{
    for (const int difference : {-1, 1}) {
        SampleStream sample;
        std::uint8_t& count = sample.stream[sample.ends[5] + 1];
        count = static_cast<std::uint8_t>(count + difference);
        EXPECT_EQ(entry_verdict(sample.stream), EntryError::wrong_count);
    }
}

TEST(Entry, certificates_are_few_small_and_right_before_the_footer)
{
    const auto stream_of = [](const std::vector<std::size_t>& sizes, bool tick_after) {
        Bytes stream;
        for (const std::size_t size : sizes) {
            ByteWriter writer(stream);
            writer.u8(3);
            writer.u16(static_cast<std::uint16_t>(size));
            writer.bytes(Bytes(size));
        }
        EntryWriter writer(stream);
        if (tick_after) {
            writer.tick(1, {});
        }
        writer.footer({}, {});
        return stream;
    };
    EXPECT_EQ(entry_verdict(stream_of({1, 2, 3, certificate_entry_bytes_max}, false)),
              std::nullopt);
    EXPECT_EQ(entry_verdict(stream_of({1, 2, 3, 4, 5}, false)), EntryError::bad_certificate);
    EXPECT_EQ(entry_verdict(stream_of({0}, false)), EntryError::bad_certificate);
    EXPECT_EQ(entry_verdict(stream_of({certificate_entry_bytes_max + 1}, false)),
              EntryError::bad_certificate);
    EXPECT_EQ(entry_verdict(stream_of({1}, true)), EntryError::bad_certificate);
}

TEST(Entry, longer_than_any_block_may_be_is_refused)
{
    EXPECT_EQ(entry_verdict(Bytes(block_stream_bytes_max + 1)), EntryError::too_large);
}

TEST(Entry, the_mixin_is_the_digest_of_the_joined_message_hashes)
{
    Bytes joined(96);
    for (std::size_t i = 0; i < 96; ++i) {
        joined[i] = static_cast<std::uint8_t>(1 + i / 32);
    }
    EXPECT_EQ(entry_mixin(std::array{filled<Hash>(1), filled<Hash>(2), filled<Hash>(3)}),
              crypto::sha256(joined));
}

TEST(Entry, random_and_spoilt_streams_never_crash_and_what_is_accepted_writes_back)
{
    constexpr unsigned seed = 7;
    std::mt19937 random = seeded(seed);
    const SampleStream sample;
    std::size_t accepted = 0;
    for (int round = 0; round < 100'000; ++round) {
        Bytes stream = sample.stream;
        for (auto change = 1 + random() % 3; change > 0; --change) {
            // Lengths and kinds are near the entries' fronts.
            const std::size_t front = random() % 2 == 0 ? 0 : sample.ends[random() % 6];
            const std::size_t at = (front + random() % 48) % stream.size();
            stream[at] = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : random() % 4);
        }
        const auto entries = decode_entries(stream);
        if (!entries) {
            continue;
        }
        ++accepted;
        Bytes again;
        EntryWriter writer(again);
        for (const Entry& entry : *entries) {
            if (entry.kind == EntryKind::tick) {
                writer.tick(entry.hash_count, entry.hash);
            } else if (entry.kind == EntryKind::transactions) {
                writer.transactions(entry.hash_count, entry.hash, entry.transactions);
            } else if (entry.kind == EntryKind::certificate) {
                writer.certificate(entry.certificate);
            } else {
                writer.footer(entry.state_hash, entry.hash);
            }
        }
        ASSERT_EQ(again, stream) << "seed " << seed << " round " << round;
    }
    EXPECT_GT(accepted, 100U);
}

TEST(Entry, every_error_has_its_own_name)
{
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < entry_error_count; ++i) {
        names.insert(to_string(static_cast<EntryError>(i)));
    }
    EXPECT_EQ(names.size(), entry_error_count);
    EXPECT_FALSE(names.contains("unknown"));
}

} // namespace
} // namespace belfry::ledger
