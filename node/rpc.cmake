# Sources of configuration, command line and RPC; node/CMakeLists.txt builds them into belfry_node.
set(NODE_RPC_SOURCES
  rpc/commitment.cpp rpc/http_connection.cpp rpc/http_server.cpp rpc/json_rpc.cpp
  rpc/methods_parse.cpp rpc/methods_render.cpp rpc/params.cpp rpc/rpc_client.cpp
  rpc/transaction_text.cpp)
