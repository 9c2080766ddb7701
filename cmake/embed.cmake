# embed_text(TARGET NAME FILE): the text of FILE becomes part of TARGET as a string,
#     extern const char NAME[];
# FILE is relative to the current source folder.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
  function(embed_text target name file)
    set(text ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${source}
      COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DTEXT=${text} -DSOURCE=${source} -P ${EMBED_SCRIPT}
      DEPENDS ${text} ${EMBED_SCRIPT} VERBATIM)
    target_sources(${target} PRIVATE ${source})
  endfunction()
  return()
endif()

# As a script: writes SOURCE. A string literal would be cut: compilers need not take long ones.
file(READ ${TEXT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)"
       "\\1\n" bytes "${bytes}")
file(WRITE ${SOURCE} "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0};\n")
