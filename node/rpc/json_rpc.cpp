// SPDX-License-Identifier: Apache-2.0
#include "node/rpc/json_rpc.hpp"

#include <boost/json.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <fmt/core.h>

#include <set>
#include <vector>

namespace belfry::node {

namespace json = boost::json;

std::string result_reply(std::string_view id_json, std::string_view result_json)
{
    return fmt::format(R"({{"jsonrpc":"2.0","result":{},"id":{}}})", result_json, id_json);
}

std::string error_reply(std::string_view id_json, const RpcErrorText& error)
{
    std::string data;
    if (!error.data_json.empty()) {
        data = fmt::format(R"(,"data":{})", error.data_json);
    }
    return fmt::format(R"({{"jsonrpc":"2.0","error":{{"code":{},"message":{}{}}},"id":{}}})",
                       static_cast<int>(error.code), json::serialize(json::string(error.message)),
                       data, id_json);
}

namespace {

/// What Boost.JSON's event parser calls. Keeps the keys of every open object, and numbers as they
/// are written. Names and signatures are the library's.
class ScanHandler {
public:
    constexpr static std::size_t max_object_size = std::size_t(-1);
    constexpr static std::size_t max_array_size = std::size_t(-1);
    constexpr static std::size_t max_key_size = std::size_t(-1);
    constexpr static std::size_t max_string_size = std::size_t(-1);

    JsonScan scan;

    bool on_document_begin(json::error_code& /*unused*/) { return true; }
    bool on_document_end(json::error_code& /*unused*/) { return true; }
    bool on_object_begin(json::error_code& /*unused*/) { return open(false); }
    bool on_object_end(std::size_t /*unused*/, json::error_code& /*unused*/) { return close(); }
    bool on_array_begin(json::error_code& /*unused*/) { return open(true); }
    bool on_array_end(std::size_t /*unused*/, json::error_code& /*unused*/) { return close(); }
    bool on_key_part(json::string_view part, std::size_t /*unused*/, json::error_code& /*unused*/)
    {
        text_ += part;
        return true;
    }
    bool on_key(json::string_view part, std::size_t /*unused*/, json::error_code& /*unused*/)
    {
        text_ += part;
        Level& level = levels_.back();
        level.key = std::move(text_);
        text_.clear();
        if (!level.keys.insert(level.key).second && scan.duplicate_key.empty()) {
            scan.duplicate_key = level.key.empty() ? "(empty)" : level.key;
        }
        return true;
    }
    bool on_string_part(json::string_view /*unused*/, std::size_t /*unused*/,
                        json::error_code& /*unused*/)
    {
        return true;
    }
    bool on_string(json::string_view /*unused*/, std::size_t /*unused*/,
                   json::error_code& /*unused*/)
    {
        return value_done();
    }
    bool on_number_part(json::string_view part, json::error_code& /*unused*/)
    {
        text_ += part;
        return true;
    }
    bool on_int64(std::int64_t /*unused*/, json::string_view rest, json::error_code& /*unused*/)
    {
        return on_number(rest);
    }
    bool on_uint64(std::uint64_t /*unused*/, json::string_view rest, json::error_code& /*unused*/)
    {
        return on_number(rest);
    }
    bool on_double(double /*unused*/, json::string_view rest, json::error_code& /*unused*/)
    {
        return on_number(rest);
    }
    bool on_bool(bool /*unused*/, json::error_code& /*unused*/) { return value_done(); }
    bool on_null(json::error_code& /*unused*/) { return value_done(); }
    bool on_comment_part(json::string_view /*unused*/, json::error_code& /*unused*/)
    {
        return true;
    }
    bool on_comment(json::string_view /*unused*/, json::error_code& /*unused*/) { return true; }

private:
    struct Level {
        bool is_array = false;
        std::size_t values_done = 0;
        std::string key;
        std::set<std::string> keys;
    };

    bool open(bool is_array)
    {
        levels_.push_back(Level{is_array, 0, {}, {}});
        return true;
    }
    bool close()
    {
        levels_.pop_back();
        return value_done();
    }
    bool value_done()
    {
        if (!levels_.empty()) {
            ++levels_.back().values_done;
        }
        return true;
    }
    bool on_number(json::string_view rest)
    {
        text_ += rest;
        const bool in_call = levels_.size() == 1 && !levels_[0].is_array;
        const bool in_batch = levels_.size() == 2 && levels_[0].is_array && !levels_[1].is_array;
        if ((in_call || in_batch) && levels_.back().key == "id") {
            scan.number_ids[in_batch ? levels_[0].values_done : 0] = text_;
        }
        text_.clear();
        return value_done();
    }

    std::vector<Level> levels_; // the parser's depth limit bounds it
    std::string text_;          // of a key or number that came in parts
};

} // namespace

JsonScan scan_json(std::string_view text)
{
    json::basic_parser<ScanHandler> parser{json::parse_options{}};
    json::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    JsonScan scan = std::move(parser.handler().scan);
    scan.valid = !error && parser.done() && used == text.size();
    return scan;
}

} // namespace belfry::node
