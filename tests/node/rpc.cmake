# Tests of configuration, command line and RPC.
set(NODE_RPC_TESTS
  account_methods_test.cpp bank_queries_test.cpp commands_test.cpp config_test.cpp fake_backend.cpp hostile_http_test.cpp http_server_test.cpp ledger_queries_test.cpp
  methods_test.cpp
  rpc_client_test.cpp send_transaction_test.cpp websocket_test.cpp)

belfry_fuzz(json_rpc LINK belfry_node)
if(TARGET json_rpc_fuzz)
  target_sources(json_rpc_fuzz PRIVATE ${CMAKE_CURRENT_LIST_DIR}/fake_backend.cpp)
endif()
