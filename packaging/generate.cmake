# Writes what the program tells of itself, in the places where systems look for it: man pages and completions.
#   cmake -DMANG=PROGRAM -DOUT=FOLDER [-DCOMPRESS=gzip] -P generate.cmake
file(REMOVE_RECURSE ${OUT})

# told(FILE ARGUMENT …): what `mang ARGUMENT …` writes.
function(told file)
  get_filename_component(folder ${OUT}/${file} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  execute_process(COMMAND ${CMAKE_COMMAND} -E env LC_ALL=C.UTF-8 LANGUAGE= ${MANG} ${ARGN}
                  OUTPUT_FILE ${OUT}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

execute_process(COMMAND ${MANG} manual --list OUTPUT_VARIABLE pages COMMAND_ERROR_IS_FATAL ANY
                OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REPLACE "\n" ";" pages "${pages}")
foreach(page ${pages})
  told(man/man1/${page}.1 manual ${page})
endforeach()
told(bash-completion/completions/mang completion bash)
told(zsh/site-functions/_mang completion zsh)
told(fish/vendor_completions.d/mang.fish completion fish)
