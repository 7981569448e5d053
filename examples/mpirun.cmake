# A program prints the same alone and on two ranks, whatever they are called.

cmake_minimum_required(VERSION 3.20)

set(ENV{OMPI_ALLOW_RUN_AS_ROOT} 1)
set(ENV{OMPI_ALLOW_RUN_AS_ROOT_CONFIRM} 1)
set(ENV{OMPI_MCA_rmaps_base_oversubscribe} 1)
separate_arguments(launcher UNIX_COMMAND "${LAUNCHER}")
foreach(ranks 0 1 2)
  set(command ${PROGRAM})
  if(ranks GREATER 0)
    set(command ${launcher} ${ranks} ${PROGRAM})
  endif()
  execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT status STREQUAL "0" OR NOT output STREQUAL "${EXPECTED}\n")
    message(SEND_ERROR "with ${ranks} ranks: status ${status}, \"${output}\", not \"${EXPECTED}\"\n${errors}")
  endif()
endforeach()
