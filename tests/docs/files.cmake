# runtime/README.md has one row for each source of runtime/, and none for what
# is not there.
#
#   SOURCE  root of the tree

cmake_minimum_required(VERSION 3.20)

file(STRINGS ${SOURCE}/runtime/README.md rows REGEX "^\\| `[a-z]+\\.c` \\|")
if(NOT rows)
  message(FATAL_ERROR "runtime/README.md has no rows")
endif()
set(named "")
foreach(row IN LISTS rows)
  string(REGEX REPLACE "^\\| `([a-z]+\\.c)`.*$" "\\1" name "${row}")
  if(name IN_LIST named)
    message(SEND_ERROR "runtime/README.md has two rows for ${name}")
  elseif(NOT EXISTS ${SOURCE}/runtime/${name})
    message(SEND_ERROR "runtime/README.md has a row for ${name}, which is not there")
  endif()
  list(APPEND named ${name})
endforeach()

file(GLOB sources RELATIVE ${SOURCE}/runtime ${SOURCE}/runtime/*.c)
foreach(name IN LISTS sources)
  if(NOT name IN_LIST named)
    message(SEND_ERROR "runtime/README.md lacks a row for ${name}: say there what it has")
  endif()
endforeach()
