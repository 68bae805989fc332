# SPDX-License-Identifier: Apache-2.0
belfry_bench(shred LINK belfry_dataplane SOURCES shred_bench.cpp)
