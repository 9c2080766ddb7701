# The tracer's own pure parts; the others are in logic.cmake.
foreach(name queue breakpoint)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c
    ${PROJECT_SOURCE_DIR}/tracer/${name}.c)
  target_link_libraries(test_${name} PRIVATE
    allocptrace_options allocptrace_log PkgConfig::CMOCKA Threads::Threads)
  add_test(NAME unit.${name} COMMAND test_${name})
endforeach()

add_executable(test_options ${CMAKE_CURRENT_LIST_DIR}/test_options.c
  ${PROJECT_SOURCE_DIR}/tracer/options.c)
target_link_libraries(test_options PRIVATE
  allocptrace_options allocptrace_log PkgConfig::CMOCKA m)
add_test(NAME unit.options COMMAND test_options)

# Looks for the roots of a child of its own.
add_executable(test_roots ${CMAKE_CURRENT_LIST_DIR}/test_roots.c)
foreach(name arch_x86_64 arch_x86_64_words ptrace_io tracee
             leaks/glibc_view leaks/roots leaks/roots_ended leaks/roots_note
             leaks/roots_threads leaks/touched)
  target_sources(test_roots PRIVATE ${PROJECT_SOURCE_DIR}/tracer/${name}.c)
endforeach()
target_include_directories(test_roots SYSTEM PRIVATE ${UTHASH_INCLUDE_DIR})
target_link_libraries(test_roots PRIVATE allocptrace_options allocptrace_leak_logic
  allocptrace_probe_logic allocptrace_symbols allocptrace_log PkgConfig::CMOCKA Threads::Threads)
add_test(NAME unit.roots COMMAND test_roots)
# AddressSanitizer gives the child its own allocator, whose memory is laid out in another way than
# the test describes.
set_tests_properties(unit.roots PROPERTIES LABELS release_only)

# Reads a child of its own.
add_executable(test_leak_memory ${CMAKE_CURRENT_LIST_DIR}/test_leak_memory.c)
foreach(name arch_x86_64 ptrace_io leaks/leak_memory leaks/touched)
  target_sources(test_leak_memory PRIVATE ${PROJECT_SOURCE_DIR}/tracer/${name}.c)
endforeach()
target_link_libraries(test_leak_memory PRIVATE
  allocptrace_options allocptrace_symbols allocptrace_log PkgConfig::CMOCKA)
add_test(NAME unit.leak_memory COMMAND test_leak_memory)
