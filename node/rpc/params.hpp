// SPDX-License-Identifier: Apache-2.0
#pragma once
// params.hpp: reads the positional parameters of a JSON-RPC call, strictly. Private to rpc/: it is
// the one header here that shows Boost.JSON.
// Errors   RpcFault, thrown, with the JSON-RPC error that the client gets. It never leaves
//          parse_message().

#include "node/rpc/backend.hpp"
#include "node/rpc/json_rpc.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

namespace belfry::node {

struct RpcFault {
    RpcErrorText error;
};
[[noreturn]] void throw_invalid_params(std::string_view what);

/// The parameters of one call. Views into the request's tree, which must outlive this object.
class Params {
public:
    /// params may be null (absent). Throws when it is no array.
    explicit Params(const boost::json::value* params);

    [[nodiscard]] std::size_t count() const;
    /// nullptr when absent or null.
    [[nodiscard]] const boost::json::value* at(std::size_t index) const;
    /// The string at index. Throws when it is absent or no string.
    [[nodiscard]] std::string_view text(std::size_t index, std::string_view name) const;
    /// The unsigned integer at index. Throws when it is absent or none.
    [[nodiscard]] std::uint64_t number(std::size_t index, std::string_view name) const;
    [[nodiscard]] Pubkey pubkey(std::size_t index) const;
    /// The configuration object at index; nullptr when absent or null. Throws when it is neither.
    [[nodiscard]] const boost::json::object* options(std::size_t index) const;

private:
    const boost::json::array* values_ = nullptr;
};

/// Fields of a configuration object, which may be nullptr. An absent or null field gives nullopt.
[[nodiscard]] std::optional<std::uint64_t> number_field(const boost::json::object* options,
                                                        std::string_view key);
[[nodiscard]] std::optional<bool> bool_field(const boost::json::object* options,
                                             std::string_view key);
[[nodiscard]] std::optional<std::string_view> text_field(const boost::json::object* options,
                                                         std::string_view key);
/// Finalized when the field is absent. Solana's older names are accepted.
[[nodiscard]] Commitment commitment_field(const boost::json::object* options,
                                          std::string_view key = "commitment");

} // namespace belfry::node
