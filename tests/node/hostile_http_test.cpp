// SPDX-License-Identifier: Apache-2.0
// What a hostile client sends: each gets an error or is cut, soon, and an honest one is served
// meanwhile.
#include "tests/node/raw_client.hpp"
#include "tests/node/running_server.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <vector>

namespace belfry::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// A shared machine stops a process for longer than a server needs; the best of a few counts.
constexpr int tries_max = 5;
#ifdef BELFRY_DEBUG_CHECKS
constexpr int slowness = 5; // of a sanitizer
#else
constexpr int slowness = 1;
#endif
constexpr milliseconds error_ms{50 * slowness};
constexpr milliseconds honest_ms{100 * slowness};

std::optional<RawClient::Response> asked(const dataplane::Endpoint& endpoint,
                                         std::string_view request)
{
    RawClient client(endpoint);
    return client.send(request) ? client.read() : std::nullopt;
}

milliseconds taken(const auto& work)
{
    const auto begin = steady_clock::now();
    work();
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

/// The shortest time in which a new client has its answer.
milliseconds honest_client(const dataplane::Endpoint& endpoint)
{
    milliseconds best{INT32_MAX};
    for (int i = 0; i < tries_max && best > honest_ms; ++i) {
        best = std::min(best, taken([&] {
                            const auto response = asked(endpoint, post_text(get_slot_request));
                            EXPECT_TRUE(response && response->status == 200);
                        }));
    }
    return best;
}

std::size_t resident_kib()
{
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word == "VmRSS:") {
            std::size_t kib = 0;
            status >> kib;
            return kib;
        }
    }
    return 0;
}

