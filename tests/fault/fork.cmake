# Workers that die, are killed, or cannot be made; plain main programs, each with
# fault.c and the checks that all processes make.
set(fault fault.c ${PROJECT_SOURCE_DIR}/tests/common/forkcheck.c)

set(fault_tests
  fork_deaths
  fork_drained
  fork_ends
  fork_limits
  fork_oom
  fork_refused
  fork_view
  own_fork
)

foreach(test IN LISTS fault_tests)
  furrow_add_test(${test} ${test}.c ${fault})
endforeach()

# What tests may turn is inside.
furrow_add_test(fork_outputs fork_outputs.c ${fault} INTERNALS)

furrow_add_test(fork_stack fork_stack.c ${fault})
add_test(NAME fault.fork_stack_unlimited COMMAND fault_fork_stack unlimited)
furrow_test_properties(fault.fork_stack_unlimited 60 fault)

# The library once more, with a point before every atomic operation. OpenMP's
# flags for all: only openmp.c has constructs.
get_target_property(furrow_all_sources furrow_objects SOURCES)
add_library(fault_stepped OBJECT ${furrow_all_sources})
furrow_compile(fault_stepped)
target_include_directories(fault_stepped PRIVATE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/runtime
  ${PROJECT_SOURCE_DIR}/backends)
target_compile_options(fault_stepped PRIVATE
  -include ${CMAKE_CURRENT_SOURCE_DIR}/points.h ${OpenMP_C_FLAGS})
target_link_libraries(fault_stepped PRIVATE PkgConfig::HWLOC Threads::Threads)

add_executable(fault_fork_steps fork_steps.c ${fault} $<TARGET_OBJECTS:fault_stepped>)
furrow_compile(fault_fork_steps)
target_include_directories(fault_fork_steps PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
target_link_libraries(fault_fork_steps PRIVATE ${furrow_libraries})
target_link_options(fault_fork_steps PRIVATE LINKER:--wrap=fw_fork_worker)
if(FURROW_SANITIZE) # forks are slow there
  add_test(NAME fault.fork_steps COMMAND fault_fork_steps 60)
else()
  add_test(NAME fault.fork_steps COMMAND fault_fork_steps 8)
endif()
furrow_test_properties(fault.fork_steps 120 fault)

furrow_add_test(fork_soak fork_soak.c ${fault} ARGS 60 TIMEOUT 120)

furrow_add_test(fork_openmp fork_openmp.c ${fault} LINK furrow::openmp)
set_source_files_properties(fork_openmp.c PROPERTIES COMPILE_OPTIONS "${OpenMP_C_FLAGS}")

# Each build of OpenBLAS that is there. A sanitizer sees leaks in it.
if(NOT FURROW_SANITIZE)
  furrow_add_test(fork_blas fork_blas.c ${fault} LINK ${CMAKE_DL_LIBS} ARGS libopenblas.so.0)
  foreach(build pthread openmp)
    find_library(OPENBLAS_${build} NAMES libopenblas.so.0 PATH_SUFFIXES openblas-${build} NO_CACHE)
    if(OPENBLAS_${build})
      add_test(NAME fault.fork_blas_${build} COMMAND fault_fork_blas ${OPENBLAS_${build}})
      furrow_test_properties(fault.fork_blas_${build} 60 fault)
    endif()
  endforeach()
endif()
