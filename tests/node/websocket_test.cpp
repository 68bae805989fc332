// SPDX-License-Identifier: Apache-2.0
#include "tests/node/raw_client.hpp"
#include "tests/node/running_server.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace belfry::node {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// RFC 6455 by hand, for texts alone.
class WebSocketClient {
public:
    /// with_it: a first text, sent in one piece with the request.
    explicit WebSocketClient(const dataplane::Endpoint& endpoint, std::string_view with_it = {})
        : raw(endpoint)
    {
        EXPECT_TRUE(
            raw.send(std::string("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
                                 "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n") +
                     (with_it.empty() ? std::string() : frame_of(with_it))));
        const auto response = raw.read();
        accepted = response && response->status == 101 &&
                   response->header.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos;
    }
    bool send(std::string_view text) { return raw.send(frame_of(text)); }
    static std::string frame_of(std::string_view text)
    {
        std::string frame{static_cast<char>(0x81)};
        if (text.size() < 126) {
            frame += static_cast<char>(0x80 | text.size());
        } else {
            frame += static_cast<char>(0x80 | 126);
            frame += static_cast<char>(text.size() >> 8);
            frame += static_cast<char>(text.size());
        }
        frame += std::string(4, '\0'); // a mask of zeros
        frame += text;
        return frame;
    }
    /// The next text; "" when the server closes or says nothing.
    std::string read()
    {
        const auto head = raw.read_bytes(2);
        if (!head || static_cast<unsigned char>((*head)[0]) != 0x81) {
            return {};
        }
        std::size_t length = static_cast<unsigned char>((*head)[1]);
        if (length == 126) {
            const auto more = raw.read_bytes(2);
            length = more ? static_cast<unsigned char>((*more)[0]) * 256U +
                                static_cast<unsigned char>((*more)[1])
                          : 0;
        }
        return raw.read_bytes(length).value_or("");
    }
    std::string ask(std::string_view method, std::string_view params = "[]")
    {
        EXPECT_TRUE(send(fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{}}})",
                                     method, params)));
        return read();
    }

    RawClient raw;
    bool accepted = false;
};

std::string result_text(std::string_view value)
{
    return fmt::format(R"({{"jsonrpc":"2.0","result":{},"id":1}})", value);
}

HttpServer::Options with_websocket()
{
    HttpServer::Options options;
    options.websocket.listen = *dataplane::Endpoint::parse("127.0.0.1:0");
    return options;
}

ChainEvent slot_event(std::uint64_t slot)
{
    ChainEvent event;
    event.root = Slot{slot - 30};
    event.processed.push_back({{Slot{slot}, filled<Hash>(1)}, Slot{slot - 1}});
    event.finalized.push_back({{Slot{slot - 30}, filled<Hash>(2)}, Slot{slot - 31}});
    return event;
}

TEST(WebSocket, tells_slots_and_roots_on_its_own_address_and_by_upgrade)
{
    RunningServer server(with_websocket());
    server.start();
    for (const dataplane::Endpoint& endpoint : {server.websocket(), server.endpoint()}) {
        WebSocketClient client(endpoint);
        ASSERT_TRUE(client.accepted);
        const std::string slots = client.ask("slotSubscribe");
        EXPECT_TRUE(slots.starts_with(R"({"jsonrpc":"2.0","result":)"));
        EXPECT_TRUE(client.ask("rootSubscribe").starts_with(R"({"jsonrpc":"2.0","result":)"));
        server.backend.tell(slot_event(40));
        const std::string slot = client.read();
        EXPECT_TRUE(slot.starts_with(
            R"({"jsonrpc":"2.0","method":"slotNotification","params":{"result":{"parent":39,)"
            R"("root":10,"slot":40},"subscription":)"))
            << slot;
        EXPECT_TRUE(client.read().starts_with(
            R"({"jsonrpc":"2.0","method":"rootNotification","params":{"result":10,)"));
        // The number that the subscription was given ends it, once.
        const std::string id = slots.substr(26, slots.find(',', 26) - 26);
        EXPECT_EQ(client.ask("rootUnsubscribe", fmt::format("[{}]", id)), result_text("false"));
        EXPECT_EQ(client.ask("slotUnsubscribe", fmt::format("[{}]", id)), result_text("true"));
        EXPECT_EQ(client.ask("slotUnsubscribe", fmt::format("[{}]", id)), result_text("false"));
        server.backend.tell(slot_event(41));
        EXPECT_NE(client.read().find("rootNotification"), std::string::npos);
    }
}

