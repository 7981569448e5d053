# What `cmake --install` gives: headers, library, command, documentation, CMake
# package and pkg-config file.

include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/furrow)

if(FURROW_MPI)
  set(headers_left_out "")
else()
  set(headers_left_out PATTERN "mpi.h" EXCLUDE)
endif()
install(DIRECTORY include/furrow DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" ${headers_left_out})
install(TARGETS furrow EXPORT furrowTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS furrow_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES LICENSE README.md CHANGELOG.md CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR}
        FILES_MATCHING PATTERN "*.md" PATTERN "*.[13]")
install(DIRECTORY slurm DESTINATION ${CMAKE_INSTALL_DOCDIR}
        FILES_MATCHING PATTERN "*.md" PATTERN "*.sbatch")
install(FILES docs/man/furrow.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/man/furrow.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)

if(FURROW_MPI) # an export of its own: only who asks for it needs MPI
  install(TARGETS furrow_mpi EXPORT furrowMpiTargets
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(TARGETS furrow_ranks RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(EXPORT furrowMpiTargets NAMESPACE furrow:: DESTINATION ${package_folder})
endif()

install(EXPORT furrowTargets NAMESPACE furrow:: DESTINATION ${package_folder})
configure_package_config_file(cmake/furrowConfig.cmake.in furrowConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
# 0.x: a minor version may change the interface.
write_basic_package_version_file(furrowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/furrowConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/furrowConfigVersion.cmake
        DESTINATION ${package_folder})

# Programs of a static libfurrow link what it uses (pkg-config --static);
# programs of the shared one need none of it, not even its .pc files.
set(pc_libs_private "")
if(NOT BUILD_SHARED_LIBS)
  list(JOIN HWLOC_LDFLAGS " " hwloc_flags)
  set(openmp_libraries ${OpenMP_C_LIBRARIES})
  list(FILTER openmp_libraries EXCLUDE REGEX "pthread") # -pthread says it better
  list(JOIN openmp_libraries " " openmp_libraries)
  set(pc_libs_private "${hwloc_flags} ${openmp_libraries} -pthread -ldl -lm")
endif()
# Relative to the .pc file, so that an installed tree can be moved.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
  string(REGEX REPLACE "[^/]+" ".." pc_prefix "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  set(pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
configure_file(cmake/furrow.pc.in furrow.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/furrow.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(FURROW_MPI)
  configure_file(cmake/furrow-mpi.pc.in furrow-mpi.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/furrow-mpi.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
