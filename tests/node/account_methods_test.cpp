// SPDX-License-Identifier: Apache-2.0
// The shapes are those that web3.js 1.99 and kit 8.4 accept, written out as exact text.
#include "node/rpc/account_json.hpp"
#include "node/rpc/methods.hpp"
#include "tests/node/rpc_calls.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>
#include <gtest/gtest.h>

namespace belfry::node {
namespace {

namespace json = boost::json;

std::string account(std::string_view data)
{
    return fmt::format(R"({{"data":{},"executable":false,"lamports":700,"owner":"{}",)"
                       R"("rentEpoch":18446744073709551615,"space":8}})",
                       data, twos);
}

TEST(AccountMethods, write_an_account_in_every_encoding)
{
    const auto encoded = [](std::string_view encoding) {
        return call("getAccountInfo", fmt::format(R"(["{}",{{"encoding":"{}"}}])", ones, encoding));
    };
    EXPECT_EQ(call("getAccountInfo", fmt::format(R"(["{}"])", ones)),
              in_context(100, account(R"("2VfUX")")));
    EXPECT_EQ(encoded("base58"), in_context(100, account(R"(["2VfUX","base58"])")));
    EXPECT_EQ(encoded("base64"), in_context(100, account(R"(["AQIDBA==","base64"])")));
    EXPECT_EQ(encoded("jsonParsed"), in_context(100, account(R"(["AQIDBA==","base64"])")));
    EXPECT_EQ(encoded("base64+zstd"),
              in_context(100, account(R"(["KLUv/aAEAAAAIQAAAQIDBA==","base64+zstd"])")));
    EXPECT_EQ(error_code(encoded("hex")), -32602);
    EXPECT_EQ(call("getAccountInfo", fmt::format(R"(["{}"])", nines)), in_context(100, "null"));
}

TEST(AccountMethods, take_a_slice_of_the_data_and_a_level)
{
    EXPECT_EQ(call("getAccountInfo",
                   fmt::format(R"(["{}",{{"encoding":"base64","commitment":"processed",)"
                               R"("dataSlice":{{"offset":2,"length":2}}}}])",
                               ones)),
              in_context(300, account(R"(["AwQ=","base64"])")));
    EXPECT_EQ(error_code(call("getAccountInfo",
                              fmt::format(R"(["{}",{{"dataSlice":{{"offset":2}}}}])", ones))),
              -32602);
}

TEST(AccountMethods, answer_about_many_accounts_in_the_order_asked)
{
    EXPECT_EQ(call("getMultipleAccounts", fmt::format(R"([["{}","{}"]])", nines, ones)),
              in_context(100, fmt::format("[null,{}]", account(R"(["AQIDBA==","base64"])"))));
    EXPECT_EQ(call("getMultipleAccounts", "[[]]"), in_context(100, "[]"));
    std::string many = fmt::format("\"{}\"", ones);
    for (int i = 0; i < 100; ++i) {
        many += fmt::format(",\"{}\"", ones);
    }
    EXPECT_EQ(error_code(call("getMultipleAccounts", fmt::format("[[{}]]", many))), -32602);
    EXPECT_EQ(error_code(call("getMultipleAccounts", R"([["x"]])")), -32602);
    EXPECT_EQ(error_code(call("getMultipleAccounts", R"(["x"])")), -32602);
}

TEST(AccountMethods, base58_is_for_short_data_only)
{
    FakeBackend backend;
    AccountView view{.lamports = Lamports{1},
                     .owner = filled<Pubkey>(1),
                     .executable = false,
                     .space_bytes = 129,
                     .data = Bytes(129, 0)};
    backend.forced = AccountsAnswer{{view}};
    const Message message = parse_message(
        fmt::format(R"({{"jsonrpc":"2.0","id":7,"method":"getAccountInfo","params":["{}"]}})",
                    ones),
        fake_facts());
    const auto reply = [&] {
        return render_reply(message.calls.front(), backend.answer(1, *message.calls[0].request));
    };
    EXPECT_EQ(error_code(reply()), -32600);
    view.data.resize(128);
    backend.forced = AccountsAnswer{{view}};
    EXPECT_EQ(reply().find("error"), std::string::npos);
}

/// What RFC 8878 says of a frame with one segment and raw blocks, read back.
std::optional<Bytes> read_stored_frame(ByteView frame)
{
    ByteReader in(frame);
    Bytes out;
    const bool good_header = in.u32() == 0xfd2fb528 && in.u8() == 0xa0;
    const std::uint32_t size = in.u32();
    for (bool last = false; good_header && in.ok() && !last;) {
        const std::uint32_t low = in.u8();
        const std::uint32_t middle = in.u8();
        const std::uint32_t header = low | middle << 8 | static_cast<std::uint32_t>(in.u8()) << 16;
        last = (header & 1) != 0;
        if ((header >> 1 & 3) != 0 || header >> 3 > 128 * 1024) {
            return std::nullopt;
        }
        const ByteView block = in.bytes(header >> 3);
        out.insert(out.end(), block.begin(), block.end());
    }
    return in.finished() && out.size() == size ? std::optional(out) : std::nullopt;
}

TEST(AccountMethods, a_stored_zstd_frame_holds_the_data_at_every_border)
{
    for (const std::size_t size : {0U, 1U, 131'071U, 131'072U, 131'073U, 262'144U, 400'000U}) {
        Bytes data(size);
        for (std::size_t i = 0; i < size; ++i) {
            data[i] = static_cast<std::uint8_t>(i * 31 >> 3);
        }
        EXPECT_EQ(read_stored_frame(zstd_stored(data)), data) << size;
    }
}

TEST(AccountMethods, airdrops_and_supply_have_their_shapes)
{
    EXPECT_EQ(call("requestAirdrop", fmt::format(R"(["{}",5])", ones)),
              R"({"jsonrpc":"2.0","result":"2AXDGYSE4f2sz7tvMMzyHvUfcoJmxudvdhBcmiUSo6ijwfYmf)"
              R"(ZYsKRxboQMPh3R4kUhXRVdtSXFXMheka4Rc4P2","id":7})");
    EXPECT_EQ(error_code(call("requestAirdrop", fmt::format(R"(["{}",-5])", ones))), -32602);
    EXPECT_EQ(call("getSupply", "[]"),
              in_context(100, R"({"total":12345,"circulating":12345,"nonCirculating":0,)"
                              R"("nonCirculatingAccounts":[]})"));
}

TEST(AccountMethods, name_voters_with_both_fields_for_the_commission)
{
    const auto voter = [](std::string_view key, int stake, int last, int root) {
        return fmt::format(R"({{"votePubkey":"{0}","nodePubkey":"{0}","activatedStake":{1},)"
                           R"("epochVoteAccount":true,"epochCredits":[],"commission":0,)"
                           R"("inflationRewardsCommissionBps":0,"lastVote":{2},"rootSlot":{3}}})",
                           key, stake, last, root);
    };
    EXPECT_EQ(call("getVoteAccounts", "[]"),
              fmt::format(R"({{"jsonrpc":"2.0","result":{{"current":[{}],"delinquent":[{}]}},)"
                          R"("id":7}})",
                          voter(ones, 1000, 299, 250), voter(twos, 500, 0, 0)));
    EXPECT_EQ(call("getVoteAccounts", fmt::format(R"([{{"votePubkey":"{}"}}])", ones)),
              fmt::format(R"({{"jsonrpc":"2.0","result":{{"current":[{}],"delinquent":[]}},)"
                          R"("id":7}})",
                          voter(ones, 1000, 299, 250)));
    // Its last vote is one slot old.
    EXPECT_EQ(call("getVoteAccounts",
                   fmt::format(R"([{{"votePubkey":"{}","delinquentSlotDistance":1}}])", ones)),
              call("getVoteAccounts", fmt::format(R"([{{"votePubkey":"{}"}}])", ones)));
    EXPECT_EQ(call("getVoteAccounts",
                   fmt::format(R"([{{"votePubkey":"{}","delinquentSlotDistance":0}}])", ones)),
              fmt::format(R"({{"jsonrpc":"2.0","result":{{"current":[],"delinquent":[{}]}},)"
                          R"("id":7}})",
                          voter(ones, 1000, 299, 250)));
    EXPECT_EQ(error_code(call("getVoteAccounts", R"([{"delinquentSlotDistance":-1}])")), -32602);
    EXPECT_EQ(call("getRecentPerformanceSamples", "[1]"),
              R"({"jsonrpc":"2.0","result":[{"slot":300,"numTransactions":42,)"
              R"("numNonVoteTransactions":42,"numSlots":100,"samplePeriodSecs":60}],"id":7})");
    EXPECT_EQ(error_code(call("getRecentPerformanceSamples", "[721]")), -32602);
}

TEST(AccountMethods, a_simulation_has_all_fields_and_what_was_asked_for_besides)
{
    // A transfer by hand: one signature of zeros, which nobody asked to verify.
    constexpr std::string_view wire =
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAABAAEDAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQECAgICAgICAgICAgICAgICAgIC"
        "AgICAgICAgICAgICAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABQUFBQUFBQUFBQUFBQUF"
        "BQUFBQUFBQUFBQUFBQUFBQUBAgIAAQwCAAAAAQAAAAAAAAA=";
    const auto simulate = [&](std::string_view options) {
        return call("simulateTransaction",
                    fmt::format(R"(["{}",{{"encoding":"base64"{}}}])", wire, options));
    };
    const auto value = [](std::string_view accounts, std::string_view inner,
                          std::string_view replacement) {
        return in_context(
            100,
            fmt::format(R"({{"err":{{"InstructionError":[0,{{"Custom":1}}]}},"logs":["Program )"
                        R"(11111111111111111111111111111111 invoke [1]"],"accounts":{},)"
                        R"("unitsConsumed":150,"returnData":null,"innerInstructions":{},)"
                        R"("loadedAccountsDataSize":0,"replacementBlockhash":{},"fee":5000,)"
                        R"("preBalances":[10,20],"postBalances":[5,25]}})",
                        accounts, inner, replacement));
    };
    EXPECT_EQ(simulate(""), value("null", "null", "null"));
    EXPECT_EQ(simulate(R"(,"innerInstructions":true)"), value("null", "[]", "null"));
    EXPECT_EQ(simulate(R"(,"replaceRecentBlockhash":true)"),
              value("null", "null",
                    fmt::format(R"({{"blockhash":"{}","lastValidBlockHeight":240}})", ones)));
    EXPECT_EQ(
        simulate(fmt::format(R"(,"accounts":{{"addresses":["{}"],"encoding":"base64"}})", ones)),
        value(fmt::format("[{}]", account(R"(["AQIDBA==","base64"])")), "null", "null"));
    EXPECT_EQ(error_code(simulate(R"(,"sigVerify":true)")), -32003);
    EXPECT_EQ(error_code(simulate(R"(,"sigVerify":true,"replaceRecentBlockhash":true)")), -32602);
    EXPECT_EQ(error_code(simulate(R"(,"accounts":{"addresses":["x"]})")), -32602);
    EXPECT_EQ(error_code(simulate(R"(,"minContextSlot":101)")), -32016);
}

