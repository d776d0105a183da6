# Run by cpack on the files it gathered: what Debian wants to find, where it wants to find it.
set(usr ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr)
set(doc ${usr}/share/doc/mang)
file(MAKE_DIRECTORY ${doc})
file(COPY_FILE ${CPACK_MANG_SOURCE}/packaging/debian_copyright ${doc}/copyright)

# Debian's zsh looks for the completions of packages in a place of its own.
file(MAKE_DIRECTORY ${usr}/share/zsh/vendor-completions)
file(RENAME ${usr}/share/zsh/site-functions/_mang ${usr}/share/zsh/vendor-completions/_mang)
file(REMOVE_RECURSE ${usr}/share/zsh/site-functions)

execute_process(COMMAND ${CPACK_MANG_SOURCE}/packaging/debian_changelog ${CPACK_MANG_SOURCE}/CHANGELOG.md
                OUTPUT_FILE ${doc}/changelog COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE pages ${usr}/share/man/*.1)
execute_process(COMMAND gzip -9n ${doc}/changelog ${pages} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND chmod -R u=rwX,go=rX ${usr} COMMAND_ERROR_IS_FATAL ANY)
