# The manual pages: without a mistake for groff, and complete.
#
#   SOURCE   root of the tree
#   VERSION  of the project
#   GROFF    groff, or empty

cmake_minimum_required(VERSION 3.20)

# Every public function has its line in furrow(3), and nothing else has one.
file(GLOB headers ${SOURCE}/include/furrow/*.h)
set(functions "")
foreach(header IN LISTS headers)
  file(STRINGS ${header} lines REGEX "^FURROW_API .*furrow_[a-z_]+\\(")
  foreach(line IN LISTS lines)
    string(REGEX MATCH "furrow_[a-z_]+\\(" name "${line}")
    list(APPEND functions "${name}")
  endforeach()
endforeach()
list(TRANSFORM functions REPLACE "\\(" "")
file(STRINGS ${SOURCE}/docs/man/furrow.3 lines REGEX "^[.]BR furrow_")
set(told "")
foreach(line IN LISTS lines)
  string(REGEX MATCH "furrow_[a-z_]+" name "${line}")
  list(APPEND told ${name})
endforeach()
set(missing ${functions})
list(REMOVE_ITEM missing ${told})
set(strange ${told})
list(REMOVE_ITEM strange ${functions})
if(missing)
  message(SEND_ERROR "furrow.3 does not have ${missing}")
endif()
if(strange)
  message(SEND_ERROR "furrow.3 has ${strange}, which no header declares")
endif()

foreach(page furrow.1 furrow.3)
  file(STRINGS ${SOURCE}/docs/man/${page} title REGEX "^[.]TH ")
  if(NOT title MATCHES "\"furrow ${VERSION}\"")
    message(SEND_ERROR "${page} is not of version ${VERSION}: ${title}")
  endif()
endforeach()

# Some systems have a groff without the man macros.
if(NOT GROFF)
  return()
endif()
foreach(page furrow.1 furrow.3)
  execute_process(COMMAND ${GROFF} -man -Tascii -ww -z ${SOURCE}/docs/man/${page}
                  RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(errors MATCHES "an[.]tmac|can't open")
    message(STATUS "groff is not whole here: ${errors}")
  elseif(NOT status EQUAL 0 OR NOT errors STREQUAL "")
    message(SEND_ERROR "groff says of ${page}:\n${errors}")
  endif()
endforeach()
