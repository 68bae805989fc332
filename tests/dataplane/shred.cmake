# SPDX-License-Identifier: Apache-2.0
set(DATAPLANE_SHRED_TEST_SOURCES
  shred_test.cpp shredder_test.cpp fec_resolver_test.cpp block_assembler_test.cpp tree_test.cpp
  repair_wire_test.cpp repair_server_test.cpp repair_simulation_test.cpp)
link_libraries(OpenSSL::Crypto) # ChaCha20 as the oracle of the tree
belfry_fuzz(shred LINK belfry_dataplane)
belfry_fuzz(repair_request LINK belfry_dataplane)
belfry_fuzz(repair_response LINK belfry_dataplane)
