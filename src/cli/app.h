// The command line as a whole: parse, run the chosen command, turn its outcome into an exit code.
#pragma once

namespace mang::cli {

int run_command_line(int argc, char** argv);

}  // namespace mang::cli
