# The analyzer's parts, on records built by hand.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
foreach(name live_map mappings replay sites reports analyze_options)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE
    allocptrace_options allocptrace_analyze_core PkgConfig::CMOCKA PkgConfig::JANSSON)
  add_test(NAME unit.${name} COMMAND test_${name})
endforeach()

add_executable(bench_analyze ${PROJECT_SOURCE_DIR}/tests/bench/bench_analyze.c)
target_link_libraries(bench_analyze PRIVATE allocptrace_options allocptrace_analyze_core m)
