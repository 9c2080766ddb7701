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
