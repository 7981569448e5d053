# furrow_add_test(<name> <source>... [options]): one program, one ctest entry
# <folder>.<name>, with a deadline and an environment of its own.
#
#   CRITERION    a Criterion program; reaches the internals. Left out under
#                ThreadSanitizer, where Criterion does not start
#   INTERNALS    a plain main program that reaches the internals
#                (with neither: a plain main program of the public library)
#   ARGS ...     command line
#   RUNS word... one entry <folder>.<word> for each word, with that word as
#                command line, instead of the one above
#   LABELS ...   labels beside the folder's name
#   LINK ...     further libraries
#   TIMEOUT s    seconds without a sanitizer, default 60
#
# furrow_add_script(<name> <script.cmake> [VAR=value...] [TIMEOUT s]): the same
# for a CMake script.

pkg_check_modules(CRITERION REQUIRED IMPORTED_TARGET criterion)

# What a developer may have set and no test shall see.
set(furrow_unset_variables
  FURROW_BACKEND FURROW_BATCH FURROW_BIND FURROW_DEADLINE_MARGIN FURROW_INNER_THREADS FURROW_JOBS FURROW_LOG
  FURROW_MAX_CPUS FURROW_PROGRESS FURROW_RETRIES FURROW_STOP_SIGNAL FURROW_THREAD_LEVELS FURROW_TIMEOUT FURROW_UNIT
  OMP_CANCELLATION OMP_DISPLAY_ENV OMP_DYNAMIC OMP_MAX_ACTIVE_LEVELS OMP_NESTED OMP_NUM_THREADS
  OMP_PLACES OMP_PROC_BIND OMP_SCHEDULE OMP_STACKSIZE OMP_THREAD_LIMIT OMP_WAIT_POLICY
  GOMP_CPU_AFFINITY GOMP_SPINCOUNT KMP_AFFINITY KMP_BLOCKTIME KMP_HW_SUBSET
  OPENBLAS_NUM_THREADS MKL_NUM_THREADS BLIS_NUM_THREADS
  HWLOC_XMLFILE HWLOC_SYNTHETIC HWLOC_COMPONENTS)
if(NOT FURROW_SANITIZE STREQUAL "thread")
  list(APPEND furrow_unset_variables OMP_TOOL OMP_TOOL_LIBRARIES)
endif()

set(furrow_test_environment "")
set(furrow_timeout_factor 1)
if(FURROW_SANITIZE STREQUAL "thread")
  # Archer tells ThreadSanitizer what OpenMP's own synchronisation orders.
  # It must belong to the OpenMP runtime in use, so it is sought beside it.
  file(REAL_PATH "${OpenMP_omp_LIBRARY}" openmp_runtime)
  cmake_path(GET openmp_runtime PARENT_PATH openmp_folder)
  find_library(ARCHER_LIBRARY archer HINTS ${openmp_folder})
  if(NOT ARCHER_LIBRARY)
    message(FATAL_ERROR "libarcher.so was not found; install libomp-dev (LLVM's OpenMP) "
                        "or set ARCHER_LIBRARY to its path")
  endif()
  # It loses track of the teams of nested regions unless they are kept (LLVM 14:
  # false races, and crashes of its own, in programs of OpenMP alone); those that
  # are kept outlive the thread that had them, which is no leak of ours.
  set(furrow_test_environment
    "OMP_TOOL=enabled" "OMP_TOOL_LIBRARIES=${ARCHER_LIBRARY}"
    "KMP_HOT_TEAMS_MAX_LEVEL=5" "KMP_HOT_TEAMS_MODE=1"
    "TSAN_OPTIONS=ignore_noninstrumented_modules=1:report_thread_leaks=0:halt_on_error=0:exitcode=66")
  set(furrow_timeout_factor 5)
elseif(FURROW_SANITIZE STREQUAL "address")
  set(furrow_test_environment
    "ASAN_OPTIONS=detect_stack_use_after_return=1" "UBSAN_OPTIONS=print_stacktrace=1")
  set(furrow_timeout_factor 3)
endif()

function(furrow_test_properties test timeout)
  math(EXPR deadline "${timeout} * ${furrow_timeout_factor}")
  list(TRANSFORM furrow_unset_variables APPEND "=unset:" OUTPUT_VARIABLE unset)
  set_tests_properties(${test} PROPERTIES
    TIMEOUT ${deadline} LABELS "${ARGN}"
    ENVIRONMENT "${furrow_test_environment}" ENVIRONMENT_MODIFICATION "${unset}"
    SKIP_RETURN_CODE 77)
endfunction()

function(furrow_add_test name)
  cmake_parse_arguments(arg "CRITERION;INTERNALS" "TIMEOUT" "ARGS;RUNS;LABELS;LINK" ${ARGN})
  if(arg_CRITERION AND FURROW_SANITIZE STREQUAL "thread")
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)

  set(target ${folder}_${name})
  add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
  furrow_compile(${target})
  if(arg_CRITERION OR arg_INTERNALS)
    target_link_libraries(${target} PRIVATE furrow_internals)
  else()
    target_link_libraries(${target} PRIVATE furrow::furrow Threads::Threads m)
  endif()
  if(arg_CRITERION)
    target_link_libraries(${target} PRIVATE PkgConfig::CRITERION)
  endif()
  target_link_libraries(${target} PRIVATE ${arg_LINK})

  if(NOT arg_RUNS)
    add_test(NAME ${folder}.${name} COMMAND ${target} ${arg_ARGS})
    furrow_test_properties(${folder}.${name} ${arg_TIMEOUT} ${folder} ${arg_LABELS})
  endif()
  foreach(run IN LISTS arg_RUNS)
    add_test(NAME ${folder}.${run} COMMAND ${target} ${run})
    furrow_test_properties(${folder}.${run} ${arg_TIMEOUT} ${folder} ${arg_LABELS})
  endforeach()
endfunction()

function(furrow_add_script name script)
  cmake_parse_arguments(arg "" "TIMEOUT" "" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME folder)
  list(TRANSFORM arg_UNPARSED_ARGUMENTS PREPEND "-D" OUTPUT_VARIABLE definitions)
  add_test(NAME ${folder}.${name}
    COMMAND ${CMAKE_COMMAND} ${definitions} -P ${CMAKE_CURRENT_SOURCE_DIR}/${script})
  furrow_test_properties(${folder}.${name} ${arg_TIMEOUT} ${folder})
endfunction()
