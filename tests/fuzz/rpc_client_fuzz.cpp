// SPDX-License-Identifier: Apache-2.0
// rpc_client_fuzz: any bytes as what a node answers to the command line and the load generator: a
// value, or a failure with its words.
// Input    u8 which call; odd: the bytes are the body of a sound reply, else all of the reply.
#include "base/check.hpp"
#include "node/rpc/rpc_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <string>
#include <thread>

namespace belfry::node {
namespace {

/// Answers every connection's first bytes with the present text, and closes.
class Liar {
public:
    Liar()
        : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof(address);
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        BELFRY_CHECK(::bind(listener_, generic, length) == 0 && ::listen(listener_, 16) == 0);
        BELFRY_CHECK(::getsockname(listener_, generic, &length) == 0);
        url_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        std::thread([this] { serve(); }).detach(); // until the process ends
    }
    [[nodiscard]] const std::string& url() const { return url_; }
    void say(std::string text)
    {
        const std::scoped_lock lock(mutex_);
        text_ = std::move(text);
    }

private:
    void serve()
    {
        while (true) {
            const int connection = ::accept(listener_, nullptr, nullptr);
            std::array<char, 4096> request{};
            if (connection >= 0 && ::recv(connection, request.data(), request.size(), 0) > 0) {
                const std::scoped_lock lock(mutex_);
                (void)::send(connection, text_.data(), text_.size(), MSG_NOSIGNAL);
            }
            ::close(connection);
        }
    }
    int listener_;
    std::string url_;
    std::mutex mutex_;
    std::string text_;
};

template <class Value>
void check(const RpcClient& client, const Result<Value, RpcClientError>& answer)
{
    if (!answer) {
        BELFRY_CHECK(client.last_failure().error == answer.error());
        BELFRY_CHECK(!client.last_failure().text.empty());
    }
}

void ask(RpcClient& client, std::uint8_t which)
{
    const std::array<Signature, 2> two{};
    switch (which % 9) {
    case 0:
        check(client, client.slot(Commitment::processed));
        break;
    case 1:
        check(client, client.block_height(Commitment::finalized));
        break;
    case 2:
        check(client, client.genesis_hash());
        break;
    case 3:
        check(client, client.balance({}, Commitment::confirmed));
        break;
    case 4:
        check(client, client.latest_blockhash(Commitment::confirmed));
        break;
    case 5:
        check(client, client.send_transaction({}, {}));
        break;
    case 6: {
        const auto statuses = client.signature_statuses(two);
        check(client, statuses);
        BELFRY_CHECK(!statuses || statuses->size() == two.size());
        break;
    }
    case 7:
        check(client, client.block_summary(Slot{1}));
        break;
    default:
        check(client, client.proofs(which / 9 % 2 == 0 ? std::optional(Slot{1}) : std::nullopt));
        check(client, client.status_json());
    }
}

} // namespace
} // namespace belfry::node

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace belfry::node; // NOLINT(google-build-using-namespace)
    if (size == 0) {
        return 0;
    }
    static Liar* const liar = new Liar;
    std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    if (data[0] % 2 == 1) {
        text =
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text;
    }
    liar->say(std::move(text));
    RpcClient client(liar->url(), {.connect_ms = std::chrono::milliseconds(2000),
                                   .call_ms = std::chrono::milliseconds(2000)});
    ask(client, data[0] / 2);
    const RpcClient moved = std::move(client);
    BELFRY_CHECK(moved.url() == liar->url());
    return 0;
}
