# The sources compile against the headers of MPICH too.

cmake_minimum_required(VERSION 3.20)

file(GLOB sources ${SOURCE}/backends/mpi/*.c)
foreach(source IN LISTS sources)
  execute_process(
    COMMAND ${C_COMPILER} -std=c11 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Wpedantic -Werror
            -I${SOURCE} -I${SOURCE}/runtime -I${SOURCE}/backends/mpi -I${SOURCE}/include -isystem ${HEADERS} ${source}
    RESULT_VARIABLE status ERROR_VARIABLE errors)
  if(NOT status EQUAL 0)
    message(SEND_ERROR "${source} does not compile with MPICH's headers:\n${errors}")
  endif()
endforeach()
