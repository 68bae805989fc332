# Sockets and links: included by this folder's CMakeLists.txt.
belfry_bench(net LINK belfry_dataplane SOURCES net_bench.cpp)
