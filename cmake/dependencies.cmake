# What furrow is built on. None of it shows in its public headers.

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWLOC REQUIRED IMPORTED_TARGET GLOBAL hwloc>=2.0)

# The OpenMP runtime alone: the compiler flags are for backends/openmp only,
# and a static libfurrow needs the runtime in C++ and Fortran programs too.
# furrowConfig.cmake makes a target of the same name.
add_library(furrow::openmp INTERFACE IMPORTED GLOBAL)
set_target_properties(furrow::openmp PROPERTIES INTERFACE_LINK_LIBRARIES "${OpenMP_C_LIBRARIES}")

# For libfurrow_mpi alone. Its C++ bindings are nobody's business.
if(FURROW_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI COMPONENTS C)
  if(NOT MPI_C_FOUND)
    message(FATAL_ERROR "MPI was not found; install one (libopenmpi-dev), set MPI_C_COMPILER to its "
                        "compiler, or leave it out with -D FURROW_MPI=OFF")
  endif()
endif()
