# Sources of configuration, command line and RPC; node/CMakeLists.txt builds them into belfry_node.
set(NODE_RPC_SOURCES
  endpoint.cpp config.cpp config_text.cpp
  rpc/methods.cpp rpc/http_server.cpp rpc/rpc_client.cpp
  cli/guarded.cpp cli/keygen.cpp cli/genesis.cpp cli/node_address.cpp cli/transfer.cpp
  cli/balance.cpp cli/status.cpp cli/config.cpp cli/version.cpp)
