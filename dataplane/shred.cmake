# SPDX-License-Identifier: Apache-2.0
set(DATAPLANE_SHRED_SOURCES
  shred/shred.cpp shred/shredder.cpp
  fec/fec_resolver.cpp fec/fec_records.cpp fec/block_assembler.cpp
  turbine/tree.cpp
  repair/repair_wire.cpp repair/repair_server.cpp repair/recent_sets.cpp
  repair/repair_planner.cpp repair/repair_catch_up.cpp)
