# Warnings and sanitizers for all of furrow's own code.

set(furrow_warnings -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wvla)
set(furrow_c_warnings -Wstrict-prototypes -Wmissing-prototypes)
if(FURROW_WERROR)
  list(APPEND furrow_warnings -Werror)
endif()

# A target of ours: C11, the warnings, and the names of POSIX and Linux, which
# plain C11 hides. Empty, so that a source may define it again.
function(furrow_compile target)
  set_target_properties(${target} PROPERTIES
    C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE=)
  target_compile_options(${target} PRIVATE
    ${furrow_warnings} $<$<COMPILE_LANGUAGE:C>:${furrow_c_warnings}>)
endfunction()

if(FURROW_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(FURROW_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(NOT FURROW_SANITIZE STREQUAL "")
  message(FATAL_ERROR "FURROW_SANITIZE is \"${FURROW_SANITIZE}\"; allowed: address, thread, or empty")
endif()