TEST(AccountMethods, name_the_nodes_with_every_field_that_a_client_may_ask_for)
{
    NodeFacts facts = fake_facts();
    const auto at = [](std::uint16_t port) {
        return dataplane::Endpoint::parse(fmt::format("10.0.0.1:{}", port));
    };
    facts.cluster.push_back({.pubkey = facts.identity,
                             .transactions = at(1),
                             .forwards = at(2),
                             .shreds = at(3),
                             .votes = at(4),
                             .repair = at(5),
                             .rpc = at(6),
                             .websocket = at(7)});
    facts.cluster.push_back({.pubkey = filled<Pubkey>(1),
                             .transactions = {},
                             .forwards = {},
                             .shreds = {},
                             .votes = {},
                             .repair = {},
                             .rpc = {},
                             .websocket = {}});
    const Message message =
        parse_message(R"({"jsonrpc":"2.0","id":7,"method":"getClusterNodes","params":[]})", facts);
    EXPECT_EQ(*message.calls.front().immediate,
              fmt::format(R"({{"jsonrpc":"2.0","result":[{{"pubkey":"{}","gossip":null,)"
                          R"("tvu":"10.0.0.1:3","tpu":"10.0.0.1:1","tpuQuic":null,)"
                          R"("tpuForwards":"10.0.0.1:2","tpuForwardsQuic":null,)"
                          R"("tpuVote":"10.0.0.1:4","serveRepair":"10.0.0.1:5",)"
                          R"("rpc":"10.0.0.1:6","pubsub":"10.0.0.1:7","version":"2.3.0",)"
                          R"("featureSet":null,"shredVersion":257,"clientId":"Belfry"}},)"
                          R"({{"pubkey":"{}","gossip":null,"tvu":null,"tpu":null,"tpuQuic":null,)"
                          R"("tpuForwards":null,"tpuForwardsQuic":null,"tpuVote":null,)"
                          R"("serveRepair":null,"rpc":null,"pubsub":null,"version":null,)"
                          R"("featureSet":null,"shredVersion":257,"clientId":null}}],"id":7}})",
                          twos, ones));
}

