function(add_symbols_test name)
  add_executable(test_${name} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/test_${name}.c ${ARGN})
  target_include_directories(test_${name} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/symbols)
  target_link_libraries(test_${name} PRIVATE
    allocptrace_options allocptrace_symbols PkgConfig::CMOCKA Threads::Threads)
  add_test(NAME unit.${name} COMMAND test_${name})
endfunction()

set(SYMBOLS_TESTS ${CMAKE_CURRENT_LIST_DIR}/symbols)
add_symbols_test(unwind ${SYMBOLS_TESTS}/own_stack.c ${SYMBOLS_TESTS}/frames.c)
# Lazy binding, so that the dynamic linker's resolver is among what is unwound.
target_link_options(test_unwind PRIVATE -Wl,-z,lazy)
target_compile_options(test_unwind PRIVATE -fno-optimize-sibling-calls)
