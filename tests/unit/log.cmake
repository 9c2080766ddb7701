# The log's encoder, decoder and stack trie.
add_executable(bench_log ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_log.c)
target_link_libraries(bench_log PRIVATE allocptrace_options allocptrace_log)