TEST(WebSocket, reads_what_was_sent_in_one_piece_with_the_upgrade)
{
    RunningServer server(with_websocket());
    server.start();
    for (const dataplane::Endpoint& endpoint : {server.websocket(), server.endpoint()}) {
        WebSocketClient client(endpoint,
                               R"({"jsonrpc":"2.0","id":1,"method":"slotSubscribe","params":[]})");
        ASSERT_TRUE(client.accepted);
        EXPECT_TRUE(client.read().starts_with(R"({"jsonrpc":"2.0","result":)"));
        EXPECT_NE(client.ask("rootSubscribe").find("result"), std::string::npos);
    }
}

TEST(WebSocket, tells_of_a_signature_once_and_at_once_when_it_has_its_level)
{
    RunningServer server;
    server.start();
    WebSocketClient client(server.endpoint());
    constexpr std::string_view final_one =
        "2AXDGYSE4f2sz7tvMMzyHvUfcoJmxudvdhBcmiUSo6ijwfYmfZYsKRxboQMPh3R4kUhXRVdtSXFXMheka4Rc4P2";
    constexpr std::string_view failed_processed =
        "3L3RY5sT8K4kyEnqhizwaqxLEbcYvpGrGPNEYRwtbCSUtL6YL86jdrvCbohnP5q8VxQ3qzGmt3W3iQJW97rD7m3";
    EXPECT_EQ(client.ask("signatureSubscribe", fmt::format(R"(["{}"])", final_one)),
              result_text("1"));
    EXPECT_EQ(client.read(), R"({"jsonrpc":"2.0","method":"signatureNotification","params":)"
                             R"({"result":{"context":{"slot":300,"apiVersion":"2.3.0"},)"
                             R"("value":{"err":null}},"subscription":1}})");
    EXPECT_EQ(client.ask("signatureUnsubscribe", "[1]"), result_text("false"));
    // Below the level it waits for; received is told where it is asked for.
    EXPECT_EQ(client.ask(
                  "signatureSubscribe",
                  fmt::format(R"(["{}",{{"enableReceivedNotification":true}}])", failed_processed)),
              result_text("2"));
    EXPECT_NE(client.read().find(R"("value":"receivedSignature")"), std::string::npos);
    EXPECT_EQ(client.ask("signatureSubscribe",
                         fmt::format(R"(["{}",{{"commitment":"processed"}}])", failed_processed)),
              result_text("3"));
    EXPECT_NE(client.read().find(R"("err":{"InstructionError":[1,{"Custom":6000}]})"),
              std::string::npos);
    EXPECT_EQ(client.ask("signatureUnsubscribe", "[2]"), result_text("true"));
}

TEST(WebSocket, ignores_pings_and_refuses_what_it_does_not_offer)
{
    RunningServer server;
    server.start();
    WebSocketClient client(server.endpoint());
    EXPECT_TRUE(client.send(R"({"jsonrpc":"2.0","method":"ping"})"));
    EXPECT_NE(client.ask("getSlot").find(R"("code":-32601)"), std::string::npos);
    EXPECT_NE(client.ask("ping").find(R"("code":-32601)"), std::string::npos);
    EXPECT_NE(client.ask("accountSubscribe", R"(["x"])").find(R"("code":-32602)"),
              std::string::npos);
    EXPECT_NE(client.ask("logsSubscribe", R"(["some"])").find(R"("code":-32602)"),
              std::string::npos);
    EXPECT_TRUE(client.send("{"));
    EXPECT_NE(client.read().find(R"("code":-32700)"), std::string::npos);
    EXPECT_NE(client.ask("logsSubscribe", R"(["all"])").find(R"("result":1)"), std::string::npos);
    // Subscriptions have no place in HTTP.
    RawClient http(server.endpoint());
    EXPECT_TRUE(http.send(post_text(R"({"jsonrpc":"2.0","id":1,"method":"slotSubscribe"})")));
    EXPECT_NE(http.read()->body.find(R"("code":-32601)"), std::string::npos);
}

