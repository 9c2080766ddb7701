# What a breakpoint costs before any work of ours is done.
add_executable(bench_null_stop ${CMAKE_CURRENT_LIST_DIR}/null_stop.c)
target_link_libraries(bench_null_stop PRIVATE allocptrace_options)
