# Runs an example of the documentation and compares what it prints with what
# the page says.
#
#   PROGRAM   the example
#   EXPECTED  file with its output; where there is none it must end well

cmake_minimum_required(VERSION 3.20)

# The machine of the pages: four CPUs, whatever this one has.
set(ENV{HWLOC_SYNTHETIC} "pack:1 core:4 pu:1")
execute_process(COMMAND ${PROGRAM} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "ended with ${status}:\n${output}${errors}")
endif()
if(EXISTS ${EXPECTED})
  file(READ ${EXPECTED} expected)
  if(NOT output STREQUAL expected)
    message(FATAL_ERROR "printed\n${output}\nThe page says\n${expected}\nStandard error:\n${errors}")
  endif()
endif()
