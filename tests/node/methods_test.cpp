// SPDX-License-Identifier: Apache-2.0
// The reply shapes are those that web3.js 1.99 and kit 8.4 accept, written out as exact text.
#include "crypto/base58.hpp"
#include "node/rpc/methods.hpp"
#include "tests/node/rpc_calls.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>
#include <gtest/gtest.h>

namespace belfry::node {
namespace {

namespace json = boost::json;

constexpr std::string_view threes = "CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8"; // 32 bytes of 3

std::string error_message(std::string_view reply)
{
    return std::string(json::parse(reply).at("error").at("message").as_string());
}

TEST(Methods, answer_with_exact_shapes)
{
    EXPECT_EQ(call("getHealth"), result(R"("ok")"));
    EXPECT_EQ(call("getVersion"),
              result(R"({"solana-core":"2.3.0","feature-set":0,"belfry-core":"0.1.0"})"));
    EXPECT_EQ(call("getGenesisHash"), result(fmt::format("\"{}\"", ones)));
    EXPECT_EQ(call("getIdentity"), result(fmt::format(R"({{"identity":"{}"}})", twos)));
    EXPECT_EQ(call("getSlot"), result("100"));
    EXPECT_EQ(call("getBlockHeight"), result("90"));
    EXPECT_EQ(call("getTransactionCount"), result("100000"));
    EXPECT_EQ(call("getEpochInfo"),
              result(R"({"absoluteSlot":100,"blockHeight":90,"epoch":0,"slotIndex":100,)"
                     R"("slotsInEpoch":10000,"transactionCount":100000})"));
    EXPECT_EQ(call("getEpochSchedule"),
              result(R"({"slotsPerEpoch":10000,"leaderScheduleSlotOffset":10000,"warmup":false,)"
                     R"("firstNormalEpoch":0,"firstNormalSlot":0})"));
    EXPECT_EQ(
        call("getLatestBlockhash"),
        in_context(100, fmt::format(R"({{"blockhash":"{}","lastValidBlockHeight":240}})", ones)));
    EXPECT_EQ(call("isBlockhashValid", fmt::format(R"(["{}"])", ones)), in_context(100, "true"));
    EXPECT_EQ(call("isBlockhashValid", fmt::format(R"(["{}"])", twos)), in_context(100, "false"));
    EXPECT_EQ(call("getBalance", fmt::format(R"(["{}"])", ones)), in_context(100, "700"));
    EXPECT_EQ(call("getMinimumBalanceForRentExemption", "[0]"), result("890880"));
    EXPECT_EQ(call("getMinimumBalanceForRentExemption", "[165]"), result("2039280"));
}

TEST(Methods, answer_about_leaders_and_blocks)
{
    EXPECT_EQ(call("getSlotLeader"), result(fmt::format("\"{}\"", twos)));
    EXPECT_EQ(call("getSlotLeaders", "[3,3]"),
              result(fmt::format(R"(["{}","{}","{}"])", ones, twos, twos)));
    EXPECT_EQ(error_code(call("getSlotLeaders", "[10000,1]")), -32602);
    EXPECT_EQ(error_code(call("getSlotLeaders", "[0,5001]")), -32602);
    EXPECT_EQ(error_code(call("getSlotLeaders", "[0,0]")), -32602);
    const std::string schedule = result(fmt::format(R"({{"{}":[0,1],"{}":[2]}})", ones, twos));
    EXPECT_EQ(call("getLeaderSchedule"), schedule); // web3.js
    EXPECT_EQ(call("getLeaderSchedule", R"([null,{"commitment":"confirmed"}])"), schedule); // kit
    EXPECT_EQ(call("getLeaderSchedule", fmt::format(R"([5,{{"identity":"{}"}}])", twos)),
              result(fmt::format(R"({{"{}":[2]}})", twos)));
    EXPECT_EQ(call("getLeaderSchedule", "[90000]"), result("null"));
    EXPECT_EQ(call("belfryBlock", "[13]"), result("null"));
    const std::string signature = crypto::to_base58(filled<Signature>(9));
    EXPECT_EQ(call("belfryTransactionTrail", "[\"" + signature + "\"]"),
              result(R"({"events":[]})"));
    for (const char* const bad : {"[]", "[5]", "[\"abc\"]"}) {
        EXPECT_EQ(error_code(call("belfryTransactionTrail", bad)), -32602) << bad;
    }
    EXPECT_NE(call("belfryBlock", "[12]").find(fmt::format(R"("blockId":"{}")", threes)),
              std::string::npos);
}

TEST(Methods, answer_signature_statuses_with_every_kind_of_entry)
{
    // 64 bytes of 1, of 2 and of 3.
    constexpr std::string_view first =
        "2AXDGYSE4f2sz7tvMMzyHvUfcoJmxudvdhBcmiUSo6ijwfYmfZYsKRxboQMPh3R4kUhXRVdtSXFXMheka4Rc4P2";
    constexpr std::string_view second =
        "3L3RY5sT8K4kyEnqhizwaqxLEbcYvpGrGPNEYRwtbCSUtL6YL86jdrvCbohnP5q8VxQ3qzGmt3W3iQJW97rD7m3";
    constexpr std::string_view third =
        "4VZdodJgBy6dxMgm45zusmRzrPvKtiumu5YrK9RLPJADpzeJzgebxHsoQD4B58FCFS6aGUufKZka56xFiBGpB94";
    EXPECT_EQ(call("getSignatureStatuses",
                   fmt::format(R"([["{}","{}","{}"],{{"searchTransactionHistory":true}}])", first,
                               second, third)),
              in_context(300, R"([{"slot":90,"confirmations":null,"err":null,"status":{"Ok":null},)"
                              R"("confirmationStatus":"finalized"},)"
                              R"({"slot":250,"confirmations":3,)"
                              R"("err":{"InstructionError":[1,{"Custom":6000}]},)"
                              R"("status":{"Err":{"InstructionError":[1,{"Custom":6000}]}},)"
                              R"("confirmationStatus":"processed"},null])"));
    EXPECT_EQ(call("getSignatureStatuses", "[[]]"), in_context(300, "[]"));
    std::string many = fmt::format("\"{}\"", first);
    for (int i = 0; i < 255; ++i) {
        many += fmt::format(",\"{}\"", first);
    }
    EXPECT_EQ(call("getSignatureStatuses", fmt::format("[[{}]]", many)).find("error"),
              std::string::npos);
    many += fmt::format(",\"{}\"", first);
    EXPECT_EQ(error_code(call("getSignatureStatuses", fmt::format("[[{}]]", many))), -32602);
    for (const std::string_view bad : {R"([])", R"(["x"])", R"([["x"]])", R"([[1]])"}) {
        EXPECT_EQ(error_code(call("getSignatureStatuses", bad)), -32602) << bad;
    }
}

TEST(Methods, read_each_commitment_from_its_own_block)
{
    const auto slot = [](std::string_view level) {
        return call("getSlot", fmt::format(R"([{{"commitment":"{}"}}])", level));
    };
    EXPECT_EQ(slot("processed"), result("300"));
    EXPECT_EQ(slot("confirmed"), result("200"));
    EXPECT_EQ(slot("finalized"), result("100"));
    EXPECT_EQ(slot("recent"), result("300"));
    EXPECT_EQ(slot("single"), result("200"));
    EXPECT_EQ(slot("singleGossip"), result("200"));
    EXPECT_EQ(slot("max"), result("100"));
    EXPECT_EQ(slot("root"), result("100"));
    EXPECT_EQ(error_code(slot("final")), -32602);
    EXPECT_EQ(call("getSlot", R"([{"commitment":null}])"), result("100"));
    const auto balance = [](std::string_view level) {
        return call("getBalance", fmt::format(R"(["{}",{{"commitment":"{}"}}])", ones, level));
    };
    EXPECT_EQ(balance("processed"), in_context(300, "2100"));
    EXPECT_EQ(balance("confirmed"), in_context(200, "1400"));
    EXPECT_EQ(balance("finalized"), in_context(100, "700"));
    EXPECT_NE(call("getLatestBlockhash", R"([{"commitment":"confirmed"}])").find(twos),
              std::string::npos);
}

TEST(Methods, refuse_a_read_below_the_minimum_context_slot)
{
    EXPECT_EQ(call("getBalance", fmt::format(R"(["{}",{{"minContextSlot":100}}])", ones)),
              in_context(100, "700"));
    EXPECT_EQ(call("getBalance", fmt::format(R"(["{}",{{"minContextSlot":101}}])", ones)),
              R"({"jsonrpc":"2.0","error":{"code":-32016,"message":"Minimum context slot has not )"
              R"(been reached","data":{"contextSlot":100}},"id":7})");
    EXPECT_EQ(call("getSlot", R"([{"minContextSlot":300,"commitment":"processed"}])"),
              result("300"));
}

