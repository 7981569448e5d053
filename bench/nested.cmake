# bench/nested: OpenBLAS inside two workers against the best limits by hand. It
# loads OpenBLAS by itself and needs nothing of the other contestants:
# include() this from any folder, once.
add_executable(bench_nested ${CMAKE_CURRENT_LIST_DIR}/nested.c)
furrow_compile(bench_nested)
target_link_libraries(bench_nested PRIVATE furrow::furrow Threads::Threads ${CMAKE_DL_LIBS})
set_target_properties(bench_nested PROPERTIES OUTPUT_NAME nested)
