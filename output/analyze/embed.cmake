# SPDX-License-Identifier: MIT
# embed_texts(VARIABLE FILE...): makes a C source that holds each FILE as a terminated string,
# NAME.EXT as text_NAME_EXT (declared in output/analyze/embedded.h), and appends it to VARIABLE.
# The source is called VARIABLE.c.
# As a script (cmake -DOUT=... -DFILES=A,B -P embed.cmake) it writes that source.
function(embed_texts variable)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${variable}.c)
  set(files)
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND files ${file})
  endforeach()
  list(JOIN files "," joined)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFILES=${joined}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${files} ${CMAKE_CURRENT_FUNCTION_LIST_FILE} VERBATIM)
  set(${variable} ${${variable}} ${out} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  string(REPLACE "," ";" files "${FILES}")
  set(code "#include \"output/analyze/embedded.h\"\n")
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME)
    string(MAKE_C_IDENTIFIER ${name} name)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND code "const char text_${name}[] = {\n${bytes}0};\n")
  endforeach()
  file(WRITE ${OUT} "${code}")
endif()