TEST(Methods, write_the_largest_numbers_as_plain_integers)
{
    EXPECT_EQ(call("getBalance", fmt::format(R"(["{}"])", nines)),
              in_context(100, "18446744073709551615"));
    EXPECT_NE(call("belfryBlock", "[18446744073709551615]")
                  .find(R"("slot":18446744073709551615,"parent":18446744073709551614,"height":5,)"),
              std::string::npos);
    for (const std::string_view bad :
         {"[-1]", "[1.5]", "[1e3]", "[18446744073709551616]", R"(["1"])", "[null]", "[]"}) {
        EXPECT_EQ(error_code(call("belfryBlock", bad)), -32602) << bad;
    }
}

TEST(Methods, echo_the_id_with_its_type_and_text)
{
    FakeBackend backend;
    for (const std::string_view id :
         {"1", "0", "-5", "7.0", "1e2", "18446744073709551616", "0.1", R"("1")", R"("")",
          R"("0b94e38a-1f5e-4f9c-9f4b-1a2b3c4d5e6f")", R"("\"\\\n")", "null"}) {
        EXPECT_EQ(
            ask(backend, fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"getSlot"}})", id)),
            fmt::format(R"({{"jsonrpc":"2.0","result":100,"id":{}}})", id));
    }
    for (const std::string_view id : {"true", "[1]", R"({"a":1})"}) {
        const std::string reply =
            ask(backend, fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"getSlot"}})", id));
        EXPECT_EQ(error_code(reply), -32600);
        EXPECT_TRUE(json::parse(reply).at("id").is_null());
    }
    const std::string long_id(300, 'x');
    EXPECT_EQ(
        error_code(ask(
            backend, fmt::format(R"({{"jsonrpc":"2.0","id":"{}","method":"getSlot"}})", long_id))),
        -32600);
}

