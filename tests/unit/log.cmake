# The log's encoder, decoder and stack trie.
set(unit ${CMAKE_CURRENT_LIST_DIR})

add_library(log_test_files STATIC ${unit}/log_file.c ${unit}/log_samples.c)
target_link_libraries(log_test_files PUBLIC allocptrace_options allocptrace_log PkgConfig::CMOCKA)

foreach(name stack_trie log_error log_text log_create log_round_trip log_reader log_writer log_memory option_value)
  add_executable(test_${name} ${unit}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE log_test_files)
  add_test(NAME unit.${name} COMMAND test_${name})
endforeach()
# Its allocations fail one after the other.
target_link_options(test_log_memory PRIVATE
  LINKER:--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup)

# Another library reads what our writer wrote.
add_executable(write_log_samples ${unit}/write_log_samples.c)
target_link_libraries(write_log_samples PRIVATE log_test_files)
set(cbor2_python ${Python3_EXECUTABLE})
foreach(python ${Python3_EXECUTABLE} /usr/bin/python3)
  execute_process(COMMAND ${python} -c "import cbor2" RESULT_VARIABLE missing ERROR_QUIET)
  if(NOT missing)
    set(cbor2_python ${python})
    break()
  endif()
endforeach()
add_test(NAME log_interop
  COMMAND ${cbor2_python} ${PROJECT_SOURCE_DIR}/tests/log_interop.py
          $<TARGET_FILE:write_log_samples> ${PROJECT_SOURCE_DIR}/docs)
set_tests_properties(log_interop PROPERTIES SKIP_RETURN_CODE 77)

if(CMAKE_C_COMPILER_ID MATCHES "Clang")
  # The library once more with coverage for the fuzzer, which is not linked into anything else.
  get_target_property(log_sources allocptrace_log SOURCES)
  list(TRANSFORM log_sources PREPEND ${PROJECT_SOURCE_DIR}/output/log/)
  add_executable(fuzz_reader ${PROJECT_SOURCE_DIR}/tests/fuzz_reader.c ${log_sources})
  target_link_libraries(fuzz_reader PRIVATE
    allocptrace_options PkgConfig::CBOR PkgConfig::ZSTD)
  target_compile_options(fuzz_reader PRIVATE -fsanitize=fuzzer,address,undefined -g)
  target_link_options(fuzz_reader PRIVATE -fsanitize=fuzzer,address,undefined)
endif()

add_executable(bench_log ${PROJECT_SOURCE_DIR}/tests/bench/bench_log.c)
target_link_libraries(bench_log PRIVATE allocptrace_options allocptrace_log)
