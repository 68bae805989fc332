// SPDX-License-Identifier: Apache-2.0
#pragma once
// page_check.hpp: is the tree of an LMDB file whole? LMDB has no checksums: on a spoilt page it
// reads beyond the page, finds nothing where there is something, or frees what is in use. What a
// value holds is told by its own checksum when it is read; this tells of everything around it.
// Rule     every page from the newest meta page down is of the kind its parent says, its nodes lie
//          inside it, its keys rise and stay within the parent's bounds, the counts of the database
//          are right, and no page is used twice or is free and used.
// Bounds   reads every page but the bodies of large values; one bit of memory for each page.
// Errors   std::runtime_error, one line without the file's name.
// Source   lmdb.h and mdb.c of 0.9; the layouts stand in page_check.cpp.

#include <filesystem>

namespace belfry::ledger {

/// Nobody may have the file open for writing. A file that is missing, empty or none of LMDB's is
/// left to LMDB to judge.
void check_pages(const std::filesystem::path& file);

} // namespace belfry::ledger
