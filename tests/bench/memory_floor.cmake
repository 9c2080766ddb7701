# What looking at all memory of a process costs before any work of ours is done.
add_executable(bench_memory_floor ${CMAKE_CURRENT_LIST_DIR}/memory_floor.c)
target_link_libraries(bench_memory_floor PRIVATE allocptrace_options)
