# Sources of configuration, command line and RPC; node/CMakeLists.txt builds them into belfry_node.
set(NODE_RPC_SOURCES
  config.cpp config_text.cpp toml_section.cpp
  cli/about.cpp cli/balance.cpp cli/flags.cpp cli/genesis.cpp cli/guarded.cpp cli/keygen.cpp cli/proofs.cpp
  cli/node_address.cpp cli/status.cpp cli/transfer.cpp cli/tx_why.cpp
  rpc/account_json.cpp rpc/commitment.cpp rpc/descriptor_limit.cpp rpc/error_text.cpp rpc/http_connection.cpp rpc/http_server.cpp rpc/http_session.cpp rpc/json_rpc.cpp
  rpc/methods_accounts.cpp rpc/methods_chain.cpp rpc/methods_cluster.cpp rpc/methods_ledger.cpp
  rpc/methods_parse.cpp rpc/methods_subscribe.cpp rpc/methods_render.cpp rpc/params.cpp rpc/rpc_client.cpp rpc/rpc_desk.cpp rpc/subscriptions.cpp
  rpc/transaction_json.cpp rpc/transaction_logs.cpp rpc/transaction_text.cpp rpc/websocket_server.cpp)

# `belfry config` prints node/default.toml, which is compiled in as a raw string.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/default.toml)
file(READ ${CMAKE_CURRENT_LIST_DIR}/default.toml NODE_DEFAULT_TOML)
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/default_config.inc
  CONTENT "R\"toml(@NODE_DEFAULT_TOML@)toml\"" @ONLY)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/config_text.cpp PROPERTIES
  INCLUDE_DIRECTORIES ${CMAKE_CURRENT_BINARY_DIR})
