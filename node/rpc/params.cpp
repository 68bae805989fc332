// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/params.hpp"

#include "crypto/base58.hpp"
#include "node/rpc/commitment.hpp"

#include <boost/json.hpp>
#include <fmt/core.h>

namespace belfry::node {

namespace json = boost::json;

void throw_invalid_params(std::string_view what)
{
    throw RpcFault{{RpcCode::invalid_params, fmt::format("Invalid params: {}", what), {}}};
}

namespace {

std::uint64_t to_number(const json::value& value, std::string_view name)
{
    if (const std::uint64_t* const number = value.if_uint64()) {
        return *number;
    }
    if (const std::int64_t* const number = value.if_int64(); number != nullptr && *number >= 0) {
        return static_cast<std::uint64_t>(*number);
    }
    throw_invalid_params(fmt::format("{} must be an integer from 0 to 2^64 - 1", name));
}

const json::value* field(const json::object* options, std::string_view key)
{
    if (options == nullptr) {
        return nullptr;
    }
    const json::value* const value = options->if_contains(key);
    return value == nullptr || value->is_null() ? nullptr : value;
}

} // namespace

Params::Params(const json::value* params)
{
    if (params == nullptr || params->is_null()) {
        return;
    }
    values_ = params->if_array();
    if (values_ == nullptr) {
        throw_invalid_params("params must be an array");
    }
}

std::size_t Params::count() const
{
    return values_ == nullptr ? 0 : values_->size();
}

const json::value* Params::at(std::size_t index) const
{
    if (index >= count() || (*values_)[index].is_null()) {
        return nullptr;
    }
    return &(*values_)[index];
}

std::string_view Params::text(std::size_t index, std::string_view name) const
{
    const json::value* const value = at(index);
    if (value == nullptr || !value->is_string()) {
        throw_invalid_params(fmt::format("parameter {} ({}) must be a string", index + 1, name));
    }
    return value->get_string();
}

std::uint64_t Params::number(std::size_t index, std::string_view name) const
{
    const json::value* const value = at(index);
    if (value == nullptr) {
        throw_invalid_params(fmt::format("parameter {} ({}) is missing", index + 1, name));
    }
    return to_number(*value, name);
}

Pubkey Params::pubkey(std::size_t index) const
{
    const std::string_view base58 = text(index, "pubkey");
    const std::optional<Pubkey> key = crypto::fixed_from_base58<Pubkey>(base58);
    if (!key) {
        // Agave's two words; clients show them as they are.
        const bool is_base58 = crypto::from_base58(base58.substr(0, 128), 128).has_value();
        throw RpcFault{{RpcCode::invalid_params,
                        is_base58 ? "Invalid param: WrongSize" : "Invalid param: Invalid",
                        {}}};
    }
    return *key;
}

const json::object* Params::options(std::size_t index) const
{
    const json::value* const value = at(index);
    if (value == nullptr) {
        return nullptr;
    }
    if (!value->is_object()) {
        throw_invalid_params(fmt::format("parameter {} must be an object", index + 1));
    }
    return &value->get_object();
}

std::optional<std::uint64_t> number_field(const json::object* options, std::string_view key)
{
    const json::value* const value = field(options, key);
    return value == nullptr ? std::nullopt : std::optional(to_number(*value, key));
}

std::optional<bool> bool_field(const json::object* options, std::string_view key)
{
    const json::value* const value = field(options, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_bool()) {
        throw_invalid_params(fmt::format("{} must be true or false", key));
    }
    return value->get_bool();
}

std::optional<std::string_view> text_field(const json::object* options, std::string_view key)
{
    const json::value* const value = field(options, key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (!value->is_string()) {
        throw_invalid_params(fmt::format("{} must be a string", key));
    }
    return std::string_view(value->get_string());
}

Commitment commitment_field(const json::object* options, std::string_view key)
{
    const std::optional<std::string_view> text = text_field(options, key);
    if (!text) {
        return Commitment::finalized;
    }
    const std::optional<Commitment> commitment = commitment_from(*text);
    if (!commitment) {
        throw_invalid_params(fmt::format("{} must be one of processed, confirmed, finalized", key));
    }
    return *commitment;
}

} // namespace belfry::node
