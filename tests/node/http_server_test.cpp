// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/descriptor_limit.hpp"
#include "node/rpc/http_server.hpp"
#include "tests/node/raw_client.hpp"
#include "tests/node/running_server.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <random>

namespace belfry::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view slot_reply = R"({"jsonrpc":"2.0","result":100,"id":1})";

RawClient::Response exchange(const dataplane::Endpoint& endpoint, std::string_view request)
{
    RawClient client(endpoint);
    EXPECT_TRUE(client.send(request));
    return client.read().value_or(RawClient::Response{});
}

TEST(HttpServer, answers_a_call_with_json_and_cors)
{
    RunningServer server;
    server.start();
    const auto response = exchange(server.endpoint(), post_text(get_slot_request));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, slot_reply);
    EXPECT_NE(response.header.find("Content-Type: application/json\r\n"), std::string::npos);
    EXPECT_NE(response.header.find("Access-Control-Allow-Origin: *\r\n"), std::string::npos);
}

TEST(HttpServer, answers_errors_of_json_rpc_with_status_200)
{
    RunningServer server;
    server.start();
    EXPECT_EQ(exchange(server.endpoint(), post_text("{")).status, 200);
    const auto empty = exchange(server.endpoint(), post_text("[]"));
    EXPECT_EQ(empty.status, 200);
    EXPECT_EQ(empty.body, "");
    EXPECT_EQ(exchange(server.endpoint(), post_text(R"({"jsonrpc":"2.0","method":"ping"})")).body,
              "");
}

TEST(HttpServer, answers_a_batch_from_the_node_in_order)
{
    RunningServer server;
    server.start();
    const auto response = exchange(
        server.endpoint(), post_text(R"([{"jsonrpc":"2.0","id":"a","method":"getSlot"},)"
                                     R"({"jsonrpc":"2.0","id":"b","method":"getGenesisHash"},)"
                                     R"({"jsonrpc":"2.0","id":"c","method":"getBlockHeight"}])"));
    EXPECT_EQ(response.body, R"([{"jsonrpc":"2.0","result":100,"id":"a"},)"
                             R"({"jsonrpc":"2.0","result":"4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3)"
                             R"(bkLKi","id":"b"},{"jsonrpc":"2.0","result":90,"id":"c"}])");
}

TEST(HttpServer, tells_browsers_what_they_may_send)
{
    RunningServer server;
    server.start();
    const auto response =
        exchange(server.endpoint(), "OPTIONS / HTTP/1.1\r\nHost: x\r\nOrigin: http://y\r\n\r\n");
    EXPECT_EQ(response.status, 204);
    EXPECT_NE(response.header.find("Access-Control-Allow-Origin: *\r\n"), std::string::npos);
    EXPECT_NE(response.header.find("content-type, solana-client"), std::string::npos);
}

TEST(HttpServer, refuses_other_methods_targets_and_types)
{
    RunningServer server;
    server.start();
    const auto status = [&server](std::string_view request) {
        return exchange(server.endpoint(), request).status;
    };
    EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
    EXPECT_EQ(status("DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
    // The body that follows its head would be read as the next answer.
    RawClient head(server.endpoint());
    EXPECT_TRUE(head.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(head.read()->status, 405);
    EXPECT_TRUE(head.closes_within(milliseconds(5000)));
    EXPECT_EQ(status("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    EXPECT_EQ(status("POST /other HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     "Content-Length: 2\r\n\r\n[]"),
              404);
    EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                     "Content-Length: 2\r\n\r\n[]"),
              415);
    EXPECT_EQ(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8"
                     "\r\nContent-Length: 2\r\n\r\n[]"),
              200);
}

TEST(HttpServer, takes_a_key_in_the_address_and_any_way_of_writing_the_type)
{
    RunningServer server;
    server.start();
    const auto ask = [&server](std::string_view target, std::string_view type) {
        return exchange(server.endpoint(),
                        fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\n"
                                    "Content-Length: {}\r\n\r\n{}",
                                    target, type, get_slot_request.size(), get_slot_request));
    };
    EXPECT_EQ(ask("/?api-key=abc", "application/json").body, slot_reply);
    EXPECT_EQ(ask("/", "Application/JSON;charset=UTF-8").body, slot_reply);
    EXPECT_EQ(ask("/", "application/json ; charset=utf-8").body, slot_reply);
    EXPECT_EQ(ask("/", "application/jsonp").status, 415);
    EXPECT_EQ(ask("/", "").status, 415);
    EXPECT_EQ(ask("/x?/", "application/json").status, 404);
}

