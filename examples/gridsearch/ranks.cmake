# On two ranks the search has the same bits as on one CPU.

cmake_minimum_required(VERSION 3.20)

set(ENV{OPENBLAS_NUM_THREADS} 1)
set(ENV{OMPI_ALLOW_RUN_AS_ROOT} 1)
set(ENV{OMPI_ALLOW_RUN_AS_ROOT_CONFIRM} 1)
set(ENV{OMPI_MCA_rmaps_base_oversubscribe} 1)
set(ENV{OMPI_MCA_hwloc_base_binding_policy} none)
separate_arguments(launcher UNIX_COMMAND "${LAUNCHER}")
execute_process(COMMAND ${launcher} 2 ${GRIDSEARCH} --gammas 1 --backend mpi
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)
message("${output}${errors}")
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "exit status ${status}")
endif()
foreach(part "\nsequential +1 +1 " "\nmpi +2 [^\n]* yes\n" "\n7 of 7 cells agree")
  if(NOT output MATCHES "${part}")
    message(SEND_ERROR "\"${part}\" is missing")
  endif()
endforeach()