TEST(HostileHttp, every_hostile_body_has_its_error_soon)
{
    RunningServer server;
    server.start();
    const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
    std::string batch = "[";
    for (int i = 0; i < 101; ++i) {
        batch += (i == 0 ? "" : ",") + std::string(get_slot_request);
    }
    batch += ']';
    std::string keys = "{";
    for (int i = 0; i < 5000; ++i) {
        keys += fmt::format(R"("k{}":1,)", i);
    }
    keys += R"("k0":2})";
    const auto with_params = [](std::string_view params) {
        return fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"getBlocks","params":{}}})",
                           params);
    };
    struct Case {
        std::string body;
        int code;
    };
    const std::vector<Case> cases{
        {deep, -32700},
        {std::string(60'000, '['), -32700},
        {R"({"a":)" + deep + "}", -32700},
        {batch, -32600},
        {keys, -32600},
        {"\"\xff\xfe\xc0\x80\"", -32700},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xed\xa0\x80\"}", -32700},
        {with_params("[1e999]"), -32602},
        {with_params("[1e300]"), -32602},
        {with_params("[18446744073709551616]"), -32602},
        {with_params("[" + std::string(40'000, '9') + "]"), -32602},
        {with_params("[-1]"), -32602},
        {with_params("[0.5]"), -32602},
        {std::string(65'536, ' '), -32700},
        {std::string("\0\0\0", 3), -32700},
        {R"({"jsonrpc":"2.0","id":")" + std::string(300, 'x') + R"(","method":"getSlot"})", -32600},
    };
    for (const Case& one : cases) {
        milliseconds best{INT32_MAX};
        for (int i = 0; i < tries_max && best > error_ms; ++i) {
            best =
                std::min(best, taken([&] {
                             const auto response = asked(server.endpoint(), post_text(one.body));
                             ASSERT_TRUE(response) << one.body.substr(0, 60);
                             EXPECT_EQ(response->status, 200) << one.body.substr(0, 60);
                             EXPECT_NE(response->body.find(fmt::format(R"("code":{},)", one.code)),
                                       std::string::npos)
                                 << one.body.substr(0, 60) << response->body.substr(0, 200);
                         }));
        }
        EXPECT_LE(best, error_ms) << one.body.substr(0, 60);
    }
    EXPECT_LE(honest_client(server.endpoint()), honest_ms);
}

TEST(HostileHttp, a_depth_of_100000_is_refused_where_the_body_may_be_that_long)
{
    HttpServer::Options options;
    options.body_bytes_max = std::size_t{1} << 20;
    RunningServer server(options);
    server.start();
    for (const std::string& body :
         {std::string(100'000, '['), std::string(100'000, '[') + std::string(100'000, ']')}) {
        const auto response = asked(server.endpoint(), post_text(body));
        ASSERT_TRUE(response);
        EXPECT_NE(response->body.find(R"("code":-32700)"), std::string::npos);
    }
}

TEST(HostileHttp, long_addresses_and_many_headers_are_refused)
{
    RunningServer server;
    server.start();
    const auto status = [&](const std::string& request) {
        const auto response = asked(server.endpoint(), request);
        return response ? response->status : 0;
    };
    EXPECT_EQ(status("GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 431);
    std::string many = "POST / HTTP/1.1\r\n";
    for (int i = 0; i < 2000; ++i) {
        many += fmt::format("X-{}: y\r\n", i);
    }
    EXPECT_EQ(status(many + "\r\n"), 431);
    EXPECT_EQ(status("POST / HTTP/9.9\r\n\r\n"), 400);
    EXPECT_LE(honest_client(server.endpoint()), honest_ms);
}

TEST(HostileHttp, a_client_that_expects_to_be_told_is_told_to_go_on)
{
    RunningServer server;
    server.start();
    RawClient client(server.endpoint());
    EXPECT_TRUE(client.send(fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                        "application/json\r\nExpect: 100-continue\r\n"
                                        "Content-Length: {}\r\n\r\n",
                                        get_slot_request.size())));
    const auto first = client.read();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->status, 100);
    EXPECT_TRUE(client.send(get_slot_request));
    const auto second = client.read();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->status, 200);
    // Not for a body that is refused anyway.
    RawClient greedy(server.endpoint());
    EXPECT_TRUE(greedy.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                            "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"));
    const auto refused = greedy.read();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 413);
}

TEST(HostileHttp, thousands_of_half_open_clients_keep_nobody_out_and_cost_little)
{
    HttpServer::Options options;
    options.connections_max = 1024;
    RunningServer server(options);
    server.start();
    EXPECT_LE(honest_client(server.endpoint()), honest_ms);
    const std::size_t before = resident_kib();
    std::vector<std::unique_ptr<RawClient>> half_open;
    for (int round = 0; round < 5; ++round) {
        // As many as the test's own descriptors allow, five times over.
        for (int i = 0; i < 400; ++i) {
            half_open.push_back(std::make_unique<RawClient>(server.endpoint()));
            (void)half_open.back()->send("POST / HTTP/1.1\r\nHost:");
        }
        EXPECT_LE(honest_client(server.endpoint()), honest_ms) << round;
        if (half_open.size() > 1200) {
            half_open.erase(half_open.begin(), half_open.begin() + 400);
        }
    }
    // One byte each now and then restarts nothing.
    for (const auto& client : half_open) {
        (void)client->send(" ");
    }
    EXPECT_LE(honest_client(server.endpoint()), honest_ms);
    EXPECT_LT(resident_kib(), before + std::size_t{64} * 1024);
}

TEST(HostileHttp, says_that_it_lives_and_whether_it_is_ready)
{
    RunningServer server;
    server.start();
    const auto get = [&](std::string_view path) {
        return asked(server.endpoint(), fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path))
            .value_or(RawClient::Response{});
    };
    EXPECT_EQ(get("/livez").status, 200);
    EXPECT_EQ(get("/readyz").status, 200);
    EXPECT_EQ(get("/readyz").body, R"({"ready":true,"reasons":[],"slotsBehind":0,)"
                                   R"("slotsUnfinal":0,"peersHeard":0,"peersTotal":3,)"
                                   R"("quorumMsAgo":null})");
    server.stop();
    ReadinessAnswer behind;
    behind.reasons = {"behind the cluster by 12 slots"};
    behind.slots_behind = 12;
    RunningServer unready;
    unready.backend.forced = behind;
    unready.start();
    const auto response = asked(unready.endpoint(), "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 503);
    EXPECT_NE(response->body.find("behind the cluster by 12 slots"), std::string::npos);
}

} // namespace
} // namespace belfry::node
