// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/rpc_client.hpp"
#include "tests/node/running_server.hpp"

#include <gtest/gtest.h>

namespace belfry::node {
namespace {

TEST(RpcClient, reads_what_the_server_writes)
{
    RunningServer server;
    server.start();
    RpcClient client(server.url());
    EXPECT_EQ(client.slot(Commitment::processed), Slot{300});
    EXPECT_EQ(client.slot(Commitment::finalized), Slot{100});
    EXPECT_EQ(client.block_height(Commitment::confirmed), Height{190});
    EXPECT_EQ(client.genesis_hash(), filled<Hash>(1));
    EXPECT_EQ(client.balance(filled<Pubkey>(1), Commitment::confirmed), Lamports{1400});
    EXPECT_EQ(client.balance(filled<Pubkey>(9), Commitment::confirmed), Lamports{UINT64_MAX});
    const auto latest = client.latest_blockhash(Commitment::processed);
    ASSERT_TRUE(latest);
    EXPECT_EQ(latest->blockhash, filled<Hash>(3));
    EXPECT_EQ(latest->last_valid, Height{440});
    EXPECT_EQ(latest->context, Slot{300});
    EXPECT_NE(client.status_json()->find("\"tiles\""), std::string::npos);
}

TEST(RpcClient, reads_statuses_and_blocks)
{
    RunningServer server;
    server.start();
    RpcClient client(server.url());
    const std::vector<Signature> signatures{filled<Signature>(1), filled<Signature>(2),
                                            filled<Signature>(3)};
    const auto statuses = client.signature_statuses(signatures);
    ASSERT_TRUE(statuses);
    ASSERT_EQ(statuses->size(), 3U);
    EXPECT_EQ((*statuses)[0]->level, Commitment::finalized);
    EXPECT_EQ((*statuses)[0]->slot, Slot{90});
    EXPECT_EQ((*statuses)[0]->error_json, "");
    EXPECT_EQ((*statuses)[1]->level, Commitment::processed);
    EXPECT_EQ((*statuses)[1]->error_json, R"({"InstructionError":[1,{"Custom":6000}]})");
    EXPECT_FALSE((*statuses)[2]);
    const auto block = client.block_summary(Slot{12});
    ASSERT_TRUE(block && *block);
    EXPECT_EQ((*block)->state_hash, filled<Hash>(5));
    EXPECT_EQ((*block)->transaction_count, 77U);
    EXPECT_FALSE(*client.block_summary(Slot{13}));
}

TEST(RpcClient, tells_the_kinds_of_failure_apart)
{
    RunningServer server;
    server.start();
    RpcClient client(server.url());
    EXPECT_EQ(client.call("nothing").error(), RpcClientError::refused);
    EXPECT_EQ(client.last_failure().code, -32601);
    EXPECT_NE(client.last_failure().text.find("Method not found"), std::string::npos);
    EXPECT_EQ(client.send_transaction(Bytes{1, 2, 3}, {}).error(), RpcClientError::refused);
    EXPECT_EQ(client.slot(Commitment::finalized), Slot{100}); // and goes on

    dataplane::Endpoint nobody = server.endpoint();
    {
        RunningServer closed;
        nobody = closed.endpoint();
    }
    RpcClient unreachable(nobody.to_string());
    EXPECT_EQ(unreachable.slot(Commitment::finalized).error(), RpcClientError::unreachable);
    EXPECT_NE(unreachable.last_failure().text.find("is the node running?"), std::string::npos);
}

TEST(RpcClient, gives_up_on_a_server_that_does_not_answer)
{
    RunningServer server;
    server.backend.silent = true;
    server.start();
    RpcClient client(server.url(),
                     {std::chrono::milliseconds(1000), std::chrono::milliseconds(150)});
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(client.slot(Commitment::finalized).error(), RpcClientError::timed_out);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(4000));
}

TEST(RpcClient, connects_again_when_the_server_has_closed_a_kept_connection)
{
    HttpServer::Options options;
    options.idle_ms = std::chrono::milliseconds(50);
    RunningServer server(options);
    server.start();
    RpcClient client(server.url());
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(client.slot(Commitment::finalized), Slot{100});
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
    }
}

TEST(RpcClient, takes_addresses_and_refuses_what_is_none)
{
    for (const std::string_view good : {"http://127.0.0.1:8899", "127.0.0.1:8899", "localhost:1",
                                        "http://[::1]:8899/", "[::1]:1"}) {
        EXPECT_NO_THROW(RpcClient{good}) << good;
    }
    for (const std::string_view bad : {"", "127.0.0.1", "https://127.0.0.1:1", "http://:1", "a:b",
                                       "::1:8899", "http://1.2.3.4:1/path", "1.2.3.4:999999"}) {
        EXPECT_THROW(RpcClient{bad}, std::runtime_error) << bad;
    }
}

TEST(RpcClient, speaks_ipv6)
{
    RunningServer server({}, "[::1]:0");
    server.start();
    RpcClient client(server.url());
    EXPECT_EQ(client.slot(Commitment::finalized), Slot{100});
}

} // namespace
} // namespace belfry::node
