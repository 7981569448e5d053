# Installs into a fresh prefix and builds a user's project from it, in C11 and
# C++17, through the CMake package and through pkg-config; then the same with a
# static library, which must bring along what it is built on.

cmake_minimum_required(VERSION 3.20)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}\nended with ${status}:\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(must_run program)
  run(${program})
  if(NOT output STREQUAL "squares\n")
    message(FATAL_ERROR "${program} printed \"${output}\"")
  endif()
endfunction()

set(consumer ${SOURCE}/tests/package/consumer)
set(toolchain -G ${GENERATOR} -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER})

# by_package(<prefix> <build folder>)
function(by_package prefix build)
  run(${CMAKE_COMMAND} -S ${consumer} -B ${build} ${toolchain} -DCMAKE_PREFIX_PATH=${prefix} -DMPI=${MPI})
  run(${CMAKE_COMMAND} --build ${build})
  must_run(${build}/in_c)
  must_run(${build}/in_cxx)
  if(MPI)
    must_run(${build}/on_ranks)
  endif()
endfunction()

# by_pkg_config(<prefix> <build folder> [--static]): the flags as a user's
# Makefile gets them
function(by_pkg_config prefix build)
  file(GLOB_RECURSE pc ${prefix}/furrow.pc)
  cmake_path(GET pc PARENT_PATH folder)
  set(ENV{PKG_CONFIG_PATH} ${folder})
  run(${PKG_CONFIG} --modversion furrow)
  if(NOT output STREQUAL "${VERSION}\n")
    message(FATAL_ERROR "furrow.pc has version ${output}")
  endif()
  run(${PKG_CONFIG} --cflags --libs ${ARGN} furrow)
  separate_arguments(flags UNIX_COMMAND "${output}")
  cmake_path(GET folder PARENT_PATH libraries)
  file(MAKE_DIRECTORY ${build})
  run(${C_COMPILER} -std=c11 ${consumer}/main.c -o ${build}/in_c ${flags} -Wl,-rpath,${libraries})
  run(${CXX_COMPILER} -std=c++17 ${consumer}/main.cpp -o ${build}/in_cxx ${flags} -Wl,-rpath,${libraries})
  must_run(${build}/in_c)
  must_run(${build}/in_cxx)
  if(MPI)
    run(${PKG_CONFIG} --cflags --libs ${ARGN} furrow-mpi)
    separate_arguments(flags UNIX_COMMAND "${output}")
    run(${MPICC} -std=c11 ${consumer}/ranks.c -o ${build}/on_ranks ${flags} -Wl,-rpath,${libraries})
    must_run(${build}/on_ranks)
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK}/shared ${WORK}/static)

set(prefix ${WORK}/shared/prefix)
run(${CMAKE_COMMAND} --install ${BINARY} --prefix ${prefix})
run(${prefix}/bin/furrow --version)
if(NOT output STREQUAL "furrow ${VERSION}\n")
  message(FATAL_ERROR "the installed command says \"${output}\"")
endif()
by_package(${prefix} ${WORK}/shared/package)
by_pkg_config(${prefix} ${WORK}/shared/pkg-config)

set(prefix ${WORK}/static/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/static/library ${toolchain} -DCMAKE_BUILD_TYPE=Debug
    -DCMAKE_INSTALL_PREFIX=${prefix}
    -DBUILD_SHARED_LIBS=OFF -DFURROW_MPI=${MPI} -DBUILD_TESTING=OFF -DFURROW_EXAMPLES=OFF)
run(${CMAKE_COMMAND} --build ${WORK}/static/library)
run(${CMAKE_COMMAND} --install ${WORK}/static/library)
by_package(${prefix} ${WORK}/static/package)
by_pkg_config(${prefix} ${WORK}/static/pkg-config --static)
