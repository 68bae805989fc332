// SPDX-License-Identifier: Apache-2.0
// websocket_fuzz: frames of any kind and texts of any content on the subscription port, with
// events of the chain between them: what comes back is whole frames, each text valid JSON-RPC.
// Input    u8 how, repeated: bit 7: a raw frame follows, u8 length; else a text up to a zero byte.
#include "base/check.hpp"
#include "tests/node/raw_client.hpp"
#include "tests/node/running_server.hpp"

#include <boost/json.hpp>

namespace belfry::node {
namespace {

RunningServer& server()
{
    static RunningServer* const only = [] {
        HttpServer::Options options;
        options.websocket.listen = *dataplane::Endpoint::parse("127.0.0.1:0");
        auto* const made = new RunningServer(options); // its thread runs until the process ends
        made->backend.forgetful = true;
        made->start();
        return made;
    }();
    return *only;
}

std::string frame_of(std::string_view text)
{
    std::string frame{static_cast<char>(0x81)};
    frame += static_cast<char>(0x80 | (text.size() < 126 ? text.size() : 126));
    if (text.size() >= 126) {
        frame += static_cast<char>(text.size() >> 8);
        frame += static_cast<char>(text.size());
    }
    frame += std::string(4, '\0'); // a mask of zeros
    frame += text;
    return frame;
}

ChainEvent slot_event(std::uint64_t slot)
{
    ChainEvent event;
    event.root = Slot{slot};
    event.processed.push_back({{Slot{slot + 30}, filled<Hash>(1)}, Slot{slot + 29}});
    event.finalized.push_back({{Slot{slot}, filled<Hash>(2)}, Slot{slot - 1}});
    return event;
}

void check_text(std::string_view text)
{
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse(text, error);
    BELFRY_CHECK(!error);
    for (const boost::json::value& one :
         value.is_array() ? value.get_array() : boost::json::array{value}) {
        BELFRY_CHECK(one.is_object() && one.at("jsonrpc") == "2.0");
    }
}

/// Nothing when the server closes.
std::optional<std::size_t> read_length(RawClient& client, unsigned char first_length)
{
    const std::size_t width = first_length == 126 ? 2 : first_length == 127 ? 8 : 0;
    if (width == 0) {
        return first_length;
    }
    const auto more = client.read_bytes(width);
    std::size_t length = 0;
    for (const char byte : more.value_or(std::string())) {
        length = length << 8 | static_cast<unsigned char>(byte);
    }
    return more ? std::optional(length) : std::nullopt;
}

/// Until the server closes; it closes when the client has ended.
void read_frames(RawClient& client)
{
    while (const auto head = client.read_bytes(2)) {
        const auto first = static_cast<unsigned char>((*head)[0]);
        const auto second = static_cast<unsigned char>((*head)[1]);
        BELFRY_CHECK((first & 0x70) == 0 && (second & 0x80) == 0); // no extension, no mask
        const auto length = read_length(client, second);
        const auto payload = length ? client.read_bytes(*length) : std::nullopt;
        if (payload && (first & 0x0F) == 1) {
            check_text(*payload);
        }
    }
}

std::string frames_of(std::string_view input)
{
    std::string out;
    while (!input.empty()) {
        const auto how = static_cast<unsigned char>(input.front());
        input.remove_prefix(1);
        if (how >= 128) {
            const std::size_t wanted = input.empty() ? 0 : static_cast<unsigned char>(input[0]);
            input.remove_prefix(std::min<std::size_t>(input.size(), 1));
            out += input.substr(0, wanted);
            input.remove_prefix(std::min(input.size(), wanted));
        } else {
            const std::size_t end = std::min(input.find('\0'), input.size());
            out += frame_of(input.substr(0, end));
            input.remove_prefix(std::min(input.size(), end + 1));
        }
    }
    return out;
}

} // namespace
} // namespace belfry::node

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry::node; // NOLINT(google-build-using-namespace)
    static std::uint64_t slot = 100;
    const std::string frames = frames_of({reinterpret_cast<const char*>(data), size});
    RawClient client(server().websocket());
    BELFRY_CHECK(
        client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    "Sec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    const auto reply = client.read();
    BELFRY_CHECK(reply);
    BELFRY_CHECK(reply->status == 101);
    const std::size_t half = frames.size() / 2;
    (void)client.send(std::string_view(frames).substr(0, half));
    server().backend.tell(slot_event(++slot));
    if (client.send(std::string_view(frames).substr(half))) {
        client.end_sending();
    }
    read_frames(client);
    return 0;
}
