# How long a leak check takes.
add_executable(bench_reach ${CMAKE_CURRENT_LIST_DIR}/bench_reach.c
  ${PROJECT_SOURCE_DIR}/tracer/arch_x86_64.c
  ${PROJECT_SOURCE_DIR}/tracer/leaks/leak_memory.c
  ${PROJECT_SOURCE_DIR}/tracer/leaks/touched.c
  ${PROJECT_SOURCE_DIR}/tracer/ptrace_io.c)
target_link_libraries(bench_reach PRIVATE
  allocptrace_options allocptrace_leak_logic allocptrace_symbols)

# What keeping the blocks that are alive costs.
add_executable(bench_live_blocks ${CMAKE_CURRENT_LIST_DIR}/bench_live_blocks.c)
target_link_libraries(bench_live_blocks PRIVATE allocptrace_options allocptrace_leak_logic)
