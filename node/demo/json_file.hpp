// SPDX-License-Identifier: Apache-2.0
#pragma once
// json_file.hpp: a JSON object as a whole file: a reader sees the old one or the new one, never
// half.
// Errors   std::runtime_error naming the file.

#include <boost/json/object.hpp>

#include <filesystem>
#include <optional>

namespace belfry::node {

void replace_json_file(const std::filesystem::path& file, const boost::json::object& value);
/// nullopt when the file is not there or holds no JSON object.
[[nodiscard]] std::optional<boost::json::object> read_json_file(const std::filesystem::path& file);

} // namespace belfry::node
