// SPDX-License-Identifier: Apache-2.0
// http_fuzz: any bytes as what a client sends to the RPC port, in two pieces, through the server
// that a node runs: each reply is HTTP with a status the server knows and as long as it says, JSON
// where it says so, and the next honest client is served.
// Input    u8 where it is cut, in 255ths | bytes. The client says that it has ended.
#include "base/check.hpp"
#include "tests/node/raw_client.hpp"
#include "tests/node/running_server.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace belfry::node {
namespace {

constexpr std::uint64_t honest_every = 256; // inputs

RunningServer& server()
{
    static RunningServer* const only = [] {
        HttpServer::Options options;
        options.body_bytes_max = 4096;
        options.header_bytes_max = 1024;
        options.request_ms = std::chrono::milliseconds(300);
        auto* const made = new RunningServer(options); // its thread runs until the process ends
        made->backend.forgetful = true;
        made->start();
        return made;
    }();
    return *only;
}

void check_reply(const RawClient::Response& reply)
{
    constexpr std::array statuses{100, 101, 200, 204, 400, 403, 404, 405, 408, 411,
                                  413, 415, 417, 426, 429, 431, 500, 503, 505};
    BELFRY_CHECK(reply.header.starts_with("HTTP/1.1 ") || reply.header.starts_with("HTTP/1.0 "));
    BELFRY_CHECK(std::ranges::count(statuses, reply.status) == 1);
    if (reply.header.find("Content-Type: application/json") != std::string::npos &&
        !reply.body.empty()) {
        boost::system::error_code error;
        (void)boost::json::parse(reply.body, error);
        BELFRY_CHECK(!error);
    }
}

void ask_honestly()
{
    RawClient client(server().endpoint());
    BELFRY_CHECK(client.send(post_text(R"({"jsonrpc":"2.0","id":7,"method":"getSlot"})")));
    const auto reply = client.read();
    BELFRY_CHECK(reply && reply->status == 200 &&
                 reply->body.find("\"result\"") != std::string::npos);
}

} // namespace
} // namespace belfry::node

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry::node; // NOLINT(google-build-using-namespace)
    if (size == 0) {
        return 0;
    }
    static std::uint64_t inputs = 0;
    if (inputs++ % honest_every == 0) {
        ask_honestly();
    }
    const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
    const std::size_t cut = text.size() * data[0] / 255;
    RawClient client(server().endpoint());
    if (client.send(text.substr(0, cut)) && client.send(text.substr(cut))) {
        client.end_sending();
    }
    while (const auto reply = client.read()) {
        check_reply(*reply);
        if (reply->status == 101) {
            break; // what follows is no HTTP
        }
    }
    return 0;
}
