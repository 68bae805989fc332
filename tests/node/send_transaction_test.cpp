// SPDX-License-Identifier: Apache-2.0
// The transactions are those that Solana's own client libraries made (tests/vectors).
#include "crypto/base58.hpp"
#include "node/rpc/methods.hpp"
#include "node/rpc/transaction_text.hpp"
#include "tests/node/rpc_calls.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace belfry::node {
namespace {

namespace json = boost::json;

const json::value& vectors()
{
    static const json::value parsed = [] {
        std::ifstream file(BELFRY_SOURCE_DIR "/tests/vectors/solana_transactions.json");
        return json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    }();
    return parsed;
}

Bytes wire(std::string_view name)
{
    return *from_hex(vectors().at(name).at("hex").as_string());
}

std::string send(std::string_view params)
{
    return call("sendTransaction", params);
}

std::string as_base64(const Bytes& bytes)
{
    return fmt::format(R"(["{}",{{"encoding":"base64"}}])", to_base64(bytes));
}

TEST(SendTransaction, answers_with_the_first_signature_for_both_encodings)
{
    for (const std::string_view name : {"legacy_transfer_42", "legacy_create_account"}) {
        const Bytes bytes = wire(name);
        const std::string signature(vectors().at(name).as_object().contains("sig")
                                        ? vectors().at(name).at("sig").as_string().c_str()
                                        : crypto::to_base58(ByteView(bytes).subspan(1, 64)));
        const std::string expected =
            fmt::format(R"({{"jsonrpc":"2.0","result":"{}","id":7}})", signature);
        EXPECT_EQ(send(as_base64(bytes)), expected);
        EXPECT_EQ(send(fmt::format(R"(["{}"])", crypto::to_base58(bytes))), expected);
    }
}

TEST(SendTransaction, hands_the_node_the_bytes_and_the_options)
{
    FakeBackend backend;
    const Bytes bytes = wire("legacy_transfer_42");
    (void)ask(
        backend,
        call_text("sendTransaction",
                  fmt::format(R"(["{}",{{"encoding":"base64","skipPreflight":true,"maxRetries":3,)"
                              R"("preflightCommitment":"processed","minContextSlot":5}}])",
                              to_base64(bytes))));
    ASSERT_EQ(backend.asked.size(), 1U);
    const auto& question = std::get<SendTransaction>(backend.asked.front());
    EXPECT_EQ(question.wire, bytes);
    EXPECT_TRUE(question.skip_preflight);
    EXPECT_EQ(question.preflight_commitment, Commitment::processed);
    EXPECT_EQ(question.min_context_slot, Slot{5});
}

TEST(SendTransaction, refuses_what_is_not_a_good_transaction)
{
    FakeBackend backend;
    Bytes bytes = wire("legacy_transfer_42");
    bytes[5] ^= 1; // in the signature
    EXPECT_EQ(error_code(send(as_base64(bytes))), -32003);
    bytes[5] ^= 1;
    bytes.back() ^= 1; // in the message
    EXPECT_EQ(error_code(send(as_base64(bytes))), -32003);
    bytes.pop_back();
    EXPECT_EQ(error_code(send(as_base64(bytes))), -32602);
    EXPECT_EQ(error_code(send(as_base64({}))), -32602);
    EXPECT_EQ(error_code(send(as_base64(Bytes(1233, 1)))), -32602);
    EXPECT_EQ(error_code(send(fmt::format(R"(["{}"])", std::string(1684, '1')))), -32602);
    EXPECT_EQ(error_code(send(R"(["%%%%",{"encoding":"base64"}])")), -32602);
    EXPECT_EQ(error_code(send(R"(["AAA",{"encoding":"base64"}])")), -32602);
    EXPECT_EQ(error_code(send(R"(["0"])")), -32602);
    EXPECT_EQ(error_code(send(R"([5])")), -32602);
    EXPECT_EQ(error_code(send(R"([])")), -32602);
    const std::string text = to_base64(wire("legacy_transfer_42"));
    for (const std::string_view options :
         {R"({"encoding":"hex"})", R"({"encoding":"base64","skipPreflight":1})",
          R"({"encoding":"base64","maxRetries":-1})",
          R"({"encoding":"base64","preflightCommitment":"x"})"}) {
        EXPECT_EQ(error_code(send(fmt::format(R"(["{}",{}])", text, options))), -32602) << options;
    }
    EXPECT_EQ(error_code(send(
                  fmt::format(R"(["{}",{{"encoding":"base64","minContextSlot":999}}])", text))),
              -32016);
}

TEST(SendTransaction, names_the_fee_of_a_message)
{
    FakeBackend backend;
    const Bytes bytes = wire("legacy_transfer_42");
    const ByteView message = ByteView(bytes).subspan(65);
    EXPECT_EQ(
        ask(backend, call_text("getFeeForMessage", fmt::format(R"(["{}"])", to_base64(message)))),
        R"({"jsonrpc":"2.0","result":{"context":{"slot":100,"apiVersion":"2.3.0"},)"
        R"("value":5000},"id":7})");
    const auto& question = std::get<GetFeeForMessage>(backend.asked.front());
    EXPECT_TRUE(std::ranges::equal(ByteView(question.wire).subspan(65), message));
    for (const std::string_view bad : {"[]", R"([""])", R"(["gA=="])", R"(["AQ=="])", "[5]"}) {
        EXPECT_EQ(error_code(ask(backend, call_text("getFeeForMessage", bad))), -32602) << bad;
    }
}

TEST(Base64, is_that_of_rfc_4648)
{
    const auto encode = [](std::string_view text) {
        return to_base64(Bytes(text.begin(), text.end()));
    };
    EXPECT_EQ(encode(""), "");
    EXPECT_EQ(encode("f"), "Zg==");
    EXPECT_EQ(encode("fo"), "Zm8=");
    EXPECT_EQ(encode("foo"), "Zm9v");
    EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
    EXPECT_EQ(from_base64("Zm8="), (Bytes{'f', 'o'}));
    for (const std::string_view bad : {"Zg", "Zg=", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm9=", "-_=="}) {
        EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
    }
}

} // namespace
} // namespace belfry::node