TEST(Methods, answer_a_batch_in_order_and_leave_notifications_out)
{
    FakeBackend backend;
    EXPECT_EQ(ask(backend, R"([{"jsonrpc":"2.0","id":1.0,"method":"getSlot"},)"
                           R"({"jsonrpc":"2.0","method":"ping"},)"
                           R"({"jsonrpc":"2.0","id":"2","method":"getHealth","params":[]}, 5,)"
                           R"({"id":3,"jsonrpc":"2.0","method":"nothing"}])"),
              R"([{"jsonrpc":"2.0","result":100,"id":1.0},)"
              R"({"jsonrpc":"2.0","result":"ok","id":"2"},)"
              R"({"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid request: a call must )"
              R"(be an object"},"id":null},)"
              R"({"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":3}])");
    EXPECT_EQ(ask(backend, "[]"), "");
    EXPECT_EQ(ask(backend, R"({"jsonrpc":"2.0","method":"ping"})"), "");
    EXPECT_EQ(ask(backend, R"([{"jsonrpc":"2.0","method":"getSlot"}])"), "");
    std::string batch = "[";
    for (std::size_t i = 0; i < batch_calls_max; ++i) {
        batch += fmt::format(R"({}{{"jsonrpc":"2.0","id":{},"method":"getSlot"}})",
                             i == 0 ? "" : ",", i);
    }
    EXPECT_EQ(json::parse(ask(backend, batch + "]")).as_array().size(), batch_calls_max);
    EXPECT_EQ(error_code(ask(backend, batch + ",1]")), -32600);
}

TEST(Methods, refuse_what_is_no_request_with_the_right_code)
{
    FakeBackend backend;
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    const std::string bad_utf8 = "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"getSlot\"}";
    for (const std::string_view text :
         {std::string_view(""), std::string_view("{"), std::string_view("nonsense"),
          std::string_view(R"({"jsonrpc":"2.0","id":1,"method":"getSlot"} x)"),
          std::string_view(R"({'jsonrpc':'2.0'})"), std::string_view(deep),
          std::string_view(bad_utf8), std::string_view("[1,]"), std::string_view("\0", 1)}) {
        const std::string reply = ask(backend, text);
        EXPECT_EQ(error_code(reply), -32700) << text.substr(0, 60);
        EXPECT_TRUE(json::parse(reply).at("id").is_null());
    }
    for (const std::string_view text :
         {R"(5)", R"("x")", R"(null)", R"({"id":1,"method":"getSlot"})",
          R"({"jsonrpc":"1.0","id":1,"method":"getSlot"})", R"({"jsonrpc":2.0,"id":1})",
          R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","id":1,"method":5})",
          R"({"jsonrpc":"2.0","id":1,"id":2,"method":"getSlot"})",
          R"({"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"a":1,"a":1}]})",
          R"({"jsonrpc":"2.0","id":1,"method":"getSlot","\u006det\u0068od":"getHealth"})"}) {
        EXPECT_EQ(error_code(ask(backend, text)), -32600) << text;
    }
    EXPECT_EQ(error_code(call("getslot")), -32601);
    EXPECT_EQ(error_code(call("getTokenSupply")), -32601);
    for (const std::string_view params :
         {R"({"a":1})", R"(5)", R"([5])", R"(["processed"])", R"([{"commitment":5}])",
          R"([{"minContextSlot":"5"}])", R"([{"minContextSlot":-5}])"}) {
        EXPECT_EQ(error_code(call("getSlot", params)), -32602) << params;
    }
    EXPECT_EQ(error_message(call("getBalance", R"(["1111"])")), "Invalid param: WrongSize");
    EXPECT_EQ(error_message(call("getBalance", R"(["0O"])")), "Invalid param: Invalid");
    EXPECT_EQ(error_code(call("getBalance", fmt::format(R"(["{}11"])", ones))), -32602);
    EXPECT_EQ(error_code(call("getBalance")), -32602);
    EXPECT_EQ(error_code(call("isBlockhashValid", R"(["abc"])")), -32602);
    EXPECT_EQ(error_code(call("getMinimumBalanceForRentExemption", "[10485761]")), -32602);
}

