# The search agrees with scikit-learn in every cell and has the same bits on
# every backend; the program's exit status says both.

cmake_minimum_required(VERSION 3.20)

# BLAS takes its number of threads when it is loaded.
set(ENV{OPENBLAS_NUM_THREADS} 1)
execute_process(COMMAND ${GRIDSEARCH} --gammas ${GAMMAS} --jobs 2
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
message("${output}${errors}")
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "exit status ${status}")
endif()

math(EXPR cells "7 * ${GAMMAS}")
foreach(part "\nsequential +1 +1 " "\nopenmp +2 [^\n]* yes\n" "\nBest: alpha = "
             "\n${cells} of ${cells} cells agree")
  if(NOT output MATCHES "${part}")
    message(SEND_ERROR "\"${part}\" is missing")
  endif()
endforeach()
if(GAMMAS EQUAL 10 AND NOT output MATCHES "\nBest: alpha = 0.0001, gamma = 0.125, mean squared error 0.867919\n")
  message(SEND_ERROR "not the best cell of scikit-learn")
endif()
