# The output that README.md quotes, whatever runs it; and what a variable
# without meaning gives.

cmake_minimum_required(VERSION 3.20)

# pi(<exit status> <standard output> <standard error>), the last two as regular
# expressions; with variables of the environment.
function(pi expected_status expected_output expected_errors)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env ${ARGN} ${PI}
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT status STREQUAL expected_status OR NOT output MATCHES "^${expected_output}$"
     OR NOT errors MATCHES "^${expected_errors}$")
    message(SEND_ERROR "pi with ${ARGN}: exit status ${status}\n${output}${errors}")
  endif()
endfunction()

foreach(environment
    "FURROW_BACKEND=sequential"
    "FURROW_BACKEND=openmp;FURROW_JOBS=2"
    "FURROW_BACKEND=openmp;FURROW_JOBS=3;FURROW_BATCH=7"
    "FURROW_LOG=warn")
  pi(0 "pi is about 3\\.1416\n" "" ${environment})
endforeach()
pi(1 "" "pi: [^\n]*FURROW_JOBS[^\n]*0[^\n]*\n" FURROW_JOBS=0)
pi(1 "" "pi: [^\n]*hadron[^\n]*\n" FURROW_BACKEND=hadron)