TEST(HttpServer, says_its_health_in_a_word)
{
    const auto word = [](std::optional<ReplyBody> forced, bool full = false) {
        RunningServer server;
        server.backend.forced = std::move(forced);
        server.backend.full = full;
        server.start();
        const auto response =
            exchange(server.endpoint(), "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_EQ(response.status, 200);
        return response.body;
    };
    EXPECT_EQ(word(std::nullopt), "ok");
    EXPECT_EQ(word(NodeUnhealthy{12}), "behind");
    EXPECT_EQ(word(NodeUnhealthy{}), "unknown");
    EXPECT_EQ(word(std::nullopt, true), "unknown") << "the node takes no question";
}

TEST(HttpServer, keeps_no_more_connections_than_the_process_has_descriptors)
{
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(connections_that_fit({1, 1}), 1U);
    EXPECT_EQ(raise_descriptor_limit(before.rlim_cur + 1),
              std::min(before.rlim_cur + 1, before.rlim_max));
    const rlim_t allowed = std::max(before.rlim_cur + 1, rlim_t{2});
    EXPECT_EQ(raise_descriptor_limit(3), std::min(allowed, before.rlim_max)) << "never lowered";
    EXPECT_EQ(connections_that_fit({before.rlim_max, before.rlim_max}),
              (before.rlim_max - 256) / 2);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(HttpServer, refuses_what_is_too_long_and_does_not_read_it)
{
    RunningServer server;
    server.start();
    const std::string body(64 * 1024 + 1, ' ');
    EXPECT_EQ(exchange(server.endpoint(), post_text(body)).status, 413);
    EXPECT_EQ(exchange(server.endpoint(), post_text(std::string(64 * 1024, ' '))).status, 200);
    // Announced only: the answer comes before the body does.
    EXPECT_EQ(exchange(server.endpoint(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                          "application/json\r\nContent-Length: 99999999999\r\n\r\n")
                  .status,
              413);
    const std::string header =
        "POST / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(9000, 'a') + "\r\n\r\n";
    EXPECT_EQ(exchange(server.endpoint(), header).status, 431);
    std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 20; ++i) {
        chunked += "1000\r\n" + std::string(4096, ' ') + "\r\n";
    }
    EXPECT_EQ(exchange(server.endpoint(), chunked).status, 413);
}

TEST(HttpServer, refuses_what_could_smuggle_a_request)
{
    RunningServer server;
    server.start();
    for (const std::string_view headers :
         {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
          "Content-Length: 2\r\nContent-Length: 3\r\n", "Content-Length: -1\r\n",
          "Content-Length: 2x\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
          "Bad Name: x\r\n"}) {
        RawClient client(server.endpoint());
        EXPECT_TRUE(client.send(fmt::format(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{}\r\n[]", headers)));
        const auto response = client.read();
        EXPECT_TRUE(response && response->status == 400) << headers;
        EXPECT_TRUE(client.closes_within(milliseconds(5000))) << headers;
    }
}

TEST(HttpServer, survives_garbage)
{
    RunningServer server;
    server.start();
    std::mt19937 random(7);
    for (int round = 0; round < 200; ++round) {
        std::string bytes = round % 2 == 0 ? "" : post_text(get_slot_request);
        if (round % 2 == 0) {
            for (std::size_t i = 0; i < 100; ++i) {
                bytes += static_cast<char>(random());
            }
        } else {
            bytes[random() % bytes.size()] = static_cast<char>(random());
            bytes.resize(random() % bytes.size());
        }
        RawClient client(server.endpoint());
        (void)client.send(bytes);
    }
    EXPECT_EQ(exchange(server.endpoint(), post_text(get_slot_request)).body, slot_reply);
}

TEST(HttpServer, answers_pipelined_and_kept_connections_in_order)
{
    RunningServer server;
    server.start();
    RawClient client(server.endpoint());
    std::string requests;
    for (int i = 0; i < 50; ++i) {
        requests += post_text(fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"getSlot"}})", i));
    }
    EXPECT_TRUE(client.send(requests));
    for (int i = 0; i < 50; ++i) {
        const auto response = client.read();
        ASSERT_TRUE(response);
        EXPECT_EQ(response->body, fmt::format(R"({{"jsonrpc":"2.0","result":100,"id":{}}})", i));
    }
    EXPECT_TRUE(client.send(post_text(get_slot_request, "Connection: close\r\n")));
    EXPECT_EQ(client.read()->body, slot_reply);
    EXPECT_TRUE(client.closes_within(milliseconds(5000)));
}

TEST(HttpServer, keeps_a_resting_connection_for_its_idle_time_only)
{
    HttpServer::Options options;
    EXPECT_GE(options.idle_ms, milliseconds(20'000)); // web3.js keeps one for 19 s
    options.idle_ms = milliseconds(3000);
    RunningServer server(options);
    server.start();
    RawClient client(server.endpoint());
    EXPECT_TRUE(client.send(post_text(get_slot_request)));
    EXPECT_TRUE(client.read());
    EXPECT_FALSE(client.closes_within(milliseconds(300)));
    EXPECT_TRUE(client.send(post_text(get_slot_request)));
    EXPECT_TRUE(client.read());
    EXPECT_TRUE(client.closes_within(milliseconds(10'000)));
}

TEST(HttpServer, cuts_a_client_that_sends_too_slowly)
{
    HttpServer::Options options;
    options.request_ms = milliseconds(500);
    RunningServer server(options);
    server.start();
    RawClient silent(server.endpoint());
    RawClient dripping(server.endpoint());
    const std::string request = post_text(get_slot_request);
    const auto begin = steady_clock::now();
    // A byte every 50 ms restarts no clock.
    bool cut = false;
    for (const char byte : request) {
        cut =
            !dripping.send(std::string_view(&byte, 1)) || dripping.closes_within(milliseconds(50));
        if (cut) {
            break;
        }
    }
    EXPECT_TRUE(cut);
    EXPECT_GT(steady_clock::now() - begin, milliseconds(400));
    EXPECT_TRUE(silent.closes_within(milliseconds(5000)));
}

TEST(HttpServer, a_request_has_its_own_deadline_also_on_a_kept_connection)
{
    HttpServer::Options options;
    options.request_ms = milliseconds(2500);
    RunningServer server(options);
    server.start();
    RawClient slow(server.endpoint());
    EXPECT_TRUE(slow.send(post_text(get_slot_request)));
    EXPECT_TRUE(slow.read());
    // From here the connection may rest for idle_ms, but a request that has begun may not.
    const std::string request = post_text(get_slot_request);
    const auto begin = steady_clock::now();
    bool cut = false;
    for (std::size_t i = 0; i < 8 && !cut; ++i) {
        cut = !slow.send(request.substr(i, 1)) || slow.closes_within(milliseconds(1000));
        const auto asked = steady_clock::now();
        EXPECT_EQ(exchange(server.endpoint(), request).body, slot_reply);
        EXPECT_LT(steady_clock::now() - asked, milliseconds(1000));
    }
    EXPECT_TRUE(cut);
    EXPECT_GT(steady_clock::now() - begin, milliseconds(2000));
    EXPECT_LT(steady_clock::now() - begin, milliseconds(6000));
    const auto status = exchange(server.endpoint(),
                                 post_text(R"({"jsonrpc":"2.0","id":1,"method":"belfryStatus"})"));
    EXPECT_NE(status.body.find(R"("cut_slow":1)"), std::string::npos);
}

TEST(HttpServer, serves_a_new_client_when_all_connections_are_taken_by_idle_ones)
{
    HttpServer::Options options;
    options.connections_max = 20;
    RunningServer server(options);
    server.start();
    std::vector<std::unique_ptr<RawClient>> idle;
    for (int i = 0; i < 200; ++i) {
        idle.push_back(std::make_unique<RawClient>(server.endpoint()));
        (void)idle.back()->send("POST / HT");
    }
    const auto begin = steady_clock::now();
    EXPECT_EQ(exchange(server.endpoint(), post_text(get_slot_request)).body, slot_reply);
    EXPECT_LT(steady_clock::now() - begin, milliseconds(5000));
    int cut = 0;
    for (const auto& client : idle) {
        cut += client->closes_within(milliseconds(5)) ? 1 : 0;
    }
    EXPECT_GE(cut, 180);
}

TEST(HttpServer, says_429_when_the_node_takes_no_more)
{
    RunningServer server;
    server.backend.full = true;
    server.start();
    const auto response = exchange(server.endpoint(), post_text(get_slot_request));
    EXPECT_EQ(response.status, 429);
    EXPECT_EQ(response.body, R"({"jsonrpc":"2.0","error":{"code":-32005,"message":"Node is busy",)"
                             R"("data":{"numSlotsBehind":null}},"id":1})");
    EXPECT_EQ(exchange(server.endpoint(), post_text(fmt::format("[{}]", get_slot_request))).status,
              200);
}

TEST(HttpServer, bounds_the_questions_that_wait_for_the_node_and_their_time)
{
    HttpServer::Options options;
    options.open_requests_max = 3;
    options.answer_ms = milliseconds(400);
    RunningServer server(options);
    server.backend.silent = true;
    server.start();
    const auto begin = steady_clock::now();
    const auto response =
        exchange(server.endpoint(), post_text(fmt::format("[{0},{0},{0},{0}]", get_slot_request)));
    EXPECT_GE(steady_clock::now() - begin, milliseconds(400));
    const std::string late = R"({"jsonrpc":"2.0","error":{"code":-32603,"message":"The node did )"
                             R"(not answer in time"},"id":1})";
    EXPECT_TRUE(response.body.starts_with("[" + late + "," + late + "," + late + ","));
    EXPECT_NE(response.body.find("Node is busy"), std::string::npos);
}

TEST(HttpServer, a_client_that_leaves_while_the_node_thinks_harms_nobody)
{
    HttpServer::Options options;
    options.answer_ms = milliseconds(200);
    RunningServer server(options);
    server.backend.silent = true;
    server.start();
    for (int i = 0; i < 50; ++i) {
        RawClient client(server.endpoint());
        (void)client.send(post_text(get_slot_request));
    }
    EXPECT_EQ(exchange(server.endpoint(), post_text(get_slot_request)).status, 200);
}

TEST(HttpServer, adds_its_own_counters_to_the_status)
{
    RunningServer server;
    server.start();
    const auto response = exchange(
        server.endpoint(), post_text(R"({"jsonrpc":"2.0","id":1,"method":"belfryStatus"})"));
    EXPECT_NE(response.body.find(R"({"name":"rpc","counters":{"connections":1,)"),
              std::string::npos);
}

TEST(HttpServer, listens_on_ipv6_and_says_when_it_cannot)
{
    RunningServer server({}, "[::1]:0");
    server.start();
    EXPECT_EQ(exchange(server.endpoint(), post_text(get_slot_request)).body, slot_reply);
    try {
        RunningServer second({}, server.endpoint().to_string());
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string_view(error.what()).find("cannot listen for RPC on [::1]:"),
                  std::string_view::npos);
    }
}

TEST(HttpServer, stops_with_open_connections_and_questions)
{
    auto server = std::make_unique<RunningServer>();
    server->backend.silent = true;
    server->start();
    RawClient idle(server->endpoint());
    RawClient asking(server->endpoint());
    EXPECT_TRUE(asking.send(post_text(get_slot_request)));
    std::this_thread::sleep_for(milliseconds(50));
    const auto begin = steady_clock::now();
    server.reset();
    EXPECT_LT(steady_clock::now() - begin, milliseconds(5000));
    EXPECT_TRUE(idle.closes_within(milliseconds(5000)));
    EXPECT_TRUE(asking.closes_within(milliseconds(5000)));
}

} // namespace
} // namespace belfry::node
