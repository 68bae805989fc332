# Ed25519: included by this room's CMakeLists.txt.
set(CRYPTO_ED25519_SOURCES
  field25519.cpp ed25519_scalar.cpp ed25519_point.cpp ed25519.cpp ed25519_batch.cpp
  ed25519_bulk_sign.cpp)
