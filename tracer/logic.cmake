# The parts of the tracer that touch no process; unit tests link them.
add_library(allocptrace_probe_logic STATIC
  allocator_table.c
  allocators.c
  glibc_chunk.c
  inflight.c
  relocate.c
  seccomp_filter.c
  stop.c)
target_include_directories(allocptrace_probe_logic SYSTEM PRIVATE ${UTHASH_INCLUDE_DIR})
target_link_libraries(allocptrace_probe_logic PUBLIC allocptrace_log
  PRIVATE allocptrace_options PkgConfig::CAPSTONE)

# What decides about leaks, apart from how memory is read.
add_library(allocptrace_leak_logic STATIC
  leaks/areas.c
  leaks/block_index.c
  leaks/glibc_cache.c
  leaks/glibc_chunks.c
  leaks/glibc_find.c
  leaks/glibc_heap.c
  leaks/glibc_mapped.c
  leaks/glibc_pieces.c
  leaks/glibc_reader.c
  leaks/large_array.c
  leaks/live_blocks.c
  leaks/reach.c
  leaks/reach_heuristics.c
  leaks/reach_pages.c
  leaks/reach_scan.c)
target_link_libraries(allocptrace_leak_logic PUBLIC allocptrace_log
  PRIVATE allocptrace_options allocptrace_probe_logic)