TEST(WebSocket, bounds_the_subscriptions_of_one_and_of_all)
{
    HttpServer::Options options;
    options.subscriptions = {.subscriptions_max = 5, .per_subscriber_max = 3};
    RunningServer server(options);
    server.start();
    auto first = std::make_unique<WebSocketClient>(server.endpoint());
    WebSocketClient second(server.endpoint());
    const auto subscribe = [](WebSocketClient& client) {
        return client.ask("slotSubscribe").find("result") != std::string::npos;
    };
    EXPECT_TRUE(subscribe(*first) && subscribe(*first) && subscribe(*first));
    EXPECT_FALSE(subscribe(*first));
    EXPECT_TRUE(subscribe(second) && subscribe(second));
    EXPECT_FALSE(subscribe(second));
    first.reset(); // what it held is free again
    const auto end = steady_clock::now() + milliseconds(5000);
    bool again = false;
    while (!again && steady_clock::now() < end) {
        again = subscribe(second);
    }
    EXPECT_TRUE(again);
}

TEST(WebSocket, cuts_a_client_that_does_not_take_what_it_is_told)
{
    HttpServer::Options options;
    options.websocket.send_bytes_max = std::size_t{64} * 1024;
    RunningServer server(options);
    server.start();
    WebSocketClient slow(server.endpoint());
    for (int i = 0; i < 500; ++i) {
        EXPECT_FALSE(slow.ask("slotSubscribe").empty());
    }
    WebSocketClient other(server.endpoint());
    EXPECT_EQ(other.ask("rootSubscribe"), result_text("501"));
    // More than the sockets' own buffers hold.
    for (std::uint64_t slot = 40; slot < 240; ++slot) {
        server.backend.tell(slot_event(slot));
    }
    for (std::uint64_t slot = 40; slot < 240; ++slot) {
        ASSERT_NE(other.read().find(fmt::format(R"("result":{},)", slot - 30)), std::string::npos);
    }
    RawClient http(server.endpoint());
    EXPECT_TRUE(http.send(post_text(R"({"jsonrpc":"2.0","id":1,"method":"belfryStatus"})")));
    EXPECT_NE(http.read()->body.find(R"("websocket_cut_slow":1)"), std::string::npos);
}

TEST(WebSocket, makes_room_for_a_new_client_by_cutting_the_one_silent_longest)
{
    HttpServer::Options options;
    options.websocket.connections_max = 4;
    RunningServer server(options);
    server.start();
    std::vector<std::unique_ptr<WebSocketClient>> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(std::make_unique<WebSocketClient>(server.endpoint()));
    }
    EXPECT_FALSE(clients[0]->ask("slotSubscribe").empty()); // so the second is silent longest
    WebSocketClient fresh(server.endpoint());
    EXPECT_FALSE(fresh.ask("slotSubscribe").empty());
    EXPECT_TRUE(clients[1]->raw.closes_within(milliseconds(3000)));
    EXPECT_FALSE(clients[0]->ask("rootSubscribe").empty());
}

TEST(WebSocket, closes_on_a_message_that_is_too_long_and_on_bad_frames)
{
    RunningServer server;
    server.start();
    WebSocketClient lengthy(server.endpoint());
    (void)lengthy.send(std::string(20'000, ' '));
    EXPECT_TRUE(lengthy.raw.closes_within(milliseconds(5000)));
    WebSocketClient unmasked(server.endpoint());
    EXPECT_TRUE(unmasked.raw.send(std::string("\x81\x02{}", 4)));
    EXPECT_TRUE(unmasked.raw.closes_within(milliseconds(5000)));
    WebSocketClient bad_text(server.endpoint());
    EXPECT_TRUE(bad_text.send("\xff\xfe"));
    EXPECT_TRUE(bad_text.raw.closes_within(milliseconds(5000)));
    WebSocketClient honest(server.endpoint());
    EXPECT_EQ(honest.ask("slotSubscribe"), result_text("1"));
}

} // namespace
} // namespace belfry::node
