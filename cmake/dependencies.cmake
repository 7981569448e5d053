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
