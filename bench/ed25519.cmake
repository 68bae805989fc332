# Ed25519: included by this folder's CMakeLists.txt.
set(BENCH_ED25519_SOURCES ed25519_bench.cpp)