TEST(AccountMethods, what_this_chain_has_none_of_is_zero_or_empty)
{
    const auto result = [](std::string_view value) {
        return fmt::format(R"({{"jsonrpc":"2.0","result":{},"id":7}})", value);
    };
    EXPECT_EQ(call("getStakeMinimumDelegation", "[]"), in_context(100, "1"));
    EXPECT_EQ(call("getStakeMinimumDelegation", R"([{"commitment":"processed"}])"),
              in_context(300, "1"));
    EXPECT_EQ(call("getRecentPrioritizationFees", "[]"), result("[]"));
    EXPECT_EQ(call("getRecentPrioritizationFees", fmt::format(R"([["{}"]])", ones)), result("[]"));
    EXPECT_EQ(error_code(call("getRecentPrioritizationFees", "[5]")), -32602);
    EXPECT_EQ(call("getInflationGovernor", "[]"),
              result(R"({"foundation":0,"foundationTerm":0,"initial":0,"taper":0,"terminal":0})"));
    EXPECT_EQ(call("getInflationReward", fmt::format(R"([["{}","{}"]])", ones, twos)),
              result("[null,null]"));
    FakeBackend backend;
    backend.forced = EpochInfoAnswer{Slot{30'005}, Height{9}, Epoch{3}, 5, 10'000, 7};
    const Message message =
        parse_message(R"({"jsonrpc":"2.0","id":7,"method":"getInflationRate"})", fake_facts());
    EXPECT_EQ(render_reply(message.calls.front(), backend.answer(1, *message.calls[0].request)),
              result(R"({"epoch":3,"foundation":0,"total":0,"validator":0})"));
}

TEST(AccountMethods, every_question_about_the_ledger_is_read_and_bad_ones_are_refused)
{
    const std::string from_ledger = R"({"jsonrpc":"2.0","result":{"from":"ledger"},"id":7})";
    constexpr std::string_view signature =
        "2AXDGYSE4f2sz7tvMMzyHvUfcoJmxudvdhBcmiUSo6ijwfYmfZYsKRxboQMPh3R4kUhXRVdtSXFXMheka4Rc4P2";
    struct Case {
        std::string_view method;
        std::string params;
        bool good;
    };
    const std::string both = fmt::format(R"("before":"{0}","until":"{0}")", signature);
    for (const Case& one : {
             Case{"getBlock", "[5]", true},
             Case{"getBlock", R"([5,"base64"])", true},
             Case{"getBlock", R"([5,{"encoding":"jsonParsed","transactionDetails":"none"}])", true},
             Case{"getBlock", R"([5,{"commitment":"processed"}])", false},
             Case{"getBlock", R"([5,{"encoding":"xml"}])", false},
             Case{"getBlock", R"([5,{"transactionDetails":"some"}])", false},
             Case{"getBlock", R"(["5"])", false},
             Case{"getBlock", "[-1]", false},
             Case{"getBlocks", "[5]", true},
             Case{"getBlocks", R"([5,{"commitment":"confirmed"}])", true},
             Case{"getBlocks", "[5,500005]", true},
             Case{"getBlocks", "[5,500006]", false},
             Case{"getBlocks", "[5,4]", true}, // nothing new since a client looked last
             Case{"getBlocksWithLimit", "[5,500000]", true},
             Case{"getBlocksWithLimit", "[5,500001]", false},
             Case{"getBlockTime", "[5]", true},
             Case{"getBlockTime", "[]", false},
             Case{"getBlockProduction", "[]", true},
             Case{"getBlockProduction", R"([{"range":{"firstSlot":1,"lastSlot":9}}])", true},
             Case{"getBlockProduction", R"([{"range":{}}])", false},
             Case{"getBlockProduction", R"([{"identity":"x"}])", false},
             Case{"getFirstAvailableBlock", "[]", true},
             Case{"getTransaction", fmt::format(R"(["{}"])", signature), true},
             Case{"getTransaction",
                  fmt::format(R"(["{}",{{"maxSupportedTransactionVersion":0}}])", signature), true},
             Case{"getTransaction", R"(["x"])", false},
             Case{"getSignaturesForAddress", fmt::format(R"(["{}"])", ones), true},
             Case{"getSignaturesForAddress", fmt::format(R"(["{}",{{{}}}])", ones, both), true},
             Case{"getSignaturesForAddress", fmt::format(R"(["{}",{{"limit":1001}}])", ones),
                  false},
             Case{"getSignaturesForAddress", fmt::format(R"(["{}",{{"until":"x"}}])", ones), false},
         }) {
        const std::string reply = call(one.method, one.params);
        if (one.good) {
            EXPECT_EQ(reply, from_ledger) << one.method << one.params;
        } else {
            EXPECT_EQ(error_code(reply), -32602) << one.method << one.params;
        }
    }
}

} // namespace
} // namespace belfry::node
