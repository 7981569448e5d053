# Every public header compiles alone, as C11 and as C++17, without a warning.

cmake_minimum_required(VERSION 3.20)

set(flags -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I${INCLUDE})
file(GLOB headers RELATIVE ${INCLUDE} ${INCLUDE}/furrow/*.h)
if(MPI) # its folders; "": built without
  string(REPLACE ":" ";" folders "${MPI}")
  foreach(folder IN LISTS folders)
    list(APPEND flags -isystem ${folder})
  endforeach()
  list(APPEND flags -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX)
else()
  list(REMOVE_ITEM headers furrow/mpi.h)
endif()
if(NOT headers)
  message(FATAL_ERROR "no header in ${INCLUDE}/furrow")
endif()

function(must_compile header)
  # An empty file before it: the header is included, not compiled as a main file.
  execute_process(COMMAND ${ARGN} ${flags} -include ${header} /dev/null
                  RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(SEND_ERROR "${header} does not compile with ${command}:\n${errors}")
  endif()
endfunction()

foreach(header IN LISTS headers)
  must_compile(${header} ${C_COMPILER} -std=c11 -Wstrict-prototypes -x c)
  must_compile(${header} ${CXX_COMPILER} -std=c++17 -x c++)
endforeach()
