# The tracer's parts that touch no process: allocptrace_probe_logic.
foreach(name allocators glibc_chunk inflight relocate_layout seccomp_filter stop)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE
    allocptrace_options allocptrace_probe_logic PkgConfig::CMOCKA)
  add_test(NAME unit.${name} COMMAND test_${name})
endforeach()

add_executable(test_relocate
  ${CMAKE_CURRENT_LIST_DIR}/test_relocate.c ${CMAKE_CURRENT_LIST_DIR}/machine.c)
target_link_libraries(test_relocate PRIVATE
  allocptrace_options allocptrace_probe_logic PkgConfig::CMOCKA)
add_test(NAME unit.relocate COMMAND test_relocate)

add_executable(test_relocate_libc ${CMAKE_CURRENT_LIST_DIR}/test_relocate_libc.c)
target_link_libraries(test_relocate_libc PRIVATE
  allocptrace_options allocptrace_probe_logic PkgConfig::CAPSTONE PkgConfig::CMOCKA
  PkgConfig::ELFUTILS)
add_test(NAME unit.relocate_libc COMMAND test_relocate_libc)

# What decides about leaks: allocptrace_leak_logic.
foreach(name areas block_index glibc_heap live_blocks reach reach_heuristics reach_nested
             reach_random)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE
    allocptrace_options allocptrace_leak_logic PkgConfig::CMOCKA)
  add_test(NAME unit.${name} COMMAND test_${name})
endforeach()
foreach(name reach reach_heuristics reach_nested reach_random)
  target_sources(test_${name} PRIVATE ${CMAKE_CURRENT_LIST_DIR}/reach_heap.c)
endforeach()
target_sources(test_glibc_heap PRIVATE ${CMAKE_CURRENT_LIST_DIR}/glibc_world.c)
