# What the tests of the `furrow` command share.

# furrow(<exit status> <argument>...): sets output and errors.
function(furrow expected)
  execute_process(COMMAND ${FURROW} ${ARGN}
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT status STREQUAL expected)
    message(SEND_ERROR "furrow ${ARGN}: exit status ${status}, not ${expected}\n${output}${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
  set(errors "${errors}" PARENT_SCOPE)
endfunction()

function(must_contain text part what)
  string(FIND "${text}" "${part}" at)
  if(at LESS 0)
    message(SEND_ERROR "${what}: \"${part}\" is missing in:\n${text}")
  endif()
endfunction()

function(must_equal value expected what)
  if(NOT value STREQUAL expected)
    message(SEND_ERROR "${what} is \"${value}\", not \"${expected}\"")
  endif()
endfunction()

# One line on standard error that starts with "furrow: ", nothing on standard output.
function(must_be_one_error what)
  if(NOT errors MATCHES "^furrow: [^\n]+\n$" OR NOT output STREQUAL "")
    message(SEND_ERROR "${what}: expected one line of error, got:\n${errors}${output}")
  endif()
endfunction()
