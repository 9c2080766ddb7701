# The analyzer's parts, on records built by hand.
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
foreach(name
    analyze_options
    csv
    frame_tree
    gate
    heaptrack_events
    history
    leak_checks
    leak_paths
    live_map
    mappings
    markup
    plot_scale
    replay
    replay_found
    replay_life
    reports
    sites
    suppressed_stacks
    valgrind_exports)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE
    allocptrace_options allocptrace_analyze_core PkgConfig::CMOCKA PkgConfig::JANSSON)
  add_test(NAME unit.${name} COMMAND test_${name})
endforeach()

add_executable(bench_analyze ${PROJECT_SOURCE_DIR}/tests/bench/bench_analyze.c
  ${PROJECT_SOURCE_DIR}/tests/bench/synthetic_log.c)
target_link_libraries(bench_analyze PRIVATE allocptrace_options allocptrace_analyze_core m)
add_executable(make_log ${PROJECT_SOURCE_DIR}/tests/bench/make_log.c
  ${PROJECT_SOURCE_DIR}/tests/bench/synthetic_log.c)
target_link_libraries(make_log PRIVATE allocptrace_options allocptrace_log)

# The analyzer and its libraries once more under clang's fuzzer, whichever compiler the rest has.
find_program(CLANG clang)
if(CLANG AND NOT ALLOCPTRACE_SANITIZE)
  set(fuzzed ${PROJECT_SOURCE_DIR}/tests/fuzz_analyze.c)
  foreach(library allocptrace_log allocptrace_analyze_core)
    get_target_property(folder ${library} SOURCE_DIR)
    get_target_property(names ${library} SOURCES)
    list(TRANSFORM names PREPEND ${folder}/ REGEX "^[^/]")
    list(APPEND fuzzed ${names})
  endforeach()
  get_target_property(generated allocptrace_pprof_format INTERFACE_SYSTEM_INCLUDE_DIRECTORIES)
  list(APPEND fuzzed ${generated}/pprof.pb-c.c)
  set(fuzzer ${CMAKE_CURRENT_BINARY_DIR}/fuzz_analyze)
  add_custom_command(OUTPUT ${fuzzer}
    COMMAND ${CLANG} -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined
            -fno-sanitize-recover=undefined -D_GNU_SOURCE
            -DALLOCPTRACE_VERSION="${PROJECT_VERSION}" -I${PROJECT_SOURCE_DIR}
            -isystem ${UTHASH_INCLUDE_DIR} -isystem ${generated} -o ${fuzzer} ${fuzzed}
            ${CBOR_LDFLAGS} ${ZSTD_LDFLAGS} ${JANSSON_LDFLAGS}
            ${PROTOBUF_C_LDFLAGS} ${ZLIB_LDFLAGS} ${SQLITE_LDFLAGS} -lm
    DEPENDS ${fuzzed} allocptrace_analyze_core VERBATIM)
  add_custom_target(fuzz_analyze_program ALL DEPENDS ${fuzzer})
  add_test(NAME fuzz.analyze
    COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tests/fuzz_smoke.py ${fuzzer}
            $<TARGET_FILE:allocptrace> ${CMAKE_BINARY_DIR}/fixtures)
  set_tests_properties(fuzz.analyze PROPERTIES TIMEOUT 300)
endif()
