# The library, twice from the same objects: what programs link, and what our
# tests and the command link to reach the internals. Folders add their sources
# to furrow_objects.

# Sources that are compiled once for both.
add_library(furrow_objects OBJECT)
furrow_compile(furrow_objects)
set_target_properties(furrow_objects PROPERTIES
  C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
# Structs of some hundred bytes are cleared and copied once or twice a job; gcc's
# `rep stos` takes 30 ns to begin with (docs/performance.md).
include(CheckCCompilerFlag)
set(furrow_strategy libcall:-1:noalign)
check_c_compiler_flag("-mmemset-strategy=${furrow_strategy} -mmemcpy-strategy=${furrow_strategy}" FURROW_HAVE_MEM_STRATEGY)
if(FURROW_HAVE_MEM_STRATEGY)
  target_compile_options(furrow_objects PRIVATE
    -mmemset-strategy=${furrow_strategy} -mmemcpy-strategy=${furrow_strategy})
endif()
target_include_directories(furrow_objects PRIVATE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/runtime
  ${PROJECT_SOURCE_DIR}/backends)
target_link_libraries(furrow_objects PRIVATE PkgConfig::HWLOC Threads::Threads)

set(furrow_libraries furrow::openmp PkgConfig::HWLOC Threads::Threads ${CMAKE_DL_LIBS} m)

add_library(furrow $<TARGET_OBJECTS:furrow_objects>)
add_library(furrow::furrow ALIAS furrow)
set_target_properties(furrow PROPERTIES
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
target_compile_features(furrow INTERFACE c_std_11)
target_include_directories(furrow INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(furrow PRIVATE ${furrow_libraries})
if(BUILD_SHARED_LIBS)
  target_link_options(furrow PRIVATE LINKER:--version-script=${PROJECT_SOURCE_DIR}/cmake/furrow.map)
  # What a forked worker calls first is found here already, once, and not anew in each.
  target_link_options(furrow PRIVATE LINKER:-z,now)
  set_target_properties(furrow PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/furrow.map)
endif()
if(BUILD_SHARED_LIBS AND NOT FURROW_SANITIZE) # a sanitizer's runtime comes with the program
  target_link_options(furrow PRIVATE LINKER:--no-undefined)
endif()

# Not installed. Gives the root of the tree: #include "runtime/plan.h".
add_library(furrow_internals STATIC $<TARGET_OBJECTS:furrow_objects>)
target_include_directories(furrow_internals INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
target_link_libraries(furrow_internals PUBLIC ${furrow_libraries})

# The folder's sources, one a line.
function(furrow_sources)
  foreach(source IN LISTS ARGN)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${source})
      target_sources(furrow_objects PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/${source})
    else()
      message(WARNING "${source} is listed and not there yet")
    endif()
  endforeach()
endfunction()
