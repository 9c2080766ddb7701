set(SYMBOLS_TESTS ${CMAKE_CURRENT_LIST_DIR}/symbols)
set(SYMBOLS_FIXTURES ${CMAKE_CURRENT_BINARY_DIR}/symbols_fixtures)
find_program(XZ_PROGRAM xz REQUIRED)

function(add_symbols_test name)
  add_executable(test_${name} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/test_${name}.c ${ARGN})
  target_include_directories(test_${name} PRIVATE ${SYMBOLS_TESTS})
  target_compile_definitions(test_${name} PRIVATE FIXTURES="${SYMBOLS_FIXTURES}")
  target_link_libraries(test_${name} PRIVATE
    allocptrace_options allocptrace_symbols PkgConfig::CMOCKA PkgConfig::ELFUTILS
    Threads::Threads)
  add_dependencies(test_${name} symbols_fixtures)
  add_test(NAME unit.${name} COMMAND test_${name})
endfunction()

# ---- Fixtures: one program, and what packagers make of it ----

set(SYMBOLS_FIXTURE_FILES)
# Compiled by hand, since the fixtures differ in flags that a target has one set of.
function(add_symbols_fixture output source compiler)
  add_custom_command(OUTPUT ${SYMBOLS_FIXTURES}/${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${SYMBOLS_FIXTURES}
    COMMAND ${compiler} ${ARGN} ${SYMBOLS_TESTS}/${source} -o ${SYMBOLS_FIXTURES}/${output}
    DEPENDS ${SYMBOLS_TESTS}/${source} VERBATIM)
  set(SYMBOLS_FIXTURE_FILES ${SYMBOLS_FIXTURE_FILES} ${SYMBOLS_FIXTURES}/${output} PARENT_SCOPE)
endfunction()

set(NAMED_FLAGS -O2 -g -fPIE -pie -Wall -Wextra)
add_symbols_fixture(named named.cc ${CMAKE_CXX_COMPILER} ${NAMED_FLAGS} -Wl,--build-id)
add_symbols_fixture(named_dwarf4 named.cc ${CMAKE_CXX_COMPILER} ${NAMED_FLAGS} -gdwarf-4
  -Wl,--build-id=none)
find_program(CLANGXX_PROGRAM clang++)
if(CLANGXX_PROGRAM)
  # Has no .debug_aranges.
  add_symbols_fixture(named_clang named.cc ${CLANGXX_PROGRAM} ${NAMED_FLAGS})
endif()
add_symbols_fixture(plt_plain calls.c ${CMAKE_C_COMPILER} -O1 -fPIE -pie -fcf-protection=none
  -Wl,-z,lazy)
add_symbols_fixture(plt_sec calls.c ${CMAKE_C_COMPILER} -O1 -fPIE -pie -fcf-protection=full
  -Wl,-z,lazy -Wl,-z,ibtplt)
add_symbols_fixture(plt_got calls.c ${CMAKE_C_COMPILER} -O1 -fPIE -pie -Wl,-z,now)
add_symbols_fixture(fixed calls.c ${CMAKE_C_COMPILER} -O1 -fno-pie -no-pie)
set(DUMPER_FLAGS -O2 -g -I${SYMBOLS_TESTS})
add_symbols_fixture(dumper_static dumper.c ${CMAKE_C_COMPILER} ${DUMPER_FLAGS} -static)
find_program(MUSL_GCC_PROGRAM musl-gcc)
if(MUSL_GCC_PROGRAM)
  add_symbols_fixture(dumper_musl_static dumper.c ${MUSL_GCC_PROGRAM} ${DUMPER_FLAGS} -static)
  add_symbols_fixture(dumper_musl dumper.c ${MUSL_GCC_PROGRAM} ${DUMPER_FLAGS})
endif()

add_custom_command(
  OUTPUT ${SYMBOLS_FIXTURES}/variants
  WORKING_DIRECTORY ${SYMBOLS_FIXTURES}
  DEPENDS ${SYMBOLS_FIXTURES}/named ${SYMBOLS_FIXTURES}/named_dwarf4
    ${SYMBOLS_TESTS}/make_variants.sh
  COMMAND sh ${SYMBOLS_TESTS}/make_variants.sh ${CMAKE_OBJCOPY} ${CMAKE_STRIP} ${XZ_PROGRAM}
  VERBATIM)
add_custom_target(symbols_fixtures
  DEPENDS ${SYMBOLS_FIXTURE_FILES} ${SYMBOLS_FIXTURES}/variants)

# ---- Tests ----

add_symbols_test(proc_maps)
add_symbols_test(elf_file)
add_symbols_test(variables)
add_symbols_test(symbolize)
if(CLANGXX_PROGRAM)
  target_compile_definitions(test_symbolize PRIVATE HAVE_CLANG)
endif()
add_symbols_test(unwind ${SYMBOLS_TESTS}/own_stack.c ${SYMBOLS_TESTS}/frames.c)
# Lazy binding, so that the dynamic linker's resolver is among what is unwound.
target_link_options(test_unwind PRIVATE -Wl,-z,lazy)
target_compile_options(test_unwind PRIVATE -fno-optimize-sibling-calls)
add_symbols_test(unwind_spaces ${SYMBOLS_TESTS}/own_stack.c ${SYMBOLS_TESTS}/frames.c)
add_symbols_test(unwind_code)
if(MUSL_GCC_PROGRAM)
  target_compile_definitions(test_unwind_code PRIVATE HAVE_MUSL)
endif()

# ---- Benchmark ----

add_executable(bench_unwind ${PROJECT_SOURCE_DIR}/tests/bench/bench_unwind.c
  ${SYMBOLS_TESTS}/own_stack.c ${SYMBOLS_TESTS}/frames.c)
target_include_directories(bench_unwind PRIVATE ${SYMBOLS_TESTS})
target_compile_options(bench_unwind PRIVATE -fno-optimize-sibling-calls)
target_link_libraries(bench_unwind PRIVATE
  allocptrace_options allocptrace_symbols PkgConfig::CMOCKA)

# AddressSanitizer wraps qsort and keeps locals off the stack, and its build keeps frame pointers,
# which lead on where a test takes all unwind information away: the stacks that these tests copy
# are then not those that they describe.
set_tests_properties(unit.unwind unit.unwind_spaces PROPERTIES LABELS release_only)