TEST(Methods, give_every_refusal_of_the_node_its_code_and_data)
{
    FakeBackend backend;
    const auto forced = [&backend](ReplyBody body) {
        backend.forced = std::move(body);
        return ask(backend, R"({"jsonrpc":"2.0","id":7,"method":"getHealth"})");
    };
    const auto error = [](std::string_view inside) {
        return fmt::format(R"({{"jsonrpc":"2.0","error":{{{}}},"id":7}})", inside);
    };
    EXPECT_EQ(forced(NodeUnhealthy{12}),
              error(R"("code":-32005,"message":"Node is behind by 12 slots",)"
                    R"("data":{"numSlotsBehind":12})"));
    EXPECT_EQ(forced(NodeUnhealthy{}), error(R"("code":-32005,"message":"Node is unhealthy",)"
                                             R"("data":{"numSlotsBehind":null})"));
    EXPECT_EQ(forced(NodeBusy{}), error(R"("code":-32005,"message":"Node is busy",)"
                                        R"("data":{"numSlotsBehind":null})"));
    EXPECT_EQ(forced(NotAvailable{"not \"kept\""}),
              error(R"("code":-32603,"message":"not \"kept\"")"));
    EXPECT_EQ(forced(MinContextSlotNotReached{}),
              error(R"("code":-32016,"message":"Minimum context slot has not been reached",)"
                    R"("data":{"contextSlot":300})"));
    const auto preflight = [&forced](const exec::TransactionError& why) {
        SimulationAnswer simulation;
        simulation.error = why;
        simulation.logs = {"a"};
        simulation.units_consumed = 5;
        return forced(PreflightFailed{simulation});
    };
    EXPECT_EQ(
        preflight(exec::TransactionError::of(exec::TransactionErrorKind::blockhash_not_found)),
        error(R"("code":-32002,"message":"Transaction simulation failed: Blockhash not found",)"
              R"("data":{"err":"BlockhashNotFound","logs":["a"],"accounts":null,)"
              R"("unitsConsumed":5,"returnData":null,"innerInstructions":null,)"
              R"("loadedAccountsDataSize":0,"replacementBlockhash":null,"fee":null,)"
              R"("preBalances":[],"postBalances":[]})"));
    const std::string rent = preflight(
        exec::TransactionError::of(exec::TransactionErrorKind::insufficient_funds_for_rent, 1));
    EXPECT_NE(rent.find(R"("err":{"InsufficientFundsForRent":{"account_index":1}})"),
              std::string::npos);
    const std::string twice =
        preflight(exec::TransactionError::of(exec::TransactionErrorKind::duplicate_instruction, 3));
    EXPECT_NE(twice.find(R"("err":{"DuplicateInstruction":3})"), std::string::npos);
    const std::string argument = preflight(
        exec::TransactionError::of_instruction(2, exec::InstructionErrorKind::invalid_argument));
    EXPECT_NE(argument.find(R"("err":{"InstructionError":[2,"InvalidArgument"]})"),
              std::string::npos);
    EXPECT_NE(argument.find("Error processing Instruction 2: invalid program argument"),
              std::string::npos);
}

TEST(Methods, write_the_status_of_the_node)
{
    const json::value status = json::parse(call("belfryStatus")).at("result");
    EXPECT_EQ(status.at("processed").as_int64(), 300);
    EXPECT_EQ(status.at("confirmed").as_int64(), 200);
    EXPECT_EQ(status.at("finalized").as_int64(), 100);
    EXPECT_EQ(status.at("root").as_int64(), 110);
    EXPECT_EQ(status.at("leader").as_string(), ones);
    EXPECT_TRUE(status.at("lastVote").is_null());
    EXPECT_EQ(status.at("facts").at("kernel.ed25519").as_string(), "avx2");
    EXPECT_EQ(status.at("peers").as_array()[0].at("lastVote").as_int64(), 299);
    EXPECT_TRUE(status.at("peers").as_array()[1].at("heardMsAgo").is_null());
    EXPECT_EQ(status.at("tiles").as_array()[0].at("drops").at("bad_signature").as_int64(), 3);
}

} // namespace
} // namespace belfry::node
