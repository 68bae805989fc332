# Ed25519: included by this folder's CMakeLists.txt.
set(CRYPTO_ED25519_TEST_SOURCES ed25519_test.cpp)
