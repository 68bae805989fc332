# Ed25519: included by this room's CMakeLists.txt.
set(CRYPTO_ED25519_SOURCES
  field25519.cpp ed25519_scalar.cpp ed25519_point.cpp ed25519.cpp ed25519_digits.cpp ed25519_quotient.cpp
  ed25519_kernel_choice.cpp ed25519_portable.cpp ed25519_avx2.cpp ed25519_avx512_ifma.cpp
  ed25519_single_ifma.cpp ed25519_key_cache.cpp ed25519_batch.cpp ed25519_bulk_sign.cpp)
# GCC 12's own AVX-512 headers warn of what they leave unset on purpose.
set(CRYPTO_ED25519_QUIET
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized>)
set_source_files_properties(ed25519_avx2.cpp PROPERTIES COMPILE_OPTIONS "-mavx2;${CRYPTO_ED25519_QUIET}")
set_source_files_properties(ed25519_avx512_ifma.cpp ed25519_single_ifma.cpp PROPERTIES COMPILE_OPTIONS
  "$<$<CXX_COMPILER_ID:Clang>:-mtune=znver4>;-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mavx512ifma;${CRYPTO_ED25519_QUIET}")
