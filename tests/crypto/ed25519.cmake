# Ed25519: included by this folder's CMakeLists.txt.
set(CRYPTO_ED25519_TEST_SOURCES ed25519_test.cpp ed25519_quotient_test.cpp ed25519_mutants_test.cpp field25519_test.cpp)

add_executable(ed25519_check ed25519_check.cpp)
set_target_properties(ed25519_check PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
target_link_libraries(ed25519_check PRIVATE belfry_crypto)
add_test(NAME ed25519_check
  COMMAND ed25519_check ${PROJECT_SOURCE_DIR}/tests/vectors/ed25519.txt)
set_tests_properties(ed25519_check PROPERTIES LABELS crypto)

belfry_fuzz(ed25519_batch LINK belfry_crypto)
belfry_fuzz(ed25519_point LINK belfry_crypto OpenSSL::Crypto)

if(NOT BELFRY_SANITIZE)  # sanitizers replace operator new themselves
  add_executable(ed25519_allocation_check ed25519_allocation_check.cpp)
  set_target_properties(ed25519_allocation_check PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  target_link_libraries(ed25519_allocation_check PRIVATE belfry_crypto)
  add_test(NAME ed25519_allocation_check COMMAND ed25519_allocation_check)
  set_tests_properties(ed25519_allocation_check PROPERTIES LABELS crypto)
endif()
