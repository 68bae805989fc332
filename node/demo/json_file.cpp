// SPDX-License-Identifier: Apache-2.0
#include "node/demo/json_file.hpp"

#include <boost/json.hpp>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace belfry::node {

void replace_json_file(const std::filesystem::path& file, const boost::json::object& value)
{
    const std::filesystem::path fresh = file.string() + ".new";
    std::ofstream out(fresh, std::ios::trunc);
    out << boost::json::serialize(value) << '\n';
    out.close();
    std::error_code failed;
    std::filesystem::rename(fresh, file, failed);
    if (!out || failed) {
        throw std::runtime_error(file.string() + ": cannot be written");
    }
}

std::optional<boost::json::object> read_json_file(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    boost::json::error_code failed;
    const boost::json::value value = boost::json::parse(text, failed);
    if (failed || !value.is_object()) {
        return std::nullopt;
    }
    return value.as_object();
}

} // namespace belfry::node
